"""A folder as a zip whose bytes depend on the folder's contents alone."""

import zipfile
from pathlib import Path

_WHEN = (2020, 1, 1, 0, 0, 0)
_FILE = 0o100644 << 16


def write_zip(folder: Path, target: Path) -> None:
    """Writes `folder` and all below it, in order, without times and owners; names in UTF-8.

    Args:
        folder: its name is the first part of each name.
        target: an old one is replaced.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(folder.parent).as_posix(), _WHEN)
            entry.external_attr, entry.create_system = _FILE, 3
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, path.read_bytes(), compresslevel=9)
