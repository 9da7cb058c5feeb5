"""A folder of CSV files as a stream: real files, a real contract, and no more of a connector than landing needs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import dataframely as dy
import polars as pl

from ingestion.connectors.page import Page
from ingestion.contracts.contract import Contract, landed_schema
from ingestion.landing import quarantine
from ingestion.landing.lake import Piece
from ingestion.privacy.seal import is_sealed, unseal
from ingestion.privacy.tokens import load_keys
from tillmill.workspace import SETTINGS_FILE, Snapshot, Workspace, open_workspace

AT = datetime(2026, 3, 1, tzinfo=UTC)
SETTINGS = '[brand]\nname = "Mill"\ncurrency = "EUR"\ntimezone = "Europe/Paris"\n'


class Lines(dy.Schema):
    """One sold line, cut to what these tests look at."""

    sale_id = dy.String(nullable=False)
    line_no = dy.Int64(nullable=False)
    units = dy.Decimal(18, 3, nullable=False)
    sold_at = dy.Datetime(nullable=False, time_unit="us", time_zone="UTC")


LINES = Contract("pos.lines", Lines, key=("sale_id", "line_no"), version="sold_at", event="sold_at")
SCHEMA = landed_schema(LINES)


@dataclass(frozen=True)
class Prepared:
    good: pl.DataFrame
    bad: pl.DataFrame
    extra_fields: list[str]
    lost_fields: list[str]
    clear: pl.DataFrame | None = None
    kinds: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Folder:
    """Each file of `folder` is a page, in the order of the names; the cursor is the last name."""

    folder: Path
    source: str = "pos"
    name: str = "pos.lines"
    contract: Contract = LINES
    max_quarantined_rate: float = 0.2
    states_every_field: bool = False
    versioned_by: frozenset[str] = frozenset()
    hands_over_files: bool = False
    unused: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()
    snapshot: Snapshot | None = None
    cursor_name: str = ""
    is_sealed: bool = False
    is_afresh: bool = False

    def carrying(self, fields: Iterable[str]) -> Self:
        return self

    def from_start(self, cursor: dict[str, Any] | None) -> dict[str, Any] | None:
        return None

    def pages(self, cursor: dict[str, Any] | None) -> Iterator[Page]:
        for path in sorted(self.folder.glob("*.csv")):
            if cursor is None or path.name > cursor["file"]:
                records = pl.read_csv(path, infer_schema=False)
                yield Page(records, {"file": path.name}, AT, path.name)


def prepare(stream: Any, page: Page) -> Prepared:
    """The contract's columns where units are a number, else the row with its reason."""
    lost = [name for name in SCHEMA if name not in page.records.columns]
    records = page.records.with_columns(pl.lit(None, pl.String).alias(name) for name in lost)
    rows = records.with_row_index("_row").with_columns(
        pl.col("_row").cast(pl.Int64), number=pl.col("units").cast(pl.Decimal(18, 3), strict=False)
    )
    good = rows.filter(pl.col("number").is_not_null()).select(
        "sale_id",
        pl.col("line_no").cast(pl.Int64),
        pl.col("number").alias("units"),
        pl.col("sold_at").str.to_datetime(time_unit="us", time_zone="UTC"),
        "_row",
        pl.lit("upsert").alias("_op"),
        pl.lit(None, pl.String).alias("_extra"),
        pl.lit("").alias("_flags"),
    )
    bad = rows.filter(pl.col("number").is_null()).select(
        row="_row",
        position=pl.lit(page.position),
        field=pl.lit("units"),
        reason=pl.lit("not a number"),
        raw=pl.struct(page.records.columns).struct.json_encode(),
        line=pl.col("_row") + 1,
    )
    extra = sorted(set(page.records.columns) - set(SCHEMA))
    return Prepared(good, bad, extra, lost)


def write_file(
    folder: Path, number: int, rows: int = 10, *, bad: int = 0, first: int = 0, extra: str | None = None
) -> set[tuple[str, int]]:
    """Write one CSV file of `rows` rows, the first `bad` of them without a number; returns the keys of all rows."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = set()
    with (folder / f"lines_{number:04d}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["sale_id", "line_no", "units", "sold_at", *([extra] if extra else [])])
        for row in range(rows):
            sold_at = AT + timedelta(days=number, seconds=row)
            units = "many" if row < bad else f"{row % 7}.5"
            writer.writerow([f"s{number}", first + row, units, sold_at.isoformat(), *(["x"] if extra else [])])
            keys.add((f"s{number}", first + row))
    return keys


def make_workspace(root: Path) -> Workspace:
    """A workspace without sources."""
    root.mkdir(parents=True, exist_ok=True)
    (root / SETTINGS_FILE).write_text(SETTINGS)
    workspace = open_workspace(root)
    for folder in workspace.folders():
        folder.mkdir(parents=True, exist_ok=True)
    return workspace


def landed(workspace: Workspace, manifest: pl.DataFrame) -> pl.DataFrame:
    """What a reader of the manifest sees: the rows of every file it names, each file once, of the loads it names."""
    paths = manifest.filter(pl.col("landed") > 0)["path"].drop_nulls().unique(maintain_order=True)
    frames = [pl.read_parquet(path).filter(pl.col("_load_id").is_in(manifest["load_id"].implode())) for path in paths]
    return pl.concat(frames) if frames else pl.DataFrame(schema={**SCHEMA, "_load_seq": pl.Int64})


def piece(rows: int = 3, *, bad: int = 0, file: str = "a", first: int = 0, at: datetime = AT) -> Piece:
    """A prepared page of `rows` good rows and `bad` bad ones."""
    records = pl.DataFrame(
        {
            "sale_id": [file] * (rows + bad),
            "line_no": [str(first + row) for row in range(rows + bad)],
            "units": ["1.5"] * rows + ["many"] * bad,
            "sold_at": [(at + timedelta(seconds=row)).isoformat() for row in range(rows + bad)],
        },
        schema={"sale_id": pl.String, "line_no": pl.String, "units": pl.String, "sold_at": pl.String},
    )
    page = Page(records, {"file": file}, at, file)
    prepared = prepare(None, page)
    return Piece(prepared.good, prepared.bad, records.height, page.cursor, at, prepared.extra_fields)


def quarantined(workspace: Workspace) -> pl.DataFrame:
    """Every quarantined row with its raw form in clear, which is sealed on the disk."""
    rows = quarantine.rows(workspace)
    assert all(is_sealed(raw) for raw in rows["raw"])
    keys = load_keys(workspace).sealing
    told = zip(rows["raw"], rows["source"] + "/" + rows["stream"], strict=True)
    return rows.with_columns(pl.Series("raw", [unseal(raw, keys, context) for raw, context in told], pl.String))
