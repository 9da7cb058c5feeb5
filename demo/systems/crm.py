"""The member club's REST interface: members and their consents up to the clock, campaigns, its own totals."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from demo.systems import web


def routes(root: Path, token: str) -> list[BaseRoute]:
    """GET /members, /consents, /campaigns, /controls: `updated_since`, `page`, `per_page`."""
    members, consents, campaigns = (web.Table(root, f"crm.{name}") for name in ("members", "consents", "campaigns"))

    def current(request: Request) -> pl.DataFrame:
        # The newest version of each member, where that is not before `updated_since`.
        versions = members.known(web.since_of(request))
        return versions.unique("member_no", keep="last", maintain_order=True)

    endpoints = {
        "/members": web.paged(current, web.records),
        "/consents": web.paged(lambda request: consents.known(web.since_of(request)), web.records),
        "/campaigns": web.paged(lambda request: campaigns.known(web.since_of(request)), web.records),
        "/controls": web.controls(web.Table(root, "crm.controls")),
    }
    return [Route(path, web.guarded(token, endpoint)) for path, endpoint in endpoints.items()]
