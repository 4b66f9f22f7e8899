"""What Wine has not, although Windows has: such a test is skipped there, and the reason says so."""

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
