"""Quarantine: rows that do not fit their contract, kept in raw form with the reason until somebody resolves them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from ingestion.landing.ledger import Ledger, Load
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
        "file": pl.String(),
        "line": pl.Int64(),
        "observed_at": pl.String(),
        "op": pl.String(),
        "extracted_at": pl.Datetime("us", "UTC"),
    }
)


def to_quarantine(bad: pl.DataFrame, stream: str, source: str, load_id: str) -> pl.DataFrame:
    """Bad rows of one load as they are kept: columns QUARANTINE, null where `bad` has no such column."""
    named = bad.with_columns(
        pl.lit(stream).alias("stream"), pl.lit(source).alias("source"), pl.lit(load_id).alias("load_id")
    )
    return _in_full(named)


def rows(
    workspace: Workspace, *, stream: str | None = None, source: str | None = None, load_id: str | None = None
) -> pl.DataFrame:
    """The quarantined rows of visible loads, resolved or not, narrowed to what is named: columns QUARANTINE.

    `raw` is the record as it was pulled (JSON), sealed; where it could not be read
    (`field` is '') it is the text as it stood. `observed_at` is ISO text, as the connector told it; `op` is "delete"
    where the connector found that the row is gone.
    """
    with Ledger(workspace.ledger) as ledger:
        kept = [load for load in _with_quarantine(ledger, source, stream) if load_id in (None, load.load_id)]
    return pl.concat([QUARANTINE.to_frame(), *(_read(workspace.root, load) for load in kept)])


def open_rows(
    workspace: Workspace, ledger: Ledger, *, stream: str | None = None, source: str | None = None
) -> Iterator[tuple[Load, pl.DataFrame]]:
    """Each visible load that still has open rows, oldest first, with those rows (columns QUARANTINE, by row)."""
    for load in _with_quarantine(ledger, source, stream):
        found = open_of(workspace, ledger, load)
        if not found.is_empty():
            yield load, found


def open_of(workspace: Workspace, ledger: Ledger, load: Load) -> pl.DataFrame:
    """The rows of one load that are still open: columns QUARANTINE, by row."""
    closed = ledger.closed(load.load_id) if load.quarantined > 0 else set()
    if load.state != "visible" or load.quarantined <= len(closed):
        return QUARANTINE.to_frame()
    found = rows_of(workspace, load)
    return found.filter(~pl.col("row").is_in(list(closed))) if closed else found


def rows_of(workspace: Workspace, load: Load) -> pl.DataFrame:
    """The quarantined rows of one load that has some, open or not: columns QUARANTINE, by row."""
    return _read(workspace.root, load).sort("row", maintain_order=True)


def reasons_now(ledger: Ledger, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of one load with field and reason as the last replay said them, where one has tried them.

    For people alone: that a row cannot be read is told by its first field.
    """
    told = ledger.refusals(rows["load_id"][0]) if rows.height else []
    if not told:
        return rows
    schema = {"row": pl.Int64, "field": pl.String, "reason": pl.String}
    refused = pl.DataFrame(told, schema=schema, orient="row")
    tried = rows.drop("field", "reason").unique("row", maintain_order=True).join(refused, on="row")
    untried = rows.join(refused, on="row", how="anti")
    return pl.concat([untried, tried.select(rows.columns)]).sort("row", maintain_order=True)


def _with_quarantine(ledger: Ledger, source: str | None, stream: str | None) -> list[Load]:
    return [load for load in ledger.loads(source, stream) if load.state == "visible" and load.quarantine_file]


def _read(root: Path, load: Load) -> pl.DataFrame:
    """A load's quarantine. Files of version 1 kept neither place nor time apart: they are read from what they have."""
    assert load.quarantine_file is not None
    found = pl.read_parquet(root / load.quarantine_file)
    if "extracted_at" in found.columns:
        return _in_full(found)
    return _in_full(
        found.with_columns(
            pl.col("position").str.extract(r"^(.*):[0-9]+$").alias("file"),
            pl.col("position").str.extract(r"([0-9]+)$").cast(pl.Int64, strict=False).alias("line"),
            pl.lit(load.started_at).alias("extracted_at"),
        )
    )


def _in_full(found: pl.DataFrame) -> pl.DataFrame:
    missing = [pl.lit(None).alias(name) for name in QUARANTINE.names() if name not in found.columns]
    return found.with_columns(missing).select(QUARANTINE.names()).cast(QUARANTINE)
