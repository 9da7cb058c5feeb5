"""Who is who: linked records are one customer, who keeps an id for good."""

from __future__ import annotations

import hashlib
from datetime import datetime

import polars as pl

from customers.components import components_apart
from tillmill.workspace import now

IDENTITY_COLUMNS: dict[str, pl.DataType] = {
    "record_token": pl.String(),
    "decided_at": pl.Datetime("us", "UTC"),
    "customer_id": pl.String(),
    "previous_customer_id": pl.String(),
    "reason": pl.String(),
}


def resolve_customers(
    records: pl.DataFrame, links: pl.DataFrame, previous: pl.DataFrame | None = None, *, at: datetime | None = None
) -> pl.DataFrame:
    """Return the identities that are new or changed, as rows to append to the history.

    `records` (record_token, ...): every record that is to belong to a customer; one without links stands alone.
    `links` (`LINK_COLUMNS`): `verdict` 'never' wins over 'link': such a pair is never one customer, however long the
    way between the two; the weakest link on that way gives in (see `components_apart`).
    `previous`: the identities decided so far (`IDENTITY_COLUMNS`; the whole history or its latest rows; None at first).
    `at`: time of the decision, by default the workspace's clock. Result: `IDENTITY_COLUMNS`, sorted by record_token.

    A customer keeps its id: ids go to components by how many of the component's records had them, most first, ties to
    the id decided first. An id that two components claim goes to the one with more of its records; one whose component
    keeps another id goes to the next that claims it, and is lost only where nobody is left to keep it. A new id is
    derived from the component's smallest record token, and is never an id used before. `reason`: new; merged (its
    component held several customers); split (its component left the rest of its customer).
    """
    decided = at or now()
    history = _history(previous)
    latest = history.sort("record_token", "decided_at").group_by("record_token", maintain_order=True).last()
    grouped = _group(records, links).join(
        latest.select("record_token", "decided_at", previous_customer_id="customer_id"), on="record_token", how="left"
    )
    named = grouped.join(_name_components(grouped, history), on="component")
    merged = pl.col("previous_customer_id").drop_nulls().n_unique().over("component") > 1
    changed = named.with_columns(
        reason=pl.when(pl.col("previous_customer_id").is_null())
        .then(pl.lit("new"))
        .when(merged)
        .then(pl.lit("merged"))
        .otherwise(pl.lit("split"))
    ).filter(pl.col("previous_customer_id").is_null() | (pl.col("previous_customer_id") != pl.col("customer_id")))
    # The key of the history is record and time: a second decision at the same pinned time must not replace the first.
    when = pl.lit(decided, dtype=pl.Datetime("us", "UTC"))
    after = pl.max_horizontal(when, pl.col("decided_at") + pl.duration(microseconds=1))
    return (
        changed.with_columns(decided_at=after)
        .select(pl.col(column).cast(dtype) for column, dtype in IDENTITY_COLUMNS.items())
        .sort("record_token")
    )


def _history(previous: pl.DataFrame | None) -> pl.DataFrame:
    columns = ("record_token", "decided_at", "customer_id")
    if previous is None:
        return pl.DataFrame(schema={column: IDENTITY_COLUMNS[column] for column in columns})
    return previous.select(pl.col(column).cast(IDENTITY_COLUMNS[column]) for column in columns)


def _group(records: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    pairs = links.select("weight", "verdict", left="left_record", right="right_record")
    never = pairs.filter(pl.col("verdict") == "never")
    found = components_apart(records["record_token"], pairs.filter(pl.col("verdict") == "link"), never)
    return found.rename({"node": "record_token"})


def _name_components(grouped: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """Return (component, customer_id) by the rules of `resolve_customers`."""
    first = history.group_by("customer_id").agg(since=pl.col("decided_at").min())
    votes = (
        grouped.filter(pl.col("previous_customer_id").is_not_null())
        .group_by("component", customer_id="previous_customer_id")
        .agg(votes=pl.len())
        .join(first, on="customer_id")
    )
    kept = _keep_ids(votes)
    unnamed = grouped.select("component").unique().join(kept, on="component", how="anti").sort("component")
    used = set(history["customer_id"])
    fresh = [_new_id(component, used) for component in unnamed["component"]]
    return pl.concat([kept, unnamed.with_columns(customer_id=pl.Series(fresh, dtype=pl.String))])


def _keep_ids(votes: pl.DataFrame) -> pl.DataFrame:
    """Return (component, customer_id): who keeps which id, each component and each id once.

    `votes` (component, customer_id, votes, since), a row per pair. The pair with most votes is matched first, ties to
    the id decided first, then by id and component; then the next of which neither is taken. So where a component is
    left without an id, every id that it claims is kept by another.
    """
    is_only = pl.col("component").is_unique() & pl.col("customer_id").is_unique()
    contested = votes.filter(~is_only).sort(
        "votes", "since", "customer_id", "component", descending=[True, False, False, False]
    )
    named: dict[str, str] = {}
    taken: set[str] = set()
    for component, customer_id in contested.select("component", "customer_id").iter_rows():
        if component not in named and customer_id not in taken:
            named[component] = customer_id
            taken.add(customer_id)
    alone = votes.filter(is_only).select("component", "customer_id")
    return pl.concat([alone, pl.DataFrame(list(named.items()), schema=alone.schema, orient="row")])


def _new_id(record_token: str, used: set[str]) -> str:
    """Return an id derived from a record token; tried again with a number while a past customer owns it."""
    attempt = 0
    while True:
        seed = record_token if attempt == 0 else f"{record_token}/{attempt}"
        customer_id = "c" + hashlib.blake2b(seed.encode(), digest_size=8).hexdigest()
        if customer_id not in used:
            used.add(customer_id)
            return customer_id
        attempt += 1
