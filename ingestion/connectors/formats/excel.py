"""Excel and OpenDocument worksheets as text records with their row numbers; nothing inferred, nothing left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import polars as pl

from ingestion.connectors.formats.archives import check_held, check_zip, size_of
from ingestion.connectors.formats.csvtext import column_names
from ingestion.connectors.formats.layout import Layout
from ingestion.connectors.formats.merged import merged_rows
from ingestion.connectors.page import FAULT, FILE, LINE, RAW
from tillmill.errors import SourceError

if TYPE_CHECKING:
    from fastexcel import ExcelReader

ZIP = b"PK\x03\x04"
# What holds cells; pictures are not unpacked.
CELLS = (".xml", ".bin")
ALL = "*"
# A cell that Excel could not work out, by the word that the reader has for it.
ERRORS = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
}


def read(source: BinaryIO, name: str, layout: Layout) -> Iterator[pl.DataFrame]:
    """The rows of the worksheet(s), each cell as text: numbers as stored, dates and times as ISO text in either base.

    LINE is the row's number in the sheet; a row without any cell is none. A row with an error cell (`#N/A`) has null
    fields, its reason in FAULT. Raises SourceError for a file that is no workbook, a sheet that is not there or not
    told, RefusedError for a bomb and beyond `layout.most_held_bytes`.
    """
    import fastexcel  # a third of a second that a source without workbooks need not wait

    otherwise = "ask for CSV, which is read as a stream"
    check_held(name, "a workbook", size_of(source), layout, otherwise)
    data = source.read()
    if data.startswith(ZIP):
        source.seek(0)
        members = check_zip(source, name, layout.most_bytes)
        unpacked = sum(member.file_size for member in members if member.filename.lower().endswith(CELLS))
        check_held(name, "a workbook", unpacked, layout, otherwise)
    try:
        workbook = fastexcel.read_excel(data)
        sheets = {sheet: _is_visible(workbook, sheet) for sheet in workbook.sheet_names}
        for sheet in _wanted(sheets, name, layout.sheet):
            frame = _sheet(workbook, sheet, f"{name}, sheet {sheet}", layout, data)
            if layout.sheet == ALL:
                frame.insert_column(frame.width, pl.Series(FILE, [f"{name}#{sheet}"]).new_from_index(0, frame.height))
            yield frame
    except fastexcel.FastExcelError as error:
        words = (str(error).splitlines() or [""])[0]
        raise SourceError(f"{name}: no workbook that can be read: {words}") from error


def _is_visible(workbook: ExcelReader, sheet: str) -> bool:
    return workbook.load_sheet(sheet, header_row=None, dtypes="string", n_rows=0).visible == "visible"


def _wanted(sheets: dict[str, bool], name: str, told: str | int) -> list[str]:
    """The sheets to read: the one told by name or number (1 is the first), all visible ones, or the only visible."""
    visible = [sheet for sheet, is_visible in sheets.items() if is_visible]
    hidden = [sheet for sheet, is_visible in sheets.items() if not is_visible]
    there = f"it has {', '.join(visible)}" + (f", and hidden {', '.join(hidden)}" if hidden else "")
    if told == ALL:
        return visible
    if isinstance(told, int):
        if 1 <= told <= len(sheets):
            return [list(sheets)[told - 1]]
        raise SourceError(f"{name}: no sheet number {told}; {there}")
    if told:
        if told in sheets:
            return [told]
        raise SourceError(f"{name}: no sheet is called {told!r}; {there}")
    if len(visible) == 1:
        return visible
    raise SourceError(
        f"{name}: which sheet? {there}",
        next_command='set pull.sheet to one of them, or to "*" for all that are visible',
    )


def _sheet(workbook: ExcelReader, sheet: str, where: str, layout: Layout, data: bytes) -> pl.DataFrame:
    cells, errors = workbook.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string").to_arrow_with_errors()
    frame = pl.DataFrame(cells)
    first = 0 if layout.columns else layout.header_row
    if frame.height < first or (first and all(cell is None for cell in frame.row(first - 1))):
        raise SourceError(f"{where}: no header in row {first}; the sheet has {frame.height:,} rows")
    told = layout.columns or [cell or "" for cell in frame.row(first - 1)]
    if layout.columns and len(told) != frame.width:
        raise SourceError(f"{where}: {frame.width} columns where pull.columns names {len(told)}")
    frame.columns = column_names(told)
    if layout.fill_merged:
        frame = _fill(frame, merged_rows(data, sheet, where), layout.fill_merged, where)
    faults: dict[int, str] = {}
    for error in errors.errors if errors else ():
        row, column = error.position
        found = re.search(r"Error\((\w+)\)", error.detail)
        word = ERRORS.get(found[1], found[1]) if found else error.detail
        faults.setdefault(row + 1, f"{frame.columns[column]} is {word}")
    lines = pl.Series(LINE, list(range(1, frame.height + 1)), dtype=pl.Int64)
    is_row = pl.any_horizontal(pl.all().is_not_null()) if frame.width else pl.lit(False)
    is_record = frame.select(is_row.alias("is")).to_series() | lines.is_in(list(faults))
    records = frame.insert_column(frame.width, lines).filter(is_record & (lines > first))
    return _marked(records, faults) if faults else records


def _fill(frame: pl.DataFrame, merged: list[tuple[int, int, int]], names: list[str], where: str) -> pl.DataFrame:
    """The named columns with each merged cell's value in every row that it covers."""
    if missing := [name for name in names if name not in frame.columns]:
        raise SourceError(f"{where}: pull.fill_merged names {', '.join(missing)}, which the header does not have")
    for name in names:
        place = frame.columns.index(name)
        values = frame[name].to_list()
        for column, top, bottom in merged:
            if column == place:
                values[top : bottom + 1] = [values[top]] * len(values[top : bottom + 1])
        frame = frame.with_columns(pl.Series(name, values, dtype=pl.String))
    return frame


def _marked(records: pl.DataFrame, faults: dict[int, str]) -> pl.DataFrame:
    """The records with FAULT and RAW where a cell is an error: what the row would say is not known."""
    fault = records[LINE].replace_strict(faults, default=None, return_dtype=pl.String).alias(FAULT)
    fields = [name for name in records.columns if name != LINE]
    raw = records.select(pl.struct(fields).struct.json_encode().alias(RAW)).to_series()
    marked = records.with_columns(fault, raw)
    is_good = pl.col(FAULT).is_null()
    return marked.with_columns(
        *(pl.when(is_good).then(pl.col(name)).alias(name) for name in fields),
        pl.when(~is_good).then(RAW).alias(RAW),
    )
