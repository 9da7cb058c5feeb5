"""A small lake and its manifest, written the way ingestion lands them: Parquet in the contracts' landed schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.contracts import ALL, contract
from ingestion.contracts.contract import landed_name, landed_schema
from ingestion.landing.lake import EVERY_ROW
from ingestion.landing.ledger import MANIFEST
from tillmill.health import FROZEN, STREAMS

LANDED_AT = datetime(2017, 1, 16, 4, 1, 20, tzinfo=UTC)
LEARNT = ("customers", "promotions", "forecasting", "planning")


@dataclass
class SmallLake:
    """One folder of Parquet files and the manifest that names them; every contract has its zero-row file."""

    folder: Path
    loads: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ALL:
            path = self.folder / name / "zero_rows.parquet"
            path.parent.mkdir(exist_ok=True)
            pl.DataFrame(schema={**landed_schema(contract(name)), **EVERY_ROW}).write_parquet(path)
            self.loads.append({"load_id": "-", "stream": name, "source": "-", "visible_seq": 0, "path": str(path)})

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.parquet"

    def land(
        self,
        stream: str,
        rows: Sequence[Mapping[str, Any]] | pl.DataFrame,
        *,
        source: str | None = None,
        visible_seq: int | None = None,
        load_seq: int | None = None,
    ) -> None:
        """Land rows (clear column names; what is left out is null) as one load; sequences default to the next ones."""
        place = len(self.loads)
        load_seq = load_seq or place
        source = source or ("tillmill" if stream.split(".")[0] in LEARNT else stream.split(".")[0])
        load_id = f"{source}-{stream}-{load_seq}"
        frame = _landed(stream, rows, source, load_id, load_seq)
        path = self.folder / stream / f"{load_id}.parquet"
        if frame.height:
            frame.write_parquet(path)
        self.loads.append(
            {
                "load_id": load_id,
                "stream": stream,
                "source": source,
                "visible_seq": visible_seq or place,
                "path": str(path) if frame.height else None,
                "pulled": frame.height,
                "landed": frame.height,
                "quarantined": 0,
                "started_at": LANDED_AT,
                "ended_at": LANDED_AT,
                "watermark_at": LANDED_AT,
                "extra_fields": "",
            }
        )

    def merge(self, stream: str) -> None:
        """Put all rows of a stream into one file, as `tillmill lake compact` does."""
        loads = [load for load in self.loads if load["stream"] == stream and load["load_id"] != "-" and load["path"]]
        path = self.folder / stream / "merged.parquet"
        pl.concat(pl.read_parquet(load["path"]) for load in loads).write_parquet(path)
        for load in loads:
            Path(load["path"]).unlink()
            load["path"] = str(path)

    def write_manifest(self, *, up_to: int | None = None) -> Path:
        """Write the manifest, of the loads up to a `visible_seq` where given; returns its path."""
        seen = [load for load in self.loads if up_to is None or load["visible_seq"] <= up_to]
        pl.DataFrame(seen, schema=MANIFEST).sort("visible_seq", "stream").write_parquet(self.manifest)
        return self.manifest

    def write_health(self, folder: Path) -> None:
        """Write what the health marts are told beside the manifest: what landed is bound, quarantine is empty."""
        folder.mkdir(exist_ok=True)
        bound = {(load["source"], load["stream"]) for load in self.loads if load["load_id"] != "-"}
        for name, schema in FROZEN.items():
            rows = [(*one, "files") for one in sorted(bound)] if schema is STREAMS else []
            pl.DataFrame(rows, schema=schema, orient="row").write_parquet(folder / f"{name}.parquet")


def _landed(
    stream: str, rows: Sequence[Mapping[str, Any]] | pl.DataFrame, source: str, load_id: str, load_seq: int
) -> pl.DataFrame:
    of = contract(stream)
    schema = landed_schema(of)
    frame = rows if isinstance(rows, pl.DataFrame) else _frame(rows)
    frame = frame.rename({name: landed_name(of, name) for name in frame.columns if name in of.columns})
    for name, value in (("_op", "upsert"), ("_extra", "{}"), ("_flags", "")):
        if name not in frame.columns:
            frame = frame.with_columns(pl.lit(value).alias(name))
    if "currency" in schema and "currency" not in frame.columns:
        frame = frame.with_columns(currency=pl.lit("USD"))
    if of.version not in frame.columns:
        frame = frame.with_columns(pl.lit(LANDED_AT).alias(of.version))
    frame = frame.with_columns(
        _source=pl.lit(source),
        _load_id=pl.lit(load_id),
        _load_seq=pl.lit(load_seq, pl.Int64),
        _row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        _extracted_at=pl.lit(LANDED_AT),
    )
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns]
    whole = {**schema, **EVERY_ROW}
    return frame.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in whole.items())


def _frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Numbers go through text, so that 0.1 is 0.1 when it becomes a decimal."""
    plain = [
        {name: Decimal(str(value)) if isinstance(value, float) else value for name, value in row.items()}
        for row in rows
    ]
    return pl.DataFrame(plain, infer_schema_length=None)


def day(text: str) -> date:
    """A date from `2017-01-02`."""
    return date.fromisoformat(text)


def at(text: str) -> datetime:
    """A UTC timestamp from `2017-01-02T15:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
