"""`jqfollow export FOLDER`: the ledger as CSV files and one workbook, for spreadsheets and tax papers."""

import csv
import io
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import click

from jqfollow.cli.base import Command, Day, fail, say, settings_option, words
from jqfollow.cli.queries import read
from jqfollow.cli.sheets import Cell, Sheet, sheets
from jqfollow.settings import Settings

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MOST_EXACT = 10**15
_MOST_XLSX_ROWS = 1_048_575
_WIDTH = 17


@click.command(cls=Command)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--day", type=Day(), help="只导出某日 2026-03-02 或 today / of one day only")
@settings_option
def export(*, settings: Settings, folder: Path, day: date | None) -> None:
    """导出信号、委托、成交、持仓、账户、每日汇总为 CSV 和 XLSX。 / Writes the ledger as CSV files and a workbook."""
    found = read(settings, lambda tx: sheets(tx, settings, day))
    suffix = f"-{day}" if day else ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for sheet in found:
            _put(folder / f"{sheet.name}{suffix}.csv", csv_bytes(sheet))
        _put(folder / f"jqfollow{suffix}.xlsx", xlsx_bytes(found))
    except OSError as error:
        name = error.filename2 or error.filename or folder
        fail(
            words(
                f"无法写入 {name}：{error.strerror}。若在 Excel 中打开着，请先关闭",
                f"{name} cannot be written: {error.strerror}; close it if Excel has it open",
            )
        )
    counts = "，".join(f"{sheet.name} {len(sheet.rows)}" for sheet in found)
    say(f"已导出到 {folder.resolve()}：{counts}", f"written to {folder.resolve()}: {counts}")


def _put(path: Path, content: bytes) -> None:
    """Whole or not at all: a spreadsheet must not show half a day."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(content)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink()
        raise


def csv_bytes(sheet: Sheet) -> bytes:
    """UTF-8 with the mark by which Excel knows it; no text of others can become a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(sheet.columns)
    writer.writerows([_csv_cell(cell) for cell in row] for row in sheet.rows)
    return text.getvalue().encode("utf-8-sig", "replace")


def _csv_cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return "'" + cell if cell.startswith(_FORMULA_STARTS) else cell
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M:%S}"
    return "" if cell is None else format(cell, "f") if isinstance(cell, Decimal) else str(cell)


def xlsx_bytes(found: list[Sheet]) -> bytes:
    """A workbook with a sheet for each; texts stay texts, also those that look like numbers or formulas."""
    import xlsxwriter  # slow, and no other command needs it

    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, options) as book:
        bold = book.add_format({"bold": True})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for sheet in found:
            page = book.add_worksheet(sheet.name)
            page.freeze_panes(1, 0)
            page.set_column(0, len(sheet.columns) - 1, _WIDTH)
            page.write_row(0, 0, sheet.columns, bold)
            for number, row in enumerate(sheet.rows[-_MOST_XLSX_ROWS:], 1):
                for column, cell in enumerate(row):
                    if isinstance(cell, datetime):
                        page.write_datetime(number, column, cell.replace(tzinfo=None), moment)
                    elif isinstance(cell, date):
                        page.write_datetime(number, column, cell, day)
                    elif isinstance(cell, int | Decimal) and -_MOST_EXACT < cell < _MOST_EXACT:
                        page.write_number(number, column, float(cell))
                    elif cell is not None:
                        page.write_string(number, column, str(cell))
            page.autofilter(0, 0, len(sheet.rows), len(sheet.columns) - 1)
    return content.getvalue()
