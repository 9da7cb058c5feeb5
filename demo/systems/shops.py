"""A web shop's REST interface: orders with nested lines, refunds, its own totals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from demo.systems import web

LINE = ["position", "sku", "qty", "list_total", "paid_total"]


def routes(root: Path, shop: str, token: str) -> list[BaseRoute]:
    """GET /orders (`expand=lines` for nested lines), /refunds, /controls: `updated_since`, `page`, `per_page`."""
    orders, lines = web.Table(root, f"{shop}.orders"), web.Table(root, f"{shop}.order_lines")
    refunds = web.Table(root, f"{shop}.refunds")

    def shaped(rows: pl.DataFrame, request: Request) -> list[dict[str, Any]]:
        by_number: dict[str, list[dict[str, Any]]] = {}
        if request.query_params.get("expand") == "lines":
            nested = lines.known(None).join(rows.select("number"), on="number", how="semi", maintain_order="left")
            for line in nested.select("number", *LINE).to_dicts():
                by_number.setdefault(line.pop("number"), []).append(line)
        return [_order(row, by_number) for row in rows.to_dicts()]

    endpoints = {
        "/orders": web.paged(lambda request: orders.known(web.since_of(request)), shaped),
        "/refunds": web.paged(lambda request: refunds.known(web.since_of(request)), web.records),
        "/controls": web.controls(web.Table(root, f"{shop}.controls")),
    }
    return [Route(path, web.guarded(token, endpoint)) for path, endpoint in endpoints.items()]


def _order(row: dict[str, Any], lines: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """An order as the shop tells it. The package knows one time per basket: placed, paid and completed are the same."""
    moment = row["created_at"]
    order = {
        "number": row["number"],
        "state": row["state"],
        "created_at": moment,
        "paid_at": moment,
        "completed_at": moment,
        "updated_at": moment,
        "customer": {name: row[name] for name in ("account", "member", "open_id", "phone", "email")}
        | {"name": row["buyer"]},
        "shipping": {"region": row["ship_region"], "address": row["ship_address"], "from": row["ship_from"]},
        "total": row["total"],
        "currency": row["currency"],
    }
    return order | {"lines": lines[row["number"]]} if row["number"] in lines else order
