"""Loading the vendor's package: what is missing is named, and nobody is asked over the network."""

import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from jqfollow.clock import SystemClock
from jqfollow.domain import BrokerDownError
from jqfollow.execution.brokers.miniqmt import broker as qmt
from jqfollow.execution.brokers.miniqmt.sessions import SessionPool

from . import native


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As before anything of the vendor's was imported, and nothing of it stays."""
    monkeypatch.setattr(native, "_away", {})
    yield
    native.put_away()


def broker(folder: Path, path: Path) -> qmt.QmtBroker:
    clock = SystemClock()
    return qmt.QmtBroker(
        name="main", path=path, account_id="1", sessions=SessionPool(folder / "s.json", clock), clock=clock
    )


def test_the_vendors_look_up_asks_nobody(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    requests = types.ModuleType("requests")
    requests.get = lambda *args, **_: asked.append(args)  # type: ignore[attr-defined]
    resources = types.ModuleType("pkg_resources")
    resources.get_distribution = lambda _: types.SimpleNamespace(version="0")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "requests", requests)
    monkeypatch.setitem(sys.modules, "pkg_resources", resources)
    native.install()
    qmt.load_vendor()
    assert asked == []
    assert sys.modules["pkg_resources"] is resources  # as it was
    del sys.modules["xtquant"]
    import xtquant  # noqa: F401  # imported plainly, the vendor does ask

    assert asked


def test_without_pkg_resources_it_stays_absent(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pkg_resources", raising=False)
    native.install()
    qmt.load_vendor()
    assert "pkg_resources" not in sys.modules


@pytest.mark.skipif(sys.platform == "win32", reason="there the native part is installed")
def test_without_the_native_part_it_names_the_platform(fresh: None, tmp_path: Path) -> None:
    with pytest.raises(BrokerDownError, match="Windows"):
        broker(tmp_path, tmp_path).connect()


def test_without_the_package_and_the_folder_it_names_both(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(qmt.importlib.util, "find_spec", lambda _: None)
    missing = tmp_path / "没有" / "userdata_mini"
    with pytest.raises(BrokerDownError) as caught:
        broker(tmp_path, missing).connect()
    assert "pip install xtquant" in str(caught.value)
    assert str(missing) in str(caught.value)
    assert not missing.exists()


def test_a_folder_that_no_terminal_serves(fresh: None, tmp_path: Path) -> None:
    native.install()
    with pytest.raises(BrokerDownError, match="MiniQMT") as caught:
        broker(tmp_path, tmp_path).connect()
    assert "-1" in str(caught.value)


def test_the_main_threads_event_loop_is_left_alone_when_a_trader_is_collected(fresh: None) -> None:
    native.install()
    trader = qmt.load_vendor().trader
    assert trader.__del__ is not trader.__mro__[1].__del__
