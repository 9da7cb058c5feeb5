"""Opens a published version for reading: no writing, no files, no settings changed, a cursor for each question."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

_LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "access_mode": "READ_ONLY",
    "enable_external_access": "false",
    "lock_configuration": "true",
    "threads": "2",
    "memory_limit": "1GB",
}
_KEPT_ANSWERS = 512


class QueryError(Exception):
    """A published table could not be read; the page says so and the rest of the portal goes on."""


@dataclass
class Warehouse:
    """One published version. Its file never changes, so an answer once given is kept."""

    connection: duckdb.DuckDBPyConnection
    tables: frozenset[str]
    answers: dict[tuple[str, tuple[tuple[str, Any], ...]], pl.DataFrame] = field(default_factory=dict)

    def has(self, *tables: str) -> bool:
        """Whether all these tables were published."""
        return self.tables.issuperset(tables)

    def is_empty(self, table: str) -> bool:
        """Whether a published table has no row; `table` is one of `tables`, never foreign text."""
        if table not in self.tables:
            return True
        with self.connection.cursor() as cursor:
            return bool(cursor.table(table).limit(1).pl().is_empty())

    def has_column(self, table: str, column: str) -> bool:
        """Whether a published table has this column."""
        if table not in self.tables:
            return False
        with self.connection.cursor() as cursor:
            return column in cursor.table(table).columns

    def table(self, name: str) -> pl.DataFrame:
        """All rows of a published table, for `tillmill.actions`; raises QueryError where there is none."""
        if name not in self.tables:
            raise QueryError(f"there is no table {name}")
        with self.connection.cursor() as cursor:
            found: pl.DataFrame = cursor.table(name).pl()
        return found

    def rows(self, sql: str, **parameters: str | date | int | float | bool | None) -> pl.DataFrame:
        """The answer to one question with bound parameters; raises QueryError with DuckDB's words."""
        key = (sql, tuple(sorted(parameters.items())))
        if key in self.answers:
            return self.answers[key]
        try:
            with self.connection.cursor() as cursor:
                found: pl.DataFrame = cursor.sql(sql, params=parameters or None).pl()
        except duckdb.Error as error:
            raise QueryError(str(error)) from error
        if len(self.answers) >= _KEPT_ANSWERS:
            self.answers.clear()
        self.answers[key] = found
        return found


def open_warehouse(path: Path) -> Warehouse:
    """The published file, read-only and locked down; raises QueryError when it cannot be opened."""
    try:
        connection = duckdb.connect(str(path), config=_LOCKED)
        names = connection.execute("select table_name from information_schema.tables").fetchall()
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    return Warehouse(connection, frozenset(str(row[0]) for row in names))
