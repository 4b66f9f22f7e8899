"""What is tied to us ends with us, however we end: a tunnel left behind would stand in the way of the next one."""

import sys
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)


def tied_to_us() -> Callable[[int], None]:
    """Gives what ties a process, by its number, to this one. Elsewhere than on Windows it does nothing."""
    if sys.platform == "win32":
        return _job()
    return lambda _: None


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    class _Basic(ctypes.Structure):
        _fields_ = (
            ("process_time", ctypes.c_int64),
            ("job_time", ctypes.c_int64),
            ("flags", wintypes.DWORD),
            ("least_set", ctypes.c_size_t),
            ("most_set", ctypes.c_size_t),
            ("processes", wintypes.DWORD),
            ("affinity", ctypes.c_size_t),
            ("priority", wintypes.DWORD),
            ("scheduling", wintypes.DWORD),
        )

    class _Limits(ctypes.Structure):
        _fields_ = (("basic", _Basic), ("io", ctypes.c_uint64 * 6), ("memory", ctypes.c_size_t * 4))

    def _job() -> Callable[[int], None]:
        extended, kill_on_close, may_assign = 9, 0x2000, 0x0101  # SET_QUOTA and TERMINATE
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel32.CreateJobObjectW.restype = wintypes.HANDLE
        kernel32.OpenProcess.restype = wintypes.HANDLE
        kernel32.OpenProcess.argtypes = [wintypes.DWORD, wintypes.BOOL, wintypes.DWORD]
        kernel32.SetInformationJobObject.argtypes = [wintypes.HANDLE, ctypes.c_int, wintypes.LPVOID, wintypes.DWORD]
        kernel32.AssignProcessToJobObject.argtypes = [wintypes.HANDLE, wintypes.HANDLE]
        kernel32.CloseHandle.argtypes = [wintypes.HANDLE]
        job = kernel32.CreateJobObjectW(
            None, None
        )  # never closed: Windows closes it with this process, and ends its members
        limits = _Limits(basic=_Basic(flags=kill_on_close))
        kernel32.SetInformationJobObject(job, extended, ctypes.byref(limits), ctypes.sizeof(limits))

        def tie(pid: int) -> None:
            process = kernel32.OpenProcess(may_assign, False, pid)
            if not process or not kernel32.AssignProcessToJobObject(job, process):
                log.warning("not_tied", pid=pid, error=ctypes.get_last_error())
            if process:
                kernel32.CloseHandle(process)

        return tie
