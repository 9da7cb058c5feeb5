"""The CDNOW sample: a tenth of those who first bought CDs there in early 1997, and what they bought until mid 1998."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from customers.history import summarise

MEMBERS = Path(__file__).parents[2] / "shared" / "data" / "members"
UNTIL = date(1997, 9, 30)  # published models are fitted to this day
WEEKS = 39  # and held against what came in as many weeks after it


def transactions() -> pl.DataFrame:
    """customer, day, amount of each purchase."""
    fields = [line.split() for line in (MEMBERS / "CDNOW_sample.txt").read_text().splitlines() if line.strip()]
    rows = [(one[1], one[2], float(one[4])) for one in fields]
    frame = pl.DataFrame(rows, schema=["customer", "day", "amount"], orient="row")
    return frame.with_columns(pl.col("day").str.to_date("%Y%m%d"))


def people(until: date = UNTIL) -> pl.DataFrame:
    """What each customer did until a day."""
    return summarise(transactions(), "customer", "day", "amount", until)


def came_after(until: date = UNTIL, weeks: float = WEEKS) -> pl.DataFrame:
    """customer_id, came (days with an order), paid in the weeks after a day, of those who came."""
    return (
        transactions()
        .filter(pl.col("day") > until, pl.col("day") <= until + timedelta(weeks=weeks))
        .group_by("customer", "day")
        .agg(pl.col("amount").sum())
        .group_by(customer_id="customer")
        .agg(came=pl.len(), paid=pl.col("amount").sum())
    )
