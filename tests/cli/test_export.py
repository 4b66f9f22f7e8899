"""The export: what a spreadsheet gets to see, exact and harmless."""

import csv
import io
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape  # type: ignore[import-untyped]

from jqfollow.cli.export import FOLDERS
from jqfollow.cli.headings import COLUMNS, SHEETS
from jqfollow.cli.sheets import Cell, Found, Sheet, holdings, messages, sheets
from jqfollow.cli.spreadsheets import csv_bytes, xlsx_bytes
from jqfollow.clock import SHANGHAI
from jqfollow.domain import Side
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import BookingKind, NewBooking

from .conftest import Run
from .story import DAY2, EVIL, at, traded, write_story

FILES = ["accounts", "daily", "fills", "orders", "positions", "signals"]
LONG_ID = "123456789012345671"


@pytest.fixture(autouse=True)
def ledger_file(config: Path) -> Path:
    write_story(config.parent / "data")
    file = config.parent / "data" / "ledger.sqlite3"
    with Ledger.open(file) as ledger:
        ledger.write_now(lambda tx: tx.security_names.put({"000001.SZ": "平安银行"}))
    return file


def rows(path: Path) -> list[dict[str, str]]:
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def pages(path: Path) -> dict[str, list[dict[str, object]]]:
    book = openpyxl.load_workbook(path)
    found = {}
    for page in book.worksheets:
        head, *cells = page.iter_rows(values_only=True)
        found[page.title] = [dict(zip(head, row, strict=True)) for row in cells]
    book.close()
    return found


def test_everything(run: Run, folder: Path) -> None:
    out = folder / "导出 结果"
    assert run("export", out).exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == sorted([*(f"{n}.csv" for n in FILES), "jqfollow.xlsx"])
    assert [row["订单编号"] for row in rows(out / "orders.csv")] == ["1", "2", "3", "4"]
    assert [row["信号编号"] for row in rows(out / "signals.csv")] == ["1", "2", "3", "4", "5"]
    fill = rows(out / "fills.csv")[0]
    assert (fill["券商成交编号"], fill["证券名称"], fill["方向"]) == (LONG_ID + "\t", "平安银行", "买入")
    assert rows(out / "positions.csv") == [
        {
            "账户": "paper",
            "策略": "demo",
            "策略名称": "演示策略",
            "证券代码": "000001.SZ",
            "证券名称": "平安银行",
            "数量": "200",
            "成本": "2107.3400",
            "成本价": "10.5367",
            "现价": "11.00",
            "市值": "2200.00",
            "浮动盈亏": "92.6600",
        }
    ]
    assert [row["总资产"] for row in rows(out / "accounts.csv")] == ["1000100", "1000200.50"]


def test_results_of_each_day(run: Run, folder: Path) -> None:
    assert run("export", "out").exit_code == 0
    first, second = rows(folder / "out" / "daily.csv")
    shown = ("订单笔数", "已成笔数", "已拒笔数", "未完笔数", "买入金额", "卖出金额", "费用合计", "净流入")
    assert [first[name] for name in shown] == ["2", "1", "1", "0", "3156.00", "0", "5.01", "-3161.01"]
    assert [second[name] for name in shown] == ["2", "1", "0", "1", "0", "1100.00", "5.01", "1094.99"]
    # 300 bought for 3161.01, worth 3300 in the evening; then 100 sold for 1094.99, 200 left that are worth 2200
    shown = ("实现盈亏", "浮动盈亏", "当日盈亏", "累计盈亏")
    assert [Decimal(first[name]) for name in shown] == [Decimal(each) for each in ("0", "138.99", "138.99", "138.99")]
    realised = Decimal("1094.99") - Decimal("3161.01") / 3
    total = realised + Decimal("92.66")
    wanted = [realised, Decimal("92.66"), total - Decimal("138.99"), total]
    assert [Decimal(second[name]) for name in shown] == wanted


