"""Records that share no sound key and may still be one person: the same name at the same place, a mistyped e-mail."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from customers import blocking
from customers.comparisons import WHOLE_NAME
from customers.components import connected_components
from customers.keys import LINK_COLUMNS
from customers.roles import conform
from customers.scoring import Agreements, Model, learn, score

RULE = "alike"
CONDITIONS = "2"  # which pairs the model finds become links; other conditions, another number
THRESHOLD = 0.95
SEEN = ("name", "birth_date", "phone", "email", "street", "city", "postcode")
# Both names have to agree, so pairs whose names cannot are not looked at.
AGREEMENTS = (
    ("full_name", "birth_date"), ("full_name", "street"), ("full_name", "postcode"), ("full_name", "phone_end"),
    ("email_user",), ("birth_date", "name_start"), ("street", "name_start"), ("street", "birth_date"),
    ("full_name", "birth_year"), ("full_name", "city"), ("phone_end", "name_start"),
)  # fmt: skip
PAIRS_PER_RECORD = 8
OWN = ("phone", "email", "birth_date")  # what one person has, unlike an address
OWN_AGREES = ["same", "one slip", "two slips", "same user"]
ADDRESS_AGREES = ["same", "close"]


def link_doubtful(
    records: pl.DataFrame, exact: pl.DataFrame, model: Model | None = None, *, threshold: float = THRESHOLD
) -> tuple[pl.DataFrame, Model | None]:
    """Return links between records whose clear values are alike although no sound key joins them, and their model.

    `records`: record_token, seen_on, the tokens of `keys.link_records`, and those of name, birth_date, phone, email,
    street, city, postcode that are known, in clear text; `exact`: the links by keys. Links: `LINK_COLUMNS`, rule
    `alike`, weight = probability, evidence = what agrees and how much it says, without any value. Without a `model` one
    is learnt from the records; there is none where they give nothing to learn from.

    Both names must agree as a whole, perhaps misspelt or turned: people of one household share all the rest. A phone
    of several people is no evidence (whoever shares it under one name is linked already). Memberships or birth dates
    that contradict each other keep two records apart.
    """
    grouped = records.join(groups_of(records, exact), on="record_token")
    table = _people(grouped)
    if model is None:
        chosen = blocking.choose(table, across="group", agreements=AGREEMENTS, pairs_per_record=PAIRS_PER_RECORD)
        if not chosen:
            return pl.DataFrame(schema=LINK_COLUMNS), None
        model = learn(table, known_roles(records), tuple(chosen), across="group", rarity=False)
        model = replace(model, records=records.height)
    scored, model = score(table, model, across="group", threshold=threshold)
    return _links(scored, grouped, model), model


def link_touched(
    grouped: pl.DataFrame, groups: pl.DataFrame, model: Model, *, threshold: float = THRESHOLD
) -> pl.DataFrame:
    """Return those of the links of `link_doubtful` that these `groups` (group) have, with whatever other records.

    `grouped`: all records with their `group` (`groups_of`). A link depends on its two groups, on the model, and on
    whether several people bear its name in its town; so the same link comes this way and that.
    """
    table = _people(_near(grouped, groups, model.agreements), shared_in=grouped).with_columns(
        is_touched=pl.col("group").is_in(groups["group"].implode())
    )
    if not table["is_touched"].any():
        return pl.DataFrame(schema=LINK_COLUMNS)
    scored, _ = score(table, model, across="group", threshold=threshold, among="is_touched")
    return _links(scored, grouped, model)


def link_version(model: Model) -> str:
    """Names by what links of likeness were made: the conditions on top of the model, and the model."""
    return f"{RULE}-{CONDITIONS}-{model.version}"


def known_roles(records: pl.DataFrame) -> set[str]:
    """What the records say of people."""
    return {column for column in SEEN if column in records.columns and records[column].count()}


def _links(scored: pl.DataFrame, grouped: pl.DataFrame, model: Model) -> pl.DataFrame:
    seen = grouped.select("record_token", "seen_on")
    links = (
        _told_apart(scored, grouped)
        .join(seen, left_on="left_id", right_on="record_token")
        .join(seen, left_on="right_id", right_on="record_token", suffix="_right")
        .select(
            left_record="left_id",
            right_record="right_id",
            rule=pl.lit(RULE),
            model_version=pl.lit(link_version(model)),
            verdict=pl.lit("link"),
            weight="probability",
            evidence="explanation",
            at=pl.max_horizontal("seen_on", "seen_on_right").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        )
    )
    return links.select(pl.col(column).cast(dtype) for column, dtype in LINK_COLUMNS.items()).sort(
        "left_record", "right_record"
    )


def groups_of(records: pl.DataFrame, exact: pl.DataFrame) -> pl.DataFrame:
    """Return record_token, group: what the links by keys hold together, named by its smallest record."""
    return connected_components(
        records["record_token"],
        exact.filter(pl.col("verdict") == "link").select(left="left_record", right="right_record"),
    ).rename({"node": "record_token", "component": "group"})


def _people(grouped: pl.DataFrame, *, shared_in: pl.DataFrame | None = None) -> pl.DataFrame:
    """What was said of each group in one spelling (`roles.conform`), with block columns, group and seen_on.

    `shared_in`: the records among which a phone may have several people, where `grouped` are not all.
    """
    people = _profiles(grouped, grouped if shared_in is None else shared_in)
    return _in_one_spelling(people).hstack(people.select("group", "seen_on"))


def _in_one_spelling(records: pl.DataFrame) -> pl.DataFrame:
    roles = {column: column for column in SEEN if column in records.columns}
    conformed = conform(records, roles, id_column="record_token")
    return blocking.with_block_columns(conformed.with_columns(side=pl.lit("left")))


def _near(grouped: pl.DataFrame, groups: pl.DataFrame, agreements: Agreements) -> pl.DataFrame:
    """The records of `groups`, and of all groups of which one agrees with one of them."""
    named = _named(grouped)
    said = _in_one_spelling(named).select(*{column for agreement in agreements for column in agreement})
    said = said.hstack(named.select("group"))
    touched = said.join(groups, on="group", how="semi")
    near = pl.concat(
        said.select("group", *agreement)
        .join(touched.select(agreement).unique(), on=agreement, how="semi")
        .select("group")
        .unique()
        for agreement in agreements
    )
    return grouped.join(pl.concat([near, groups.select("group")]), on="group", how="semi")


def _named(records: pl.DataFrame) -> pl.DataFrame:
    """Nameless ones say nothing."""
    return records.filter(pl.col("name").is_not_null())


def _profiles(records: pl.DataFrame, among: pl.DataFrame) -> pl.DataFrame:
    """One row per thing that was said of a group: its first record with these values; a phone that `among` all records
    has several people is none."""
    named = _named(records)
    columns = [column for column in SEEN if column in named.columns]
    shared = (
        _named(among)
        .join(named.select("phone"), on="phone", how="semi")
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


def _told_apart(pairs: pl.DataFrame, grouped: pl.DataFrame) -> pl.DataFrame:
    """The pairs that nothing speaks against: one person's whole name, and no namesake or sibling who fits as well."""
    pairs = pairs.with_columns(
        pl.lit(None, pl.String).alias(f"{column}_level") for column in SEEN if f"{column}_level" not in pairs.columns
    )

    def any_of(levels: list[str], *columns: str) -> pl.Expr:
        return pl.any_horizontal(pl.col(f"{column}_level").is_in(levels) for column in columns).fill_null(False)

    # E-mails are made of names: namesakes have close ones, each their own.
    unlike = any_of(["unlike", "close"], *OWN)
    shares_own, shares_address = any_of(OWN_AGREES, *OWN), any_of(ADDRESS_AGREES, "street")
    is_one_name = pl.col("name_level").is_in(["same", "turned round"])
    ends = pl.concat(pairs.select(pl.col(end).alias("record_token")) for end in ("left_id", "right_id"))
    names = grouped.join(ends, on="record_token", how="semi").select("name_token", town=town_of(grouped)).unique()
    of_record = with_namesakes(bearers_of(names, grouped)).join(ends, on="record_token", how="semi")
    return (
        pairs.filter(pl.col("name_level").is_in(WHOLE_NAME))
        .join(of_record.drop("name_token", "group"), left_on="left_id", right_on="record_token")
        .join(of_record.select("record_token", "member"), left_on="right_id", right_on="record_token", suffix="_right")
        .filter(
            (pl.col("member") == pl.col("member_right")).fill_null(True),
            # Brothers at one address have names a letter apart, or one name and a phone each.
            shares_own | (is_one_name & ~unlike),
            (pl.col("name_level") == "same") | ~unlike,
            shares_own | shares_address | (pl.col("namesakes") <= 1),
        )
    )


