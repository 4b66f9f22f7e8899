"""Windows ends a console program in ways that are no signal: the window's close, log-off, shutdown.

The C runtime answers the closing window with SIGBREAK and returns, and Windows then ends the process at once. So a
handler of our own, asked first, begins the stop and returns when it is done; Windows grants 5 s
(https://learn.microsoft.com/windows/console/handlerroutine). A process that has loaded user32.dll, as ours has, is told
of log-off and shutdown by a window's message only, hence a hidden window. The computer's sleep comes the same way.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import structlog

log = structlog.get_logger(__name__)

GRANTED_S = 4.5
"""How long Windows is kept waiting; it ends the process after 5 s, whatever it does."""
CTRL_CLOSE, CTRL_LOGOFF, CTRL_SHUTDOWN = 2, 5, 6
WM_DESTROY, WM_CLOSE, WM_QUERYENDSESSION, WM_ENDSESSION, WM_POWERBROADCAST = 0x0002, 0x0010, 0x0011, 0x0016, 0x0218
WM_STOP = 0x8000
"""Ours (WM_APP): another process of this user asks for an orderly stop."""
_SUSPENDS, _RESUMED = 0x0004, 0x0012
_CLASS = "jqfollow-end-{pid}"
_ENDS = frozenset({CTRL_CLOSE, CTRL_LOGOFF, CTRL_SHUTDOWN})


class Closing:
    """Whether the system is ending us, and whether we have ended. Its methods are called on the system's threads."""

    def __init__(self, interrupt: Callable[[], None], *, granted_s: float = GRANTED_S) -> None:
        self.hurry = threading.Event()
        """Set: what can wait is left for the next start."""
        self.over = threading.Event()
        """Set: everything is written and closed."""
        self._interrupt = interrupt
        self._granted_s = granted_s
        self._lock = threading.Lock()

    def on_console(self, event: int) -> bool:
        """Console control events; Ctrl-C and Ctrl-Break are left to those who handle them as signals."""
        if event not in _ENDS:
            return False
        self.end()
        return True

    def on_message(self, message: int, wparam: int) -> int | None:
        """Messages of the hidden window; `None`: not for us."""
        if message == WM_QUERYENDSESSION:
            return 1
        if message == WM_ENDSESSION:
            if wparam:
                self.end()
            return 0
        if message == WM_STOP:
            self._interrupt()
            return 0
        if message == WM_POWERBROADCAST:
            if wparam == _SUSPENDS:
                log.warning("computer_sleeps", means="no signal arrives and no order is followed until it wakes")
            elif wparam == _RESUMED:
                log.warning("computer_woke")
            return 1
        return None

    def end(self) -> None:
        """Begins the stop, once, and waits for its end as long as Windows lets us."""
        with self._lock:
            begun = self.hurry.is_set()
            self.hurry.set()
        if not begun:
            self._interrupt()
        self.over.wait(self._granted_s)


def interrupt_main() -> None:
    """As if Ctrl-C had been pressed; wakes a sleeping event loop, which a flag alone would not."""
    import _thread

    _thread.interrupt_main(signal.SIGINT)


