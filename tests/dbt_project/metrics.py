"""Counts a metric from its definition alone: what the semantic models and metrics beside the marts say, as SQL.

It knows what the project uses of the specification: simple metrics with filters, ratios, derived ones; dimensions of
the own and of a joined semantic model, and a metric as a filter, which counts over the same span of time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

MODELS = Path(__file__).parents[2] / "dbt_project" / "models"
_DIMENSION = re.compile(r"{{ (?:Time)?Dimension\('(\w+)__(\w+)'(?:, 'day')?\) }}")
_METRIC = re.compile(r"{{ Metric\('(\w+)', group_by=\['(\w+)'\]\) }}")
_REF = re.compile(r"ref\('(\w+)'\)")
_AGGREGATES = {
    "sum": "sum({})",
    "count": "count({})",
    "count_distinct": "count(distinct {})",
    "average": "avg({})",
    "median": "median({})",
    "sum_boolean": "sum(cast({} as integer))",
}


@dataclass(frozen=True)
class Span:
    """What is counted: days from `start_on` up to, not including, `end_on`, and rows that meet `where`."""

    start_on: date | None = None
    end_on: date | None = None
    where: str = "true"


@dataclass
class Definitions:
    """All semantic models, metrics and measures of the project, by name."""

    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    measures: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)


@cache
def defined() -> Definitions:
    """Every definition of the project's YAML files."""
    found = Definitions()
    for file in sorted(MODELS.rglob("*.yml")):
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
        for model in read.get("semantic_models", []):
            found.models[model["name"]] = model
            for measure in model.get("measures", []):
                found.measures[measure["name"]] = (model["name"], measure)
        for metric in read.get("metrics", []):
            found.metrics[metric["name"]] = metric
    return found


def value(connection: duckdb.DuckDBPyConnection, metric: str, span: Span = Span()) -> float | None:
    """The metric over the span; None where there is nothing to count or a denominator is zero."""
    of = defined().metrics[metric]
    params = of["type_params"]
    if of["type"] == "simple":
        return _simple(connection, of, span)
    if of["type"] == "ratio":
        part, whole = (value(connection, params[side], span) for side in ("numerator", "denominator"))
        return part / whole if part is not None and whole else None
    assert of["type"] == "derived", of["type"]
    known = {name: value(connection, name, span) for name in params["metrics"]}
    if None in known.values():
        return None
    columns = ", ".join(f"{amount!r}::double as {name}" for name, amount in known.items())
    return _number(connection, f"select {params['expr']} from (select {columns})")


def _simple(connection: duckdb.DuckDBPyConnection, metric: dict[str, Any], span: Span) -> float | None:
    model, measure = defined().measures[metric["type_params"]["measure"]]
    aggregate = _AGGREGATES[measure["agg"]].format(f"({_owned(model, measure['expr'])})")
    return _number(connection, f"select {aggregate} from {_rows(model, metric.get('filter', 'true'), span)}")


def _rows(model: str, condition: str, span: Span) -> str:
    """The rows of a semantic model that meet the filter, as a FROM with its joins and WHERE."""
    base = defined().models[model]
    joins: dict[str, str] = {}

    def dimension(match: re.Match[str]) -> str:
        entity, name = match.groups()
        if _primary(base) == entity:
            return f"{model}.{_expression(base, name)}"
        other = next(one for one in defined().models.values() if _primary(one) == entity)
        own, theirs = _key(base, entity), _key(other, entity)
        joins[other["name"]] = (
            f"left join {_table(other)} as {other['name']} on {model}.{own} = {other['name']}.{theirs}"
        )
        return f"{other['name']}.{_expression(other, name)}"

    def grouped(match: re.Match[str]) -> str:
        name, entity = match.groups()
        metric = defined().metrics[name]
        of, measure = defined().measures[metric["type_params"]["measure"]]
        assert of == model, "a filter by a metric of another model is not read here"
        aggregate = _AGGREGATES[measure["agg"]].format(measure["expr"])
        key = _key(base, entity)
        inner = _rows(model, metric.get("filter", "true"), span)
        counted = f"select {model}.{key} as entity, {aggregate} as counted from {inner} group by all"
        return f"(select counted from ({counted}) where entity = {model}.{key})"

    where = _METRIC.sub(grouped, _DIMENSION.sub(dimension, condition))
    day = base.get("defaults", {}).get("agg_time_dimension")
    if span.start_on is not None and span.end_on is not None:
        column = f"{model}.{_expression(base, day)}"
        where += f" and {column} >= date '{span.start_on}' and {column} < date '{span.end_on}'"
    return f"{_table(base)} as {model} {' '.join(joins.values())} where {where} and {span.where}"


def _owned(model: str, expression: str) -> str:
    """A column with its table before it, so that a join makes nothing ambiguous; an expression as it stands."""
    return f"{model}.{expression}" if expression.isidentifier() else expression


def _primary(model: dict[str, Any]) -> str:
    named = model.get("primary_entity")
    return str(named or next(entity["name"] for entity in model["entities"] if entity["type"] == "primary"))


def _key(model: dict[str, Any], entity: str) -> str:
    return str(next(one["expr"] for one in model["entities"] if one["name"] == entity))


def _expression(model: dict[str, Any], dimension: str) -> str:
    return str(next(one.get("expr", one["name"]) for one in model["dimensions"] if one["name"] == dimension))


def _table(model: dict[str, Any]) -> str:
    found = _REF.fullmatch(model["model"])
    assert found is not None, model["model"]
    return found[1]


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> float | None:
    row = connection.execute(query).fetchone()
    return None if row is None or row[0] is None else float(row[0])
