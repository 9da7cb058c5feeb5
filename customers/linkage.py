"""Records of one person found without labels or keys: a Fellegi-Sunter model learnt by Splink from the records."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import polars as pl
from duckdb import ColumnExpression, ConstantExpression
from numpy.typing import NDArray
from splink import Linker, SettingsCreator, block_on
from splink.backends.duckdb import DuckDBAPI
from splink.blocking_rule_library import And, CustomRule
from splink.internals.blocking_rule_creator import BlockingRuleCreator

from customers import blocking
from customers.comparisons import comparisons_of
from customers.components import connected_components
from customers.roles import conform
from tillmill.errors import UsageError

SEED = 69
LARGEST_SPELLED_OUT = 200  # records of a cluster whose pairs are all listed
FOUND_BY_AGREEMENT = 0.7  # of the true pairs, how many agree on what nearly proves a person
PROVING = ({"national_id"}, {"member_id"}, {"email"}, {"phone"}, {"full_name", "birth_date"}, {"full_name", "street"})
LEARNT_ON = ("full_name", "birth_date", "email", "phone", "national_id", "street", "postcode")
FEWEST_TO_LEARN = 50
MOST_TO_LEARN = 1_000_000

PAIR_COLUMNS: dict[str, pl.DataType] = {
    "left_id": pl.String(),
    "right_id": pl.String(),
    "probability": pl.Float64(),
    "rule": pl.String(),
    "explanation": pl.String(),
}


@dataclass(frozen=True)
class Linked:
    """What was found: `pairs` (`PAIR_COLUMNS`), `clusters` (id, cluster_id), and what the model looked at."""

    pairs: pl.DataFrame
    clusters: pl.DataFrame
    looked_at: int
    agreements: tuple[str, ...]


def link_frames(
    left: pl.DataFrame,
    right: pl.DataFrame | None,
    roles: Mapping[str, str],
    *,
    id_column: str,
    threshold: float = 0.9,
) -> Linked:
    """Return the pairs of one person within `left`, or between `left` and `right`, that are at least as probable.

    `roles`: column by role (`roles.roles_of`). Pairs found by the model have rule `alike`, those that follow because
    both are linked to a third record have rule `through` and the probability of the weakest link on the way.
    Raises UsageError for ids that are missing or stand twice, and where no two records agree on anything.
    """
    tables = {"left": conform(left, roles, id_column=id_column)}
    if right is not None:
        tables["right"] = conform(right, roles, id_column=id_column)
    for side, table in tables.items():
        _need_ids(table["record_id"], side, id_column)
    both = blocking.with_block_columns(
        pl.concat([table.with_columns(side=pl.lit(side)) for side, table in tables.items()])
    )
    across = "side" if right is not None else None
    chosen = blocking.choose(both, across=across)
    if not chosen:
        raise UsageError("no two records agree on anything: nothing to link")
    scored = score_pairs(both, set(roles), chosen, across=across, threshold=threshold)
    nodes = both.select(node=pl.col("side") + "|" + pl.col("record_id"))["node"]
    links = scored.select(
        left=pl.format("{}|{}", "left_side", "left_id"), right=pl.format("{}|{}", "right_side", "right_id")
    )
    clusters = connected_components(nodes, links).select(
        side=pl.col("node").str.extract(r"^(\w+)\|", 1),
        id=pl.col("node").str.replace(r"^\w+\|", ""),
        cluster_id=pl.col("component").str.replace(r"^\w+\|", ""),
    )
    pairs = scored.select(*PAIR_COLUMNS) if right is not None else _closed(scored.select(*PAIR_COLUMNS), clusters)
    return Linked(
        pairs.sort("left_id", "right_id"),
        clusters.select("id", "cluster_id") if right is None else clusters.select("side", "id", "cluster_id"),
        sum(chosen.values()),
        tuple(" + ".join(agreement) for agreement in chosen),
    )


def _need_ids(ids: pl.Series, side: str, column: str) -> None:
    if ids.null_count():
        raise UsageError(f"{column!r} of the {side} file is empty in row {int(ids.is_null().arg_max() or 0) + 1}")
    twice = ids.filter(ids.is_duplicated())
    if not twice.is_empty():
        raise UsageError(f"{column!r} of the {side} file is not one per row: {twice[0]!r} stands twice")


def score_pairs(
    table: pl.DataFrame,
    roles: set[str],
    chosen: Mapping[tuple[str, ...], int],
    *,
    across: str | None,
    threshold: float,
) -> pl.DataFrame:
    """Return the scored pairs at or above `threshold`: `PAIR_COLUMNS`, left_side, right_side, and
    a `<role>_level` per comparison (null where one side does not know).

    `table`: a row per record_id with `side`, the role columns and block columns. `across`: a column in which the two
    records of a pair must differ. The model is learnt from `table` itself: how often values agree by chance from random
    pairs, how often in one person by expectation maximisation over pairs that agree on something else, and how common
    a true pair is from the pairs' own probabilities (Fellegi & Sunter 1969; Winkler 1988).
    """
    logging.getLogger("splink").setLevel(logging.ERROR)
    rules: list[BlockingRuleCreator | dict[str, Any]] = [block_on(*agreement) for agreement in chosen]
    if across:
        differ = CustomRule(f"l.{across} != r.{across}")
        rules = [And(block_on(*agreement), differ) for agreement in chosen]
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        frame = DuckDBAPI(connection).register(table.to_arrow())
        settings = SettingsCreator(
            link_type="dedupe_only",
            comparisons=[*comparisons_of(roles)],
            blocking_rules_to_generate_predictions=rules,
            unique_id_column_name="record_id",
            retain_intermediate_calculation_columns=True,
            additional_columns_to_retain=["side"],
        )
        linker = Linker(frame, settings, log_level=None)
        # A seeded sample is the same sample in one thread alone; scoring is row by row.
        connection.execute("set threads = 1")
        model = _learn(linker, table)
        connection.execute("reset threads")
        found = linker.inference.predict().as_duckdbpyrelation()
        prior = float(model["probability_two_random_records_match"])
        weights = np.sort(found.select("match_weight").fetchnumpy()["match_weight"])
        shift = _log_odds(_prior(weights, prior, table.height)) - _log_odds(prior)
        rows = pl.DataFrame(
            found.filter(
                ColumnExpression("match_weight") >= ConstantExpression(_log_odds(threshold) - shift)
            ).to_arrow_table()
        )
    weight = pl.col("match_weight") + shift
    return _explained(rows.with_columns(match_probability=1 / (1 + (-weight * np.log(2)).exp())), model)


def _log_odds(probability: float) -> float:
    return float(np.log2(probability / (1 - probability)))


def _learn(linker: Linker, table: pl.DataFrame) -> dict[str, Any]:
    training = linker.training
    proving: list[str | BlockingRuleCreator] = [
        block_on(*sorted(columns)) for columns in PROVING if columns <= set(table.columns)
    ]
    training.estimate_probability_two_random_records_match(proving, recall=FOUND_BY_AGREEMENT)
    training.estimate_u_using_random_sampling(max_pairs=MOST_TO_LEARN, seed=SEED)
    for column in LEARNT_ON:
        if column not in table.columns:
            continue
        pairs = blocking.pairs_of(table, (column,))
        if pairs >= FEWEST_TO_LEARN:
            training.estimate_parameters_using_expectation_maximisation(
                block_on(column), max_pairs=MOST_TO_LEARN if pairs > MOST_TO_LEARN else None
            )
    model: dict[str, Any] = linker.misc.save_model_to_json()
    return model


def _prior(weights: NDArray[np.float64], prior: float, records: int) -> float:
    """How common a true pair is among all pairs: the mean probability of all pairs, until it agrees with itself.

    `weights`: of the pairs looked at, in bits, with `prior` in them; pairs not looked at are taken for untrue.
    """
    bare = np.exp2(weights - _log_odds(prior))
    for _ in range(50):
        odds = bare * prior / (1 - prior)
        better = min(0.5, float((odds / (1 + odds)).sum()) / (records * (records - 1) / 2))
        if abs(better - prior) <= prior * 1e-3:
            break
        prior = better
    return prior


def _explained(rows: pl.DataFrame, model: dict[str, Any]) -> pl.DataFrame:
    """The pairs with their reasons: the level of each comparison and what it says, in bits for or against."""
    labels, parts = [], []
    for comparison in model["comparisons"]:
        name = comparison["output_column_name"]
        told = [
            level["label_for_charts"] for level in comparison["comparison_levels"] if not level.get("is_null_level")
        ]
        # Levels count down from the most alike to 0, unlike; -1 where one side is unknown.
        by_number: dict[int, str | None] = {len(told) - 1 - n: label for n, label in enumerate(told)}
        labels.append(
            pl.col(f"gamma_{name}")
            .replace_strict(by_number, default=None, return_dtype=pl.String)
            .alias(f"{name}_level")
        )
        weight = pl.sum_horizontal(pl.col(f"^mw_(tf_adj_)?{name}$").fill_null(0)).round(1)
        signed = pl.when(weight > 0).then(pl.format("+{}", weight)).otherwise(weight.cast(pl.String))
        parts.append(pl.format("{} {} ({})", pl.lit(name), pl.col(f"{name}_level"), signed))
    is_turned = (pl.col("side_l") > pl.col("side_r")) | (
        (pl.col("side_l") == pl.col("side_r")) & (pl.col("record_id_l") > pl.col("record_id_r"))
    )
    return rows.with_columns(labels).select(
        left_id=pl.when(is_turned).then("record_id_r").otherwise("record_id_l"),
        right_id=pl.when(is_turned).then("record_id_l").otherwise("record_id_r"),
        probability=pl.col("match_probability").round(6),
        rule=pl.lit("alike"),
        explanation=pl.concat_str(parts, separator="; ", ignore_nulls=True),
        left_side=pl.min_horizontal("side_l", "side_r"),
        right_side=pl.max_horizontal("side_l", "side_r"),
        **{label.meta.output_name(): label.meta.output_name() for label in labels},
    )


def _closed(pairs: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """The pairs and those that follow from them: the records of a cluster are one person."""
    members = clusters.filter(pl.len().over("cluster_id").is_between(3, LARGEST_SPELLED_OUT)).select("id", "cluster_id")
    weakest = (
        pairs.join(members, left_on="left_id", right_on="id")
        .group_by("cluster_id")
        .agg(probability=pl.col("probability").min())
    )
    followed = (
        members.join(members, on="cluster_id")
        .filter(pl.col("id") < pl.col("id_right"))
        .join(weakest, on="cluster_id")
        .select(
            left_id="id",
            right_id="id_right",
            probability="probability",
            rule=pl.lit("through"),
            explanation=pl.lit("both are linked to other records of this person"),
        )
        .join(pairs, on=["left_id", "right_id"], how="anti")
    )
    return pl.concat([pairs, followed])
