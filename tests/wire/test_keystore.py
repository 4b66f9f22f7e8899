"""The file of keys: made once, private, rotated under a running service, never repeated."""

import os
import stat
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from filelock import FileLock, Timeout

from jqfollow.clock import SHANGHAI
from jqfollow.wire import keystore, private_file
from jqfollow.wire.jqf1 import Key
from jqfollow.wire.keystore import LOOK_EVERY_S, KeyStore, KeyStoreError

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)
GRACE = timedelta(hours=24)
posix = pytest.mark.skipif(os.name == "nt", reason="a file's mode means something on POSIX only")


class HandClock:
    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "数据 文件夹" / "data" / "keys.toml"


def test_keys_are_made_once_and_read_again(path: Path, clock: HandClock) -> None:
    store = KeyStore.open(path, clock)
    assert store.keys("demo") == ()
    assert store.ensure([]) == []
    assert not path.exists()
    assert store.ensure(["demo", "a.b-c_1", "demo"]) == ["demo", "a.b-c_1"]
    assert store.ensure(["a.b-c_1", "new"]) == ["new"]
    again = KeyStore.open(path, clock)
    assert again.strategies() == ["a.b-c_1", "demo", "new"]
    for name in again.strategies():
        assert again.keys(name) == store.keys(name)
    assert len({store.keys(name)[0].text for name in store.strategies()}) == 3
    assert [p.name for p in path.parent.iterdir() if p.suffix == ".tmp"] == []


def test_the_previous_key_lives_through_its_grace(path: Path, clock: HandClock) -> None:
    store = KeyStore.open(path, clock)
    store.ensure(["demo", "other"])
    (first,), other = store.keys("demo"), store.keys("other")
    store.rotate("demo", grace=GRACE, now=NOW)
    second = store.keys("demo")[0]
    assert store.keys("demo") == (second, first)
    assert second != first
    clock.moment = NOW + GRACE - timedelta(microseconds=1)
    assert store.keys("demo") == (second, first)
    clock.moment = NOW + GRACE
    assert store.keys("demo") == (second,)
    assert store.keys("other") == other


def test_a_second_rotation_ends_the_first_key_at_once(path: Path, clock: HandClock) -> None:
    store = KeyStore.open(path, clock)
    store.ensure(["demo"])
    (first,) = store.keys("demo")
    store.rotate("demo", grace=GRACE, now=NOW)
    store.rotate("demo", grace=GRACE, now=NOW)
    assert first not in store.keys("demo")
    store.rotate("demo", grace=timedelta(0), now=NOW)
    assert len(store.keys("demo")) == 1
    with pytest.raises(ValueError, match="negative"):
        store.rotate("demo", grace=timedelta(seconds=-1), now=NOW)


def test_a_running_service_sees_what_the_command_line_did(path: Path, clock: HandClock) -> None:
    service, command = KeyStore.open(path, clock), KeyStore.open(path, clock)
    assert command.ensure(["demo"]) == ["demo"]
    assert service.entry("demo") == command.entry("demo") is not None
    assert service.keys("demo") == command.keys("demo") != ()
    before = service.keys("demo")
    command.rotate("demo", grace=GRACE, now=NOW)
    clock.moment += timedelta(seconds=2 * LOOK_EVERY_S)
    assert service.keys("demo") == (command.keys("demo")[0], *before)
    assert service.ensure(["demo", "two"]) == ["two"]
    command.rotate("two", grace=GRACE, now=NOW)
    assert set(KeyStore.open(path, clock).strategies()) == {"demo", "two"}


def test_two_starting_at_once_agree_on_every_key(path: Path, clock: HandClock) -> None:
    stores = [KeyStore.open(path, clock) for _ in range(6)]
    start = threading.Barrier(len(stores))
    made: list[list[str]] = []

    def run(number: int) -> None:
        start.wait()
        made.append(stores[number].ensure(["shared", f"own{number}"]))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(names.count("shared") for names in made) == 1
    assert len({store.keys("shared") for store in stores}) == 1
    assert len(KeyStore.open(path, clock).strategies()) == 7


