"""Compares the published warehouse with the tables that Spark built from the same lake, row by row."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl

# Two ways of adding up floating numbers differ in the last digits.
RELATIVE = 1e-9
# What counts loads has not seen, on DuckDB, the loads of what the same run learnt later; Spark comes after them.
COUNTING = frozenset({"int_loads", "int_stream_loads", "int_stream_account", "mart_load", "mart_data_health"})
LEARNT = "tillmill"
CONTRACTED = ("fct_", "dim_", "mart_", "bridge_")


def differences(database: Path, tables: Path) -> list[str]:
    """A sentence per table of the DuckDB file that Spark's folder of the same name does not hold alike; empty when all
    are: the same columns, of the same types in marts, the same rows, floating numbers to 1e-9."""
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        names = [
            name
            for (name,) in connection.execute(
                "select table_name from information_schema.tables where table_type = 'BASE TABLE' order by table_name"
            ).fetchall()
        ]
        only_there = {folder.name for folder in tables.iterdir()} - set(names)
        found = [f"{name}: only Spark has it" for name in sorted(only_there)]
        for name in names:
            if not list((tables / name).glob("*.parquet")):
                found.append(f"{name}: Spark has not built it")
                continue
            ours, theirs = connection.table(name).pl(), pl.read_parquet(tables / name / "*.parquet")
            if name in COUNTING:
                ours, theirs = (frame.filter(pl.col("_source") != LEARNT) for frame in (ours, theirs))
            said = difference(ours, theirs, with_types=name.startswith(CONTRACTED))
            if said:
                found.append(f"{name}: {said}")
    return found


def difference(ours: pl.DataFrame, theirs: pl.DataFrame, *, with_types: bool) -> str:
    """What is not the same in two frames whose rows have no order; an empty text when nothing is."""
    if set(ours.columns) != set(theirs.columns):
        return f"columns {sorted(set(ours.columns) ^ set(theirs.columns))} are only in one"
    columns = ours.columns
    ours, theirs = ours.select(columns), theirs.select(columns)
    if with_types:
        types = [
            f"{column} {ours.schema[column]} and {theirs.schema[column]}"
            for column in columns
            if _kind(ours.schema[column]) != _kind(theirs.schema[column])
        ]
        if types:
            return "types " + ", ".join(types)
    if ours.height != theirs.height:
        return f"{ours.height:,} rows and {theirs.height:,}"
    ours, theirs = _in_order(ours), _in_order(theirs)
    unlike = [(column, _unlike(ours[column], theirs[column])) for column in ours.columns]
    return "; ".join(
        f"{column} differs in {rows.sum():,} rows: {_shown(ours, rows, column)} and {_shown(theirs, rows, column)}"
        for column, rows in unlike
        if rows.any()
    )


def _kind(kind: pl.DataType) -> str:
    """A type as it is declared; instants are told with and without a zone, and all are UTC."""
    return "instant" if isinstance(kind, pl.Datetime) else str(kind)


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows sorted, floating columns last, so that their last digits decide nothing; values in one type per kind."""
    frame = frame.with_columns(_plain(column, kind).alias(column) for column, kind in frame.schema.items())
    floats = [column for column, kind in frame.schema.items() if kind.is_float()]
    return frame.select([column for column in frame.columns if column not in floats] + floats).sort(pl.all())


def _plain(column: str, kind: pl.DataType) -> pl.Expr:
    if isinstance(kind, pl.Datetime):
        return pl.col(column).cast(pl.Int64)
    if kind.is_decimal():
        return pl.col(column).cast(pl.Decimal(38, 12))
    if kind.is_integer():
        return pl.col(column).cast(pl.Int64)
    return pl.col(column).cast(pl.Float64) if kind.is_float() else pl.col(column)


def _unlike(ours: pl.Series, theirs: pl.Series) -> pl.Series:
    if ours.dtype != theirs.dtype:
        ours, theirs = ours.cast(pl.Float64, strict=False), theirs.cast(pl.Float64, strict=False)
    if not ours.dtype.is_float():
        return ours.ne_missing(theirs)
    apart = (ours - theirs).abs() > RELATIVE * pl.select(pl.max_horizontal(ours.abs(), theirs.abs())).to_series()
    return (ours.is_null() != theirs.is_null()) | apart.fill_null(False)


def _shown(frame: pl.DataFrame, rows: pl.Series, column: str) -> object:
    return frame.filter(rows)[column][0]
