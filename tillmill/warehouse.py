"""Reads tables of a warehouse file as polars frames; the file is opened read-only and closed again."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl

from tillmill.errors import TillmillError, UsageError


def tables(database: Path) -> list[str]:
    """The names of all tables and views in the file, sorted."""
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'main' order by table_name"
        ).fetchall()
    return [str(row[0]) for row in rows]


def read_table(database: Path, table: str) -> pl.DataFrame:
    """All rows and columns of one table or view; raises TillmillError naming the file where the table is missing."""
    if table not in tables(database):
        raise TillmillError(f"{database.name} has no table {table}", next_command="tillmill run")
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        frame: pl.DataFrame = connection.table(table).pl()
    return frame


def query(database: Path, sql: str, rows: int) -> pl.DataFrame:
    """What the SQL says of the file, at most `rows` + 1 rows: one more than was asked for tells that there are more.

    It can change nothing and reach no other file; times are UTC. Raises UsageError in DuckDB's words.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        for setting in ("TimeZone = 'UTC'", "enable_external_access = false", "lock_configuration = true"):
            connection.execute(f"set {setting}")
        try:
            relation = connection.sql(sql)
            if relation is None:
                raise UsageError("this gives no rows; a select is wanted", state="Nothing was changed.")
            frame: pl.DataFrame = relation.limit(rows + 1).pl()
        except duckdb.Error as error:
            raise UsageError(
                str(error), state="Nothing was changed.", next_command="tillmill warehouse docs"
            ) from error
    return frame
