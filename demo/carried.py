"""What people carry: workbooks and portal downloads that lie in the workspace's inbox, one set a night.

Like the nightly extracts they never change once written: the same rows give the same bytes.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

from demo import days, nights

# Sheets by table; a table alone in its workbook gives the workbook its name.
WORKBOOKS = {
    "supplier.v100": {"supplier.v100": "Deliveries"},
    "supplier.v200": {"supplier.v200": "Deliveries"},
    "supplier.v300": {"supplier.v300": "Deliveries"},
    "distributor.d1": {"distributor.d1_movements": "Movements", "distributor.d1_stock": "Stock"},
}
DOWNLOADS = ("retail.sell_out",)


def folder(root: Path) -> Path:
    """The inbox of workspace `root`, one folder per sender."""
    return root / "run" / "inbox"


def publish(root: Path, done: int, last: int) -> int:
    """Writes what lies in the inbox after night `done` up to `last`; returns how many files."""
    written = 0
    for name, sheets in WORKBOOKS.items():
        books: dict[int, dict[str, pl.DataFrame]] = {}
        for table, sheet in sheets.items():
            for night in nights.of_table(root, table, done, last):
                books.setdefault(night.number, {})[sheet] = night.rows
        for number, parts in books.items():
            nights.put(_target(root, name, number, "xlsx"), number, partial(_workbook, sheets=parts))
        written += len(books)
    for name in DOWNLOADS:
        for night in nights.of_table(root, name, done, last):
            target = _target(root, name, night.number, "csv")
            nights.put(target, night.number, partial(night.rows.write_csv, separator=";"))
            written += 1
    return written


def _target(root: Path, name: str, number: int, ending: str) -> Path:
    system, _, rest = name.partition(".")
    return folder(root) / system / f"{rest}_{days.extract_label(number)}.{ending}"


def _workbook(path: Path, sheets: dict[str, pl.DataFrame]) -> None:
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm:ss", "remove_timezone": True}) as book:
        # Without it the workbook would bear the time at which it was written.
        book.set_properties({"created": days.FIRST_EXTRACT.replace(tzinfo=None)})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, rows.columns)
            for place, row in enumerate(rows.iter_rows(), start=1):
                for column, value in enumerate(row):
                    _write(sheet, place, column, value, day)


def _write(sheet: Any, row: int, column: int, value: Any, day: Any) -> None:
    if value is None:
        return
    if isinstance(value, str):
        # Codes are text, whatever they look like.
        sheet.write_string(row, column, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, day)
    else:
        sheet.write_number(row, column, float(value) if isinstance(value, Decimal) else value)
