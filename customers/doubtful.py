"""Records that share no sound key and may still be one person: the same name at the same place, a mistyped e-mail."""

from __future__ import annotations

import polars as pl

from customers import blocking
from customers.comparisons import WHOLE_NAME
from customers.components import connected_components
from customers.keys import LINK_COLUMNS
from customers.linkage import score_pairs
from customers.roles import conform

MODEL_VERSION = "alike-1"
SEEN = ("name", "birth_date", "phone", "email", "street", "city", "postcode")
# Both names have to agree, so pairs whose names cannot are not looked at.
AGREEMENTS = (
    ("full_name", "birth_date"), ("full_name", "street"), ("full_name", "postcode"), ("full_name", "phone_end"),
    ("email_user",), ("birth_date", "name_start"), ("street", "name_start"), ("street", "birth_date"),
    ("full_name", "birth_year"), ("full_name", "city"), ("phone_end", "name_start"),
)  # fmt: skip
PAIRS_PER_RECORD = 8
OWN = ("phone", "email", "birth_date")  # what one person has, unlike an address
SURE = ("same", "close", "one slip", "two slips", "same user")


def link_doubtful(records: pl.DataFrame, exact: pl.DataFrame, *, threshold: float = 0.95) -> pl.DataFrame:
    """Return links between records whose clear values are alike although no sound key joins them.

    `records`: record_token, seen_on, and those of name, birth_date, phone, email, street, city, postcode that are
    known, in clear text; `exact`: the links by keys (`keys.link_records`). Result: `LINK_COLUMNS`, rule `alike`,
    weight = probability, evidence = what agrees and how much it says, without any value.

    Both names must agree as a whole, perhaps misspelt or turned: people of one household share all the rest. A phone
    of several people is no evidence (whoever shares it under one name is linked already). Memberships or birth dates
    that contradict each other keep two records apart.
    """
    groups = connected_components(
        records["record_token"],
        exact.filter(pl.col("verdict") == "link").select(left="left_record", right="right_record"),
    ).rename({"node": "record_token", "component": "group"})
    people = _profiles(records.join(groups, on="record_token"))
    if people.height < 2:
        return pl.DataFrame(schema=LINK_COLUMNS)
    roles = {column: column for column in SEEN if column in people.columns and people[column].count()}
    table = blocking.with_block_columns(
        conform(people, roles, id_column="record_token")
        .with_columns(side=pl.lit("left"))
        .hstack(people.select("group", "seen_on"))
    )
    chosen = blocking.choose(table, across="group", agreements=AGREEMENTS, pairs_per_record=PAIRS_PER_RECORD)
    if not chosen:
        return pl.DataFrame(schema=LINK_COLUMNS)
    scored = score_pairs(table, set(roles), chosen, across="group", threshold=threshold)
    scored = _told_apart(scored, records.join(groups, on="record_token"))
    seen = table.select("record_id", "seen_on")
    return (
        scored.join(seen, left_on="left_id", right_on="record_id")
        .join(seen, left_on="right_id", right_on="record_id", suffix="_right")
        .select(
            left_record="left_id",
            right_record="right_id",
            rule=pl.lit("alike"),
            model_version=pl.lit(MODEL_VERSION),
            verdict=pl.lit("link"),
            weight="probability",
            evidence="explanation",
            at=pl.max_horizontal("seen_on", "seen_on_right").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        )
        .select(pl.col(column).cast(dtype) for column, dtype in LINK_COLUMNS.items())
        .sort("left_record", "right_record")
    )


def _profiles(records: pl.DataFrame) -> pl.DataFrame:
    """One row per thing that was said of a group: its first record with these values; nameless ones say nothing."""
    named = records.filter(pl.col("name").is_not_null())
    columns = [column for column in SEEN if column in named.columns]
    shared = (
        named.filter(pl.col("phone").is_not_null())
        .group_by("phone")
        .agg(groups=pl.col("group").n_unique())
        .filter(pl.col("groups") > 1)
    )
    return (
        named.sort("seen_on", "record_token")
        .unique(["group", *columns], keep="first", maintain_order=True)
        .join(shared, on="phone", how="left")
        .with_columns(phone=pl.when(pl.col("groups").is_null()).then("phone"))
        .select("record_token", "group", "seen_on", *columns)
    )


def _told_apart(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """The pairs that nothing speaks against: one person's whole name, and no namesake or sibling who fits as well."""
    pairs = pairs.with_columns(
        pl.lit(None, pl.String).alias(f"{column}_level") for column in SEEN if f"{column}_level" not in pairs.columns
    )
    unlike = pl.any_horizontal(pl.col(f"{column}_level") == "unlike" for column in OWN).fill_null(False)
    # The address, the birthday or a key agrees, not the name and the town alone.
    is_sure = pl.any_horizontal(pl.col(f"{column}_level").is_in(SURE) for column in (*OWN, "street")).fill_null(False)
    of_record = _groups(records)
    return (
        pairs.filter(pl.col("name_level").is_in(WHOLE_NAME))
        .join(of_record, left_on="left_id", right_on="record_token")
        .join(of_record, left_on="right_id", right_on="record_token", suffix="_right")
        .filter(
            (pl.col("member") == pl.col("member_right")).fill_null(True),
            (pl.col("name_level") == "same") | ~unlike,
            is_sure | (~unlike & (pl.col("namesakes") <= 1)),
        )
    )


def _groups(records: pl.DataFrame) -> pl.DataFrame:
    """record_token, member (of its group), namesakes: groups with a key of their own that bear its name in its town."""
    present = [column for column in ("phone", "email", "member_id_token") if column in records.columns]
    known = records.group_by("group").agg(
        member=pl.col("member_id_token").drop_nulls().first(),
        is_anchored=pl.any_horizontal(pl.col(column).is_not_null() for column in present).any(),
    )
    town = "city" if "city" in records.columns else "name"
    told = records.select("record_token", "group", "name", town).join(known, on="group")
    return told.with_columns(namesakes=pl.col("group").filter("is_anchored").n_unique().over("name", town)).select(
        "record_token", "member", "namesakes"
    )
