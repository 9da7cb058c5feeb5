"""Who is who: exact identifiers link records, and linked records are one customer who keeps an id for good."""

from __future__ import annotations

import hashlib
from datetime import datetime

import polars as pl

from customers.components import components_apart
from tillmill.workspace import now

MODEL_VERSION = "exact-1"

# A rule and the column it reads. Order is the order of trust: it breaks ties where a forbidden pair forces a choice.
RULES = {"member_id": 1.0, "union_id": 0.99, "email": 0.98, "phone": 0.97}

LINK_COLUMNS: dict[str, pl.DataType] = {
    "left_record": pl.String(),
    "right_record": pl.String(),
    "rule": pl.String(),
    "model_version": pl.String(),
    "verdict": pl.String(),
    "weight": pl.Float64(),
    "evidence": pl.String(),
    "at": pl.Datetime("us", "UTC"),
}
IDENTITY_COLUMNS: dict[str, pl.DataType] = {
    "record_token": pl.String(),
    "decided_at": pl.Datetime("us", "UTC"),
    "customer_id": pl.String(),
    "previous_customer_id": pl.String(),
    "reason": pl.String(),
}


def link_records(records: pl.DataFrame, *, max_names: int = 3, max_unnamed: int = 200) -> pl.DataFrame:
    """Return the links between records that share a member id, union id, e-mail or phone that one person can own.

    `records`: one row per record_token, with member_id_token, union_id_token, email_token, phone_token, name_token
    (each text or null) and seen_on. Result: `LINK_COLUMNS`, one row per link and rule, sorted.

    A key is pooled, and links nothing, when its records show
    - several member ids: a household's or a shop's phone, so two members never become one through it;
    - more than `max_names` names of which none has half the named records: a person's name may be misspelt now and
      then, but the true spelling prevails, while a placeholder's names are everybody's;
    - no name and no member id at all on more than `max_unnamed` records: nothing vouches for one owner.

    Links form a star around the key's first record, so n records of a key give n - 1 links, and records seen later
    do not move the centre. `evidence` says whether the names agree; `at` is the day the later record was seen. A link
    depends on its two records alone, so it does not change as others arrive.
    """
    keys = pl.concat([_keys(records, rule) for rule in RULES])
    quality = keys.group_by("rule", "key").agg(
        records=pl.len(),
        members=pl.col("member_id_token").drop_nulls().n_unique(),
        names=pl.col("name_token").drop_nulls().n_unique(),
        named=pl.col("name_token").count(),
        prevailing=pl.col("name_token").drop_nulls().unique_counts().max().fill_null(0),
    )
    pooled = (
        (pl.col("members") > 1)
        | ((pl.col("names") > max_names) & (pl.col("prevailing") * 2 < pl.col("named")))
        | ((pl.col("members") == 0) & (pl.col("names") == 0) & (pl.col("records") > max_unnamed))
    )
    sound = quality.filter(pl.col("records") > 1, ~pooled)
    centres = (
        keys.sort("rule", "key", "seen_on", "record_token", nulls_last=True)
        .group_by("rule", "key", maintain_order=True)
        .agg(
            left_record=pl.col("record_token").first(),
            left_seen=pl.col("seen_on").first(),
            left_name=pl.col("name_token").first(),
        )
    )
    return (
        keys.join(sound, on=["rule", "key"])
        .join(centres, on=["rule", "key"])
        .filter(pl.col("record_token") != pl.col("left_record"))
        .select(
            "left_record",
            "rule",
            right_record="record_token",
            model_version=pl.lit(MODEL_VERSION),
            verdict=pl.lit("link"),
            weight=pl.col("rule").replace_strict(RULES, return_dtype=pl.Float64),
            evidence=pl.format("same {}, {}", "rule", _names_agree()),
            at=pl.max_horizontal("left_seen", "seen_on").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        )
        .select(pl.col(column).cast(dtype) for column, dtype in LINK_COLUMNS.items())
        .sort("left_record", "right_record", "rule")
    )


def _names_agree() -> pl.Expr:
    return (
        pl.when(pl.col("left_name").is_null() | pl.col("name_token").is_null())
        .then(pl.lit("no name to compare"))
        .when(pl.col("left_name") == pl.col("name_token"))
        .then(pl.lit("same name"))
        .otherwise(pl.lit("another name"))
    )


def _keys(records: pl.DataFrame, rule: str) -> pl.DataFrame:
    column = f"{rule}_token"
    return records.filter(pl.col(column).is_not_null() & (pl.col(column) != "-")).select(
        "record_token",
        "seen_on",
        "name_token",
        "member_id_token",
        rule=pl.lit(rule),
        key=pl.col(column),
    )


def resolve_customers(
    records: pl.DataFrame, links: pl.DataFrame, previous: pl.DataFrame | None = None, *, at: datetime | None = None
) -> pl.DataFrame:
    """Return the identities that are new or changed, as rows to append to the history.

    `records` (record_token, ...): every record that is to belong to a customer; one without links stands alone.
    `links` (`LINK_COLUMNS`): `verdict` 'never' wins over 'link': such a pair is never one customer, however long the
    way between the two; the weakest link on that way gives in (see `components_apart`).
    `previous`: the identities decided so far (`IDENTITY_COLUMNS`; the whole history or its latest rows; None at first).
    `at`: time of the decision, by default the workspace's clock. Result: `IDENTITY_COLUMNS`, sorted by record_token.

    A customer keeps its id: a component takes the id that most of its records had, ties to the id decided first; an
    id two components claim goes to the one with more of its records. A new id is derived from the component's
    smallest record token, and is never an id used before. `reason`: new; merged (its component
    held several customers); split (its component left the rest of its customer).
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
    awarded = votes.sort("votes", "component", descending=[True, False]).unique(
        "customer_id", keep="first", maintain_order=True
    )
    kept = (
        awarded.sort("votes", "since", "customer_id", descending=[True, False, False])
        .unique("component", keep="first", maintain_order=True)
        .select("component", "customer_id")
    )
    unnamed = grouped.select("component").unique().join(kept, on="component", how="anti").sort("component")
    used = set(history["customer_id"])
    fresh = [_new_id(component, used) for component in unnamed["component"]]
    return pl.concat([kept, unnamed.with_columns(customer_id=pl.Series(fresh, dtype=pl.String))])


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
