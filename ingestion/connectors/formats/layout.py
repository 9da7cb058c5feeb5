"""How a stream's files are written: the settings that every format reads its own part of."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from ingestion.connectors.connector import Settings

AUTO = "auto"
Format = Literal["csv", "tsv", "excel", "xml", "json", "jsonl", "parquet"]


class Layout(Settings):
    """How the files of a stream are written.

    `format` is told by a file's ending unless given. `encoding` is a name, or `auto` for strict detection. `header_row`
    is the row with the column names (1 is the first; what stands above it is no record); `columns` names those of a
    file without one. `sheet` is a worksheet's name or number, or `*` for all that are visible; `fill_merged` names the
    columns in which a merged cell's value stands for all its rows. `records` is the path to the records of XML
    (`Items/Item`) and JSON (`data.items`), `parents` the fields of an XML record's ancestors to repeat beside it
    (`Item/@id`). `members` picks among the files of a zip. A JSON document and a workbook are held in memory whole, up
    to `most_held_bytes`; all else is read as a stream.
    """

    format: Format | None = None
    encoding: str = "utf-8"
    delimiter: str = Field(default="", max_length=1, description="a comma, or a tab in .tsv, unless given")
    header_row: int = Field(default=1, ge=1)
    columns: list[str] = Field(default_factory=list)
    sheet: str | int = ""
    fill_merged: list[str] = Field(default_factory=list)
    records: str = ""
    parents: list[str] = Field(default_factory=list)
    members: str = "*"
    most_bytes: int = Field(default=8 << 30, ge=1, description="of one file, unpacked")
    most_held_bytes: int = Field(default=256 << 20, ge=1, description="of a JSON document or a workbook, unpacked")

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            "".encode("utf-8" if value == AUTO else value)
        except LookupError as error:
            raise ValueError(f"no encoding is called {value!r}") from error
        return value

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.columns and self.header_row != 1:
            raise ValueError("columns are for files without a header: give header_row or columns")
        if self.format == "xml" and not self.records:
            raise ValueError("format xml needs records: the path to one record, such as Items/Item")
        return self
