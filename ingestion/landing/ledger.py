"""The ledger: what was loaded, where each stream goes on, which version is published, and the manifest dbt reads."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ingestion.landing import files
from ingestion.landing.load import Cursor, CursorMovedError, Kept, Load, Place
from ingestion.landing.loads import Loads
from ingestion.landing.mending import Dismissal, Fix, Mending
from ingestion.landing.merges import Merges
from ingestion.landing.rewrites import Replaced, Rewrites
from ingestion.landing.versions import Version, Versions

__all__ = [
    "MANIFEST",
    "ZERO_ROWS",
    "Cursor",
    "CursorMovedError",
    "Dismissal",
    "Fix",
    "Kept",
    "Ledger",
    "Load",
    "Place",
    "Replaced",
    "Version",
]

ZERO_ROWS = "zero_rows.parquet"
_TIMESTAMP = pl.Datetime("us", "UTC")
MANIFEST = pl.Schema(
    {
        "load_id": pl.String(),
        "stream": pl.String(),
        "source": pl.String(),
        "visible_seq": pl.Int64(),
        "path": pl.String(),
        "pulled": pl.Int64(),
        "landed": pl.Int64(),
        "quarantined": pl.Int64(),
        "started_at": _TIMESTAMP,
        "ended_at": _TIMESTAMP,
        "watermark_at": _TIMESTAMP,
        "extra_fields": pl.String(),
    }
)


class Ledger(Loads, Mending, Rewrites, Merges, Versions):
    """One SQLite file that is the truth about loads, cursors and versions; use it as a context manager.

    Each thread opens its own: `with Ledger(workspace.ledger) as ledger`.
    """

    def manifest(self, candidate: str | None = None) -> pl.DataFrame:
        """The loads everyone may see, and those pending for `candidate`: columns MANIFEST, one row per load.

        `path` is absolute and null when a load landed no rows. Loads whose files were merged share one: a reader takes
        each path once, and of its rows those whose `_load_id` it asked for. `extra_fields` is comma-joined. One more
        row per contract, load_id and source '-', visible_seq 0, names its zero-row file. Ordered by visible_seq, then
        stream.
        """
        rows = [
            {
                "load_id": load.load_id,
                "stream": load.stream,
                "source": load.source,
                "visible_seq": load.visible_seq,
                "path": None if load.file is None else str(self.root / load.file),
                "pulled": load.pulled,
                "landed": load.landed,
                "quarantined": load.quarantined,
                "started_at": load.started_at,
                "ended_at": load.ended_at,
                "watermark_at": load.watermark_at,
                "extra_fields": ",".join(load.extra_fields),
            }
            for load in self.loads()
            if load.state == "visible" or (load.state == "pending" and load.candidate == candidate)
        ]
        empty = [
            {
                "load_id": "-",
                "stream": path.parent.name,
                "source": "-",
                "visible_seq": 0,
                "path": str(path),
                "pulled": 0,
            }
            | {"landed": 0, "quarantined": 0, "extra_fields": ""}
            for path in (self.root / "lake" / "landing").glob(f"*/{ZERO_ROWS}")
        ]
        return pl.DataFrame([*empty, *rows], schema=MANIFEST).sort("visible_seq", "stream")

    def export_manifest(self, path: Path, candidate: str | None = None) -> pl.DataFrame:
        """Write `manifest(candidate)` to `path` as Parquet, whole and fsynced, and return it."""
        manifest = self.manifest(candidate)
        files.write_whole(manifest, path)
        return manifest
