"""Contract of maintenance."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls


class Orders(dy.Schema):
    """One repair, and the alarm that called for it."""

    mwo_id = columns.text(required=True)
    asset_id = columns.text()
    line_id = columns.text()
    trigger_event_id = columns.text()
    opened_at = columns.at(required=True)
    acknowledged_at = columns.at()
    closed_at = columns.at()
    cause = columns.text()
    parts_amount = columns.amount()
    currency = columns.currency()
    updated_at = columns.at(required=True)


ORDERS = Contract(
    "maintenance.orders",
    Orders,
    key=("mwo_id",),
    version="updated_at",
    event="updated_at",
    free_text=("cause",),
    flags={
        "acknowledged_before_start": oddities.out_of_order("opened_at", "acknowledged_at"),
        "ends_before_start": oddities.out_of_order("opened_at", "closed_at"),
        "negative_cost": oddities.negative("parts_amount"),
    },
)
CONTRACTS = (ORDERS, controls("maintenance"))
