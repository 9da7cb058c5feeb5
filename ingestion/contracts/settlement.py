"""Contract of the bills by which platforms settle what shops sold."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls

KINDS = ("income", "commission", "service_fee", "influencer", "promotion", "insurance", "subsidy", "penalty")


class Lines(dy.Schema):
    """One line of one statement, signed as the platform signs it; a statement issued again restates its lines."""

    platform = columns.text(required=True)
    statement_id = columns.text(required=True)
    line_id = columns.text(required=True)
    order_id = columns.text()
    refund_id = columns.text()
    kind = columns.text(required=True, one_of=KINDS)
    amount = columns.amount(required=True)
    currency = columns.currency()
    settled_at = columns.at()
    observed_at = columns.at(required=True)


LINES = Contract(
    "settlement.lines",
    Lines,
    key=("platform", "statement_id", "line_id"),
    version="observed_at",
    event="settled_at",
    flags={
        "zero_amount": oddities.zero("amount"),
        "negative_income": oddities.negative("amount") & oddities.is_kind("income") & oddities.missing("refund_id"),
        "positive_penalty": oddities.positive("amount") & oddities.is_kind("penalty"),
    },
)
CONTRACTS = (LINES, controls("settlement"))
