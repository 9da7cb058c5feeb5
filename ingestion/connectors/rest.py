"""REST sources: page by page, only what changed since the last pull, each change once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import polars as pl
from pydantic import Field, model_validator

from ingestion.connectors.connector import Connector, Settings
from ingestion.connectors.page import FILE, LINE, Page, field_name
from ingestion.connectors.web import Connection, Web, open_web
from tillmill.errors import SourceError
from tillmill.workspace import Workspace, now

# Beyond this many remembered records the next pull takes the overlap again, and its rows meet by key.
MOST_REMEMBERED = 50_000
MOST_PAGES = 100_000


class Pull(Settings):
    """What to read and how it is paged.

    One of `page_param` (page numbers, to `total_pages` where the answer tells it, else to the first empty page),
    `cursor_param` with `next` (the answer's field that holds the next cursor) and `next` alone (a field that holds the
    next page's URL); none: one page. `since_param` asks for what changed since the highest `since_field` seen, less
    `overlap_seconds`. `explode` makes one record of each element of a nested list, with the parent's fields named in
    `parents`.
    """

    path: str
    items: str = ""
    params: dict[str, str] = Field(default_factory=dict)
    page_param: str = ""
    first_page: int = 1
    size_param: str = ""
    size: int = Field(default=0, ge=0)
    total_pages: str = ""
    cursor_param: str = ""
    next: str = ""
    since_param: str = ""
    since_field: str = ""
    overlap_seconds: int = Field(default=300, ge=0)
    explode: str = ""
    parents: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.page_param and (self.cursor_param or self.next):
            raise ValueError("page_param excludes cursor_param and next")
        if self.cursor_param and not self.next:
            raise ValueError("cursor_param needs next: the answer's field with the next cursor")
        if bool(self.since_param) != bool(self.since_field):
            raise ValueError("since_param and since_field belong together")
        if self.parents and not self.explode:
            raise ValueError("parents needs explode")
        return self


def pages(workspace: Workspace, connection: Connection, pull: Pull, cursor: dict[str, Any] | None) -> Iterator[Page]:
    """Pages of records, objects flattened to dotted names and lists as JSON text; the last page's cursor moves `since`.

    `cursor` holds `since` (the highest time seen) and `seen` (hashes of the records a next answer would repeat); a pull
    cut short starts again from the old `since`. Raises SourceError for a server that keeps failing, an answer that is
    not JSON or not shaped as told, and a page loop.
    """
    reader = _Reader(pull, cursor or {})
    with open_web(workspace, connection) as web:
        waiting: Page | None = None
        for number, items in enumerate(_answers(web, pull, reader.since), start=1):
            records = reader.records(items, number)
            if records.is_empty():
                continue
            # One page is held back, so that the last one with records carries the cursor at the end.
            if waiting is not None:
                yield waiting
            waiting = Page(records, reader.cursor_so_far(), now(), f"{pull.path}, page {number}")
        final = reader.cursor_at_end()
        if waiting is not None:
            yield Page(waiting.records, final, waiting.extracted_at, waiting.position)
        elif final != (cursor or {}):
            yield Page(pl.DataFrame(), final, now(), f"{pull.path}, nothing new")


def _answers(web: Web, pull: Pull, since: datetime | None) -> Iterator[list[dict[str, Any]]]:
    """The items of each page, until the source says there are no more."""
    params = dict(pull.params)
    if pull.size_param and pull.size:
        params[pull.size_param] = str(pull.size)
    if pull.since_param and since is not None:
        start = since - timedelta(seconds=pull.overlap_seconds)
        params[pull.since_param] = start.strftime("%Y-%m-%dT%H:%M:%SZ")
    path, number, asked, last = pull.path, pull.first_page, set[str](), ""
    for _ in range(MOST_PAGES):
        if pull.page_param:
            params[pull.page_param] = str(number)
        body = web.read(path, params, is_link=path != pull.path)
        items = _items(body, pull)
        said = hashlib.sha256(json.dumps(items, sort_keys=True).encode()).hexdigest() if items else ""
        if items and pull.page_param and said == last:
            raise SourceError(f"{pull.path}: page {number} is page {number - 1} again; the paging does not move on")
        last = said
        yield items
        if pull.page_param:
            # A short page need not be the last, nor an empty one where the source counts more pages.
            told = str(_dig(body, pull.total_pages)) if pull.total_pages else ""
            if number - pull.first_page + 1 >= int(told) if told.isdigit() else not items:
                return
            number += 1
            continue
        following = _dig(body, pull.next) if pull.next else None
        if following in (None, "", False):
            return
        if str(following) in asked:
            raise SourceError(f"{pull.path}: the same next page is given twice; the paging goes in a circle")
        asked.add(str(following))
        if pull.cursor_param:
            params[pull.cursor_param] = str(following)
        else:
            path, params = str(following), {}
    raise SourceError(f"{pull.path}: more than {MOST_PAGES:,} pages")


def _items(body: Any, pull: Pull) -> list[dict[str, Any]]:
    items = _dig(body, pull.items) if pull.items else body
    if isinstance(body, dict) and body.get("error") and not items:
        raise SourceError(f"{pull.path}: the answer reports an error of the source")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise SourceError(f"{pull.path}: no list of records under {pull.items or 'the top'!r} in the answer")
    return items


def _dig(body: Any, path: str) -> Any:
    for key in path.split("."):
        body = body.get(key) if isinstance(body, dict) else None
    return body


class _Reader:
    """Turns items into records, leaves out what the last pull already brought, and keeps the cursor."""

    def __init__(self, pull: Pull, cursor: dict[str, Any]) -> None:
        self.pull = pull
        self.since = datetime.fromisoformat(cursor["since"]) if cursor.get("since") else None
        self._known = set(cursor.get("seen", ()))
        self._before = cursor
        self._highest = self.since
        self._seen: dict[str, datetime | None] = {}

    def records(self, items: list[dict[str, Any]], number: int) -> pl.DataFrame:
        """The new records of one page."""
        rows: list[dict[str, str | None]] = []
        limit = now() + timedelta(days=1)
        for place, item in enumerate(items, start=1):
            told = _time(_dig(item, self.pull.since_field)) if self.pull.since_field else None
            # A time from the future would blind the stream to every change until then.
            if told is not None and told <= limit and (self._highest is None or told > self._highest):
                self._highest = told
            mark = hashlib.blake2b(json.dumps(item, sort_keys=True).encode(), digest_size=8).hexdigest()
            is_known = mark in self._known
            self._seen[mark] = told
            if not is_known:
                rows.extend(self._rows(item, f"{self.pull.path}, page {number}, record {place}", place))
        if not rows:
            return pl.DataFrame()
        names = dict.fromkeys(name for row in rows for name in row)
        texts = {name: pl.Series([row.get(name) for row in rows], dtype=pl.String) for name in names if name != LINE}
        return pl.DataFrame(texts).with_columns(pl.Series(LINE, [int(row[LINE] or 0) for row in rows], dtype=pl.Int64))

    def _rows(self, item: dict[str, Any], position: str, place: int) -> Iterator[dict[str, str | None]]:
        if not self.pull.explode:
            yield flatten(item) | {FILE: position, LINE: str(place)}
            return
        parent = flatten({name: value for name, value in item.items() if name != self.pull.explode})
        kept = {name: parent.get(name) for name in self.pull.parents}
        for line, child in enumerate(_dig(item, self.pull.explode) or [], start=1):
            found = flatten(child) if isinstance(child, dict) else {"value": text_of(child)}
            yield kept | found | {FILE: position, LINE: str(line)}

    def cursor_so_far(self) -> dict[str, Any]:
        """The state in the middle of a pull: the old one, since pages may come in any order."""
        return self._before

    def cursor_at_end(self) -> dict[str, Any]:
        """The state after the last page: the highest time, and what the next answer would repeat."""
        start = self._highest - timedelta(seconds=self.pull.overlap_seconds + 1) if self._highest else None
        again = sorted(mark for mark, told in self._seen.items() if told is None or start is None or told >= start)
        if self.pull.since_field and not self._seen:
            return self._before
        cursor: dict[str, Any] = {"seen": again if len(again) <= MOST_REMEMBERED else []}
        if self._highest is not None:
            cursor["since"] = self._highest.isoformat()
        return cursor


def flatten(item: dict[str, Any], prefix: str = "") -> dict[str, str | None]:
    """One record as text by dotted name; lists as JSON text, null as null."""
    flat: dict[str, str | None] = {}
    for name, value in item.items():
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[field_name(prefix + name)] = text_of(value)
    return flat


def text_of(value: Any) -> str | None:
    """A JSON value as text; strict_json has left numbers as the text they were."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)


def _time(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


CONNECTOR = Connector(Connection, Pull, pages)
