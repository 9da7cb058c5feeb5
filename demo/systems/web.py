"""What the systems behind HTTP have in common: bearer tokens, pages, and nothing later than the clock."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from demo import world
from tillmill.workspace import now

PER_PAGE, MOST_PER_PAGE = 100, 5_000
Answer = Callable[[Request], Awaitable[Response]]


class Table:
    """One table of the world, read when first asked for; `known` is its part up to the clock.

    Where `key` names a row, of its versions the last one known is shown; without a key every row is.
    """

    def __init__(self, root: Path, name: str, key: list[str] | None = None) -> None:
        self._root, self._name, self._key = root, name, key
        self._rows: pl.DataFrame | None = None

    def known(self, since: datetime | None) -> pl.DataFrame:
        """The rows known at the clock, and not before `since`; in the order they became known."""
        if self._rows is None:
            self._rows = world.table(self._root, self._name).collect()
        rows = self._rows.filter(pl.col("known_at") <= now())
        if self._key is not None:
            rows = rows.unique(self._key, keep="last", maintain_order=True)
        return rows if since is None else rows.filter(pl.col("known_at") >= since)


class JsonText(JSONResponse):
    """JSON with amounts as plain decimal numbers and times as ISO UTC."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, default=plain).encode()


def plain(value: Any) -> Any:
    """A value as the systems write it: times as ISO UTC, amounts as numbers, all else as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Decimal):
        return float(value)
    return str(value)


def guarded(token: str, answer: Answer) -> Answer:
    """The same endpoint, for callers that bear the token."""

    async def endpoint(request: Request) -> Response:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given.encode(), token.encode()):
            return JSONResponse({"error": "unauthorized"}, 401, {"WWW-Authenticate": "Bearer"})
        return await answer(request)

    return endpoint


def since_of(request: Request) -> datetime | None:
    """The caller's `updated_since`. Raises ValueError when it is no ISO time."""
    return moment_of(request, "updated_since")


def moment_of(request: Request, name: str) -> datetime | None:
    """The caller's moment of this name. Raises ValueError when it is no ISO time."""
    text = request.query_params.get(name)
    return moment(text) if text else None


def moment(text: str) -> datetime:
    """An ISO time, in UTC where it names no zone. Raises ValueError when it is none."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def paged(
    find: Callable[[Request], pl.DataFrame], shape: Callable[[pl.DataFrame, Request], list[dict[str, Any]]]
) -> Answer:
    """An endpoint that answers {data, page, per_page, total, total_pages} from what `find` finds, shaped by `shape`."""

    async def endpoint(request: Request) -> Response:
        try:
            page = int(request.query_params.get("page", "1"))
            per_page = min(int(request.query_params.get("per_page", PER_PAGE)), MOST_PER_PAGE)
            if page < 1 or per_page < 1:
                raise ValueError("page and per_page start at 1")
            rows = find(request)
        except ValueError as error:
            return JSONResponse({"error": f"bad request: {error}"}, 400)
        part = rows.slice((page - 1) * per_page, per_page)
        return JsonText(
            {
                "data": shape(part, request),
                "page": page,
                "per_page": per_page,
                "total": rows.height,
                "total_pages": -(-rows.height // per_page),
            }
        )

    return endpoint


def records(rows: pl.DataFrame, _request: Request) -> list[dict[str, Any]]:
    """Rows as they are, without `known_at`."""
    return rows.drop("known_at").to_dicts()


def controls(table: Table) -> Answer:
    """The source's own totals, each restatement as a record with `observed_at`."""

    def shape(rows: pl.DataFrame, _request: Request) -> list[dict[str, Any]]:
        return rows.rename({"known_at": "observed_at"}).to_dicts()

    return paged(lambda request: table.known(since_of(request)), shape)
