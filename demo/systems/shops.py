"""A web shop's REST interface: orders with nested lines and their discounts, refunds, parcels, what it offers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from demo.systems import web

LINE = ["position", "parent", "kind", "sku", "listing", "variant", "promotion", "qty", "list_total", "paid_total"]
# Tables that are told as they stand, row by row, and what names a row of them; `orders` have a shape of their own.
FLAT = {
    "refunds": ["refund_no"],
    "discounts": ["number", "position", "seq"],
    "listings": ["listing", "variant"],
    "bundles": ["listing", "variant", "component", "valid_from"],
    "shipments": ["parcel_no", "line"],
}
ORDER_KEY = ["number"]


def routes(root: Path, shop: str, token: str) -> list[BaseRoute]:
    """GET /orders (`expand=lines` for nested lines), /controls and each of `FLAT`: `updated_since`, `page`, `per_page`.

    Each row is shown as it stands at the clock.
    """
    orders, lines = web.Table(root, f"{shop}.orders", ORDER_KEY), web.Table(root, f"{shop}.order_lines")

    def shaped(rows: pl.DataFrame, request: Request) -> list[dict[str, Any]]:
        by_number: dict[str, list[dict[str, Any]]] = {}
        if request.query_params.get("expand") == "lines":
            nested = lines.known(None).join(rows.select("number"), on="number", how="semi", maintain_order="left")
            for line in nested.select("number", *LINE).to_dicts():
                by_number.setdefault(line.pop("number"), []).append(line)
        return [order(row, by_number) for row in rows.to_dicts()]

    def told(table: web.Table) -> web.Answer:
        return web.paged(lambda request: table.known(web.since_of(request)).drop("shop"), web.records)

    endpoints = {
        "/orders": web.paged(lambda request: orders.known(web.since_of(request)), shaped),
        "/controls": web.controls(web.Table(root, f"{shop}.controls")),
    } | {f"/{name}": told(web.Table(root, f"{shop}.{name}", key)) for name, key in FLAT.items()}
    return [Route(path, web.guarded(token, endpoint)) for path, endpoint in endpoints.items()]


def order(row: dict[str, Any], lines: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """An order as the shop tells it, its lines within it. Of the package's baskets one time is known: placed, paid and
    completed are the same."""
    shown = {name: row[name] for name in ("number", "type", "state", "created_at", "paid_at", "completed_at")}
    shown |= {
        "cancelled_at": row["cancelled_at"],
        "updated_at": row["updated_at"],
        "customer": {name: row[name] for name in ("account", "member", "open_id", "phone", "is_virtual_phone", "email")}
        | {"name": row["buyer"]},
        "shipping": {"region": row["ship_region"], "address": row["ship_address"], "from": row["ship_from"]},
        "presale": {
            "deposit": row["deposit"],
            "deposit_paid_at": row["deposit_paid_at"],
            "balance_paid_at": row["balance_paid_at"],
            "state": row["presale_state"],
        },
        "risk": {"is_suspect": row["is_suspect"], "rule": row["suspect_rule"]},
        "author": row["author"],
        "total": row["total"],
        "currency": row["currency"],
    }
    return shown | {"lines": lines[row["number"]]} if row["number"] in lines else shown