def test_a_file_damaged_under_a_running_service_leaves_it_its_keys(path: Path, clock: HandClock) -> None:
    store = KeyStore.open(path, clock)
    store.ensure(["demo"])
    keys = store.keys("demo")
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[:-20], encoding="utf-8")
    assert store.keys("demo") == keys
    with pytest.raises(KeyStoreError):
        store.rotate("demo", grace=GRACE, now=NOW)
    path.unlink()
    with pytest.raises(KeyStoreError, match="不见了"):
        store.ensure(["demo"])
    assert store.keys("demo") == keys
    with pytest.raises(KeyStoreError, match="不见了"):
        store.ensure(["demo", "two"])
    path.write_text(whole, encoding="utf-8")
    assert store.ensure(["two"]) == ["two"]
    assert store.keys("demo") == keys


def test_the_trouble_with_a_file_stands_until_it_can_be_read_again(path: Path, clock: HandClock) -> None:
    store = KeyStore.open(path, clock)
    store.ensure(["demo"])
    whole = path.read_text(encoding="utf-8")

    def trouble() -> str:
        clock.moment += timedelta(seconds=2 * LOOK_EVERY_S)
        store.strategies()
        return store.trouble

    assert trouble() == ""
    path.write_text(whole[:-20], encoding="utf-8")
    assert "TOML" in trouble()
    assert "TOML" in trouble(), "it is as it was"
    path.write_text(whole, encoding="utf-8")
    assert trouble() == ""
    path.unlink()
    assert "不见了" in trouble()
    path.write_text("# nothing\n", encoding="utf-8")
    assert "一个密钥也没有了" in trouble()
    assert KeyStore.open(path, clock).strategies() == [], "which at a start is what a new installation has"
    path.unlink()
    path.mkdir()
    assert "cannot be read" in trouble()


def test_what_is_wrong_with_a_file_is_logged_once(path: Path, clock: HandClock) -> None:
    store = KeyStore.open(path, clock)
    store.ensure(["demo"])
    for damage in (lambda: path.write_text("[", encoding="utf-8"), path.unlink):
        damage()
        with structlog.testing.capture_logs() as logs:
            for _ in range(3):
                clock.moment += timedelta(seconds=2 * LOOK_EVERY_S)
                store.strategies()
        assert [line["event"] for line in logs] == ["keys_not_reread"]


class Ticks(HandClock):
    """Its monotonic time is set apart."""

    ticks = 0.0

    def monotonic(self) -> float:
        return self.ticks


def test_the_file_is_looked_at_every_twentieth_of_a_second(path: Path) -> None:
    clock = Ticks()
    store, command = KeyStore.open(path, clock), KeyStore.open(path, Ticks())
    seen = []
    for number, ticks in enumerate((0.0, LOOK_EVERY_S, 100.0, 100.0, 100.0625, 100.109375, 100.125, 99.0)):
        clock.ticks = ticks
        command.ensure([f"s{number}"])
        seen.append(len(store.strategies()))
    assert seen == [1, 2, 3, 3, 5, 5, 7, 8], "at once where the clock was set back"


def test_the_clock_of_the_machine_is_the_clock_where_none_is_given(path: Path) -> None:
    store = KeyStore.open(path)
    store.ensure(["demo"])
    assert len(store.keys("demo")) == 1
    found = store.entry("demo")
    assert found is not None
    assert abs(found.made_at - datetime.now(SHANGHAI)) < timedelta(minutes=1)


