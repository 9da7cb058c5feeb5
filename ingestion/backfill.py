"""Back-fills: a stretch of time is read again, in windows, beside the ordinary pull and without moving its cursor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from ingestion.connectors.connector import Window
from ingestion.connectors.page import Page
from ingestion.sources import Stream
from tillmill.errors import UsageError
from tillmill.workspace import now

# What a kill makes a back-fill read again; a source with fewer rows a day loses nothing by longer windows.
WINDOW = timedelta(days=7)


def backfill(stream: Stream, window: Window, step: timedelta = WINDOW) -> Stream:
    """The stream as a back-fill of `window`: its pages come in windows of `step`, oldest first, and it has a cursor of
    its own, so that it goes on where a kill cut it off; one that has come to its end begins anew.

    Rows meet by key and version: what is newer in the lake stays current. A whole list of the past deletes nothing.
    Raises UsageError where the connector cannot be asked for a stretch of time, SettingsError where the stream's
    settings do not say how.
    """
    if stream.window_pages is None:
        raise UsageError(
            f"{stream.source} {stream.name}: its connector cannot be asked for a stretch of time",
            state="Nothing was pulled.",
            next_command="tillmill ingest --backfill FROM TO --source SOURCE --stream STREAM",
        )
    # Whether its settings say how it is asked, before anything is opened.
    stream.window_pages(window, None)
    name = f"backfill-{window.since:%Y%m%dt%H%M%S}-{window.until:%Y%m%dt%H%M%S}"
    return replace(
        stream, cursor_name=name, snapshot=None, pages=lambda cursor: _pages(stream, window, step, cursor or {})
    )


def _pages(stream: Stream, window: Window, step: timedelta, cursor: dict[str, Any]) -> Iterator[Page]:
    """The pages of all windows that are left; the last page of each carries the cursor of the next."""
    assert stream.window_pages is not None
    at = datetime.fromisoformat(cursor["at"]) if "at" in cursor else window.since
    within = cursor.get("within")
    if at >= window.until:
        at, within = window.since, None
    while at < window.until:
        following = min(at + step, window.until)
        waiting: Page | None = None
        for page in stream.window_pages(Window(at, following), within):
            if waiting is not None:
                yield waiting
            waiting = replace(page, cursor={"at": _iso(at), "within": page.cursor})
        if waiting is not None:
            yield replace(waiting, cursor={"at": _iso(following), "within": None})
        at, within = following, None
        if waiting is None and at == window.until:
            yield Page(pl.DataFrame(), {"at": _iso(at), "within": None}, now(), "nothing more")


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