def with_namesakes(grouped: pl.DataFrame) -> pl.DataFrame:
    """Return record_token, group, name_token, town, member (of the group), and namesakes: how many groups with a key of
    their own bear the name in its town."""
    known = grouped.group_by("group").agg(
        member=pl.col("member_id_token").min(),
        is_anchored=pl.any_horizontal(pl.col("phone_token", "email_token", "member_id_token").is_not_null()).any(),
    )
    told = grouped.select("record_token", "group", "name_token", town=town_of(grouped)).join(known, on="group")
    counted = told.filter("is_anchored").group_by("name_token", "town").agg(namesakes=pl.col("group").n_unique())
    return (
        told.drop("is_anchored")
        .join(counted, on=["name_token", "town"], how="left", nulls_equal=True)
        .with_columns(pl.col("namesakes").fill_null(0))
    )


def bearers_of(names: pl.DataFrame, grouped: pl.DataFrame) -> pl.DataFrame:
    """Return the records of all groups that bear one of the names (name_token, town): what tells namesakes of these."""
    towns = grouped.select("group", "name_token", town=town_of(grouped))
    bearing = towns.join(names, on=["name_token", "town"], how="semi", nulls_equal=True).select("group").unique()
    return grouped.join(bearing, on="group", how="semi")


def town_of(records: pl.DataFrame) -> pl.Expr:
    """Where namesakes are counted: the town, and everywhere where no town is known."""
    return pl.col("city") if "city" in records.columns else pl.lit(None, pl.String)
