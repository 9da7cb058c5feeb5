"""Which streams are described otherwise than when their last rows came: what was read before is not asked for again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from ingestion.pulling import StreamResult
from tillmill.workspace import StreamSettings, Workspace

FILE = "described.json"


def tell_changed(
    workspace: Workspace, results: Sequence[StreamResult], live: set[tuple[str, str]]
) -> list[StreamResult]:
    """The results; one that has no row, of a stream described otherwise than when its last rows came, says so.

    What a stream was then is remembered in `run/described.json`; where that is lost, nothing is said. `live` streams
    keep no past to read again.
    """
    path = workspace.run / FILE
    try:
        before: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = {}
    now = {
        f"{source.name} {stream.stream}": _mark(stream)
        for source in workspace.settings.sources
        for stream in source.streams
    }
    told: list[StreamResult] = []
    for result in results:
        name = f"{result.source} {result.stream}"
        is_other = before.get(name, now[name]) != now[name]
        if result.pulled or (result.error is None and not is_other):
            before[name] = now[name]
        elif result.error is None and (result.source, result.stream) not in live:
            result = replace(result, news=(*result.news, _said(result)))
        told.append(result)
    # On a full disk the rows have landed all the same: what cannot be remembered is not told next time.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        spool = path.with_suffix(".spool")
        spool.write_text(json.dumps({name: mark for name, mark in before.items() if name in now}), encoding="utf-8")
        spool.replace(path)
    return told


def _mark(stream: StreamSettings) -> str:
    described = json.dumps([stream.pull, stream.fields, stream.timezone], sort_keys=True, default=str)
    return hashlib.sha256(described.encode()).hexdigest()


def _said(result: StreamResult) -> str:
    return (
        "no row came, and its pull or fields were changed since rows last did: what was read before is not asked for "
        f"again; to read it as it is described now: tillmill ingest --afresh --source {result.source} "
        f"--stream {result.stream}"
    )
