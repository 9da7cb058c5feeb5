"""Parquet as text records: every value exactly, as the contract will cast it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from ingestion.connectors.formats.layout import Layout
from ingestion.connectors.page import LINE, field_name
from tillmill.errors import RefusedError, SourceError

ROWS = 50_000
ZONED = "%Y-%m-%dT%H:%M:%S%.f%:z"
NAIVE = "%Y-%m-%dT%H:%M:%S%.f"
VALUE = "value"


def read(source: BinaryIO, name: str, layout: Layout) -> Iterator[pl.DataFrame]:
    """The rows as text: decimals with their scale, timestamps as ISO with their offset, lists as JSON.

    The fields of a struct are columns by dotted name. LINE is the row's place. Raises SourceError for what is no whole
    Parquet file, RefusedError for one that declares more than `layout.most_bytes`.
    """
    import pyarrow as pa  # half a second that a source without Parquet need not wait
    import pyarrow.parquet as pq

    first = 1
    try:
        file = pq.ParquetFile(source)
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
        if sum(group.total_byte_size for group in groups) > layout.most_bytes:
            raise RefusedError(f"{name}: unpacks to more than {layout.most_bytes:,} bytes; nothing of it was read")
        for batch in file.iter_batches(batch_size=ROWS):
            frame = as_text(pl.DataFrame(batch))
            numbers = list(range(first, first + frame.height))
            yield frame.insert_column(frame.width, pl.Series(LINE, numbers, dtype=pl.Int64))
            first += frame.height
        if first == 1:
            yield as_text(pl.DataFrame(file.schema_arrow.empty_table())).with_columns(
                pl.Series(LINE, [], dtype=pl.Int64)
            )
    except (pa.ArrowException, OSError) as error:
        words = (str(error).splitlines() or [""])[0]
        raise SourceError(f"{name}: broken or cut off after row {first - 1:,}: {words}") from error


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every column as text, structs taken apart into dotted names."""
    columns: dict[str, pl.Series] = {}
    for series in frame.get_columns():
        columns |= _texts(series, series.name)
    return pl.DataFrame({field_name(name): values for name, values in columns.items()})


def _texts(series: pl.Series, name: str) -> dict[str, pl.Series]:
    dtype = series.dtype
    if isinstance(dtype, pl.Struct):
        found: dict[str, pl.Series] = {}
        for inner in series.struct.unnest().get_columns():
            found |= _texts(inner, f"{name}.{inner.name}")
        return found
    if isinstance(dtype, (pl.List, pl.Array)):
        return {name: _json(series)}
    return {name: _text(series)}


def _text(series: pl.Series) -> pl.Series:
    dtype = series.dtype
    if isinstance(dtype, pl.Datetime):
        return series.dt.strftime(ZONED if dtype.time_zone else NAIVE)
    if dtype == pl.Binary:
        return pl.Series(series.name, [_of_bytes(value) for value in series.to_list()], dtype=pl.String)
    return series.cast(pl.String)


def _of_bytes(value: bytes | None) -> str | None:
    """Text that a writer has not marked as text; other bytes as hexadecimal digits."""
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return f"0x{value.hex()}" if value is not None else None


def _json(series: pl.Series) -> pl.Series:
    """Lists as JSON text whose innermost values are text, as lists of a REST answer are."""
    texts = series.rename(VALUE).cast(_text_type(series.dtype))
    told = texts.to_frame().select(pl.struct(VALUE).struct.json_encode()).to_series()
    plain = told.str.slice(len(f'{{"{VALUE}":'), told.str.len_chars() - len(f'{{"{VALUE}":}}'))
    return (
        pl.DataFrame({"text": plain, "of": texts}).select(pl.when(pl.col("of").is_not_null()).then("text")).to_series()
    )


def _text_type(dtype: pl.DataType) -> pl.DataType:
    if isinstance(dtype, (pl.List, pl.Array)):
        return pl.List(_text_type(dtype.inner))  # type: ignore[arg-type]  # inner is a DataType in an instance
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _text_type(field.dtype) for field in dtype.fields})  # type: ignore[arg-type]
    return pl.String()
