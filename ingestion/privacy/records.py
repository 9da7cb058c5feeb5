"""Record tokens: the names by which learnt streams know a person's records; the formula is dbt's `record_token`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import polars as pl

# Which columns of a learnt stream name records, and how a source's row is named: its kind and what follows the source.
COLUMNS = {"customers.identities": ("record_token",), "customers.links": ("left_record", "right_record")}
# What was learnt of a customer, or handed over, goes with the last decision about whose records are theirs.
CUSTOMER_COLUMNS = {"customers.profiles": "customer_id", "customers.exports": "customer_id"}
NAMED_BY = {
    "crm.members": ("member", ("member_id_token",)),
    "ecommerce.orders": ("order", ("shop_id", "order_id")),
    "pos.sale_lines": ("sale", ("sale_id",)),
}


def record_token(source: str, kind: str, *ids: str) -> str:
    """The name of one record of a person in one system."""
    return hashlib.md5("|".join((source, kind, *ids)).encode(), usedforsecurity=False).hexdigest()


def of_rows(stream: str, source: str, rows: pl.DataFrame) -> set[str]:
    """The record tokens of a stream's rows; none of a stream that makes no records."""
    if stream not in NAMED_BY:
        return set()
    kind, columns = NAMED_BY[stream]
    ids: Iterable[tuple[str, ...]] = rows.select(columns).drop_nulls().unique().iter_rows()
    return {record_token(source, kind, *some) for some in ids}
