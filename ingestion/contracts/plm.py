"""Contracts of product lifecycle management: item revisions and bills of material."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls


class Items(dy.Schema):
    """One revision of one item."""

    item_id = columns.text(required=True)
    revision = columns.text(required=True)
    sku = columns.text()
    successor_sku = columns.text()
    status = columns.text()
    effective_from = columns.on()
    specification = columns.text()
    observed_at = columns.at(required=True)


class Bom(dy.Schema):
    """One component of one parent from a date on; `quantity_per` is in base units of both, before scrap."""

    parent_sku = columns.text(required=True)
    component_sku = columns.text(required=True)
    effective_from = columns.on(required=True)
    quantity_per = columns.number(required=True, low=0)
    scrap_rate = columns.rate()
    effective_to = columns.on()
    alternate_group = columns.text()
    priority = columns.count()
    observed_at = columns.at(required=True)


ITEMS = Contract(
    "plm.items",
    Items,
    key=("item_id", "revision"),
    version="observed_at",
    event="observed_at",
    defaults={"revision": "-"},
)
BOM = Contract(
    "plm.bom",
    Bom,
    key=("parent_sku", "component_sku", "effective_from"),
    version="observed_at",
    event="observed_at",
    flags={
        "zero_units": oddities.zero("quantity_per"),
        "ends_before_start": oddities.out_of_order("effective_from", "effective_to"),
    },
)
CONTRACTS = (ITEMS, BOM, controls("plm"))
