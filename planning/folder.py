"""A planning folder: the In tables as CSV or Parquet, one file per table, for planning without a warehouse."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl

from planning.contracts import IN, check_table
from tillmill.errors import UsageError

ENDINGS = (".csv", ".parquet")


def read_tables(folder: Path) -> dict[str, pl.DataFrame]:
    """The In tables found in `folder` as TABLE.csv (UTF-8, header) or TABLE.parquet, typed by contract.

    Tables without a file are left out; other files are not read. Raises UsageError in one sentence: file, column, row
    (the first row after the header is 1).
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    tables = {}
    for name in IN:
        paths = [folder / f"{name}{ending}" for ending in ENDINGS if (folder / f"{name}{ending}").exists()]
        if len(paths) > 1:
            raise UsageError(f"{folder}: both {paths[0].name} and {paths[1].name} are there; keep one")
        if paths:
            raw = _read_csv(paths[0]) if paths[0].suffix == ".csv" else _read_parquet(paths[0])
            tables[name] = check_table(name, raw, str(paths[0]))
    if "demand" not in tables and "orders" not in tables:
        raise UsageError(
            f"{folder}: neither demand nor orders is there; expected files named {', '.join(IN)} (.csv or .parquet)"
        )
    return tables


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UsageError(f"{path}: not a readable Parquet file") from error


def _read_csv(path: Path) -> pl.DataFrame:
    """Every cell as text; a row with more or fewer cells than the header is refused, never guessed at."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            twice = sorted({column for column in header if header.count(column) > 1})
            if twice:
                raise UsageError(f"{path}: column {twice[0]!r} comes twice")
            rows = [row for row in reader if row]
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}") from error
    except csv.Error as error:
        raise UsageError(f"{path}: not a readable CSV file: {error}") from error
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise UsageError(f"{path}: row {number} has {len(row)} cells, the header has {len(header)}")
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    return pl.DataFrame(
        [pl.Series(name, list(cells), dtype=pl.String) for name, cells in zip(header, columns, strict=True)]
    )
