"""The export: what a spreadsheet gets to see, exact and harmless."""

import csv
import io
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.cli.export import csv_bytes, xlsx_bytes
from jqfollow.cli.sheets import Sheet

from .conftest import Run
from .story import EVIL, write_story

NAMES = ["accounts", "daily", "fills", "orders", "positions", "signals"]


@pytest.fixture(autouse=True)
def _story(config: Path) -> None:
    write_story(config.parent / "data")


def rows(path: Path) -> list[dict[str, str]]:
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def test_everything(run: Run, folder: Path) -> None:
    out = folder / "导出 结果"
    assert run("export", out).exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == sorted([*(f"{n}.csv" for n in NAMES), "jqfollow.xlsx"])
    assert [row["order_id"] for row in rows(out / "orders.csv")] == ["1", "2", "3", "4"]
    assert [row["signal_id"] for row in rows(out / "signals.csv")] == ["1", "2", "3", "4", "5"]
    assert rows(out / "fills.csv")[0]["traded_id"] == "123456789012345671"
    assert rows(out / "positions.csv") == [
        {
            "account": "paper",
            "strategy": "demo",
            "security": "000001.SZ",
            "volume": "200",
            "cost": "2107.3400",
            "average_cost": "10.5367",
        }
    ]
    assert [row["total"] for row in rows(out / "accounts.csv")] == ["1000100", "1000200.50"]
    first, second = rows(out / "daily.csv")
    assert (first["orders"], first["filled"], first["rejected"], first["bought"], first["fees"], first["net_cash"]) == (
        "2",
        "1",
        "1",
        "3156.00",
        "5.01",
        "-3161.01",
    )
    assert (second["open"], second["sold"], second["net_cash"]) == ("1", "1100.00", "1094.99")


def test_one_day(run: Run, folder: Path) -> None:
    assert run("export", "out", "--day", "2026-03-02").exit_code == 0
    out = folder / "out"
    assert [row["order_id"] for row in rows(out / "orders-2026-03-02.csv")] == ["1", "2"]
    assert [row["volume"] for row in rows(out / "positions-2026-03-02.csv")] == ["300"]
    assert [row["day"] for row in rows(out / "accounts-2026-03-02.csv")] == ["2026-03-02"]
    assert len(rows(out / "daily-2026-03-02.csv")) == 1


def test_again_into_the_same_folder(run: Run, folder: Path) -> None:
    assert run("export", "out").exit_code == 0
    assert run("export", "out").exit_code == 0
    assert not list((folder / "out").glob("*.tmp"))


def test_a_folder_that_cannot_be(run: Run, folder: Path) -> None:
    (folder / "file").write_text("", encoding="utf-8")
    assert run("export", "file/out").exit_code == 1
    assert run("export", "file").exit_code == 2


def test_the_workbook(run: Run, folder: Path) -> None:
    assert run("export", "out").exit_code == 0
    book = openpyxl.load_workbook(folder / "out" / "jqfollow.xlsx")
    assert sorted(book.sheetnames) == NAMES
    page = book["fills"]
    head = [cell.value for cell in page[1]]
    first = dict(zip(head, [cell.value for cell in page[2]], strict=True))
    assert first["traded_id"] == "123456789012345671"  # a number would lose its last digits
    assert (first["volume"], first["price"], first["security"]) == (300, 10.52, "000001.SZ")
    assert first["filled_at"] == datetime(2026, 3, 2, 10, 1, 5)  # noqa: DTZ001  # a spreadsheet knows no zones
    book.close()


def test_words_of_others_never_become_formulas(run: Run, folder: Path) -> None:
    sheet = Sheet(name="s", columns=("a", "b", "c"), rows=[(EVIL, Decimal("-5.10"), "@x"), ("-1", -3, "\t=1")])
    lines = csv_bytes(sheet).decode("utf-8-sig").splitlines()
    assert lines[1] == '"\'=HYPERLINK(""http://evil"")",-5.10,\'@x'
    assert lines[2] == "'-1,-3,'\t=1"
    page = openpyxl.load_workbook(io.BytesIO(xlsx_bytes([sheet])))["s"]
    assert [page["A2"].data_type, page["B2"].data_type, page["A3"].data_type] == ["s", "n", "s"]
    assert page["A2"].value == EVIL


@given(st.lists(st.one_of(st.text(max_size=20), st.integers(), st.decimals(allow_nan=False, allow_infinity=False))))
def test_no_cell_of_text_begins_like_a_formula(cells: list[str | int | Decimal]) -> None:
    sheet = Sheet(name="s", columns=("a",), rows=[(cell,) for cell in cells])
    text = csv_bytes(sheet).decode("utf-8-sig")
    found = [row[0] if row else "" for row in csv.reader(io.StringIO(text, newline=""))][1:]
    assert len(found) == len(cells)
    for cell, written in zip(cells, found, strict=True):
        if isinstance(cell, str):
            assert not written.startswith(("=", "+", "-", "@", "\t", "\r"))
        else:
            assert Decimal(written) == cell
    assert xlsx_bytes([sheet])
