"""A club, a shop and a till on files in a folder, pulled through everything a real source goes through."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.connectors.page import FILE, Original, Page
from ingestion.landing.lake import write_empty_files
from ingestion.landing.ledger import Ledger
from ingestion.prepare import prepare
from ingestion.privacy.tokens import create_keys, load_keys
from ingestion.pulling import Limits, StreamResult, pull_all
from ingestion.sources import bind
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

SETTINGS = """
[brand]
name = "Mill"
currency = "CNY"
timezone = "Asia/Shanghai"

[[sources]]
name = "club"
connector = "files"
[sources.connection]
url = "incoming/club"
[[sources.streams]]
stream = "crm.members"
pull = { path = "members*.csv", settle_seconds = 0, page_rows = 40 }
max_quarantined_rate = 1.0

[[sources]]
name = "shop"
connector = "files"
[sources.connection]
url = "incoming/shop"
[[sources.streams]]
stream = "ecommerce.orders"
pull = { path = "orders*.csv", settle_seconds = 0 }
fields = { shop_id = { const = "shop" } }
max_quarantined_rate = 1.0
[[sources.streams]]
stream = "ecommerce.refunds"
pull = { path = "refunds*.csv", settle_seconds = 0 }
fields = { shop_id = { const = "shop" } }

[[sources]]
name = "till"
connector = "files"
[sources.connection]
url = "incoming/till"
[[sources.streams]]
stream = "pos.sale_lines"
pull = { path = "lines*.csv", settle_seconds = 0 }
fields = { line_kind = { const = "sale" } }
"""

AT = "2026-03-01T00:00:00Z"
LI = {"member_id": "M1", "name": "李娜", "phone": "13812340001", "email": "lina@example.com", "union_id": "oU1"}
WU = {"member_id": "M2", "name": "吴磊", "phone": "13812340002", "email": "wulei@example.com", "union_id": "oU2"}
MEMBERS = [row | {"birth_year": "1990", "tier": "gold", "updated_at": AT} for row in (LI, WU)]
ORDERS = [
    {
        "order_id": f"O{number}",
        "order_type": "normal",
        "placed_at": AT,
        "buyer_shop_uid": f"acc{number % 2}",
        "buyer_brand_uid": row["member_id"],
        "buyer_phone": f"+86 {row['phone'][:3]} {row['phone'][3:7]} {row['phone'][7:]}",
        "buyer_name": row["name"],
        "buyer_email": row["email"].upper(),
        "ship_address": f"{row['name']}, 1 Mill Road",
        "total_amount": "12.50",
        "updated_at": AT,
        "courier_note": f"ring {row['phone']}",
    }
    for number, row in enumerate((LI, WU))
]
LINES = [
    {
        "sale_id": f"S{number}",
        "line_no": "1",
        "store_id": "12",
        "sold_at": AT,
        "sku": "800123",
        "units": "2",
        "net_amount": "5.00",
        "member_id": row["member_id"],
    }
    for number, row in enumerate((LI, WU, LI))
]
REFUNDS = [
    {
        "refund_id": "R1",
        "order_id": "O0",
        "kind": "refund_only",
        "amount": "2.00",
        "reason": f"damaged, call {LI['phone']}",
        "updated_at": AT,
    }
]
BAD_MEMBER = LI | {"birth_year": "unknown", "tier": "gold", "updated_at": AT}


def make(root: Path, settings: str = "") -> Workspace:
    """An empty workspace with these sources, its keys made."""
    root.mkdir(parents=True)
    (root / SETTINGS_FILE).write_text(SETTINGS + settings, encoding="utf-8")
    workspace = open_workspace(root)
    for folder in workspace.folders():
        folder.mkdir(parents=True, exist_ok=True)
    create_keys(workspace)
    return workspace


def give(workspace: Workspace, path: str, rows: Sequence[Mapping[str, str]]) -> Path:
    """Puts a CSV file where its source looks."""
    file = workspace.root / "incoming" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    return file


def give_all(workspace: Workspace) -> None:
    give(workspace, "club/members_1.csv", MEMBERS)
    give(workspace, "shop/orders_1.csv", ORDERS)
    give(workspace, "shop/refunds_1.csv", REFUNDS)
    give(workspace, "till/lines_1.csv", LINES)


def ingest(workspace: Workspace, limits: Limits | None = None) -> list[StreamResult]:
    """One pull of every stream, each page with the files its records were read from."""
    keys = load_keys(workspace)
    write_empty_files(workspace)
    streams = [
        replace(stream, pages=with_originals(workspace, stream.source, stream.pages)) for stream in bind(workspace)
    ]
    return pull_all(workspace, streams, lambda stream, page: prepare(stream, page, keys), limits=limits)


def with_originals(
    workspace: Workspace, source: str, pages: Callable[[dict[str, Any] | None], Iterator[Page]]
) -> Callable[[dict[str, Any] | None], Iterator[Page]]:
    def pulled(cursor: dict[str, Any] | None) -> Iterator[Page]:
        for page in pages(cursor):
            names = page.records[FILE].unique().sort() if FILE in page.records.columns else []
            data = {name: (workspace.root / "incoming" / source / name).read_bytes() for name in names}
            found = [Original(name, hashlib.sha256(some).hexdigest(), some) for name, some in data.items()]
            yield replace(page, originals=found)

    return pulled


def pull(workspace: Workspace) -> list[StreamResult]:
    """One pull; fails where a stream did."""
    results = ingest(workspace)
    assert [result.error for result in results] == [None] * len(results)
    return results


def landed(workspace: Workspace, stream: str) -> pl.DataFrame:
    """The visible rows of a stream, in the order they landed."""
    with Ledger(workspace.ledger) as ledger:
        found = dict.fromkeys(
            load.file for load in ledger.loads(stream=stream) if load.state == "visible" and load.file is not None
        )
    return pl.concat(pl.read_parquet(workspace.root / file) for file in found)
