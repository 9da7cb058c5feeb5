"""SOAP sources: an operation called page by page, its answers as records whose values are the text the server wrote."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import polars as pl
from lxml import etree
from pydantic import Field, model_validator

from ingestion.connectors.connector import Connector, Settings, Window
from ingestion.connectors.page import LINE, Page, field_name
from ingestion.connectors.soapcalls import STATE, Connection, Service, open_service
from tillmill.errors import SettingsError, SourceError
from tillmill.workspace import Workspace, now

MOST_PAGES = 100_000
# Beyond this many remembered records the next pull takes the overlap again, and its rows meet by key.
MOST_REMEMBERED = 50_000
INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
Record = dict[str, str | None]


class Pull(Settings):
    """Which operation is called, where in its answer the records stand, and how it is paged.

    Names of arguments and of the answer's elements are dotted paths (`request.page`, `GetStockResult.Items.Item`).
    One of `page_argument` (numbers from `first_page`), `offset_argument` (rows before the page) and `last_argument`
    (the last record's `last_field`, from which the next pull goes on too), to the first empty page; sooner where
    `more`, an element of the answer, says false or 0, or where `short_is_last` and a page holds less than `size`. None:
    one page.
    `since_argument` asks for what changed since the highest `since_field` seen, less `overlap_seconds`;
    `until_argument` says up to when.
    """

    operation: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    items: str = Field(min_length=1)
    page_argument: str = ""
    first_page: int = 1
    offset_argument: str = ""
    last_argument: str = ""
    last_field: str = ""
    first_last: str = "0"
    size_argument: str = ""
    size: int = Field(default=0, ge=0)
    more: str = ""
    short_is_last: bool = False
    since_argument: str = ""
    until_argument: str = ""
    since_field: str = ""
    overlap_seconds: int = Field(default=300, ge=0)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if sum(bool(way) for way in (self.page_argument, self.offset_argument, self.last_argument)) > 1:
            raise ValueError("give one of page_argument, offset_argument, last_argument")
        if bool(self.last_argument) != bool(self.last_field):
            raise ValueError("last_argument and last_field belong together")
        if bool(self.since_argument) != bool(self.since_field):
            raise ValueError("since_argument and since_field belong together")
        if self.until_argument and not self.since_argument:
            raise ValueError("until_argument needs since_argument")
        if self.last_argument and self.since_argument:
            raise ValueError("last_argument goes on from the last record; since_argument has no place beside it")
        if self.short_is_last and not self.size:
            raise ValueError("short_is_last needs size")
        return self

    @property
    def is_paged(self) -> bool:
        """Whether the next page can be asked for."""
        return bool(self.page_argument or self.offset_argument or self.last_argument)


def pages(workspace: Workspace, connection: Connection, pull: Pull, cursor: dict[str, Any] | None) -> Iterator[Page]:
    """Pages of records: nested elements as dotted names, repeated ones as JSON lists, nil as null, attributes `@name`.

    `cursor` holds `last` (paging by the last record) or `since` and `seen` (by time; a pull cut short starts again from
    the old `since`). Raises SourceError with the server's words for a fault, for an answer that is no SOAP or not
    shaped as told, and for a page loop.
    """
    reader = _Reader(pull, dict(cursor or {}))
    with open_service(workspace, connection) as service:
        held: Page | None = None
        for number, found in enumerate(_answers(service, pull, reader), start=1):
            records = reader.take(found)
            if records.is_empty():
                continue
            if held is not None:
                yield held
            place = f"{pull.operation}, page {number}"
            held = Page(records, reader.cursor_so_far(), now(), place, news=_news(pull, len(found)))
        if held is not None:
            yield replace(held, cursor=reader.cursor_at_end())


def _news(pull: Pull, rows: int) -> str:
    """What makes an answer that is not paged look like the first of many pages, in words."""
    if pull.is_paged or not pull.size or rows < pull.size:
        return ""
    return (
        f"there are {rows:,} records, as many as were asked for, but pull does not say how the next page is asked for"
    )


def _answers(service: Service, pull: Pull, reader: _Reader) -> Iterator[list[Record]]:
    """The records of each page, until the source says there are no more."""
    arguments = json.loads(json.dumps(pull.arguments))
    if pull.size_argument:
        _put(arguments, pull.size_argument, pull.size)
    if pull.since_argument and reader.since:
        start = datetime.fromisoformat(reader.since) - timedelta(seconds=pull.overlap_seconds)
        _put_span(arguments, pull, start, now())
    rows, before = 0, ""
    for page in range(MOST_PAGES):
        if pull.page_argument:
            _put(arguments, pull.page_argument, pull.first_page + page)
        elif pull.offset_argument:
            _put(arguments, pull.offset_argument, rows)
        elif pull.last_argument:
            _put(arguments, pull.last_argument, reader.last or pull.first_last)
        answer = service.call(pull.operation, arguments)
        items = _items(answer, pull, service.where)
        found = [flatten(item) for item in items]
        said = hashlib.sha256(json.dumps(found).encode()).hexdigest() if found else ""
        if found and said == before:
            _stop(
                f"{service.where}, {pull.operation}: page {page + 1} is page {page} again; the paging goes in a circle"
            )
        before, rows = said, rows + len(found)
        if pull.last_argument and found:
            reader.last = found[-1].get(pull.last_field) or _stop(f"{pull.operation}: no {pull.last_field} in a record")
        yield found
        told = _one(answer, pull.more) if pull.more else None
        is_last = told is not None and (told.text or "").strip().lower() in {"false", "0", ""}
        if told is not None and not is_last and not pull.is_paged:
            _stop(
                f"{service.where}, {pull.operation}: {pull.more} says that there is more, and none of page_argument, "
                "offset_argument and last_argument how to ask for it"
            )
        if not pull.is_paged or is_last:
            return
        if (told is None and not found) or (pull.short_is_last and len(found) < pull.size):
            return
    _stop(f"{service.where}, {pull.operation}: more than {MOST_PAGES:,} pages")


def _items(answer: Any, pull: Pull, where: str) -> list[Any]:
    """The elements at the end of the path; none where the list is there and empty or nil."""
    steps = pull.items.split(".")
    holders = [answer]
    for step in steps[:-1]:
        holders = [child for holder in holders for child in holder if local(child) == step]
        if not holders:
            there = ", ".join(dict.fromkeys(local(child) for child in answer)) or "nothing"
            _stop(f"{where}, {pull.operation}: no {step} of {pull.items} in the answer; there is {there}")
    return [child for holder in holders for child in holder if local(child) == steps[-1] and not is_nil(child)]


def _one(answer: Any, path: str) -> Any:
    found = answer
    for step in path.split("."):
        found = next((child for child in found if local(child) == step), None)
        if found is None:
            return None
    return found


def narrowed(pull: Pull, window: Window) -> Pull:
    """The pull of what changed in that time. Raises SettingsError where the service was not told how it is asked."""
    if not pull.until_argument:
        raise SettingsError(
            "pull: a back-fill needs since_argument and until_argument: the operation's arguments for a stretch of time"
        )
    arguments = json.loads(json.dumps(pull.arguments))
    _put_span(arguments, pull, window.since, window.until)
    return pull.model_copy(
        update={"arguments": arguments, "since_argument": "", "until_argument": "", "since_field": ""}
    )


def _put_span(arguments: dict[str, Any], pull: Pull, since: datetime, until: datetime) -> None:
    for argument, at in ((pull.since_argument, since), (pull.until_argument, until)):
        if argument:
            _put(arguments, argument, at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _put(arguments: dict[str, Any], path: str, value: object) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        arguments = arguments.setdefault(parent, {})
    arguments[name] = value


def flatten(element: Any, prefix: str = "") -> Record:
    """One element as text by dotted name."""
    flat: Record = {
        f"{prefix}@{etree.QName(name).localname}": str(value)
        for name, value in element.attrib.items()
        if not name.startswith(INSTANCE)
    }
    if len(element) == 0 and not prefix:
        flat["value"] = text_of(element)
    children: dict[str, list[Any]] = {}
    for child in element:
        children.setdefault(local(child), []).append(child)
    for name, found in children.items():
        if len(found) > 1:
            lists = [flatten(child) if len(child) else text_of(child) for child in found]
            flat[field_name(prefix + name)] = json.dumps(lists, ensure_ascii=False)
        elif len(found[0]):
            flat |= flatten(found[0], f"{prefix}{name}.")
        else:
            flat[field_name(prefix + name)] = text_of(found[0])
            attributes = flatten(found[0], f"{prefix}{name}.")
            flat |= attributes
    return flat


def local(element: Any) -> str:
    return str(etree.QName(element).localname)


def is_nil(element: Any) -> bool:
    return element.get(f"{INSTANCE}nil", "").strip() in {"true", "1"}


def text_of(element: Any) -> str | None:
    """An element's text as the server wrote it; nil is null, an empty element is empty text."""
    return None if is_nil(element) else element.text or ""


@dataclass
class _Reader:
    """Turns records into frames, leaves out what the last pull already brought, and keeps the cursor."""

    pull: Pull
    before: dict[str, Any]
    seen: dict[str, datetime | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.since: str = self.before.get("since", "")
        self.last: str = self.before.get("last", "")
        self._known = set(self.before.get("seen", ()))
        self._highest = datetime.fromisoformat(self.since) if self.since else None

    def take(self, found: list[Record]) -> pl.DataFrame:
        """The new records of one page, with their place in it."""
        fresh: list[Record] = []
        places: list[int] = []
        limit = now() + timedelta(days=1)
        for place, record in enumerate(found, start=1):
            if not self.pull.since_field:
                fresh.append(record)
                places.append(place)
                continue
            at = _time(record.get(self.pull.since_field))
            # A time from the future would blind the stream to every change until then.
            if at is not None and at <= limit and (self._highest is None or at > self._highest):
                self._highest = at
            mark = hashlib.blake2b(json.dumps(record, sort_keys=True).encode(), digest_size=8).hexdigest()
            self.seen[mark] = at
            if mark not in self._known:
                fresh.append(record)
                places.append(place)
        if not fresh:
            return pl.DataFrame()
        names = dict.fromkeys(name for record in fresh for name in record)
        texts = [pl.Series(name, [record.get(name) for record in fresh], dtype=pl.String) for name in names]
        return pl.DataFrame(texts).with_columns(pl.Series(LINE, places, dtype=pl.Int64))

    def cursor_so_far(self) -> dict[str, Any]:
        """The state in the middle of a pull: by the last record it moves, by time it waits for the end."""
        return {"last": self.last} if self.pull.last_argument else self.before

    def cursor_at_end(self) -> dict[str, Any]:
        if self.pull.last_argument or not self.pull.since_field:
            return self.cursor_so_far()
        start = self._highest - timedelta(seconds=self.pull.overlap_seconds + 1) if self._highest else None
        again = sorted(mark for mark, at in self.seen.items() if at is None or start is None or at >= start)
        cursor: dict[str, Any] = {"seen": again if len(again) <= MOST_REMEMBERED else []}
        if self._highest is not None:
            cursor["since"] = self._highest.isoformat()
        return cursor


def _time(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _stop(what: str) -> Any:
    raise SourceError(what, state=STATE)


CONNECTOR = Connector(Connection, Pull, pages, window=narrowed)
