"""Reads and writes the files people bring to the workbench: CSV and Parquet, told apart by their ending."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tillmill.errors import UsageError

ENDINGS = (".csv", ".parquet")


def read_file(path: Path) -> pl.DataFrame:
    """The table in `path`; in CSV, numbers and dates are recognised. Raises UsageError in one sentence."""
    _known(path)
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file")
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, try_parse_dates=True, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UsageError(f"{path}: {str(error).splitlines()[0]}") from error


def write_file(frame: pl.DataFrame, path: Path) -> None:
    """Writes the table to `path`; raises UsageError when the ending is unknown or the folder cannot be written."""
    _known(path)
    try:
        if path.suffix == ".parquet":
            frame.write_parquet(path)
        else:
            frame.write_csv(path)
    except OSError as error:
        raise UsageError(f"{path}: {error}") from error


def _known(path: Path) -> None:
    if path.suffix not in ENDINGS:
        raise UsageError(f"{path}: the ending must be one of {', '.join(ENDINGS)}")
