"""What a workspace holds: every stream with its watermark against the clock, and every row accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl

from ingestion.landing.ledger import Ledger
from tillmill import publish as publishing
from tillmill.health import Field, changed_fields
from tillmill.workspace import Workspace, now

LOADS: dict[str, pl.DataType | type[pl.DataType]] = {
    "source": pl.String,
    "stream": pl.String,
    "watermark_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
    "pulled": pl.Int64,
    "landed": pl.Int64,
    "quarantined": pl.Int64,
}


def status(workspace: Workspace) -> dict[str, Any]:
    """The clock, the published version, and one object per stream (source × stream), configured or landed.

    Streams: source, stream, watermark_at (UTC, the latest moment its rows speak of), lag_hours against the clock,
    loads, pulled, landed, quarantined (rows still open: a replayed one has landed), is_accounted (pulled = landed +
    quarantined), last_loaded_at;
    missing_fields (raw field: contract column) that are mapped and do not come, unknown_fields that come unmapped.
    """
    clock = now()
    with Ledger(workspace.ledger) as ledger:
        visible = [load for load in ledger.loads() if load.state == "visible"]
        version = publishing.current(workspace, ledger)
    loads = pl.DataFrame(
        [
            (load.source, load.stream, load.watermark_at, load.ended_at, load.pulled, load.landed, load.quarantined)
            for load in visible
        ],
        schema=LOADS,
        orient="row",
    )
    bound = {(source.name, stream.stream): stream for source in workspace.settings.sources for stream in source.streams}
    configured = pl.DataFrame(list(bound), schema={"source": pl.String, "stream": pl.String}, orient="row")
    fields = {
        key: _fields(changed_fields(stream, [load for load in visible if (load.source, load.stream) == key]))
        for key, stream in bound.items()
    }
    nothing: dict[str, Any] = {"missing_fields": {}, "unknown_fields": []}
    landed = loads.group_by("source", "stream").agg(
        pl.col("watermark_at").max(),
        pl.len().alias("loads"),
        pl.col("pulled", "landed", "quarantined").sum(),
        pl.col("ended_at").max().alias("last_loaded_at"),
    )
    streams = (
        configured.join(landed, on=["source", "stream"], how="full", coalesce=True)
        .with_columns(pl.col("loads", "pulled", "landed", "quarantined").fill_null(0))
        .with_columns(
            ((pl.lit(clock) - pl.col("watermark_at")).dt.total_minutes() / 60).round(1).alias("lag_hours"),
            (pl.col("pulled") == pl.col("landed") + pl.col("quarantined")).alias("is_accounted"),
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


def _fields(found: Sequence[Field]) -> dict[str, Any]:
    return {
        "missing_fields": {field.name: field.column for field in found if field.change == "lost"},
        "unknown_fields": [field.name for field in found if field.change != "lost"],
    }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
