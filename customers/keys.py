"""Which records share a key that one person owns: member id, union id, e-mail or phone, if the key is sound."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import polars as pl

from customers.components import connected_components
from customers.spelling import HAN, in_latin

MODEL_VERSION = "exact-3"

# A rule and the weight of its links: the order of trust, which breaks ties where a forbidden pair forces a choice.
RULES = {"member_id": 1.0, "union_id": 0.99, "email": 0.98, "phone": 0.97}
SAID = "person"  # the rule of links and vetoes that people gave
PASSED_ON = ("phone", "email")  # keys that families share and that are given to others in time

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

# Names of one key that are one name: one slip apart, both words alike, perhaps turned round, Chinese ones that sound
# the same (a character apart is a sibling), or one in Chinese and in Latin letters.
NEAR_NAMES = """
    select a.key, a.name as left, b.name as right
    from names a
    join names b on a.key = b.key and a.name < b.name
    where
        case
            when a.is_han and b.is_han
                then a.spelled = b.spelled
            else
                (
                    jaro_winkler_similarity(a.given, b.given) >= 0.88
                    and jaro_winkler_similarity(a.surname, b.surname) >= 0.88
                )
                or damerau_levenshtein(a.spelled, b.spelled) <= 1
                or (
                    jaro_winkler_similarity(a.given, b.surname) >= 0.88
                    and jaro_winkler_similarity(a.surname, b.given) >= 0.88
                )
        end
"""


def link_records(
    records: pl.DataFrame,
    *,
    only: Mapping[str, pl.Series] | None = None,
    max_people: int = 4,
    max_unnamed: int = 200,
) -> pl.DataFrame:
    """Return the links between records that share a member id, union id, e-mail or phone that one person can own.

    `records`: one row per record_token, with member_id_token, union_id_token, email_token, phone_token, name_token
    (each text or null) and seen_on; and `name`, the clear name, where the caller may see it: misspelt names are then
    taken for one. Result: `LINK_COLUMNS`, one row per link and rule, sorted. `only`: keys by rule whose links are asked
    for; what a key links depends on the records that have it, and on nothing else.

    A phone or an e-mail that several people use links within each name alone, and its nameless records to nobody:
    families share phones, and numbers are given on.
    A key of more than `max_people` names, of which none has half the named records, is pooled, and so is one without
    any name or member id on more than `max_unnamed` records: it links nothing.

    Links form a star around the first record, so n records of a person give n - 1 links. `evidence` says whether the
    names agree; `at` is the day the later record was seen.
    """
    is_clear = "name" in records.columns
    named = records if is_clear else records.with_columns(name="name_token")
    keys = {rule: _keys(named, rule) for rule in RULES}
    if only is not None:
        keys = {rule: table.filter(pl.col("key").is_in(only[rule].implode())) for rule, table in keys.items()}
    people = {
        rule: _people_of_keys(table, is_clear, max_people, max_unnamed)
        if rule in PASSED_ON
        else table.with_columns(person=pl.lit(""))
        for rule, table in keys.items()
    }
    return (
        pl.concat(_star(table) for table in people.values())
        .select(pl.col(column).cast(dtype) for column, dtype in LINK_COLUMNS.items())
        .sort("left_record", "right_record", "rule")
    )


def _keys(records: pl.DataFrame, rule: str) -> pl.DataFrame:
    column = f"{rule}_token"
    return records.filter(pl.col(column).is_not_null() & (pl.col(column) != "-")).select(
        "record_token", "seen_on", "name", "name_token", "member_id_token", rule=pl.lit(rule), key=pl.col(column)
    )


def _people_of_keys(keys: pl.DataFrame, is_clear: bool, max_people: int, max_unnamed: int) -> pl.DataFrame:
    """The records of sound keys with `person`, which tells the people of one key apart; '' where it has one."""
    people = _people(keys) if is_clear else keys.select("key", "name", person="name").unique()
    told = keys.join(people, on=["key", "name"], how="left")
    quality = told.group_by("key").agg(
        people=pl.col("person").drop_nulls().n_unique(),
        prevailing=pl.col("person").drop_nulls().unique_counts().max().fill_null(0),
        named=pl.col("person").count(),
        members=pl.col("member_id_token").drop_nulls().n_unique(),
        records=pl.len(),
    )
    pooled = ((pl.col("people") > max_people) & (pl.col("prevailing") * 2 < pl.col("named"))) | (
        (pl.col("people") == 0) & (pl.col("members") == 0) & (pl.col("records") > max_unnamed)
    )
    # Several memberships on one key are several people too, unless a name says otherwise.
    is_shared = (pl.col("people") > 1) | (pl.col("members") > 1)
    return (
        told.join(quality.filter(~pooled), on="key")
        .with_columns(person=pl.when(is_shared).then("person").otherwise(pl.lit("")))
        .filter(pl.col("person").is_not_null())
    )


def _people(keys: pl.DataFrame) -> pl.DataFrame:
    """key, name, person: the names of each key, grouped into people where one is another written otherwise."""
    names = keys.filter(pl.col("name").is_not_null()).select("key", "name").unique()
    several = names.filter(pl.len().over("key") > 1)
    spelled = in_latin(several["name"])
    words = spelled.str.split(" ")
    several = several.with_columns(
        spelled=spelled,
        given=words.list.first(),
        surname=words.list.last(),
        is_han=pl.col("name").str.contains(HAN),
    )
    with duckdb.connect() as connection:
        connection.register("names", several.to_arrow())
        near = pl.DataFrame(connection.sql(NEAR_NAMES).to_arrow_table())
    node = ("key", "name")
    ends = {end: pl.concat_str("key", end, separator="\x1f") for end in ("left", "right")}
    nodes = names.with_columns(node=pl.concat_str(node, separator="\x1f"))
    groups = connected_components(nodes["node"], near.select(**ends)).rename({"component": "person"})
    return nodes.join(groups, on="node").select("key", "name", "person")


def _star(keys: pl.DataFrame) -> pl.DataFrame:
    """Links from the first record of each key and person to its others."""
    by = ["rule", "key", "person"]
    ordered = keys.filter(pl.len().over(by) > 1).sort(*by, "seen_on", "record_token", nulls_last=True)
    centres = ordered.group_by(by, maintain_order=True).agg(
        left_record=pl.col("record_token").first(),
        left_seen=pl.col("seen_on").first(),
        left_name=pl.col("name").first(),
    )
    return (
        ordered.join(centres, on=by)
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
    )


def _names_agree() -> pl.Expr:
    return (
        pl.when(pl.col("left_name").is_null() | pl.col("name").is_null())
        .then(pl.lit("no name to compare"))
        .when(pl.col("left_name") == pl.col("name"))
        .then(pl.lit("same name"))
        .otherwise(pl.lit("name written otherwise"))
    )
