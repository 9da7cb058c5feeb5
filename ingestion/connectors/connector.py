"""What every connector offers: its settings' models, and pages of raw records after a cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from ingestion.connectors.page import Page

# Stands in a next command for the stream at hand, which no connector knows; `ingestion.sources` puts its name there.
THIS_STREAM = "--source SOURCE --stream STREAM"


class Settings(BaseModel):
    """Settings refuse what they do not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Window:
    """A stretch of time to read again: from `since` up to `until`, which is no longer part of it.

    Both have a zone; a connector is given them in that of its stream.
    """

    since: datetime
    until: datetime


def start(cursor: dict[str, Any] | None) -> dict[str, Any] | None:
    """The cursor of a stream that is read again from its start: none."""
    return None


@dataclass(frozen=True)
class Connector:
    """One protocol: `pages(workspace, connection, pull, cursor)` yields what follows the cursor (None: everything).

    References in `connection` are resolved when the pages are iterated, not before: a source that is down stops itself
    alone.

    `states_every_field`: a field that a page does not have is not in the source (a header, a table's columns); else it
    may only be absent from these records. `hands_over_files`: what is new since the cursor is whole files, each maybe a
    whole list; a cursor that stands within a file has a key `partial`. `window(pull, window)` gives the pull settings
    narrowed to what the source has of that time, for back-fills; it raises SettingsError where they do not say how to
    ask. `keeps_files`: `pages` is also given `folder`, which is the stream's own whatever its address becomes.
    `is_live`: the source hands over what happens now, and there is no start to read again from; else
    `from_start(cursor)` is the cursor that yields everything once more.
    """

    connection: type[Settings]
    pull: type[Settings]
    pages: Callable[..., Iterator[Page]]
    states_every_field: bool = False
    hands_over_files: bool = False
    window: Callable[[Any, Window], Any] | None = None
    keeps_files: bool = False
    is_live: bool = False
    from_start: Callable[[dict[str, Any] | None], dict[str, Any] | None] = start
