"""Control totals: what a source says its own rows add up to, by business date; every domain has this stream."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns
from ingestion.contracts.contract import Contract


class Controls(dy.Schema):
    """One stream of the source and one business date; a later extract restates it."""

    stream = columns.text(required=True)
    period_on = columns.on(required=True)
    rows = columns.count(required=True)
    units = columns.units()
    amount = columns.amount()
    currency = columns.currency()
    observed_at = columns.at(required=True)


def controls(domain: str) -> Contract:
    """The contract `<domain>.controls`; the watermark is the last business date totalled."""
    return Contract(
        name=f"{domain}.controls",
        schema=Controls,
        key=("stream", "period_on"),
        version="observed_at",
        event="period_on",
    )
