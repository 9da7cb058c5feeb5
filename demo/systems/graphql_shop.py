"""The second web shop's GraphQL interface, shaped as Vendure's: lists by `skip` and `take`, trouble told inside a 200.

Its types follow from the tables of the world, so that a table named in LISTS is served with all its columns.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import polars as pl
from graphql import (
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    graphql_sync,
)
from graphql.type import GraphQLBoolean
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from demo import world
from demo.systems import shops, web
from tillmill.workspace import now

TAKE, MOST = 100, 1_000
# The lists that can be asked for, by table: the type of their items, and the columns that name one (None: all rows).
LISTS: dict[str, tuple[str, list[str] | None]] = {
    "orders": ("Order", shops.ORDER_KEY),
    **{name: (name.removesuffix("s").capitalize(), key) for name, key in shops.FLAT.items()},
    "controls": ("Control", None),
}
# What an item holds of another table: the field, the table, its type, and the column that both have.
PARTS = {"orders": [("lines", "order_lines", "OrderLine", "number")]}

Money = GraphQLScalarType("Money", serialize=lambda value: int(value * 100), description="In cents.")
DateTime = GraphQLScalarType("DateTime", serialize=web.plain, parse_value=web.moment)
Date = GraphQLScalarType("Date", serialize=str)
Since = GraphQLInputObjectType("DateOperators", {"after": GraphQLInputField(DateTime)})
Filter = GraphQLInputObjectType("ListFilter", {"updatedAt": GraphQLInputField(Since)})
Options = GraphQLInputObjectType(
    "ListOptions",
    {
        "skip": GraphQLInputField(GraphQLInt, default_value=0),
        "take": GraphQLInputField(GraphQLInt, default_value=TAKE),
        "filter": GraphQLInputField(Filter),
    },
)


def routes(root: Path, shop: str, token: str) -> list[BaseRoute]:
    """POST /admin-api: {query, variables, operationName}, answered by {data} or {errors}, always with status 200."""
    schema = schema_of(root, shop)

    async def answer(request: Request) -> Response:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given.encode(), token.encode()):
            return _refused("You are not currently authorized to perform this action", "FORBIDDEN")
        try:
            asked = await request.json()
            query, variables, name = asked["query"], asked.get("variables"), asked.get("operationName")
        except (ValueError, KeyError, TypeError, AttributeError):
            return _refused("the body is no {query, variables}", "BAD_REQUEST")
        return web.JsonText(graphql_sync(schema, query, variable_values=variables, operation_name=name).formatted)

    return [Route("/admin-api", answer, methods=["POST"])]


def schema_of(root: Path, shop: str) -> GraphQLSchema:
    """The shop's schema: each list of LISTS with {items, totalItems}."""
    fields: dict[str, GraphQLField] = {}
    for name, (kind, key) in LISTS.items():
        table = web.Table(root, f"{shop}.{name}", key)
        columns = _fields(root, f"{shop}.{name}")
        for field, below, part, shared in PARTS.get(name, []):
            held = GraphQLObjectType(part, _fields(root, f"{shop}.{below}"))
            columns[field] = GraphQLField(_many(held), resolve=_parts(web.Table(root, f"{shop}.{below}"), shared))
        found = {"items": GraphQLField(_many(GraphQLObjectType(kind, columns)))}
        found["totalItems"] = GraphQLField(GraphQLNonNull(GraphQLInt))
        fields[camel(name)] = GraphQLField(
            GraphQLNonNull(GraphQLObjectType(f"{kind}List", found)),
            args={"options": GraphQLArgument(Options)},
            resolve=partial(_listed, table),
        )
    return GraphQLSchema(GraphQLObjectType("Query", fields))


def camel(name: str) -> str:
    """The field of a column."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _listed(table: web.Table, _source: Any, _info: Any, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """One page of the items as they stand at the clock, in the order in which that became known."""
    asked = {"skip": 0, "take": TAKE} | (options or {})
    skip, take = asked["skip"], asked["take"]
    if not 0 <= take <= MOST or skip < 0:
        raise GraphQLError(f"take is 0 to {MOST} and skip not below 0", extensions={"code": "USER_INPUT_ERROR"})
    rows = table.known(None)
    after = ((asked.get("filter") or {}).get("updatedAt") or {}).get("after")
    if after is not None:
        rows = rows.filter(pl.col("known_at") > after)
    return {"items": _told(rows.slice(skip, take)), "totalItems": rows.height}


def _parts(table: web.Table, key: str) -> Callable[..., list[dict[str, Any]]]:
    """Finds what belongs to an item, among the rows known at the clock."""

    @lru_cache(maxsize=1)
    def by_key(_clock: datetime) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for row in _told(table.known(None)):
            found.setdefault(row[camel(key)], []).append(row)
        return found

    def held(source: dict[str, Any], _info: Any) -> list[dict[str, Any]]:
        return by_key(now()).get(source[camel(key)], [])

    return held


def _told(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows by the names of their fields; what a row was last changed at is when it became known."""
    return rows.drop("updated_at", strict=False).rename({"known_at": "updated_at"}).rename(camel).to_dicts()


def _fields(root: Path, name: str) -> dict[str, GraphQLField]:
    """The fields of a table's rows."""
    columns = world.table(root, name).collect_schema()
    fields = {camel(column): GraphQLField(_scalar(dtype)) for column, dtype in columns.items() if column != "known_at"}
    return fields | {"updatedAt": GraphQLField(GraphQLNonNull(DateTime))}


def _scalar(dtype: pl.DataType) -> GraphQLOutputType:
    if isinstance(dtype, pl.Decimal) and dtype.scale == 2:
        return Money
    if isinstance(dtype, pl.Datetime):
        return DateTime
    kinds = {pl.Date: Date, pl.Boolean: GraphQLBoolean, pl.String: GraphQLString}
    return GraphQLInt if dtype.is_integer() else kinds.get(type(dtype), GraphQLFloat)


def _many(kind: GraphQLObjectType) -> GraphQLOutputType:
    return GraphQLNonNull(GraphQLList(GraphQLNonNull(kind)))


def _refused(words: str, code: str) -> Response:
    return JSONResponse({"errors": [{"message": words, "extensions": {"code": code}}]})
