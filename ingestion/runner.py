"""The way in, as one call: bind the workspace's sources to their contracts, pull every stream, land what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ingestion.backfill import backfill
from ingestion.changed import tell_changed
from ingestion.connectors.connector import Window
from ingestion.connectors.retries import tell_in_words
from ingestion.dismissing import dismiss_again
from ingestion.landing.lake import write_empty_files
from ingestion.landing.ledger import Ledger
from ingestion.prepare import prepare
from ingestion.privacy.tokens import load_keys
from ingestion.pulling import Progress, StreamResult, pull_all
from ingestion.sources import Stream, bind
from tillmill.errors import SettingsError, TillmillError, UsageError
from tillmill.workspace import Workspace

__all__ = ["StreamResult", "Window", "ingest"]


def ingest(
    workspace: Workspace,
    *,
    source: str | None = None,
    streams: Sequence[str] = (),
    window: Window | None = None,
    afresh: bool = False,
    progress: Progress | None = None,
) -> list[StreamResult]:
    """Pull every configured stream, or those named, and land what is new; one result per stream.

    With `window`, read that time again instead, of every stream whose connector can (`ingestion.backfill`); with
    `afresh`, everything again from the source's start, of every stream that has one (`Connector.is_live`). A stream
    that fails says so in its result and stops no other. `progress` is told in words what is pulled, and each result as
    it comes, one call at a time. Raises UsageError for a name that is not configured, SettingsError; with `window` also
    where a named stream, or every one, cannot be asked for a stretch of time.
    """
    wanted = _wanted(bind(workspace), source, streams)
    if window is not None:
        wanted = _backfilled(wanted, window, are_named=bool(streams))
    if afresh:
        wanted = _from_start(wanted, are_named=bool(streams))
    keys = load_keys(workspace)
    tell_in_words()
    write_empty_files(workspace)
    results = pull_all(workspace, wanted, lambda stream, page: prepare(stream, page, keys), progress=progress)
    with Ledger(workspace.ledger) as ledger:
        # What somebody has set aside does not come back with the next delivery of the same file.
        closed = {(one.source, one.name) for one in wanted} & ledger.dismissed_rows().keys()
        dismiss_again(workspace, ledger, sorted(closed))
    if window is not None:
        return results
    return tell_changed(workspace, results, {(one.source, one.name) for one in wanted if one.is_live})


def _backfilled(wanted: list[Stream], window: Window, *, are_named: bool) -> list[Stream]:
    """Who names a stream is told that it cannot be asked so; who names none means those that can."""
    able: list[Stream] = []
    refused: list[TillmillError] = []
    for stream in wanted:
        try:
            able.append(backfill(stream, window))
        except (SettingsError, UsageError) as error:
            refused.append(error)
    if refused and (are_named or not able):
        raise refused[0]
    return able


def _from_start(wanted: list[Stream], *, are_named: bool) -> list[Stream]:
    live = [stream for stream in wanted if stream.is_live]
    if live and (are_named or len(live) == len(wanted)):
        raise UsageError(
            f"{live[0].source} {live[0].name}: its source hands over what happens now and keeps no past to read again",
            state="Nothing was pulled.",
            next_command="tillmill ingest",
        )
    return [replace(stream, is_afresh=True) for stream in wanted if not stream.is_live]


def _wanted(bound: list[Stream], source: str | None, streams: Sequence[str]) -> list[Stream]:
    of_source = [stream for stream in bound if source in (None, stream.source)]
    unknown = sorted(set(streams) - {stream.name for stream in of_source})
    if unknown or (source is not None and not of_source):
        raise UsageError(
            f"no source of this workspace has the stream {', '.join(unknown)}"
            if not source
            else f"no source of this workspace is {' '.join([source, *unknown])}",
            state="Nothing was pulled.",
            next_command="tillmill sources list",
        )
    return [stream for stream in of_source if not streams or stream.name in streams]
