"""Contract of what suppliers announce and bring."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls


class Deliveries(dy.Schema):
    """One line of a delivery against one of our purchase orders; a new estimate restates the line."""

    delivery_id = columns.text(required=True)
    line_no = columns.count(required=True)
    po_id = columns.text()
    supplier_id = columns.text()
    sku = columns.text(required=True)
    units = columns.units(required=True)
    eta_on = columns.on()
    received_at = columns.at()
    updated_at = columns.at(required=True)


DELIVERIES = Contract(
    "supplier.deliveries",
    Deliveries,
    key=("delivery_id", "line_no"),
    version="updated_at",
    event="updated_at",
    flags={"zero_units": oddities.zero("units"), "negative_units": oddities.negative("units")},
)
CONTRACTS = (DELIVERIES, controls("supplier"))
