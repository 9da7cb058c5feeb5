"""A social network's interface: a feed of posts about the brand, by cursor, each told again as its likes grow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from demo.systems import web

LIMIT, MOST = 50, 200


def routes(root: Path, token: str) -> list[BaseRoute]:
    """GET /feed: `since` (ISO time), `limit`, `cursor`; answers {posts, next_cursor}, null at the end."""
    table = web.Table(root, "social.posts")

    async def feed(request: Request) -> Response:
        try:
            limit = min(int(request.query_params.get("limit", LIMIT)), MOST)
            start = int(request.query_params.get("cursor", "0"))
            rows = table.known(web.moment_of(request, "since"))
        except ValueError as error:
            return JSONResponse({"error": f"bad request: {error}"}, 400)
        part = rows.slice(start, limit)
        end = start + part.height
        following = str(end) if end < rows.height else None
        return web.JsonText({"posts": [_post(row) for row in part.to_dicts()], "next_cursor": following})

    return [Route("/feed", web.guarded(token, feed))]


def _post(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["post"],
        "network": row["platform"],
        "author": {"handle": row["handle"]},
        "created_at": row["posted_at"],
        "lang": row["language"],
        "text": row["text"],
        "product": row["tag"],
        "stats": {name: row[name] for name in ("likes", "shares", "replies")},
        "seen_at": row["seen_at"],
    }
