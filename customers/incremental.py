"""Who is who after some records have come, changed or gone: what they touch is worked out again, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from customers import keys, vetoes
from customers.doubtful import (
    RULE,
    groups_of,
    known_roles,
    link_doubtful,
    link_touched,
    link_version,
    town_of,
    with_namesakes,
)
from customers.identity import resolve_customers
from customers.keys import LINK_COLUMNS, RULES, link_records
from customers.scoring import Model
from customers.vetoes import contradictions

WITHDRAWN = "withdrawn"  # the verdict of a link that no longer holds
LINK_KEY = ["left_record", "right_record", "rule", "model_version"]
RELEARN_AT = 2  # times the records that the model was learnt from


@dataclass(frozen=True)
class Known:
    """What an earlier run left: the `records` as they were then (no rows: unknown), the `links` that held (without
    those people said), every decision about `identities`, and the `model`."""

    records: pl.DataFrame
    links: pl.DataFrame
    identities: pl.DataFrame | None = None
    model: Model | None = None


@dataclass(frozen=True)
class Resolved:
    """`links` that hold now; `changes`, the rows to append to what landed (a link that no longer holds comes once more,
    `withdrawn`); `identities` that are new or changed; the `model`; how many records were `touched`."""

    links: pl.DataFrame
    changes: pl.DataFrame
    identities: pl.DataFrame
    model: Model | None
    touched: int


NOTHING_KNOWN = Known(pl.DataFrame(), pl.DataFrame(schema=LINK_COLUMNS))


def resolve(
    records: pl.DataFrame, said: pl.DataFrame, known: Known = NOTHING_KNOWN, *, at: datetime | None = None
) -> Resolved:
    """Return who is who among `records`, given what is `known` from before; the same whichever way it is worked out.

    `records`: as of `doubtful.link_doubtful`; `said`: the links and vetoes that people gave (`LINK_COLUMNS`), each
    once, as `withdrawn` those taken back. With the records of an earlier run only what differs is looked at. A model
    is learnt where there is none, where the records are twice as many as it was learnt from, and where they say
    something it has not seen; then all pairs are scored anew. Until then the model decides, so links do not depend on
    the steps in which records came.
    """
    model = known.model
    if model is not None and (records.height >= RELEARN_AT * model.records or known_roles(records) - model.roles):
        model = None
    if model is not None and known.records.height and _is_by_these_rules(known.links, model):
        return _resolve_touched(records, said, known, model, at)
    exact = link_records(records)
    doubtful, model = link_doubtful(records, exact, model)
    links = pl.concat([exact, doubtful])
    links = pl.concat([links, contradictions(records, links)])
    identities = resolve_customers(records, pl.concat([links, _holding(said)]), known.identities, at=at)
    return Resolved(links, changes(known.links, links), identities, model, records.height)


def changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that bring the links `before` to those `after`; who no longer holds has verdict `withdrawn`."""
    fresh = after.join(before, on=list(LINK_COLUMNS), how="anti", nulls_equal=True)
    gone = before.join(after, on=LINK_KEY, how="anti").with_columns(verdict=pl.lit(WITHDRAWN))
    return pl.concat([fresh, gone]).sort(LINK_KEY)


def _holding(said: pl.DataFrame) -> pl.DataFrame:
    return said.filter(pl.col("verdict") != WITHDRAWN)


def _is_by_these_rules(links: pl.DataFrame, model: Model) -> bool:
    versions = {keys.MODEL_VERSION, vetoes.MODEL_VERSION, link_version(model)}
    return set(links["model_version"].unique()) <= versions


def _resolve_touched(
    records: pl.DataFrame, said: pl.DataFrame, known: Known, model: Model, at: datetime | None
) -> Resolved:
    before, links = known.records, known.links
    linked, never = links.filter(pl.col("verdict") == "link"), links.filter(pl.col("verdict") == "never")
    by_keys, by_likeness = linked.filter(pl.col("rule") != RULE), linked.filter(pl.col("rule") == RULE)
    # Links by keys: those of every key that a moved record has or had.
    moved = _moved(before, records)
    keys_moved = _keys_of(before, records, moved)
    near = _bearers(records, keys_moved, moved)
    kept_exact = _of_other_keys(by_keys, before, keys_moved)
    new_exact = link_records(records.join(near, on="record_token", how="semi"), only=keys_moved)
    # Links by likeness: those of every group that has such a key, and of names that became rare or common in a town.
    grouped = records.join(groups_of(records, pl.concat([kept_exact, new_exact])), on="record_token")
    groups = grouped.join(near, on="record_token", how="semi").select("group").unique()
    groups = pl.concat([groups, _by_namesakes(before, by_keys, grouped, groups, moved)]).unique()
    touched = pl.concat([grouped.join(groups, on="group", how="semi").select("record_token"), moved]).unique()
    kept_alike = _apart_from(by_likeness, touched)
    kept, new = pl.concat([kept_exact, kept_alike]), pl.concat([new_exact, link_touched(grouped, groups, model)])
    differ = changes(linked.join(kept, on=LINK_KEY, how="anti"), new)
    now_linked = pl.concat([kept, new])
    # Vetoes and customers: a component changes where a link or a record of it does, or what people say or take back.
    walked = pl.concat([now_linked, said.filter(pl.col("verdict") == "link")])
    reached = _reach(pl.concat([touched, _ends(pl.concat([differ, said]))]).unique(), walked)
    inside, links_inside = records.join(reached, on="record_token", how="semi"), _within(now_linked, reached)
    kept_never, new_never = _apart_from(never, reached), contradictions(inside, links_inside)
    differ = pl.concat([differ, changes(never.join(kept_never, on=LINK_KEY, how="anti"), new_never)])
    identities = resolve_customers(
        inside,
        pl.concat([links_inside, new_never, _within(_holding(said), reached)]),
        _history(known.identities, reached),
        at=at,
    )
    return Resolved(pl.concat([now_linked, kept_never, new_never]), differ, identities, model, inside.height)


