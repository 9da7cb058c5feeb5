"""The ERP's purchasing behind JSON-RPC, as Odoo speaks it: log-in, and each order line as it stands at the clock."""

from __future__ import annotations

import operator
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from demo import world
from demo.systems import web
from tillmill.workspace import now

DATABASE, USER, USER_ID = "harvest_lane", "tillmill", 7
MODEL = "purchase.order.line"
MOST = 1_000
TIME = "%Y-%m-%d %H:%M:%S"
KINDS = {
    "id": "integer",
    "order_id": "many2one",
    "sequence": "integer",
    "partner_id": "many2one",
    "product_id": "many2one",
    "product_qty": "float",
    "qty_received": "float",
    "date_planned": "date",
    "state": "selection",
    "x_plant": "char",
    "write_date": "datetime",
}
# What another record is called, by the field that refers to it.
REFERENCES = {"order_id": "po_no", "partner_id": "supplier", "product_id": "material"}
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class RefusedError(Exception):
    """What the server tells instead of a result."""


def routes(root: Path, password: str) -> list[BaseRoute]:
    """POST /jsonrpc: `common.login`, and `object.execute_kw` of `fields_get` and `search_read`."""
    lines = _Lines(root)

    async def answer(request: Request) -> Response:
        told: dict[str, Any] = {"jsonrpc": "2.0", "id": None}
        try:
            asked = await request.json()
            told["id"] = asked["id"]
            told["result"] = _call(lines, password, **asked["params"])
        except RefusedError as error:
            told["error"] = _error(str(error))
        except (KeyError, TypeError, ValueError) as error:
            told["error"] = _error(f"{type(error).__name__}: {error}")
        return web.JsonText(told)

    return [Route("/jsonrpc", answer, methods=["POST"])]


class _Lines:
    """Every version of every order line, with the numbers Odoo would give to lines and what they refer to."""

    def __init__(self, root: Path) -> None:
        rows = world.table(root, "erp.purchase_orders").with_columns(
            pl.struct("po_no", "line").rank("dense").alias("id"),
            *(pl.col(name).rank("dense").alias(field) for field, name in REFERENCES.items()),
        )
        self._rows = rows.rename(
            {"line": "sequence", "qty": "product_qty", "received": "qty_received", "due_on": "date_planned"}
            | {"plant": "x_plant", "changed_at": "write_date"}
        )
        self._read: pl.DataFrame | None = None

    def current(self) -> pl.DataFrame:
        """The newest version of each line that is known at the clock, by `id`."""
        if self._read is None:
            self._read = self._rows.collect()
        known = self._read.filter(pl.col("known_at") <= now())
        return known.unique("id", keep="last", maintain_order=True).sort("id")


def _call(lines: _Lines, password: str, service: str, method: str, args: list[Any]) -> Any:
    if (service, method) == ("common", "login"):
        return USER_ID if _is_known(password, *args) else False
    if (service, method) != ("object", "execute_kw"):
        raise RefusedError(f"no {service}.{method} here")
    database, user_id, word, model, wanted, given, *options = args
    if user_id != USER_ID or not _is_known(password, database, USER, word):
        raise RefusedError("Access Denied")
    if model != MODEL:
        raise RefusedError(f"Object {model} doesn't exist")
    if wanted == "fields_get":
        names = given[0] if given else KINDS
        return {name: {"type": KINDS[name]} for name in names}
    if wanted == "search_read":
        return _found(lines.current(), given[0] if given else [], **(options[0] if options else {}))
    raise RefusedError(f"no method {wanted} of {model}")


def _is_known(password: str, database: str, user: str, word: str) -> bool:
    return database == DATABASE and user == USER and secrets.compare_digest(word.encode(), password.encode())


def _found(
    rows: pl.DataFrame, domain: list[Any], fields: list[str], limit: int = MOST, offset: int = 0, order: str = "id asc"
) -> list[dict[str, Any]]:
    """The records that meet every term of the domain, by id."""
    if order != "id asc":
        raise RefusedError("records come by id asc")
    for field, comparison, value in domain:
        wanted = datetime.strptime(value, TIME).replace(tzinfo=UTC) if KINDS[field] == "datetime" else value
        rows = rows.filter(COMPARISONS[comparison](pl.col(field), wanted))
    part = rows.slice(offset, min(limit, MOST))
    names = dict.fromkeys(["id", *fields])
    return [{name: _told(row, name) for name in names} for row in part.iter_rows(named=True)]


def _told(row: dict[str, Any], name: str) -> Any:
    """A value as Odoo tells it: a reference as number and name, a time without zone, false for null."""
    value = row[name]
    if value is None:
        return False
    if name in REFERENCES:
        return [value, row[REFERENCES[name]]]
    return value.strftime(TIME) if isinstance(value, datetime) else value


def _error(words: str) -> dict[str, Any]:
    return {"code": 200, "message": "Odoo Server Error", "data": {"message": words}}
