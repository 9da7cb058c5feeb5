"""Contract of live selling."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls

HOST_KINDS = ("own", "influencer")


class Sessions(dy.Schema):
    """One session of one room; its slot fee is owed whatever it sells, its commission on what it sells."""

    platform = columns.text(required=True)
    room_id = columns.text(required=True)
    host_kind = columns.text(one_of=HOST_KINDS)
    author_id = columns.text()
    started_at = columns.at()
    ended_at = columns.at()
    slot_fee_amount = columns.amount()
    currency = columns.currency()
    commission_rate = columns.rate()
    observed_at = columns.at(required=True)


SESSIONS = Contract(
    "live.sessions",
    Sessions,
    key=("platform", "room_id"),
    version="observed_at",
    event="started_at",
    flags={
        "ends_before_start": oddities.out_of_order("started_at", "ended_at"),
        "negative_fee": oddities.negative("slot_fee_amount"),
    },
)
CONTRACTS = (SESSIONS, controls("live"))
