"""What Wine has not, although Windows has: such a test is skipped there, and the reason says so."""

import os
import sys

import pytest


def _under_wine() -> bool:
    if sys.platform != "win32":
        return False
    import ctypes

    return hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")


UNDER_WINE = _under_wine()


def wine_lacks(what: str) -> pytest.MarkDecorator:
    """Marks a test that needs `what`."""
    return pytest.mark.skipif(UNDER_WINE, reason=f"Wine 8 lacks {what}")


if sys.platform == "win32":
    import ctypes

    class _Handle(ctypes.Structure):
        """SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX."""

        _fields_ = (
            ("thing", ctypes.c_void_p),
            ("process", ctypes.c_size_t),
            ("handle", ctypes.c_size_t),
            ("access", ctypes.c_ulong),
            ("trace", ctypes.c_ushort),
            ("kind", ctypes.c_ushort),
            ("attributes", ctypes.c_ulong),
            ("reserved", ctypes.c_ulong),
        )

    def handles() -> int:
        """How many this process holds, from the list of all: Wine answers `GetProcessHandleCount` with 0."""
        extended_handle_information, too_short = 64, 0xC0000004
        size, code = 1 << 16, too_short
        while code == too_short:
            size *= 2
            answer = ctypes.create_string_buffer(size)
            ask = ctypes.WinDLL("ntdll").NtQuerySystemInformation
            code = ask(extended_handle_information, answer, size, None) & 0xFFFFFFFF
        if code:
            raise OSError(f"NtQuerySystemInformation: {code:#x}")
        count = ctypes.c_size_t.from_buffer(answer).value
        return sum(each.process == os.getpid() for each in (_Handle * count).from_buffer(answer, 16))
