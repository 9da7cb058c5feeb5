"""The MES's REST interface: orders, results, what was used and measured, how lines are meant to run, what was repaired.

Each record as it stands at the clock, times in UTC, with `recorded_at`, the moment the MES knew it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from demo import days
from demo.systems import web

# Path, table, and what names a record; None where no record ever changes.
RECORDS: tuple[tuple[str, str, list[str] | None], ...] = (
    ("/work-orders", "mes.work_orders", ["work_order"]),
    ("/results", "mes.results", None),
    ("/consumption", "mes.consumption", ["work_order", "component_lot", "batch"]),
    ("/quality-checks", "mes.quality", ["check_no"]),
    ("/routings", "mes.routings", None),
    ("/changeovers", "mes.changeovers", None),
    ("/calendars", "mes.calendars", None),
    ("/maintenance-orders", "maintenance.orders", ["order_no"]),
)


def routes(root: Path, token: str) -> list[BaseRoute]:
    """GET each of `RECORDS` and /controls: `updated_since`, `page`, `per_page`."""

    def told(table: web.Table) -> web.Answer:
        return web.paged(lambda request: table.known(web.since_of(request)), _records)

    endpoints = {path: told(web.Table(root, table, key)) for path, table, key in RECORDS}
    endpoints["/controls"] = web.controls(web.Table(root, "mes.controls"))
    return [Route(path, web.guarded(token, endpoint)) for path, endpoint in endpoints.items()]


def _records(rows: pl.DataFrame, _request: Request) -> list[dict[str, Any]]:
    """Rows with the mill's wall clock in UTC."""
    walls = [name for name, dtype in rows.schema.items() if dtype == pl.Datetime("us")]
    return rows.rename({"known_at": "recorded_at"}).with_columns(days.to_utc(pl.col(walls))).to_dicts()
