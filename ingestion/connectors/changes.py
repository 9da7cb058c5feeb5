"""Only what changed: from when to when a source is asked, what an answer repeats, and where the next pull goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Self
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import Field, field_validator, model_validator

from ingestion.connectors.connector import Settings, Window
from ingestion.connectors.firstpage import refuse_orphans
from ingestion.connectors.page import Page
from ingestion.connectors.paging import Turn
from ingestion.connectors.records import Row, dig, frame, rows_of
from ingestion.connectors.signing import Value
from tillmill.errors import SettingsError
from tillmill.workspace import now

# Beyond this many remembered records the next pull takes the overlap again, and its rows meet by key.
MOST_REMEMBERED = 50_000
EPOCHS = {"epoch_s": 1, "epoch_ms": 1_000}
# A pull of one stretch of time keeps no account of what changed since.
NO_CHANGES: dict[str, Any] = {
    "since_param": "", "until_param": "", "since_field": "", "start": None, "window_hours": 0.0,
}  # fmt: skip


class Changes(Settings):
    """Which records, and in which spans of time.

    `since_param` asks for what changed since the highest `since_field` seen, less `overlap_seconds`; `until_param` says
    up to when. `since_value` is a text with {since} and {until} for sources that filter by an expression. `time_format`
    (strftime, epoch_s or epoch_ms) and `timezone` say how the source writes such times; `instead_field` is read where
    `since_field` is null. `window_hours` cuts the time from `start` into spans, each pulled whole before the next:
    a long first pull that is cut short goes on at the span it was in. `explode` makes one record of each element of a
    nested list, with the parent's fields named in `parents`: at least one record of a first page has each of them,
    unless `parents_may_be_missing`.
    """

    since_param: str = ""
    until_param: str = ""
    since_value: str = ""
    since_field: str = ""
    instead_field: str = ""
    overlap_seconds: int = Field(default=300, ge=0)
    time_format: str = "%Y-%m-%dT%H:%M:%SZ"
    timezone: str = "UTC"
    start: datetime | None = None
    window_hours: float = Field(default=0, ge=0)
    lag_seconds: int = Field(default=3600, ge=0, description="how late a source may show a change")
    explode: str = ""
    explode_may_be_missing: bool = Field(default=False, description="a record without `explode` has nothing in it")
    parents: list[str] = Field(default_factory=list)
    parents_may_be_missing: bool = Field(default=False, description="a first page may have none of a parent's fields")

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"no zone is called {value!r}") from error
        return value

    @model_validator(mode="after")
    def _belong(self) -> Self:
        if self.since_param and not (self.since_field or self.window_hours):
            raise ValueError("since_param and since_field belong together")
        if self.since_field and not self.since_param:
            raise ValueError("since_param and since_field belong together")
        if self.window_hours and not (self.start and self.since_param and (self.until_param or self.has_until)):
            raise ValueError("window_hours needs start, since_param, and until_param or a since_value with {until}")
        if self.until_param and not self.since_param:
            raise ValueError("until_param needs since_param")
        if self.parents and not self.nests:
            raise ValueError("parents needs explode")
        return self

    @property
    def nests(self) -> bool:
        """Whether a record has records within, which are the ones wanted."""
        return bool(self.explode)

    @property
    def has_until(self) -> bool:
        """Whether the expression has a place for the end of the span."""
        return "{until}" in self.since_value


@dataclass(frozen=True)
class Span:
    """What is asked for at once: changes from `since` (None: everything) to `until` (None: no end is told)."""

    since: datetime | None
    until: datetime | None = None


def asked_for(changes: Changes, span: Span) -> dict[str, Value]:
    """The span as the source's parameters; nothing where everything is wanted."""
    if not changes.since_param or span.since is None:
        return {}
    since = written(span.since - timedelta(seconds=changes.overlap_seconds), changes)
    until = written(span.until or now(), changes)
    if changes.since_value:
        value = changes.since_value.replace("{since}", str(since)).replace("{until}", str(until))
        return {changes.since_param: value}
    return {changes.since_param: since} | ({changes.until_param: until} if changes.until_param else {})


