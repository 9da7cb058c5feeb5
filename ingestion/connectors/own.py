"""Own sources: a function that yields records becomes a connector, found by entry point group `tillmill.connectors`.

The function is called as `function(settings, cursor)` and yields, in any mix,

- a record (a dict), or many (a list of dicts, or a polars frame),
- or a pair `(records, cursor)`: the cursor is what the next pull is given once these records have landed.

`settings` are the workspace file's `connection` and `pull` as one dict, references resolved; `cursor` is what was last
yielded (JSON-able; None at first). Who yields no cursor is read whole each time, and rows meet by key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import polars as pl
from pydantic import ConfigDict

from ingestion.connectors.connector import Connector, Settings
from ingestion.connectors.page import Page, field_name
from tillmill.errors import SettingsError, SourceError
from tillmill.workspace import Workspace, now

GROUP = "tillmill.connectors"
PAGE_ROWS = 10_000

Record = Mapping[str, Any]
Records = Record | list[Any] | pl.DataFrame
Function = Callable[[dict[str, Any], dict[str, Any] | None], Iterable[Records | tuple[Records, dict[str, Any]]]]


class Anything(Settings):
    """Settings of a function: it knows itself what it needs."""

    model_config = ConfigDict(extra="allow", frozen=True)


@cache
def installed() -> dict[str, EntryPoint]:
    """The own sources that are installed beside Tillmill, by name; none is imported yet."""
    return {found.name: found for found in entry_points(group=GROUP)}


def load(found: EntryPoint) -> Connector:
    """The connector behind an entry point: one that is ready, or a function. Raises SettingsError where neither is."""
    try:
        named = found.load()
    except Exception as error:
        raise SettingsError(f"own source {found.name!r} ({found.value}) cannot be imported: {error}") from error
    if isinstance(named, Connector):
        return named
    if not callable(named):
        raise SettingsError(f"own source {found.name!r} ({found.value}) is neither a function nor a Connector")
    return connector_of(named, found.name)


def connector_of(function: Function, name: str) -> Connector:
    """A connector whose pages are what `function` yields, every value as text."""

    def pages(
        workspace: Workspace, connection: Anything, pull: Anything, cursor: dict[str, Any] | None
    ) -> Iterator[Page]:
        given = (connection.model_extra or {}) | (pull.model_extra or {})
        settings = {key: _resolved(workspace, value) for key, value in given.items()}
        yield from _pages(name, function(settings, cursor), cursor or {})

    return Connector(Anything, Anything, pages)


def _resolved(workspace: Workspace, value: Any) -> Any:
    return workspace.resolve(value) if isinstance(value, str) else value


def _pages(name: str, yielded: Iterable[Any], cursor: dict[str, Any]) -> Iterator[Page]:
    """Pages of PAGE_ROWS records, or wherever the function gives a cursor."""
    waiting: list[pl.DataFrame] = []
    singles: list[Record] = []
    rows = number = 0
    for item in yielded:
        records, after = item if isinstance(item, tuple) and len(item) == 2 else (item, None)
        if isinstance(records, Mapping):
            singles.append(records)
            rows += 1
        else:
            waiting.extend(_frames(singles))
            singles = []
            waiting.append(_frame(name, records))
            rows += waiting[-1].height
        if after is not None or rows >= PAGE_ROWS:
            number += 1
            cursor = cursor if after is None else _cursor(name, after)
            yield _page(name, [*waiting, *_frames(singles)], cursor, number)
            waiting, singles, rows = [], [], 0
    if rows:
        yield _page(name, [*waiting, *_frames(singles)], cursor, number + 1)


def _page(name: str, frames: list[pl.DataFrame], cursor: dict[str, Any], number: int) -> Page:
    records = pl.concat(frames, how="diagonal") if frames else pl.DataFrame()
    return Page(records, cursor, now(), f"{name}, page {number}")


def _cursor(name: str, cursor: Any) -> dict[str, Any]:
    try:
        found = json.loads(json.dumps(cursor, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise SourceError(f"{name}: the cursor it yields is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise SourceError(f"{name}: the cursor it yields is {type(cursor).__name__}, not a dict")
    return found


def _frames(records: Sequence[Record]) -> list[pl.DataFrame]:
    if not records:
        return []
    flat = [flatten(record) for record in records]
    names = dict.fromkeys(name for record in flat for name in record)
    texts = {name: pl.Series([record.get(name) for record in flat], dtype=pl.String) for name in names}
    return [pl.DataFrame(texts)]


def _frame(name: str, records: Any) -> pl.DataFrame:
    if isinstance(records, pl.DataFrame):
        return _frames(records.to_dicts())[0] if records.height else pl.DataFrame()
    if isinstance(records, list) and all(isinstance(record, Mapping) for record in records):
        return _frames(records)[0] if records else pl.DataFrame()
    raise SourceError(f"{name} yields {type(records).__name__}: a dict, a list of dicts or a polars frame is read")


def flatten(record: Record, prefix: str = "") -> dict[str, str | None]:
    """One record as text by dotted name; lists as JSON text, None as null."""
    flat: dict[str, str | None] = {}
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[field_name(f"{prefix}{name}")] = text_of(value)
    return flat


def text_of(value: Any) -> str | None:
    """A Python value as the text a contract reads: exact numbers, ISO dates and times."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (list, tuple, Mapping)):
        return json.dumps(value, ensure_ascii=False, default=text_of)
    return str(value)