def _moved(before: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """record_token of the records that came, changed or went."""
    columns = [column for column in before.columns if column in records.columns and column != "record_token"]
    old = before.select("record_token", pl.col(columns).name.suffix("_before"), is_known=True)
    both = records.select("record_token", *columns).join(old, on="record_token", how="left")
    is_other = [pl.col(column).ne_missing(pl.col(f"{column}_before")) for column in columns]
    changed = both.filter(pl.any_horizontal(pl.col("is_known").is_null(), *is_other)).select("record_token")
    return pl.concat([changed, before.select("record_token").join(records, on="record_token", how="anti")])


def _keys_of(before: pl.DataFrame, records: pl.DataFrame, moved: pl.DataFrame) -> dict[str, pl.Series]:
    """The keys that the moved records have or had, by rule."""
    columns = [f"{rule}_token" for rule in RULES]
    versions = pl.concat(
        frame.join(moved, on="record_token", how="semi").select(columns) for frame in (before, records)
    )
    return {rule: versions[f"{rule}_token"].drop_nulls().unique() for rule in RULES}


def _bearers(records: pl.DataFrame, keys_moved: dict[str, pl.Series], moved: pl.DataFrame) -> pl.DataFrame:
    """record_token of the moved records and of those that share a key with one."""
    bears = pl.any_horizontal(pl.col(f"{rule}_token").is_in(some.implode()) for rule, some in keys_moved.items())
    bearers = records.filter(bears).select("record_token")
    return pl.concat([bearers, records.select("record_token").join(moved, on="record_token", how="semi")]).unique()


def _of_other_keys(exact: pl.DataFrame, before: pl.DataFrame, keys_moved: dict[str, pl.Series]) -> pl.DataFrame:
    """The links by keys that none of the moved records has or had."""
    bearers = pl.concat(
        before.filter(pl.col(f"{rule}_token").is_in(some.implode())).select("record_token", rule=pl.lit(rule))
        for rule, some in keys_moved.items()
    )
    return exact.join(bearers, left_on=["left_record", "rule"], right_on=["record_token", "rule"], how="anti")


def _by_namesakes(
    before: pl.DataFrame, exact: pl.DataFrame, grouped: pl.DataFrame, groups: pl.DataFrame, moved: pl.DataFrame
) -> pl.DataFrame:
    """The groups of names of which a town now has several people, and had one, or the other way round."""
    columns = ["record_token", "name_token", "town", *(f"{rule}_token" for rule in ("member_id", "phone", "email"))]
    now = grouped.with_columns(town=town_of(grouped)).select("group", *columns)
    touched = now.join(groups, on="group", how="semi")
    then = before.with_columns(town=town_of(before)).select(columns)
    then = then.join(pl.concat([touched.select("record_token"), moved]).unique(), on="record_token", how="semi")
    then = then.join(groups_of(then, exact), on="record_token").select(now.columns)
    name = ["name_token", "town"]
    names = pl.concat([touched, then]).select(name).unique().filter(pl.col("name_token").is_not_null())
    bearing = now.join(names, on=name, how="semi", nulls_equal=True).select("group").unique()
    after = now.join(bearing, on="group", how="semi")
    others = after.join(groups, on="group", how="anti")
    several = [
        with_namesakes(frame.rename({"town": "city"})).filter(pl.col("namesakes") > 1).select(name).unique()
        for frame in (pl.concat([others, then]), after)
    ]
    turned = pl.concat(
        one.join(other, on=name, how="anti", nulls_equal=True) for one, other in (several, several[::-1])
    ).join(names, on=name, how="semi", nulls_equal=True)
    return after.join(turned, on=name, how="semi", nulls_equal=True).select("group").unique()


def _ends(links: pl.DataFrame) -> pl.DataFrame:
    ends = ("left_record", "right_record")
    return pl.concat(links.select(pl.col(end).alias("record_token")) for end in ends).unique()


def _apart_from(links: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """The links that none of the records has."""
    for end in ("left_record", "right_record"):
        links = links.join(records, left_on=end, right_on="record_token", how="anti")
    return links


def _within(links: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """The links that have both ends among the records."""
    for end in ("left_record", "right_record"):
        links = links.join(records, left_on=end, right_on="record_token", how="semi")
    return links


def _reach(seeds: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """record_token of the seeds and of all that links lead to from them."""
    reached, front = seeds, seeds
    while front.height:
        ways = [
            links.join(front, left_on=end, right_on="record_token", how="semi").select(record_token=other)
            for end, other in (("left_record", "right_record"), ("right_record", "left_record"))
        ]
        front = pl.concat(ways).unique().join(reached, on="record_token", how="anti")
        reached = pl.concat([reached, front])
    return reached


def _history(identities: pl.DataFrame | None, records: pl.DataFrame) -> pl.DataFrame | None:
    """The decisions about these records, and about the customers they ever belonged to."""
    if identities is None:
        return None
    own = identities.join(records, on="record_token", how="semi").select("customer_id").unique()
    return identities.join(own, on="customer_id", how="semi")
