"""What a workspace holds: every stream with its watermark against the clock, and every row accounted for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from ingestion.landing.ledger import Ledger, Load
from ingestion.privacy.signs import PERSON
from tillmill import publish as publishing
from tillmill.health import DISMISSED, changed_fields, mapped_fields
from tillmill.workspace import StreamSettings, Workspace, now

LOADS: dict[str, pl.DataType | type[pl.DataType]] = {
    "source": pl.String,
    "stream": pl.String,
    "watermark_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
    "pulled": pl.Int64,
    "landed": pl.Int64,
    "quarantined": pl.Int64,
}


def status(workspace: Workspace, *, news_of: Collection[str] | None = None) -> dict[str, Any]:
    """The clock, the published version, and one object per stream (source × stream), configured or landed.

    Streams: source, stream, watermark_at (UTC, the latest moment its rows speak of), lag_hours against the clock,
    loads, pulled, landed, quarantined (rows still open: a replayed one has landed), dismissed (rows people closed),
    is_accounted (pulled = landed + quarantined + dismissed), last_loaded_at;
    missing_fields (raw field: contract column) that are mapped and do not come, unknown_fields that come unmapped, of
    them new_fields that the first load did not bring, or that the loads `news_of` were the first to bring;
    people_fields that come unmapped and hold people, where the workspace file does not say so (with `news_of`: seen so
    for the first time).
    """
    clock = now()
    with Ledger(workspace.ledger) as ledger:
        visible = [load for load in ledger.loads() if load.state == "visible"]
        version = publishing.current(workspace, ledger)
        dismissed = [(*key, rows) for key, rows in ledger.dismissed_rows().items()]
        bound = {(one.name, stream.stream): stream for one in workspace.settings.sources for stream in one.streams}
        people = {key: _people(ledger, key, stream, news_of) for key, stream in bound.items()}
    loads = pl.DataFrame(
        [
            (load.source, load.stream, load.watermark_at, load.ended_at, load.pulled, load.landed, load.quarantined)
            for load in visible
        ],
        schema=LOADS,
        orient="row",
    )
    configured = pl.DataFrame(list(bound), schema={"source": pl.String, "stream": pl.String}, orient="row")
    loads_of: dict[tuple[str, str], list[Load]] = defaultdict(list)
    for load in visible:
        loads_of[load.source, load.stream].append(load)
    fields = {
        key: _fields(stream, loads_of[key], news_of) | {"people_fields": people[key]} for key, stream in bound.items()
    }
    nothing: dict[str, Any] = {"missing_fields": {}, "unknown_fields": [], "new_fields": [], "people_fields": []}
    landed = loads.group_by("source", "stream").agg(
        pl.col("watermark_at").max(),
        pl.len().alias("loads"),
        pl.col("pulled", "landed", "quarantined").sum(),
        pl.col("ended_at").max().alias("last_loaded_at"),
    )
    streams = (
        configured.join(landed, on=["source", "stream"], how="full", coalesce=True)
        .join(pl.DataFrame(dismissed, schema=DISMISSED, orient="row"), on=["source", "stream"], how="left")
        .with_columns(pl.col("loads", "pulled", "landed", "quarantined", "dismissed").fill_null(0))
        .with_columns(pl.col("quarantined") - pl.col("dismissed"))
        .with_columns(
            ((pl.lit(clock) - pl.col("watermark_at")).dt.total_minutes() / 60).round(1).alias("lag_hours"),
            (pl.col("pulled") == pl.sum_horizontal("landed", "quarantined", "dismissed")).alias("is_accounted"),
        )
        .sort("source", "stream")
    )
    return {
        "workspace": str(workspace.root),
        "clock": clock.isoformat(),
        "published": None
        if version is None
        else {
            "version": version.version,
            "published_at": version.published_at.isoformat(),
            "is_pinned": version.is_pinned,
            "file": version.path.name,
        },
        "streams": [
            {key: _plain(value) for key, value in row.items()} | fields.get((row["source"], row["stream"]), nothing)
            for row in streams.to_dicts()
        ],
        "is_accounted": bool(streams["is_accounted"].all()),
    }


def _fields(stream: StreamSettings, loads: Sequence[Load], news_of: Collection[str] | None) -> dict[str, Any]:
    found = changed_fields(stream, loads)
    unknown = [field for field in found if field.change != "lost"]
    if news_of is None:
        new = [field.name for field in unknown if field.change == "new"]
    else:
        earlier = {field.name for field in changed_fields(stream, [one for one in loads if one.load_id not in news_of])}
        new = [field.name for field in unknown if field.name not in earlier]
    return {
        "missing_fields": {field.name: field.column for field in found if field.change == "lost"},
        "unknown_fields": [field.name for field in unknown],
        "new_fields": new,
    }


def _people(ledger: Ledger, key: tuple[str, str], stream: StreamSettings, news_of: Collection[str] | None) -> list[str]:
    if stream.may_carry is not None:
        return []
    told = {*stream.drop, *mapped_fields(stream)}
    seen = ((field, load_id) for field, kind, load_id in ledger.kinds(*key) if kind == PERSON and field not in told)
    return [field for field, load_id in seen if news_of is None or load_id in news_of]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
