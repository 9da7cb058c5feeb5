"""The way in, as one call: bind the workspace's sources to their contracts, pull every stream, land what is new."""

from __future__ import annotations

from collections.abc import Sequence

from ingestion.backfill import backfill
from ingestion.connectors.connector import Window
from ingestion.landing.lake import write_empty_files
from ingestion.prepare import prepare
from ingestion.privacy.tokens import load_keys
from ingestion.pulling import Progress, StreamResult, pull_all
from ingestion.sources import Stream, bind
from tillmill.errors import UsageError
from tillmill.workspace import Workspace

__all__ = ["StreamResult", "Window", "ingest"]


def ingest(
    workspace: Workspace,
    *,
    source: str | None = None,
    streams: Sequence[str] = (),
    window: Window | None = None,
    progress: Progress | None = None,
) -> list[StreamResult]:
    """Pull every configured stream, or those named, and land what is new; one result per stream.

    With `window`, read that time again instead, of every stream whose connector can (`ingestion.backfill`). A stream
    that fails says so in its result and stops no other. `progress` is told in words what is pulled, and each result as
    it comes, one call at a time. Raises UsageError for a name that is not configured, SettingsError.
    """
    wanted = _wanted(bind(workspace), source, streams)
    if window is not None:
        able = [stream for stream in wanted if stream.window_pages is not None]
        # Who names a stream is told that it cannot; who names none means those that can.
        wanted = [backfill(stream, window) for stream in (wanted if streams or not able else able)]
    keys = load_keys(workspace)
    write_empty_files(workspace)
    return pull_all(workspace, wanted, lambda stream, page: prepare(stream, page, keys), progress=progress)


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
