"""`jqfollow export FOLDER`: the ledger as CSV files and workbooks, for spreadsheets and tax papers."""

from datetime import date
from pathlib import Path

import click

from jqfollow.cli.base import Command, Day, fail, say, settings_option, words
from jqfollow.cli.headings import sheet_title
from jqfollow.cli.queries import read
from jqfollow.cli.sheets import (
    Found,
    Sheet,
    accounts,
    daily,
    fills,
    find,
    holdings,
    messages,
    orders,
    positions,
    sheets,
    signals,
)
from jqfollow.cli.spreadsheets import MOST_XLSX_ROWS, csv_bytes, xlsx_bytes
from jqfollow.settings import Settings
from jqfollow.wire.private_file import private_folder, write_private

FOLDERS = {
    "持股数据": (positions, holdings),
    "账户数据": (accounts,),
    "原始数据": (messages,),
    "摘要数据": (daily, signals),
    "下单股票池": (orders, fills),
}
"""What stands in the folders that users of the original know: of each day one workbook, and its pages as CSV."""


@click.command(cls=Command)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--day", type=Day(), help="只导出某日 2026-03-02 或 today / of one day only")
@click.option(
    "--folders",
    is_flag=True,
    help="分成 持股数据、账户数据、原始数据、摘要数据、下单股票池，每日一份 / in these five folders, a workbook a day",
)
@settings_option
def export(*, settings: Settings, folder: Path, day: date | None, folders: bool) -> None:
    """导出信号、订单、成交、持仓、账户、每日业绩为 CSV 和 XLSX。 / Writes the ledger as CSV files and workbooks."""
    found = read(settings, lambda tx: find(tx, settings, day))
    try:
        counts = _by_folder(folder, found) if folders else _by_sheet(folder, found)
    except OSError as error:
        name = error.filename2 or error.filename or folder
        fail(
            words(
                f"无法写入 {name}：{error.strerror}。若在 Excel 中打开着，请先关闭",
                f"{name} cannot be written: {error.strerror}; close it if Excel has it open",
            )
        )
    shown = "，".join(f"{name} {count}" for name, count in counts.items())
    say(f"已导出到 {folder.resolve()}：{shown}", f"written to {folder.resolve()}: {shown}")


def _by_sheet(folder: Path, found: Found) -> dict[str, int]:
    """A file a sheet, and one workbook; how many rows each has."""
    suffix = f"-{found.day}" if found.day else ""
    if not folder.exists():
        private_folder(folder)
    written = sheets(found)
    for sheet in written:
        write_private(folder / f"{sheet.name}{suffix}.csv", csv_bytes(sheet))
    write_private(folder / f"jqfollow{suffix}.xlsx", xlsx_bytes(written))
    _tell_of_long(written)
    return {sheet_title(sheet.name): len(sheet.rows) for sheet in written}


def _by_folder(folder: Path, found: Found) -> dict[str, int]:
    """A folder a subject and in it a workbook a day; how many days each has."""
    counts = dict.fromkeys(FOLDERS, 0)
    for of_day in found.by_day():
        for name, make in FOLDERS.items():
            written = [sheet for sheet in (each(of_day) for each in make) if sheet.rows]
            if not written:
                continue
            private_folder(folder / name)  # ours alone: each file in it need not be looked after
            for sheet in written:
                _put(folder / name / f"{of_day.day}-{sheet_title(sheet.name)}.csv", csv_bytes(sheet))
            _put(folder / name / f"{of_day.day}.xlsx", xlsx_bytes(written))
            counts[name] += 1
    return counts


def _tell_of_long(written: list[Sheet]) -> None:
    for sheet in written:
        if len(sheet.rows) > MOST_XLSX_ROWS:
            name = sheet_title(sheet.name)
            say(
                f"{name} 有 {len(sheet.rows)} 行，Excel 一页只放得下最后 {MOST_XLSX_ROWS} 行，全部在 CSV 里",
                f"{name} has {len(sheet.rows)} rows; the workbook holds the last {MOST_XLSX_ROWS}, the CSV all",
            )


def _put(path: Path, content: bytes) -> None:
    """Whole or not at all: a spreadsheet must not show half a day; of a folder that is its owner's alone."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.touch(mode=0o600)
    temporary.write_bytes(content)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink()
        raise
