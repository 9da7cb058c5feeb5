"""Quarantine: rows that do not fit their contract, kept in raw form with the reason until somebody resolves them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ingestion.landing.ledger import Ledger
from tillmill.workspace import Workspace

QUARANTINE = pl.Schema(
    {
        "stream": pl.String(),
        "source": pl.String(),
        "load_id": pl.String(),
        "row": pl.Int64(),
        "position": pl.String(),
        "field": pl.String(),
        "reason": pl.String(),
        "raw": pl.String(),
    }
)


def to_quarantine(bad: pl.DataFrame, stream: str, source: str, load_id: str) -> pl.DataFrame:
    """Bad rows of one load (row, position, field, reason, raw) as they are kept: columns QUARANTINE."""
    named = bad.with_columns(
        pl.lit(stream).alias("stream"), pl.lit(source).alias("source"), pl.lit(load_id).alias("load_id")
    )
    return named.select(QUARANTINE.names()).cast(QUARANTINE)


def rows(
    workspace: Workspace, *, stream: str | None = None, source: str | None = None, load_id: str | None = None
) -> pl.DataFrame:
    """The quarantined rows of visible loads, narrowed to what is named: columns QUARANTINE, one row per reason.

    `raw` is the record as it was pulled (JSON), sealed for streams with personal fields.
    """
    with Ledger(workspace.ledger) as ledger:
        kept: list[Path] = [
            workspace.root / load.quarantine_file
            for load in ledger.loads(source, stream)
            if load.state == "visible" and load.quarantine_file is not None and load_id in (None, load.load_id)
        ]
    frames = [pl.read_parquet(path) for path in kept]
    return pl.concat([QUARANTINE.to_frame(), *frames])
