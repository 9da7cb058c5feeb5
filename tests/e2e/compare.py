"""Compares two published warehouses table by table, leaving out the columns that may differ between two runs."""

from __future__ import annotations

from pathlib import Path

import duckdb

VOLATILE = {
    line.strip()
    for line in (Path(__file__).parent / "volatile_columns.txt").read_text().splitlines()
    if line.strip() and not line.startswith("#")
}


def differences(left: Path, right: Path, *, but: frozenset[str] = frozenset()) -> list[str]:
    """A sentence per table, those named in `but` aside, that is not the same in both files; empty when identical."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{left}' as a (read_only)")
        connection.execute(f"attach '{right}' as b (read_only)")
        tables = {side: _tables(connection, side) for side in ("a", "b")}
        found = [f"{name}: only in one" for name in sorted(set(tables["a"]) ^ set(tables["b"]))]
        for name in sorted((set(tables["a"]) & set(tables["b"])) - but):
            columns = ", ".join(f'"{column}"' for column in tables["a"][name] if column not in VOLATILE)
            if not columns:
                continue
            one_way, other_way = (
                _only_in(connection, f'select {columns} from {x}."{name}"', f'select {columns} from {y}."{name}"')
                for x, y in (("a", "b"), ("b", "a"))
            )
            if one_way or other_way:
                found.append(f"{name}: {one_way} rows only on the left, {other_way} only on the right")
    return found


def _only_in(connection: duckdb.DuckDBPyConnection, these: str, those: str) -> int:
    return int(connection.execute(f"select count(*) from ({these} except all {those})").fetchall()[0][0])


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[str]]:
    rows = connection.execute(
        "select table_name, column_name from information_schema.columns where table_catalog = ? order by all",
        [database],
    ).fetchall()
    found: dict[str, list[str]] = {}
    for table, column in rows:
        found.setdefault(table, []).append(column)
    return found
