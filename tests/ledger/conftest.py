import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jqfollow.ledger.ledger import Ledger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    # What a URI would take for its own: `#` and `%`, and `?` where a name may hold one.
    name = "数据 data#1%20" if sys.platform == "win32" else "数据 data#1%20?"
    return tmp_path / name / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger.open(path) as opened:
        yield opened