def test_what_another_program_changed_while_the_lock_was_waited_for_stands(
    path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = KeyStore.open(path, clock)
    meanwhile: list[Callable[[], object]] = []

    class Waited(FileLock):
        def acquire(self, *args: Any, **options: Any) -> Any:
            if meanwhile:
                meanwhile.pop()()
            return super().acquire(*args, **options)

    monkeypatch.setattr(keystore, "FileLock", Waited)
    store = KeyStore.open(path, clock)
    meanwhile.append(lambda: other.ensure(["demo"]))
    assert store.ensure(["demo", "own"]) == ["own"]
    (first,) = other.keys("demo")
    assert store.keys("demo") == (first,)
    meanwhile.append(lambda: other.rotate("demo", grace=GRACE, now=NOW))
    store.rotate("demo", grace=GRACE, now=NOW)
    assert store.keys("demo")[1] == other.entry("demo").current != first  # type: ignore[union-attr]


def test_another_programs_change_is_waited_for_ten_seconds(
    path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[tuple[Path, float]] = []

    class Held:
        def __init__(self, lock: Path, timeout: float) -> None:
            self.lock, self.timeout = lock, timeout

        def acquire(self) -> None:
            waited.append((self.lock, self.timeout))
            raise Timeout(str(self.lock))

    monkeypatch.setattr(keystore, "FileLock", Held)
    with pytest.raises(KeyStoreError, match="另一个程序"):
        KeyStore.open(path, clock).ensure(["demo"])
    assert waited == [(path.with_name("keys.toml.lock"), 10)]
    assert (path.parent.is_dir(), path.exists()) == (True, False)


def test_a_folder_that_cannot_be_made_is_said(path: Path, clock: HandClock) -> None:
    store = KeyStore.open(path, clock)
    path.parent.parent.mkdir()
    path.parent.touch()
    with pytest.raises(KeyStoreError, match="cannot be written"):
        store.ensure(["demo"])


@pytest.mark.parametrize("half", ["previous", "previous_until"])
def test_half_of_a_previous_key_is_none(path: Path, clock: HandClock, half: str) -> None:
    store = KeyStore.open(path, clock)
    store.ensure(["demo"])
    (key,) = store.keys("demo")
    value = f'"{Key.generate().text}"' if half == "previous" else "2026-03-03T10:00:00+08:00"
    path.write_text(path.read_text(encoding="utf-8") + f"{half} = {value}\n", encoding="utf-8")
    again = KeyStore.open(path, clock)
    assert again.keys("demo") == (key,)
    again.ensure(["two"])
    assert set(tomllib.loads(path.read_text(encoding="utf-8"))["demo"]) == {"key", "made_at"}
    assert KeyStore.open(path, clock).keys("demo") == (key,)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("jqf1_", "jqf2_"),
        lambda text: text.replace('key = "', 'key = "x'),
        lambda text: text.replace("key =", "kee ="),
        lambda text: text.replace("made_at = 2026-03-02T10:00:00+08:00", "made_at = 2026-03-02T10:00:00"),
        lambda text: text.replace("made_at = 2026-03-02T10:00:00+08:00", "made_at = 7"),
        lambda text: text.replace("made_at = 2026-03-02T10:00:00+08:00", "made_at = 9999-12-31T23:59:59-12:00"),
        lambda text: text.replace("made_at = 2026-03-02T10:00:00+08:00", "made_at = 0001-01-01T00:00:00+12:00"),
        lambda text: f"{text}x = {'1' * 5000}\n",
        lambda text: f"{text}x = {'[' * 5000}\n",
        lambda text: text.replace("\n", "\r"),
        lambda text: text + 'demo2 = "x"\n[',
        lambda text: "demo = 3\n" + text.replace('["demo"]', '["demo2"]'),
    ],
)
def test_a_damaged_file_stops_the_start_without_being_quoted(path: Path, clock: HandClock, change: object) -> None:
    store = KeyStore.open(path, clock)
    store.ensure(["demo"])
    secret = store.keys("demo")[0].text.removeprefix("jqf1_")
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")  # type: ignore[operator]
    with pytest.raises(KeyStoreError) as caught:
        KeyStore.open(path, clock)
    seen: BaseException | None = caught.value
    while seen is not None:
        assert secret not in str(seen)
        seen = seen.__cause__


@pytest.mark.parametrize(
    "secret",
    [
        bytes(32),
        b"\xff" * 32,
        b"0123456789" * 3 + b"01",
        bytes(range(32)),
        bytes(range(255, 223, -1)),
        bytes((place * 7 + 5) % 256 for place in range(32)),
        bytes((place * 9 + 200) % 256 for place in range(32)),
        bytes(range(128, 147)) + bytes(13 * [128]),
        b"this is my secret key for QMT 88",
        "我的密钥是量化交易一号".encode()[:30] + b"88",
        bytes.fromhex("9f3a5c7711e0d2b84c6a0fe1b35d7c29") * 2,
        bytes.fromhex("9f3a5c7711e0d2b84c6a0fe1b35d7c29") + bytes(16),
    ],
)
def test_a_key_that_anybody_could_know_stops_the_start(path: Path, clock: HandClock, secret: bytes) -> None:
    store = KeyStore.open(path, clock)
    store.ensure(["demo"])
    text = path.read_text(encoding="utf-8").replace(store.keys("demo")[0].text, Key(secret=secret).text)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(KeyStoreError, match="demo") as caught:
        KeyStore.open(path, clock)
    assert Key(secret=secret).text not in str(caught.value)