def asked_within(changes: Changes, window: Window) -> dict[str, Value]:
    """A back-fill's stretch of time as the source's parameters. Raises SettingsError where they were not told."""
    if not (changes.since_param and (changes.until_param or changes.has_until)):
        raise SettingsError(
            "pull: a back-fill needs since_param and until_param (or a since_value with {until}): how the source is "
            "asked for a stretch of time"
        )
    return asked_for(changes.model_copy(update={"overlap_seconds": 0}), Span(window.since, window.until))


def written(at: datetime, changes: Changes) -> Value:
    """A time as the source writes it."""
    if changes.time_format in EPOCHS:
        return int(at.timestamp() * EPOCHS[changes.time_format])
    return at.astimezone(ZoneInfo(changes.timezone)).strftime(changes.time_format)


def read_time(value: Any, changes: Changes) -> datetime | None:
    """A time as the source writes it, in UTC; None for what is none."""
    text = str(value) if value is not None else ""
    try:
        if changes.time_format in EPOCHS:
            return datetime.fromtimestamp(float(text) / EPOCHS[changes.time_format], UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        try:
            found = datetime.strptime(text, changes.time_format)  # noqa: DTZ007 - its zone follows
        except ValueError:
            return None
    return (found.replace(tzinfo=ZoneInfo(changes.timezone)) if found.tzinfo is None else found).astimezone(UTC)


# The pages of one span: from the span and the last id of a keyset (None: from the start) to turns.
Walk = Callable[[Span, str | None], Iterator[Turn]]
# What is done to the items that are new, before they become records (their details are fetched); one for one.
Complete = Callable[[list[Any]], list[Any]]


def changed_pages(
    changes: Changes, cursor: dict[str, Any] | None, walk: Walk, what: str, complete: Complete | None = None
) -> Iterator[Page]:
    """Pages of records that the last pull did not bring; the last page of each span moves the cursor behind it.

    `cursor` holds `since` (how far all is read), `seen` (hashes of the records a next answer would repeat), and in the
    middle of a keyset `after` (the last id), `highest` (the highest time seen) and `started` (when the pull began).
    """
    may_be_missing = changes.explode_may_be_missing
    read = partial(rows_of, explode=changes.explode, parents=changes.parents, may_be_missing=may_be_missing)
    memory = _Memory(changes, cursor or {})
    handed_on, is_first = memory.cursor, True
    for span in memory.spans():
        waiting: Page | None = None
        for turn in walk(span, memory.after):
            places, items = memory.fresh(turn.items)
            items = complete(items) if complete and items else items
            memory.after = turn.after
            position = f"{what}, page {turn.number}"
            rows: list[Row] = []
            for place, item in zip(places, items, strict=True):
                rows.extend(read(item, f"{position}, record {place}", place))
            if not rows:
                continue
            # The first page speaks for the others: a later one, or a later pull of few records, may well lack a field.
            if cursor is None and is_first and not changes.parents_may_be_missing:
                refuse_orphans(turn.items, changes.parents, what)
            is_first = False
            # One page is held back, so that the span's last one with records carries the cursor behind it.
            if waiting is not None:
                yield waiting
            waiting = Page(frame(rows), memory.midway(), now(), position, news=turn.news)
        memory.close(span)
        if waiting is not None:
            yield replace(waiting, cursor=memory.cursor)
            handed_on = memory.cursor
    if memory.cursor != handed_on:
        yield Page(pl.DataFrame(), memory.cursor, now(), f"{what}, nothing new")


class _Memory:
    """What the last pull brought, what this one has seen, and the cursor that follows from both.

    `cursor` is the state after the last span that was read whole, `after` the last id read of a keyset.
    """

    def __init__(self, changes: Changes, cursor: dict[str, Any]) -> None:
        self._changes = changes
        self.cursor = cursor
        self.after: str | None = cursor.get("after")
        self._known = set(cursor.get("seen", ()))
        self._since = _moment(cursor.get("since"))
        self._highest = _moment(cursor.get("highest")) or self._since
        self._started = _moment(cursor.get("started")) or now()
        self._seen: dict[str, datetime | None] = {}
        self._is_full = False
        self._has_news = False

    def spans(self) -> Iterator[Span]:
        """The spans still to be read, oldest first."""
        since, step = self._since or self._start(), timedelta(hours=self._changes.window_hours)
        if since is None or not step:
            yield Span(since)
            return
        while since < self._started:
            until = min(since + step, self._started)
            yield Span(since, until)
            since = until

    def _start(self) -> datetime | None:
        start = self._changes.start
        if start is None or start.tzinfo is not None:
            return start
        return start.replace(tzinfo=ZoneInfo(self._changes.timezone)).astimezone(UTC)

    def fresh(self, items: list[Any]) -> tuple[list[int], list[Any]]:
        """The items the last pull did not bring, after the place of each in the page (1 is the first)."""
        places: list[int] = []
        # A time from the future would blind the stream to every change until then.
        limit = now() + timedelta(days=1)
        for place, item in enumerate(items, start=1):
            told = self._time_of(item)
            if told is not None and told <= limit and (self._highest is None or told > self._highest):
                self._highest = told
            mark = hashlib.blake2b(json.dumps(item, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
            self._remember(mark, told)
            if mark not in self._known:
                places.append(place)
        self._has_news = self._has_news or bool(places)
        return places, [items[place - 1] for place in places]

    def _time_of(self, item: Any) -> datetime | None:
        if not self._changes.since_field:
            return None
        told = read_time(dig(item, self._changes.since_field), self._changes)
        if told is None and self._changes.instead_field:
            return read_time(dig(item, self._changes.instead_field), self._changes)
        return told

    def _remember(self, mark: str, told: datetime | None) -> None:
        """Keeps the marks a next answer would repeat, and no more than a bounded number of them."""
        if self._is_full or self._is_past(told, self._highest):
            return
        self._seen[mark] = told
        if len(self._seen) > 2 * MOST_REMEMBERED:
            self._forget_past(self._highest)
            if len(self._seen) > MOST_REMEMBERED:
                self._seen, self._is_full = {}, True

    def _forget_past(self, since: datetime | None) -> None:
        self._seen = {mark: told for mark, told in self._seen.items() if not self._is_past(told, since)}

    def _is_past(self, told: datetime | None, since: datetime | None) -> bool:
        """Whether a pull that starts at `since` would not be given a record of this time again."""
        overlap = timedelta(seconds=self._changes.overlap_seconds + 1)
        # What changed while we read is asked for again: it may have changed behind us.
        return told is not None and since is not None and told < min(since, self._started) - overlap

    def midway(self) -> dict[str, Any]:
        """The cursor in the middle of a span: the one before it, for pages come in any order, save after a last id."""
        if self.after is None:
            return self.cursor
        kept = {name: value for name, value in self.cursor.items() if name in ("since", "seen")}
        if not self._changes.since_field:
            return kept | {"after": self.after}
        highest = {"highest": self._highest.isoformat()} if self._highest else {}
        return kept | highest | {"after": self.after, "started": self._started.isoformat()}

    def close(self, span: Span) -> None:
        """All of the span is read: moves the cursor behind it, unless nothing came and there is little to move."""
        is_unfinished = "after" in self.cursor and bool(self._changes.since_field)
        if self.after is not None and not self._changes.since_field:
            self.cursor = {"after": self.after}
            return
        self.after = None
        since = self._read_until(span)
        step = timedelta(hours=self._changes.window_hours)
        is_far = bool(step) and since is not None and since - (self._since or since) >= step
        if not (self._has_news or is_unfinished or is_far or (step and self._since is None)):
            return
        self._forget_past(since)
        marks = sorted(self._seen) if len(self._seen) <= MOST_REMEMBERED else []
        self.cursor, self._known, self._since = {"seen": marks}, set(marks), since
        if since is not None:
            self.cursor["since"] = since.isoformat()

    def _read_until(self, span: Span) -> datetime | None:
        """How far all is read, now that the span is."""
        if span.until is None:
            return min(self._highest, self._started) if self._changes.since_field and self._highest else None
        # Not behind what the source may not show yet, unless it has shown something as late as that.
        shown = self._started - timedelta(seconds=self._changes.lag_seconds)
        shown = max(shown, self._highest) if self._highest else shown
        floor = self._since or self._start()
        return max(min(span.until, shown), floor) if floor else min(span.until, shown)


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None
