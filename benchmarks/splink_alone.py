"""The peer: Splink as its own tutorial sets it up, with the library's comparisons and one rule per telling column."""

from __future__ import annotations

import logging
from typing import Any

import duckdb
import polars as pl
from splink import Linker, SettingsCreator, block_on
from splink import comparison_library as comparisons
from splink.backends.duckdb import DuckDBAPI

from customers.roles import conform

SEED = 1
THRESHOLD = 0.95
NAMES = ("given_name", "surname")
SPELLED = ("street", "street_more", "suburb", "postcode", "phone")
CODES = ("city", "state", "street_number", "national_id")
AGREEMENTS = (
    ("given_name", "surname"), ("birth_date",), ("email",), ("phone",), ("national_id",),
    ("surname", "postcode"), ("given_name", "postcode"), ("surname", "city"), ("given_name", "city"),
)  # fmt: skip
PROVING = (("given_name", "surname", "birth_date"), ("email",), ("phone",))
LEARNT_ON = (("given_name", "surname"), ("birth_date",))


def link(frame: pl.DataFrame, roles: dict[str, str], *, id_column: str) -> pl.DataFrame:
    """Return id, cluster_id: records that Splink's model, learnt from the frame itself, finds to be one person."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    table = conform(frame, roles, id_column=id_column).drop("full_name")
    known = {column for column in table.columns if table[column].count()}
    made: list[Any] = [comparisons.NameComparison(name) for name in NAMES if name in known]
    if "birth_date" in known:
        made.append(comparisons.DamerauLevenshteinAtThresholds("birth_date", [1, 2]))
    if "email" in known:
        made.append(comparisons.EmailComparison("email"))
    made += [comparisons.JaroWinklerAtThresholds(column) for column in SPELLED if column in known]
    made += [comparisons.ExactMatch(column) for column in CODES if column in known]
    rules, proving, taught = (
        [block_on(*columns) for columns in kind if known >= {*columns}] for kind in (AGREEMENTS, PROVING, LEARNT_ON)
    )
    with duckdb.connect() as connection:
        settings = SettingsCreator(
            link_type="dedupe_only",
            comparisons=made,
            blocking_rules_to_generate_predictions=[*rules],
            unique_id_column_name="record_id",
        )
        linker = Linker(DuckDBAPI(connection).register(table.to_arrow()), settings, log_level=None)
        linker.training.estimate_probability_two_random_records_match([*proving], recall=0.7)
        linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=SEED)
        for rule in taught:
            linker.training.estimate_parameters_using_expectation_maximisation(rule)
        found = linker.inference.predict(threshold_match_probability=THRESHOLD)
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(found, THRESHOLD)
        rows = pl.DataFrame(clusters.as_duckdbpyrelation().select("record_id", "cluster_id").to_arrow_table())
    return rows.select(id=pl.col("record_id"), cluster_id=pl.col("cluster_id").cast(pl.String))
