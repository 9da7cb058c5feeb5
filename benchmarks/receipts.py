"""A year of till receipts in the lake's own format, a million lines at a time, and the manifest that names them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from ingestion.contracts import ALL, contract
from ingestion.contracts.contract import landed_schema
from ingestion.landing.lake import EVERY_ROW
from ingestion.landing.ledger import MANIFEST, ZERO_ROWS

STORES = 100
SKUS = 200
MEMBERS = 300_000
PER_FILE = 1_000_000
LANDED_AT = "timestamptz '2026-01-10 04:00:00+00'"

# Line n of a sale of three: which sale, which day, and the rest by hash. The square of an even draw makes few SKUs sell
# most; two of five sales are a member's. Times lie between 07:00 and 23:00 in Shanghai.
LINES = """
with

numbered as (
    select
        line,
        line // 3 as sale,
        hash(line // 3) as draw,
        date '2025-01-01' + cast(floor($first_day + (line - $origin) / $per_day) as integer) as day
    from range($first, $last) as numbers (line)
),

sold as (
    select
        's' || lpad(cast(sale as varchar), 9, '0') as sale_id,
        1 + line % 3 as line_no,
        'S' || lpad(cast(draw % $stores as varchar), 3, '0') as store_id,
        'T' || cast(hash(sale, 1) % 4 as varchar) as till_id,
        cast(day as timestamptz) + to_seconds(cast(hash(sale, 2) % 57600 as bigint)) - to_hours(1) as sold_at,
        cast(floor(pow((hash(line) % 100000) / 100000.0, 2) * $skus) as bigint) as product,
        cast(1 + hash(line, 1) % 3 as decimal(18, 3)) as units,
        cast((500 + hash(line, 2) % 4500) / 100.0 as decimal(18, 2)) as unit_price,
        cast((hash(line, 3) % 4) / 20.0 as decimal(4, 2)) as discount_rate,
        case when hash(sale, 3) % 5 < 2 then md5(cast(hash(sale, 4) % $members as varchar)) end as member_id_token
    from numbered
),

final as (
    select
        * exclude (product, discount_rate),
        'P' || lpad(cast(product as varchar), 4, '0') as sku,
        'sale' as line_kind,
        cast(units * unit_price as decimal(18, 2)) as gross_amount,
        cast(units * unit_price * discount_rate as decimal(18, 2)) as discount_amount,
        gross_amount - discount_amount as net_amount,
        cast((gross_amount - discount_amount) * 0.115 as decimal(18, 2)) as tax_amount,
        true as is_tax_inclusive,
        'CNY' as currency,
        sold_at + interval 1 hour as observed_at
    from sold
)

select * from final
"""


@dataclass
class Receipts:
    """One folder of landed files; `land` adds a load, `write_manifest` lists them."""

    folder: Path
    loads: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ALL:
            path = self.folder / name / ZERO_ROWS
            path.parent.mkdir(parents=True, exist_ok=True)
            pl.DataFrame(schema={**landed_schema(contract(name)), **EVERY_ROW}).write_parquet(path)
            self._note("-", name, "-", path, 0, 0)

    def land(self, stream: str, query: str, rows: int, source: str = "till", **values: object) -> None:
        """Lands what the query finds as one load of `rows` rows; its columns are named, what is left out is null."""
        seq = 1 + sum(load["load_id"] != "-" for load in self.loads)
        load = f"{source}-{stream}-{seq}"
        path = self.folder / stream / f"{load}.parquet"
        named = (
            f"select *, '{source}' as _source, '{load}' as _load_id, {seq} as _load_seq, row_number() over () as _row, "
            f"{LANDED_AT} as _extracted_at, 'upsert' as _op, '{{}}' as _extra, '' as _flags from ({query})"
        )
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'; set threads = 2")
            # The zero-row file gives the columns and their types.
            connection.execute("create table landed as from read_parquet(?)", [str(self.folder / stream / ZERO_ROWS)])
            connection.execute(f"insert into landed by name {named}", values)
            connection.table("landed").write_parquet(str(path), compression="zstd")
        self._note(load, stream, source, path, seq, rows)

    def land_lines(self, first: int, last: int, *, first_day: int, days: int) -> None:
        """Lands lines `first` to `last`, spread evenly over the days from `first_day`."""
        for start in range(first, last, PER_FILE):
            stop = min(start + PER_FILE, last)
            values = {"stores": STORES, "skus": SKUS, "members": MEMBERS, "first_day": first_day}
            values |= {"first": start, "last": stop, "origin": first, "per_day": (last - first) / days}
            self.land("pos.sale_lines", LINES, stop - start, **values)

    def land_identities(self) -> None:
        """Lands whose each sale of a member is: as many customers as members."""
        files = [one["path"] for one in self.loads if one["stream"] == "pos.sale_lines" and one["load_id"] != "-"]
        query = (
            "select md5(concat_ws('|', 'till', 'sale', sale_id)) as record_token, "
            "timestamptz '2026-01-10 00:00:00+00' as decided_at, 'c' || left(member_id_token, 12) as customer_id, "
            "timestamptz '2026-01-10 00:00:00+00' as observed_at "
            "from read_parquet($files) where member_id_token is not null and line_no = 1"
        )
        for start in range(0, len(files), 5):
            self.land("customers.identities", query, 0, source="tillmill", files=files[start : start + 5])

    def write_manifest(self, path: Path) -> None:
        """Writes the manifest of every load so far."""
        pl.DataFrame(self.loads, schema=MANIFEST).sort("visible_seq", "stream").write_parquet(path)

    def _note(self, load: str, stream: str, source: str, path: Path, seq: int, rows: int) -> None:
        at = datetime(2026, 1, 10, 4, tzinfo=UTC)
        self.loads.append(
            {
                "load_id": load,
                "stream": stream,
                "source": source,
                "visible_seq": seq,
                "path": str(path),
                "pulled": rows,
                "landed": rows,
                "quarantined": 0,
                "started_at": at,
                "ended_at": at,
                "watermark_at": at,
                "extra_fields": "",
            }
        )