def test_what_people_changed_in_a_book_is_held(run: Run, folder: Path, ledger_file: Path) -> None:
    booking = NewBooking(
        account="paper", strategy="demo", security="600000.SH", kind=BookingKind.ADOPT, shares=100,
        cost=Decimal(800), who="我", why="手工买入",
    )  # fmt: skip
    with Ledger.open(ledger_file) as ledger:
        ledger.write_now(lambda tx: tx.bookings.add([booking], at(DAY2, 15)))
    assert run("export", "out").exit_code == 0
    assert [(r["证券代码"], r["数量"]) for r in rows(folder / "out" / "positions.csv")] == [
        ("000001.SZ", "200"),
        ("600000.SH", "100"),
    ]


def test_one_day(run: Run, folder: Path) -> None:
    assert run("export", "out", "--day", "2026-03-02").exit_code == 0
    out = folder / "out"
    assert [row["订单编号"] for row in rows(out / "orders-2026-03-02.csv")] == ["1", "2"]
    assert [row["数量"] for row in rows(out / "positions-2026-03-02.csv")] == ["300"]
    assert [row["日期"] for row in rows(out / "accounts-2026-03-02.csv")] == ["2026-03-02"]
    assert len(rows(out / "daily-2026-03-02.csv")) == 1
    # a day without anything: what was held before is held
    assert run("export", "out", "--day", "2026-03-05").exit_code == 0
    assert [row["数量"] for row in rows(out / "positions-2026-03-05.csv")] == ["200"]
    assert rows(out / "daily-2026-03-05.csv") == []


def test_the_folders(run: Run, folder: Path) -> None:
    assert run("export", "out", "--folders").exit_code == 0
    out = folder / "out"
    assert sorted(path.name for path in out.iterdir()) == sorted(FOLDERS)
    for name in FOLDERS:
        assert {path.name[:10] for path in (out / name).iterdir()} == {"2026-03-02", "2026-03-03"}, name
    held = pages(out / "持股数据" / "2026-03-02.xlsx")
    assert list(held) == ["策略持仓", "账户持仓"]
    assert [(row["证券名称"], row["数量"]) for row in held["策略持仓"]] == [("平安银行", 300)]
    assert [row["可卖数量"] for row in held["账户持仓"]] == [300]
    assert rows(out / "原始数据" / "2026-03-03-原始消息.csv")[0]["消息原文"] == '{"n":3}'
    assert [row["总资产"] for row in pages(out / "账户数据" / "2026-03-03.xlsx")["账户"]] == [1000200.5]
    assert [row["策略"] for row in rows(out / "摘要数据" / "2026-03-02-每日业绩.csv")] == ["demo"]
    ordered = pages(out / "下单股票池" / "2026-03-03.xlsx")
    assert [row["证券代码"] for row in ordered["订单"]] == ["000001.SZ", "600000.SH"]
    assert [row["券商成交编号"] for row in ordered["成交"]] == ["123456789012345673"]
    assert run("export", "day", "--folders", "--day", "2026-03-02").exit_code == 0
    assert {path.name[:10] for path in (folder / "day").rglob("*.xlsx")} == {"2026-03-02"}


def test_a_day_in_its_folder_is_the_day_asked_for(run: Run, folder: Path, ledger_file: Path) -> None:
    with Ledger.open(ledger_file) as ledger:
        ledger.write_now(lambda tx: traded(tx, date(2026, 3, 4), 6, Side.SELL, 200, "12.00"))
    assert run("export", "all", "--folders").exit_code == 0
    for day in ("2026-03-02", "2026-03-03", "2026-03-04"):
        assert run("export", "one", "--folders", "--day", day).exit_code == 0
    files = sorted(path.relative_to(folder / "all") for path in (folder / "all").rglob("*.csv"))
    assert files == sorted(path.relative_to(folder / "one") for path in (folder / "one").rglob("*.csv"))
    for file in files:
        assert (folder / "all" / file).read_bytes() == (folder / "one" / file).read_bytes(), file


def test_in_english_the_headings_are_the_columns_names(run: Run, folder: Path) -> None:
    assert run("export", "out", "--lang", "en").exit_code == 0
    assert rows(folder / "out" / "fills.csv")[0]["traded_id"] == LONG_ID + "\t"
    assert sorted(pages(folder / "out" / "jqfollow.xlsx")) == FILES


