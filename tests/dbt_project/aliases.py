"""Names that a select gives and reads again: a column of its source goes before them, whatever the eye expects."""

from __future__ import annotations

from collections.abc import Mapping

import sqlglot
from sqlglot import exp

Columns = Mapping[str, set[str]]


def shadowed(query: str, tables: Columns) -> list[str]:
    """Each `expression: name` that reads a source's column where the same select gave that name to something else.

    A name that is given to its own column, changed, is meant as it is read, and passes. `tables`: columns by table.
    """
    tree = sqlglot.parse_one(query, read="duckdb")
    known = dict(tables)
    for common in tree.ctes:
        known[common.alias] = _columns(common.this, known)
    return [found for select in tree.find_all(exp.Select) for found in _shadowed_in(select, known)]


def _shadowed_in(select: exp.Select, known: Columns) -> list[str]:
    sources = set().union(*_sources(select, known).values())
    given: set[str] = set()
    found = []
    for expression in select.expressions:
        if isinstance(expression, exp.Star):
            continue
        read = list(expression.find_all(exp.Column))
        names = {column.name for column in read if not column.table}
        found += [f"{expression.sql()[:80]}: {name}" for name in sorted(names & given & sources)]
        if isinstance(expression, exp.Alias) and expression.alias not in {column.name for column in read}:
            given.add(expression.alias)
    return found


def _columns(query: exp.Expression, known: Columns) -> set[str]:
    if isinstance(query, exp.SetOperation):
        return _columns(query.left, known)
    if isinstance(query, exp.Subquery):
        return _columns(query.this, known)
    names: set[str] = set()
    for expression in query.expressions if isinstance(query, exp.Select) else ():
        if expression.is_star:
            sources = _sources(query, known)
            of = expression.table if isinstance(expression, exp.Column) else ""
            names |= sources.get(of, set()) if of else set().union(*sources.values())
        else:
            names.add(expression.alias_or_name)
    return names


def _sources(select: exp.Expression, known: Columns) -> dict[str, set[str]]:
    """Columns by the name under which the select reads each table."""
    origins = [part.this for part in (select.args.get("from_"), *(select.args.get("joins") or ())) if part]
    return {
        origin.alias_or_name: known.get(origin.name, set())
        if isinstance(origin, exp.Table)
        else _columns(origin, known)
        for origin in origins
    }
