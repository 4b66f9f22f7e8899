"""The tray: what its colour says, what its menu does, and frpc beside the service."""

import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from jqfollow.cli import tray
from jqfollow.cli.keeper import Child, Kept, State, ask_to_end
from jqfollow.cli.tray import Light, Look, Tray
from jqfollow.clock import SHANGHAI
from jqfollow.ledger.ledger import Ledger
from jqfollow.settings import Settings

NOON = datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)


class Plays:
    """A service that runs until it is ended."""

    def __init__(self) -> None:
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def last_lines(self) -> Sequence[str]:
        return ["配置有误"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings.model_validate({"data_dir": tmp_path / "数据", "console": {"port": 0}})
    made.data_dir.mkdir()
    return made


def trayed(settings: Settings, *, frpc: bool = False) -> tuple[Tray, Plays, Kept]:
    service = Plays()
    kept = Kept(name="serve", start=lambda: service)
    kept.look(0)
    return Tray(settings, kept, Kept(name="frpc", start=Plays) if frpc else None), service, kept


def test_green_when_all_is_well_and_yellow_without_its_tunnel(settings: Settings) -> None:
    assert trayed(settings)[0].look().light is Light.GREEN
    it, *_ = trayed(settings, frpc=True)
    assert it.look().light is Light.YELLOW
    assert "frpc" in it.look().zh


def test_blue_while_following_is_paused_and_the_menu_changes_it(settings: Settings) -> None:
    it, *_ = trayed(settings)
    it.pause_or_resume()
    assert it.look() == Look(light=Light.BLUE, zh="已暂停跟单", paused=True)
    it.pause_or_resume()
    assert it.look().light is Light.GREEN
    assert it.look().runs


def test_a_pause_of_one_strategy_is_not_the_whole(settings: Settings) -> None:
    it, *_ = trayed(settings)
    with Ledger.open(settings.ledger_file) as ledger:
        ledger.write_now(lambda tx: tx.pauses.pause("demo", "", NOON))
    assert it.look().light is Light.GREEN


@pytest.mark.parametrize(("code", "light"), [(0, Light.GREY), (1, Light.RED), (2, Light.RED), (3, Light.RED)])
def test_how_the_service_ended(settings: Settings, code: int, light: Light) -> None:
    it, service, kept = trayed(settings)
    service.code = code
    kept.look(1)
    assert it.look().light is light
    assert not it.look().runs, "the menu offers to start it"
    assert ("配置有误" in it.look().zh) == (code in {2, 3}), "only then a person must read it"


def test_yellow_while_the_console_does_not_answer(settings: Settings) -> None:
    closed = settings.model_copy(update={"console": settings.console.model_copy(update={"port": 9})})
    assert trayed(closed)[0].look().light is Light.YELLOW


def test_the_menu_stops_and_starts_the_service(settings: Settings) -> None:
    it, service, kept = trayed(settings)
    it.start_or_stop()
    service.code = 0
    kept.look(1)
    assert kept.state is State.OVER
    assert it.look().light is Light.GREY
    it.start_or_stop()
    assert kept.state is State.WAITS


class Shown:
    """An icon that is only remembered; asks the tray to end when it was shown."""

    def __init__(self, settings: Settings) -> None:
        self.looks: list[Look] = []
        self.ended = False
        self._settings = settings

    def show(self, look: Look) -> None:
        self.looks.append(look)
        ask_to_end(self._settings.data_dir)

    def tell(self, text: str) -> None:
        raise AssertionError(text)

    def end(self) -> None:
        self.ended = True


def test_it_ends_when_asked_and_takes_frpc_along(settings: Settings) -> None:
    script = "import time; print('start proxy', flush=True); time.sleep(60)"
    child = Child([sys.executable, "-c", script], folder=settings.data_dir)
    frpc = Kept(name="frpc", start=lambda: child, for_good=frozenset())
    service = Plays()
    icon = Shown(settings)
    Tray(settings, Kept(name="serve", start=lambda: service), frpc).run(icon)
    assert icon.ended
    assert [look.light for look in icon.looks] == [Light.GREEN]
    assert child.poll() is not None


def test_what_frpc_says_is_kept_in_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tray, "_FRPC_BYTES", 1000)
    with tray._frpc_log(tmp_path) as write:
        for number in range(500):
            write(f"{number} login to server failed: 连接被拒绝")
    files = list(tmp_path.glob("frpc-*.log"))
    assert any("499 login" in file.read_text(encoding="utf-8") for file in files)
    assert len(files) == tray._FRPC_FILES
    assert sum(file.stat().st_size for file in files) <= 1000 * tray._FRPC_FILES


def test_a_tunnel_that_is_gone_costs_no_following(settings: Settings) -> None:
    """As when a virus scanner took frpc away: the service runs, the icon says what is wrong, and it is tried again."""
    it, *_ = trayed(settings)
    gone = settings.data_dir / "frpc.exe"
    frpc = Kept(name="frpc", start=lambda: Child([str(gone)], folder=settings.data_dir), for_good=frozenset())
    it = Tray(settings, it._service, frpc)
    frpc.look(0)
    assert it.look().light is Light.YELLOW
    assert "frpc 没有运行" in it.look().zh
    assert len(it.look().zh.rpartition("；")[2]) > 3, "why"
    assert frpc.state is State.WAITS


@pytest.mark.skipif(sys.platform != "win32", reason="asks Windows for its notification area")
def test_windows_shows_the_icon(settings: Settings) -> None:
    """And nothing of it keeps the process alive afterwards, however soon it is taken away."""
    before = set(threading.enumerate())
    it, *_ = trayed(settings)
    tray._Notified(it).end()
    icon = tray._Notified(it)
    for light in Light:
        icon.show(Look(light=light, zh="正在跟单" * 60))
    icon.end()
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
        assert not thread.is_alive(), thread