def test_twenty_different_bytes_may_be_chance(path: Path, clock: HandClock) -> None:
    store = KeyStore.open(path, clock)
    store.ensure(["demo"])
    key = Key(secret=bytes(range(128, 148)) + bytes(12 * [128]))
    text = path.read_text(encoding="utf-8").replace(store.keys("demo")[0].text, key.text)
    path.write_text(text, encoding="utf-8")
    assert KeyStore.open(path, clock).keys("demo") == (key,)


@pytest.mark.parametrize("grace", [timedelta(0), GRACE], ids=["current", "previous"])
def test_two_strategies_never_share_a_key(path: Path, clock: HandClock, grace: timedelta) -> None:
    store = KeyStore.open(path, clock)
    store.ensure(["a", "b"])
    shared, own = store.keys("a")[0].text, store.keys("b")[0].text
    store.rotate("a", grace=grace, now=NOW)
    if not grace:
        shared = store.keys("a")[0].text
    path.write_text(path.read_text(encoding="utf-8").replace(own, shared), encoding="utf-8")
    with pytest.raises(KeyStoreError, match="a 与 b"):
        KeyStore.open(path, clock)
    assert store.keys("b")[0].text == own, "a running service keeps the keys that it knows"


def test_nothing_shows_a_key(path: Path, clock: HandClock) -> None:
    store = KeyStore.open(path, clock)
    store.ensure(["demo"])
    store.rotate("demo", grace=GRACE, now=NOW)
    for key in store.keys("demo"):
        shown = repr(store) + repr(store.entry("demo")) + str(vars(store))
        assert key.text.removeprefix("jqf1_") not in shown


def test_unknown_and_impossible_names(path: Path, clock: HandClock) -> None:
    store = KeyStore.open(path, clock)
    with pytest.raises(KeyStoreError, match="demo"):
        store.rotate("demo", grace=GRACE, now=NOW)
    with pytest.raises(ValueError, match="name"):
        store.ensure(['x"]\n[y'])
    assert not path.exists()


@posix
def test_nobody_else_can_read_it(path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    old = os.umask(0)
    try:
        KeyStore.open(path, clock).ensure(["demo"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
        store = KeyStore.open(path, clock)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(store.warnings) == 1
        assert "rotate the keys if in doubt" in store.warnings[0]
        path.chmod(0o644)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "chmod", lambda *_: None)  # as on FAT
            (warning,) = KeyStore.open(path, clock).warnings
            assert warning.startswith("无法限制 keys.toml")
        path.chmod(0o640)
        store.rotate("demo", grace=GRACE, now=NOW)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert KeyStore.open(path, clock).warnings == []
    finally:
        os.umask(old)


@posix
def test_a_disk_that_does_not_take_it_leaves_the_old_file(
    path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = KeyStore.open(path, clock)
    store.ensure(["demo"])
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyStoreError, match="No space left"):
        store.rotate("demo", grace=GRACE, now=NOW)
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["keys.toml", "keys.toml.lock"]
    assert len(store.keys("demo")) == 1


class Icacls:
    """Windows' tool, as far as a call of it can be seen."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.calls: list[list[str]] = []

    def __call__(self, command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        self.calls.append(command)
        return subprocess.CompletedProcess(command, self.code)


@pytest.mark.parametrize("code", [0, 5])
def test_on_windows_the_file_is_closed_before_anything_secret_is_in_it(
    path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    tool = Icacls(code)
    sizes: list[int] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        sizes.append(Path(command[1]).stat().st_size)
        return tool(command, **options)

    monkeypatch.setattr(private_file, "_WINDOWS", True)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("USERNAME", "张三")
    monkeypatch.setenv("USERDOMAIN", "PC")
    store = KeyStore.open(path, clock)
    store.ensure(["demo"])
    assert sizes == [0]
    assert tool.calls[0][2:] == ["/grant:r", "PC\\张三:F", "/inheritance:r", "/q"]
    assert [bool(store.warnings)] == [code != 0]
    assert len(store.keys("demo")) == 1


def test_the_module_needs_nothing_that_windows_lacks() -> None:
    code = "import os, sys; sys.modules['fcntl'] = None; vars(os).pop('fork', None); import jqfollow.wire.keystore"
    subprocess.run([sys.executable, "-c", code], check=True)
