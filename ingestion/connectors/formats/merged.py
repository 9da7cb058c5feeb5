"""Which cells of an .xlsx worksheet are merged: its XML says so, and the reader of its values does not."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile

from ingestion.connectors.formats.xmlsafe import BrokenXmlError, local_name, safe_parse
from tillmill.errors import RefusedError, SourceError

RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def merged_rows(data: bytes, sheet: str, where: str) -> list[tuple[int, int, int]]:
    """(column, first row, last row) of each column of each merged cell of more than one row, all counted from 0.

    Columns are counted from the first that has a value, as the reader of values counts them. Raises SourceError for a
    workbook that is no .xlsx.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(_path(archive, sheet)) as text:
            merged, first = [], None
            for element in safe_parse(text, where, ("c", "mergeCell")):
                if local_name(element) == "mergeCell":
                    merged.append(_corners(element.get("ref", "")))
                elif len(element):
                    column = _column(re.sub(r"\d", "", element.get("r", "A1")))
                    first = column if first is None else min(first, column)
                    element.clear()
    except (zipfile.BadZipFile, KeyError, StopIteration, BrokenXmlError, RefusedError) as error:
        raise SourceError(f"{where}: merged cells can be told of an .xlsx workbook only") from error
    offset = first or 0
    return [
        (column - offset, top, bottom)
        for left, top, right, bottom in merged
        if bottom > top
        for column in range(left, right + 1)
    ]


def _path(archive: zipfile.ZipFile, sheet: str) -> str:
    """The sheet's file: the workbook names a relation, and the relations name the file."""
    with archive.open("xl/workbook.xml") as text:
        sheets = {element.get("name"): element.get(RELATION) for element in safe_parse(text, sheet, "sheet")}
    with archive.open("xl/_rels/workbook.xml.rels") as text:
        files = {element.get("Id"): element.get("Target", "") for element in safe_parse(text, sheet, "Relationship")}
    return posixpath.normpath(posixpath.join("/xl", files[sheets[sheet]])).lstrip("/")


def _corners(reference: str) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of `B3:D7`, counted from 0."""
    found = re.fullmatch(r"([A-Z]+)(\d+):([A-Z]+)(\d+)", reference)
    if found is None:
        return 0, 0, 0, 0
    return _column(found[1]), int(found[2]) - 1, _column(found[3]), int(found[4]) - 1


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
