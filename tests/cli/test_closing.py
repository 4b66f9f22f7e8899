"""The system ends us: the stop is begun once, hurries, and is waited for within what Windows grants."""

import os
import sys
import threading

import pytest

from jqfollow.cli import closing
from jqfollow.cli.closing import (
    CTRL_CLOSE,
    CTRL_LOGOFF,
    CTRL_SHUTDOWN,
    WM_ENDSESSION,
    WM_POWERBROADCAST,
    WM_QUERYENDSESSION,
    WM_STOP,
    Closing,
)


class Interrupts:
    """Counts; the main thread that it stands for ends at once."""

    def __init__(self) -> None:
        self.count = 0
        self.closing = Closing(self)

    def __call__(self) -> None:
        self.count += 1
        self.closing.over.set()


@pytest.mark.parametrize("event", [CTRL_CLOSE, CTRL_LOGOFF, CTRL_SHUTDOWN])
def test_the_window_closes(event: int) -> None:
    main = Interrupts()
    assert main.closing.on_console(event)
    assert main.closing.hurry.is_set()
    assert main.count == 1


@pytest.mark.parametrize("event", [0, 1])
def test_ctrl_c_and_ctrl_break_stay_signals(event: int) -> None:
    main = Interrupts()
    assert not main.closing.on_console(event)
    assert not main.closing.hurry.is_set()
    assert main.count == 0


def test_another_process_asks_for_a_stop_that_need_not_hurry() -> None:
    main = Interrupts()
    assert main.closing.on_message(WM_STOP, 0) == 0
    assert main.count == 1
    assert not main.closing.hurry.is_set()


def test_the_session_ends_once_however_often_it_is_told() -> None:
    main = Interrupts()
    assert main.closing.on_message(WM_QUERYENDSESSION, 0) == 1
    assert main.closing.on_message(WM_ENDSESSION, 0) == 0  # somebody else refused
    assert main.count == 0
    assert main.closing.on_message(WM_ENDSESSION, 1) == 0
    assert main.closing.on_message(WM_ENDSESSION, 1) == 0
    assert main.closing.on_console(CTRL_CLOSE)
    assert main.count == 1


def test_windows_is_kept_waiting_until_all_is_written() -> None:
    begun = threading.Event()
    closing = Closing(begun.set, granted_s=60)
    asked = threading.Thread(target=closing.on_console, args=(CTRL_CLOSE,), daemon=True)
    asked.start()
    assert begun.wait(30)
    assert asked.is_alive()
    closing.over.set()
    asked.join(30)
    assert not asked.is_alive()


def test_and_not_longer_than_it_grants() -> None:
    assert Closing(lambda: None, granted_s=0.01).on_console(CTRL_CLOSE)
    assert closing.GRANTED_S < 5


def test_sleep_ends_nothing() -> None:
    main = Interrupts()
    assert main.closing.on_message(WM_POWERBROADCAST, 0x0004) == 1
    assert main.closing.on_message(0x0400, 0) is None
    assert not main.closing.hurry.is_set()


@pytest.mark.skipif(sys.platform != "win32", reason="asks the window that Windows tells of its end")
def test_the_hidden_window_interrupts_the_main_thread() -> None:
    import ctypes

    user32 = ctypes.WinDLL("user32")

    def works() -> None:
        window = user32.FindWindowW(closing._CLASS.format(pid=os.getpid()), None)
        assert window
        user32.PostMessageW(window, WM_ENDSESSION, 1, 0)
        for _ in range(400):  # Windows interrupts no wait of the main thread
            threading.Event().wait(0.05)

    with closing.told_of_the_end() as told:
        with pytest.raises(KeyboardInterrupt):
            works()
        assert told.hurry.is_set()
