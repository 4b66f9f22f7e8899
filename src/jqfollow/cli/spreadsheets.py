"""Sheets as files that a spreadsheet opens as they are: texts stay texts, figures stay figures."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jqfollow.cli.headings import heading, sheet_title
from jqfollow.cli.sheets import Cell, Sheet

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MOST_EXACT = 10**15
MOST_XLSX_ROWS = 1_048_575
_MOST_XLSX_TEXT = 32_767
_WIDEST = 50
_NARROWEST = 8
_WIDE_ROWS = 500
_ASCII_END = 128
_LOOKS_LIKE_A_FIGURE = re.compile(r"[0-9][0-9.,:/eE+ -]*")
_SHORT_NUMBER = re.compile(r"0|[1-9][0-9]{0,10}")


def csv_bytes(sheet: Sheet) -> bytes:
    """UTF-8 with the mark by which Excel knows it.

    No text of others can become a formula. A text that Excel would take for a figure or a date and show otherwise (a
    long id as 1.23E+17, `3-2` as a day) ends in a tab, by which it stays a text, digit for digit.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([heading(column) for column in sheet.columns])
    writer.writerows([_csv_cell(cell) for cell in row] for row in sheet.rows)
    return text.getvalue().encode("utf-8-sig", "replace")


def _csv_cell(cell: Cell) -> str:
    if isinstance(cell, str):
        if cell.startswith(_FORMULA_STARTS):
            return "'" + cell
        changed = _LOOKS_LIKE_A_FIGURE.fullmatch(cell) and not _SHORT_NUMBER.fullmatch(cell)
        return cell + "\t" if changed else cell
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M:%S}"
    return "" if cell is None else format(cell, "f") if isinstance(cell, Decimal) else str(cell)


def xlsx_bytes(sheets: Sequence[Sheet]) -> bytes:
    """A workbook with a page for each; texts stay texts, also those that look like numbers or formulas.

    Of more rows than a page can have, the last ones.
    """
    import xlsxwriter  # slow, and no other command needs it

    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, options) as book:
        bold = book.add_format({"bold": True})
        shapes: dict[type, Any] = {
            kind: book.add_format({"num_format": shape})
            for kind, shape in (
                (date, "yyyy-mm-dd"),
                (datetime, "yyyy-mm-dd hh:mm:ss"),
                (int, "0"),  # never 1E+11
                (Decimal, "#,##0.00##"),
                (str, "@"),
            )
        }
        for sheet in sheets:
            page = book.add_worksheet(sheet_title(sheet.name))
            page.freeze_panes(1, 0)
            headings = [heading(column) for column in sheet.columns]
            page.write_row(0, 0, headings, bold)
            rows = sheet.rows[-MOST_XLSX_ROWS:]
            for number, row in enumerate(rows, 1):
                for column, cell in enumerate(row):
                    _put(page, number, column, cell, shapes)
            for column, name in enumerate(headings):
                shown = [name, *(_csv_cell(row[column]) for row in rows[-_WIDE_ROWS:])]
                page.set_column(column, column, min(max(_NARROWEST, *(_width(text) + 2 for text in shown)), _WIDEST))
            page.autofilter(0, 0, len(rows), len(headings) - 1)
    return content.getvalue()


def _put(page: Any, row: int, column: int, cell: Cell, shapes: Mapping[type, Any]) -> None:
    if isinstance(cell, datetime):
        page.write_datetime(row, column, cell.replace(tzinfo=None), shapes[datetime])
    elif isinstance(cell, date):
        page.write_datetime(row, column, cell, shapes[date])
    elif isinstance(cell, int | Decimal) and -_MOST_EXACT < cell < _MOST_EXACT:
        page.write_number(row, column, float(cell), shapes[type(cell)])
    elif cell is not None:
        page.write_string(row, column, str(cell)[:_MOST_XLSX_TEXT], shapes[str])


def _width(text: str) -> int:
    """In columns of a terminal: a Chinese character takes two."""
    return sum(1 if ord(letter) < _ASCII_END else 2 for letter in text)
