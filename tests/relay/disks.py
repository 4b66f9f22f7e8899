"""File systems of a test's own."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

WANTED = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not Path("/dev/loop-control").exists(),
    reason="wants root and loop devices",
)


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@contextlib.contextmanager
def mounted(image: Path, at: Path) -> Iterator[None]:
    """The image as a file system, through a loop device."""
    at.mkdir(exist_ok=True)
    device = run("losetup", "-f", "--show", str(image))
    try:
        run("mount", "-t", "ext4", device, str(at))
        try:
            yield
        finally:
            run("umount", str(at))
    finally:
        run("losetup", "-d", device)


@contextlib.contextmanager
def small(at: Path, *, size: str) -> Iterator[None]:
    """A file system that is soon full; `grown` gives it room."""
    at.mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at))
    try:
        yield
    finally:
        run("umount", "-l", str(at))


def grown(at: Path, *, size: str) -> None:
    """Room on it again."""
    run("mount", "-o", f"remount,size={size}", str(at))
