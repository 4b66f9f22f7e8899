"""Daily copies of the ledger: their names, and how much of them is kept."""

import re
from datetime import date
from pathlib import Path

_DAILY = re.compile(r"ledger-\d{8}\.db", re.ASCII)


def daily_path(ledger: Path, day: date) -> Path:
    """Where the copy of one day goes: `backups/ledger-YYYYMMDD.db` beside the ledger."""
    return ledger.parent / "backups" / f"ledger-{day:%Y%m%d}.db"


def newest_copy(ledger: Path) -> Path | None:
    """The newest daily copy; `None`: there is none."""
    folder = ledger.parent / "backups"
    return max((file for file in folder.glob("ledger-*.db") if _DAILY.fullmatch(file.name)), default=None)


def prune(folder: Path, keep: int = 14, most_bytes: int = 4 << 30) -> list[Path]:
    """Removes all daily copies but the newest `keep`, and of those what goes beyond `most_bytes` in all.

    The newest stays however large it is. Returns those removed; other files stay.

    Raises:
        ValueError: `keep` is below 1.
        OSError: one of them cannot be removed.
    """
    if keep < 1:
        raise ValueError(f"keep is {keep}; at least one copy must stay")
    newest_first = sorted((file for file in folder.glob("ledger-*.db") if _DAILY.fullmatch(file.name)), reverse=True)
    kept, room = 0, most_bytes
    for file in newest_first[:keep]:
        room -= file.stat().st_size
        if room < 0 and kept:
            break
        kept += 1
    gone = sorted(newest_first[kept:])
    for file in gone:
        file.unlink()
    return gone
