"""What one person cannot have: records that contradict each other are never one customer, whatever links them."""

from __future__ import annotations

import duckdb
import polars as pl

from customers.components import connected_components
from customers.keys import LINK_COLUMNS

MODEL_VERSION = "veto-1"
# What a person has one of. Birth dates may be mistyped: those a slip or two apart contradict nothing.
ONE_OF = ("union_id_token", "birth_date")
MOST_VALUES = 50  # of one group; what says more than this says nothing

CONTRADICTING_DATES = """
    select a.component, a.value as left, b.value as right
    from told a
    join told b on a.component = b.component and a.value < b.value
    where damerau_levenshtein(a.value, b.value) > 2
"""
CONTRADICTING = """
    select a.component, a.value as left, b.value as right
    from told a
    join told b on a.component = b.component and a.value < b.value
"""


def contradictions(records: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs of records that `links` would bring together although they name two union ids or birth dates.

    `records`: record_token, seen_on, and union_id_token or birth_date where they are known. Result: `LINK_COLUMNS`,
    verdict `never`, one pair of first records for each pair of values; `at` is the day the later one was seen.
    """
    groups = connected_components(
        records["record_token"],
        links.filter(pl.col("verdict") == "link").select(left="left_record", right="right_record"),
    )
    told = records.join(groups, left_on="record_token", right_on="node")
    found = [_contradictions(told, column) for column in ONE_OF if column in records.columns]
    if not found:
        return pl.DataFrame(schema=LINK_COLUMNS)
    return pl.concat(found).sort("left_record", "right_record", "rule")


def _contradictions(told: pl.DataFrame, column: str) -> pl.DataFrame:
    rule = column.removesuffix("_token")
    first = (
        told.filter(pl.col(column).is_not_null())
        .sort("seen_on", "record_token", nulls_last=True)
        .unique(["component", column], keep="first", maintain_order=True)
        .select("component", "record_token", "seen_on", value=pl.col(column).cast(pl.String))
        .filter(pl.len().over("component").is_between(2, MOST_VALUES))
    )
    with duckdb.connect() as connection:
        connection.register("told", first.select("component", "value").to_arrow())
        query = CONTRADICTING_DATES if column == "birth_date" else CONTRADICTING
        pairs = pl.DataFrame(connection.sql(query).to_arrow_table())
    ends = first.select("component", "value", "record_token", "seen_on")
    return (
        pairs.join(ends, left_on=["component", "left"], right_on=["component", "value"])
        .join(ends, left_on=["component", "right"], right_on=["component", "value"], suffix="_right")
        .select(
            left_record=pl.min_horizontal("record_token", "record_token_right"),
            right_record=pl.max_horizontal("record_token", "record_token_right"),
            rule=pl.lit(rule),
            model_version=pl.lit(MODEL_VERSION),
            verdict=pl.lit("never"),
            weight=pl.lit(1.0),
            evidence=pl.lit(f"two values of {rule}"),
            at=pl.max_horizontal("seen_on", "seen_on_right").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in LINK_COLUMNS.items())
    )
