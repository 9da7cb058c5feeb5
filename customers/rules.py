"""A segment's rule: a condition in SQL over customer columns, read as data and never run as SQL."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import reduce
from typing import Any

import duckdb
import polars as pl

from tillmill.errors import UsageError

MOST_LETTERS = 2_000
_BEFORE = "select 1 from customers where (\n"
_COMPARISONS: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "COMPARE_EQUAL": operator.eq,
    "COMPARE_NOTEQUAL": operator.ne,
    "COMPARE_LESSTHAN": operator.lt,
    "COMPARE_LESSTHANOREQUALTO": operator.le,
    "COMPARE_GREATERTHAN": operator.gt,
    "COMPARE_GREATERTHANOREQUALTO": operator.ge,
}
# LIKE, ILIKE and their opposites as the parser names them: whether letters' case counts, whether it is turned round.
_LIKES = {"~~": (True, False), "!~~": (True, True), "~~*": (False, False), "!~~*": (False, True)}
_KINDS = ("text", "number", "date", "flag")
Node = dict[str, Any]


def read_rule(text: str, columns: Mapping[str, pl.DataType | type[pl.DataType]]) -> pl.Expr:
    """Return the rule as a polars condition over `columns` (name and dtype).

    Allowed: columns, texts, numbers, true, false, null, date '2017-12-31'; = <> < <= > >=, between, in, is null, like,
    and, or, not. DuckDB's parser reads the text and gives its tree as JSON; every node that is not in the list above is
    refused, and what is left becomes an expression: no SQL of anybody's is ever executed. An unknown value is in no
    segment, as in SQL. Raises UsageError that says what is wrong and where.
    """
    if not text.strip():
        raise UsageError("the rule is empty; such as: recency_days > 60 and marketing_media like '%email%'")
    if len(text) > MOST_LETTERS:
        raise UsageError(f"the rule has {len(text):,} letters; {MOST_LETTERS:,} are the most")
    try:
        node = _tree(text)
        found, kind = _Reader(text, columns).value(node)
    except RecursionError as error:
        raise UsageError("the rule is nested too deeply") from error
    if kind != "flag":
        raise UsageError(f"the rule is a {kind}, not a condition that is true or false")
    return found.fill_null(False)


def _tree(text: str) -> Node:
    with duckdb.connect(config={"enable_external_access": "false", "lock_configuration": "true"}) as connection:
        row = connection.execute("select json_serialize_sql(?)", [f"{_BEFORE}{text}\n)"]).fetchone()
    told = json.loads(row[0]) if row else {"error": True}
    if told["error"]:
        place = int(told.get("position") or len(_BEFORE)) - len(_BEFORE)
        raise UsageError(f"the rule cannot be read at letter {max(place, 0) + 1}: {told.get('error_message', '')}")
    query = told["statements"][0]["node"]
    plain = {"type", "cte_map", "select_list", "from_table", "where_clause", "aggregate_handling"}
    if len(told["statements"]) != 1 or any(value for name, value in query.items() if name not in plain):
        raise UsageError("the rule is more than one condition")
    where: Node = query["where_clause"]
    return where


class _Reader:
    """Turns allowed nodes into expressions, each with its kind: text, number, date, flag or nothing (null)."""

    def __init__(self, text: str, columns: Mapping[str, pl.DataType | type[pl.DataType]]) -> None:
        self._text = text
        self._columns = columns

    def value(self, node: Node) -> tuple[pl.Expr, str]:
        reader = {
            "COLUMN_REF": self._column,
            "CONSTANT": self._constant,
            "CAST": self._cast,
            "COMPARISON": self._comparison,
            "CONJUNCTION": self._conjunction,
            "BETWEEN": self._between,
            "OPERATOR": self._operator,
            "FUNCTION": self._function,
        }.get(node["class"])
        if reader is None:
            raise self._refused(node, node["class"].lower())
        return reader(node)

    def _column(self, node: Node) -> tuple[pl.Expr, str]:
        [*table, name] = node["column_names"]
        if table or name not in self._columns:
            raise UsageError(f"no column {'.'.join([*table, name])!r}; there are {', '.join(self._columns)}")
        dtype = self._columns[name]
        if dtype == pl.Boolean:
            return pl.col(name), "flag"
        if dtype.is_numeric():
            return pl.col(name).cast(pl.Float64), "number"
        return pl.col(name), "date" if dtype == pl.Date else "text"

    def _constant(self, node: Node) -> tuple[pl.Expr, str]:
        kind, text = node["literal"]["kind"], node["literal"].get("text", "")
        if kind == "STRING":
            return pl.lit(text), "text"
        if kind in ("INTEGER", "NUMERIC"):
            return pl.lit(float(text)), "number"
        if kind == "BOOLEAN":
            return pl.lit(text.lower() == "true"), "flag"
        if kind == "NULL_LITERAL":
            return pl.lit(None), "nothing"
        raise self._refused(node, kind.lower())

    def _cast(self, node: Node) -> tuple[pl.Expr, str]:
        """`date '2017-12-31'`, and true and false, which the parser writes as casts of texts."""
        child, wanted = node["child"], node["type_expr"]["type_name"].lower()
        if child["class"] == "CONSTANT" and wanted in ("date", "boolean", "bool"):
            text = child["literal"].get("text", "")
            if wanted != "date" and text.lower() in ("t", "f", "true", "false"):
                return pl.lit(text.lower().startswith("t")), "flag"
            try:
                return pl.lit(date.fromisoformat(text)), "date"
            except ValueError as error:
                raise UsageError(f"{text!r} is no date; such as: date '2017-12-31'") from error
        raise self._refused(node, f"cast to {wanted}")

    def _comparison(self, node: Node) -> tuple[pl.Expr, str]:
        if node["type"] not in _COMPARISONS:
            raise self._refused(node, node["type"].lower())
        left, right = self._alike(node, node["left"], node["right"])
        return _COMPARISONS[node["type"]](left, right), "flag"

    def _conjunction(self, node: Node) -> tuple[pl.Expr, str]:
        parts = [self._flag(child) for child in node["children"]]
        return reduce(operator.and_ if node["type"] == "CONJUNCTION_AND" else operator.or_, parts), "flag"

    def _between(self, node: Node) -> tuple[pl.Expr, str]:
        value, low, high = self._alike(node, node["input"], node["lower"], node["upper"])
        return (value >= low) & (value <= high), "flag"

    def _operator(self, node: Node) -> tuple[pl.Expr, str]:
        kind, children = node["type"], node["children"]
        if kind == "OPERATOR_NOT":
            return ~self._flag(children[0]), "flag"
        if kind in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"):
            found, _ = self.value(children[0])
            return found.is_null() if kind == "OPERATOR_IS_NULL" else found.is_not_null(), "flag"
        if kind in ("COMPARE_IN", "COMPARE_NOT_IN"):
            value, *choices = self._alike(node, *children)
            found = reduce(operator.or_, (value == choice for choice in choices))
            return found if kind == "COMPARE_IN" else ~found, "flag"
        raise self._refused(node, kind.lower())

    def _function(self, node: Node) -> tuple[pl.Expr, str]:
        name, arguments = node["function_name"], [one["expression"] for one in node["arguments"]]
        if name == "-" and len(arguments) == 1:
            found, kind = self.value(arguments[0])
            if kind == "number":
                return -found, "number"
        if not node["is_operator"] or name not in _LIKES or len(arguments) != 2:
            raise self._refused(node, f"the function {name}")
        value, kind = self.value(arguments[0])
        if kind != "text" or arguments[1]["class"] != "CONSTANT":
            raise UsageError("like compares a text column with a text")
        is_exact, is_opposite = _LIKES[name]
        like = "".join({"%": ".*", "_": "."}.get(sign, re.escape(sign)) for sign in arguments[1]["literal"]["text"])
        found = value.str.contains(f"{'' if is_exact else '(?i)'}(?s)^{like}$")
        return ~found if is_opposite else found, "flag"

    def _flag(self, node: Node) -> pl.Expr:
        found, kind = self.value(node)
        if kind not in ("flag", "nothing"):
            raise UsageError(f"{self._words(node)!r} is a {kind}, not a condition")
        return found.cast(pl.Boolean)

    def _alike(self, node: Node, *parts: Node) -> list[pl.Expr]:
        """The parts as expressions that can be compared; a text beside a date is read as one."""
        read = [self.value(part) for part in parts]
        kinds = {kind for _, kind in read} - {"nothing"}
        if kinds == {"date", "text"}:
            read = [
                self._cast({**node, "child": part, "type_expr": {"type_name": "date"}}) if kind == "text" else one
                for part, one in zip(parts, read, strict=True)
                for kind in [one[1]]
            ]
            kinds = {"date"}
        if len(kinds) > 1:
            raise UsageError(f"{self._words(node)!r} compares a {' with a '.join(sorted(kinds))}")
        return [found for found, _ in read]

    def _words(self, node: Node) -> str:
        start = node["query_location"] - len(_BEFORE)
        length = node["query_location_length"]
        return self._text[start : start + length] if 0 <= start < len(self._text) else self._text

    def _refused(self, node: Node, what: str) -> UsageError:
        return UsageError(
            f"{self._words(node)!r}: a rule has no {what}; it has columns, values, comparisons, between, in, like, "
            "is null, and, or, not"
        )