@contextlib.contextmanager
def told_of_the_end() -> Iterator[Closing]:
    """Listens to Windows meanwhile; elsewhere it only gives the object. Enter it after all signal handlers are set."""
    closing = Closing(interrupt_main)
    with contextlib.ExitStack() as stack:
        if sys.platform == "win32":
            stack.enter_context(_kept_awake())
            stack.enter_context(_console_handler(closing))
            stack.enter_context(_hidden_window(closing))
        try:
            yield closing
        finally:
            closing.over.set()


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _user32 = ctypes.WinDLL("user32", use_last_error=True)
    _LRESULT = ctypes.c_ssize_t
    _Handler = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)
    _Procedure = ctypes.WINFUNCTYPE(_LRESULT, wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM)
    _user32.DefWindowProcW.argtypes = [wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM]
    _user32.DefWindowProcW.restype = _LRESULT
    _user32.CreateWindowExW.restype = wintypes.HWND
    _user32.CreateWindowExW.argtypes = [
        wintypes.DWORD, wintypes.LPCWSTR, wintypes.LPCWSTR, wintypes.DWORD, *[ctypes.c_int] * 4,
        wintypes.HWND, wintypes.HMENU, wintypes.HINSTANCE, wintypes.LPVOID,
    ]  # fmt: skip
    _kernel32.SetThreadExecutionState.argtypes = [wintypes.DWORD]
    _kernel32.SetThreadExecutionState.restype = wintypes.DWORD
    _user32.UnregisterClassW.argtypes = [wintypes.LPCWSTR, wintypes.HINSTANCE]
    _user32.FindWindowW.argtypes = [wintypes.LPCWSTR, wintypes.LPCWSTR]
    _user32.FindWindowW.restype = wintypes.HWND
    _user32.PostMessageW.argtypes = [wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM]
    _user32.DestroyWindow.argtypes = [wintypes.HWND]
    _user32.GetMessageW.argtypes = [ctypes.POINTER(wintypes.MSG), wintypes.HWND, wintypes.UINT, wintypes.UINT]
    _user32.DispatchMessageW.argtypes = [ctypes.POINTER(wintypes.MSG)]
    _kernel32.GetModuleHandleW.restype = wintypes.HMODULE
    _kernel32.GetModuleHandleW.argtypes = [wintypes.LPCWSTR]

    class _WindowClass(ctypes.Structure):
        _fields_ = (
            ("style", wintypes.UINT),
            ("procedure", _Procedure),
            ("class_extra", ctypes.c_int),
            ("window_extra", ctypes.c_int),
            ("instance", wintypes.HINSTANCE),
            ("icon", wintypes.HANDLE),
            ("cursor", wintypes.HANDLE),
            ("brush", wintypes.HANDLE),
            ("menu", wintypes.LPCWSTR),
            ("name", wintypes.LPCWSTR),
        )

    def tell_to_stop(pid: int) -> bool:
        """Tells the hidden window of another process of ours to stop; whether there is one."""
        window = _user32.FindWindowW(_CLASS.format(pid=pid), None)
        return bool(window) and bool(_user32.PostMessageW(window, WM_STOP, 0, 0))

    @contextlib.contextmanager
    def _kept_awake() -> Iterator[None]:
        """No sleep for want of a hand at the mouse; a closed lid, a person and an empty battery still bring it."""
        continuous, system_required = 0x80000000, 0x00000001
        if not _kernel32.SetThreadExecutionState(continuous | system_required):
            log.warning("computer_may_sleep", error=ctypes.get_last_error())
        try:
            yield
        finally:
            _kernel32.SetThreadExecutionState(continuous)

    @contextlib.contextmanager
    def _console_handler(closing: Closing) -> Iterator[None]:
        handler = _Handler(closing.on_console)
        if not _kernel32.SetConsoleCtrlHandler(handler, True):
            log.warning("no_console_handler", error=ctypes.get_last_error())
        try:
            yield
        finally:
            _kernel32.SetConsoleCtrlHandler(handler, False)

    @contextlib.contextmanager
    def _hidden_window(closing: Closing) -> Iterator[None]:
        made = threading.Event()
        window: list[Any] = []

        def procedure(handle: Any, message: int, wparam: int, lparam: int) -> int:
            answer = closing.on_message(message, wparam)
            if answer is not None:
                return answer
            if message == WM_DESTROY:
                _user32.PostQuitMessage(0)
                return 0
            return int(_user32.DefWindowProcW(handle, message, wparam, lparam))

        def run() -> None:
            kept = _Procedure(procedure)  # Windows holds it as long as the window stands
            instance = _kernel32.GetModuleHandleW(None)
            name = _CLASS.format(pid=os.getpid())
            known = _WindowClass(procedure=kept, instance=instance, name=name)
            _user32.RegisterClassW(ctypes.byref(known))
            handle = _user32.CreateWindowExW(0, name, "jqfollow", 0, 0, 0, 0, 0, None, None, instance, None)
            if not handle:
                log.warning("no_hidden_window", error=ctypes.get_last_error())
            window.append(handle)
            made.set()
            message = wintypes.MSG()
            while handle and _user32.GetMessageW(ctypes.byref(message), None, 0, 0) > 0:
                _user32.DispatchMessageW(ctypes.byref(message))
            _user32.UnregisterClassW(name, instance)  # its procedure is gone with this thread

        thread = threading.Thread(target=run, name="windows-end", daemon=True)
        thread.start()
        made.wait(GRANTED_S)
        try:
            yield
        finally:
            closing.over.set()
            if window and window[0]:
                _user32.PostMessageW(window[0], WM_CLOSE, 0, 0)
                thread.join(1)
