"""A console of its own, as the old console window: python screen.py PAGE TARGET COMMAND ARGUMENTS...

Runs the command there with the code page and writes what the screen then shows, as UTF-8, into TARGET; its exit is the
command's. Alone it imports nothing of the project.
"""

import ctypes
import subprocess
import sys
from pathlib import Path

WIDTH, HEIGHT = 200, 600
"""Of the window's buffer, in cells."""


def main(page: int, target: Path, command: list[str]) -> int:
    """Runs the command and writes its screen."""
    if sys.platform != "win32":
        raise SystemExit("consoles are Windows'")
    from ctypes import wintypes

    kernel32 = ctypes.WinDLL("kernel32")
    kernel32.CreateFileW.restype = wintypes.HANDLE
    screen = wintypes.HANDLE(kernel32.CreateFileW("CONOUT$", 0xC0000000, 3, None, 3, 0, None))
    if not (kernel32.SetConsoleOutputCP(page) and kernel32.SetConsoleCP(page)):
        raise SystemExit(f"no code page {page}")
    kernel32.SetConsoleScreenBufferSize(screen, wintypes._COORD(WIDTH, HEIGHT))
    code = subprocess.run(command, check=False).returncode
    rows = []
    for row in range(HEIGHT):
        cells, count = ctypes.create_unicode_buffer(WIDTH + 1), wintypes.DWORD()
        kernel32.ReadConsoleOutputCharacterW(screen, cells, WIDTH, wintypes._COORD(0, row), ctypes.byref(count))
        rows.append(cells[: count.value].rstrip())
    target.write_text("\n".join(rows).rstrip(), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