def test_every_column_has_a_chinese_heading() -> None:
    nothing = Found(day=None, signals=(), made={}, orders=(), fills=(), evenings=(), pictures=(), names={}, titles={})
    made = [*sheets(nothing), messages(nothing), holdings(nothing)]
    assert {sheet.name for sheet in made} == set(SHEETS)
    assert {column for sheet in made for column in sheet.columns} == set(COLUMNS)
    for sheet in made:
        headings = [COLUMNS[column] for column in sheet.columns]
        assert len(set(headings)) == len(headings), sheet.name


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
    found = pages(folder / "out" / "jqfollow.xlsx")
    assert list(found) == ["信号", "订单", "成交", "策略持仓", "账户", "每日业绩"]
    first = found["成交"][0]
    assert first["券商成交编号"] == LONG_ID  # a number would lose its last digits
    assert (first["成交编号"], first["数量"], first["价格"], first["证券代码"]) == ("1", 300, 10.52, "000001.SZ")
    assert first["成交时间"] == datetime(2026, 3, 2, 10, 1, 5)  # noqa: DTZ001  # a spreadsheet knows no zones


def sheet(*cells: Cell) -> Sheet:
    return Sheet(name="fills", columns=("text",), rows=[(cell,) for cell in cells])


def read_csv(of: Sheet) -> list[str]:
    text = csv_bytes(of).decode("utf-8-sig")
    return [row[0] if row else "" for row in csv.reader(io.StringIO(text, newline=""))][1:]


def read_xlsx(of: Sheet) -> list[object]:
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes([of])))
    cells = [book["成交"].cell(number, 1) for number in range(2, len(of.rows) + 2)]
    assert not [cell for cell in cells if cell.data_type in {"f", "e"}]
    return [cell.value for cell in cells]


def test_words_of_others_never_become_formulas() -> None:
    assert read_csv(sheet(EVIL, Decimal("-5.10"), "@x", "-1", -3, "\t=1")) == [
        "'" + EVIL, "-5.10", "'@x", "'-1", "-3", "'\t=1",
    ]  # fmt: skip
    assert read_xlsx(sheet(EVIL, Decimal("-5.10"), "-1")) == [EVIL, -5.1, "-1"]


@pytest.mark.parametrize("text", [LONG_ID, "123456789012", "1E5", "12e-3", "007", "3-2", "1/2", "10:30", "1.50", "1,5"])
def test_a_text_that_excel_would_show_otherwise_stays_a_text(text: str) -> None:
    assert read_csv(sheet(text)) == [text + "\t"]
    assert read_xlsx(sheet(text)) == [text]


@pytest.mark.parametrize("text", ["0", "7", "16000000012", "000001.SZ", "demo", "e5", ""])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert read_csv(sheet(text)) == [text]


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
FIGURES = st.decimals(-(10**11), 10**11, places=4)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2099, 1, 1), timezones=st.just(SHANGHAI))  # noqa: DTZ001
CELLS = st.lists(st.one_of(TEXTS, st.integers(), FIGURES, TIMES, st.none()), max_size=10)


@settings(max_examples=40)
@given(CELLS)
def test_what_was_written_is_read_again(cells: list[Cell]) -> None:
    for cell, written in zip(cells, read_csv(sheet(*cells)), strict=True):
        if isinstance(cell, str):
            assert not written.startswith(("=", "+", "-", "@", "\t", "\r"))
            assert cell in {written, written[1:], written[:-1]}
        elif isinstance(cell, datetime):
            assert written == f"{cell:%Y-%m-%d %H:%M:%S}"
        else:
            assert written == "" if cell is None else Decimal(written) == cell
    for cell, value in zip(cells, read_xlsx(sheet(*cells)), strict=True):
        if isinstance(cell, str):
            assert unescape(value) == cell
        elif isinstance(cell, datetime):
            assert isinstance(value, datetime)
            assert abs(value - cell.replace(tzinfo=None)).total_seconds() <= 0.001
        elif isinstance(cell, int) and abs(cell) >= 10**15:
            assert value == str(cell)
        else:
            assert value == (None if cell is None else pytest.approx(float(cell), rel=1e-15))
