"""The way in, as one call: bind the workspace's sources to their contracts, pull every stream, land what is new."""

from __future__ import annotations

from ingestion.landing.lake import write_empty_files
from ingestion.prepare import prepare
from ingestion.privacy.tokens import load_keys
from ingestion.pulling import Progress, StreamResult, pull_all
from ingestion.sources import bind
from tillmill.errors import UsageError
from tillmill.workspace import Workspace

__all__ = ["StreamResult", "ingest"]


def ingest(
    workspace: Workspace, *, streams: list[str] | None = None, progress: Progress | None = None
) -> list[StreamResult]:
    """Pull every configured stream, or those named (`pos.sale_lines`), and land what is new; one result per stream.

    A stream that fails says so in its result and stops no other. `progress` is told in words what is pulled, and each
    result as it comes, one call at a time. Raises UsageError for a name that is not configured, SettingsError.
    """
    bound = bind(workspace)
    if unknown := sorted(set(streams or ()) - {stream.name for stream in bound}):
        raise UsageError(
            f"no source of this workspace has the stream {', '.join(unknown)}",
            state="Nothing was pulled.",
            next_command="tillmill status",
        )
    keys = load_keys(workspace)
    write_empty_files(workspace)
    wanted = [stream for stream in bound if streams is None or stream.name in streams]
    return pull_all(workspace, wanted, lambda stream, page: prepare(stream, page, keys), progress=progress)
