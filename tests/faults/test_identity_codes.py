"""Fault 35: codes that rotate, that another shop gives too, and phones that are nobody's never make two people one."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from customers.keys import link_records
from ingestion.landing.ledger import Ledger
from tests.dbt_project.conftest import Warehouse, warehouse
from tests.ingestion.privacy import people
from tillmill import health
from tillmill.warehouse import read_table

__all__ = ["warehouse"]

OTHER_SHOP = """
[[sources]]
name = "shop_b"
connector = "files"
[sources.connection]
url = "incoming/shop_b"
[[sources.streams]]
stream = "ecommerce.orders"
pull = { path = "orders*.csv", settle_seconds = 0 }
fields = { shop_id = { const = "shop_b" } }
"""
NOBODY = {"buyer_brand_uid": "", "buyer_email": "", "buyer_phone": "", "buyer_name": "", "courier_note": ""}


def order(number: str, name: str, **told: str) -> dict[str, str]:
    return people.ORDERS[0] | NOBODY | {"order_id": number, "buyer_name": name} | told


@pytest.mark.slow
def test_35_rotating_codes_and_other_peoples_phones_are_no_edges_and_a_phone_of_ones_own_is(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """A code counts within its scope: the next buyer may be given it, and another shop's is another code."""
    workspace = people.make(tmp_path / "mill", OTHER_SHOP)
    own = {"buyer_phone": "13812340001", "buyer_open_id": "open-9"}
    people.give(
        workspace,
        "shop/orders_1.csv",
        [
            order("own-1", "李娜", **own),
            # Two buyers whom the platform gave one code, one after the other.
            order("rotated-1", "吴磊", buyer_shop_uid="r-77", buyer_open_id="open-1", buyer_phone="13812340002"),
            order("rotated-2", "王芳", buyer_shop_uid="r-77", buyer_open_id="open-1", buyer_phone="13812340003"),
            order("masked-1", "张三", buyer_phone="138****0000"),
            order("masked-2", "李四", buyer_phone="138****0000"),
            order("pooled-1", "赵一", buyer_phone="13800000000-123"),
            order("pooled-2", "钱二", buyer_phone="13800000000-123"),
            order("relay-1", "孙三", buyer_phone="13812340009", is_virtual_phone="true"),
            order("relay-2", "周四", buyer_phone="13812340009", is_virtual_phone="true"),
        ],
    )
    people.give(
        workspace,
        "shop_b/orders_1.csv",
        [
            order("own-2", "李娜", buyer_shop_uid="b-1", buyer_phone="+86 138 1234 0001"),
            order("elsewhere", "郑五", buyer_shop_uid="r-77", buyer_open_id="open-1", buyer_phone="13812340005"),
        ],
    )
    for source in ("club", "till"):
        (workspace.root / "incoming" / source).mkdir(parents=True, exist_ok=True)
    people.pull(workspace)
    assert people.landed(workspace, "ecommerce.orders").height == 11, "nothing is lost for it"

    warehouse.fresh()
    with Ledger(workspace.ledger) as ledger:
        ledger.export_manifest(warehouse.folder / "manifest.parquet")
        shutil.copytree(health.freeze(workspace, ledger), warehouse.folder / "health", dirs_exist_ok=True)
    warehouse.dbt.build("pass_a,+int_identity_records")
    records = read_table(warehouse.candidate, "int_identity_records")
    named = records.filter(pl.col("kind") == "order")
    assert named.height == 5, "whose phone is nobody's says nothing of who they are"
    links = link_records(records)
    assert links["rule"].to_list() == ["phone"]
    pair = {links["left_record"].item(), links["right_record"].item()}
    shared = records.filter(pl.len().over("phone_token") > 1)
    assert pair == set(shared["record_token"])
    assert set(shared["_source"]) == {"shop", "shop_b"}
