"""Daily copies of the ledger: their names, and how many are kept."""

import re
from datetime import date
from pathlib import Path

_DAILY = re.compile(r"ledger-\d{8}\.db", re.ASCII)


def daily_path(ledger: Path, day: date) -> Path:
    """Where the copy of one day goes: `backups/ledger-YYYYMMDD.db` beside the ledger."""
    return ledger.parent / "backups" / f"ledger-{day:%Y%m%d}.db"


def prune(folder: Path, keep: int = 14) -> list[Path]:
    """Removes all daily copies but the newest `keep`, and returns those removed; other files stay.

    Raises:
        ValueError: `keep` is below 1.
        OSError: one of them cannot be removed.
    """
    if keep < 1:
        raise ValueError(f"keep is {keep}; at least one copy must stay")
    daily = sorted(file for file in folder.glob("ledger-*.db") if _DAILY.fullmatch(file.name))
    for file in daily[:-keep]:
        file.unlink()
    return daily[:-keep]
