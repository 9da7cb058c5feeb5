"""The production scheduler's REST interface: its answers to the orders of the plans it was handed."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from demo import scheduler
from demo.systems import web
from tillmill.workspace import now


def routes(root: Path, token: str) -> list[BaseRoute]:
    """GET /acknowledgements: `updated_since`, `page`, `per_page`."""

    def found(request: Request) -> pl.DataFrame:
        since = web.since_of(request)
        rows = scheduler.answers(root, now())
        return rows if since is None else rows.filter(pl.col("answered_at") >= since)

    answer = web.paged(found, lambda rows, _request: rows.to_dicts())
    return [Route("/acknowledgements", web.guarded(token, answer))]
