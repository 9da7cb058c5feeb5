"""How probably two records are one person: a Fellegi-Sunter model learnt by Splink, kept as text, and scores by it."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
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

SEED = 69
FOUND_BY_AGREEMENT = 0.7  # of the true pairs, how many agree on what nearly proves a person
PROVING = ({"national_id"}, {"member_id"}, {"email"}, {"phone"}, {"full_name", "birth_date"}, {"full_name", "street"})
LEARNT_ON = ("full_name", "birth_date", "email", "phone", "national_id", "street", "postcode")
FEWEST_TO_LEARN = 50
MOST_TO_LEARN = 1_000_000  # pairs; records of a larger table beyond the next figure teach nothing that these do not
LEARNT_FROM = 300_000
NEVER_BITS = -20.0  # a pair below, one in a million, counts neither as found nor for how common true pairs are
RECORDS_A_CHUNK = 1_000_000

Agreements = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Model:
    """What was learnt: Splink's `settings` with its probabilities, the `agreements` that pairs are looked at for, from
    how many `records`, and `shift_bits`, which is added to every weight: how much commoner a true pair is than Splink
    took it for (None: not known before the first scoring). It holds no value of any record."""

    settings: dict[str, Any]
    agreements: Agreements
    records: int
    shift_bits: float | None = None

    def to_json(self) -> str:
        """The model as text: the same model gives the same text."""
        return json.dumps(vars(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Model:
        """The model of `to_json`."""
        told = json.loads(text)
        return cls(**told | {"agreements": tuple(map(tuple, told["agreements"]))})

    @property
    def roles(self) -> set[str]:
        """What it compares."""
        return {str(comparison["output_column_name"]) for comparison in self.settings["comparisons"]}

    @property
    def version(self) -> str:
        """Names the model by its contents."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]


def learn(
    table: pl.DataFrame, roles: set[str], agreements: Agreements, *, across: str | None = None, rarity: bool = True
) -> Model:
    """Return a model learnt from the records of `table` themselves, without labels.

    `table`: a row per record_id with `side`, the role columns and block columns, of more than `LEARNT_FROM` rows an
    even sample. How often values agree by chance is learnt from random pairs, how often in one person by expectation
    maximisation over pairs that agree on something else (Fellegi & Sunter 1969; Winkler 1988). `agreements`, `across`:
    which pairs `score` is to look at.
    With `rarity` a rare value says more than a common one; such a model scores the table that it learnt from alone.
    """
    sample = table.sort("record_id").gather_every(-(-table.height // LEARNT_FROM))
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[*comparisons_of(roles, rarity=rarity)],
        blocking_rules_to_generate_predictions=[_rule(agreement, across) for agreement in agreements],
        unique_id_column_name="record_id",
        retain_intermediate_calculation_columns=True,
        additional_columns_to_retain=["side"],
    )
    with _linker(sample, settings) as (linker, connection):
        # A seeded sample is the same sample in one thread alone.
        connection.execute("set threads = 1")
        training = linker.training
        proving: list[str | BlockingRuleCreator] = [
            block_on(*sorted(columns)) for columns in PROVING if columns <= set(table.columns)
        ]
        training.estimate_probability_two_random_records_match(proving, recall=FOUND_BY_AGREEMENT)
        training.estimate_u_using_random_sampling(max_pairs=MOST_TO_LEARN, seed=SEED)
        for column in LEARNT_ON:
            pairs = blocking.pairs_of(sample, (column,)) if column in sample.columns else 0
            if pairs >= FEWEST_TO_LEARN:
                training.estimate_parameters_using_expectation_maximisation(
                    block_on(column), max_pairs=MOST_TO_LEARN if pairs > MOST_TO_LEARN else None
                )
        learnt = linker.misc.save_model_to_json()
    del learnt["linker_uid"]
    # Few records may hold no two that prove to be one person; nothing is then known but that it is rare.
    prior = float(learnt["probability_two_random_records_match"])
    learnt["probability_two_random_records_match"] = max(_rarest(table.height), min(0.5, prior))
    return Model(learnt, agreements, table.height)


def score(
    table: pl.DataFrame, model: Model, *, across: str | None = None, threshold: float, among: str | None = None
) -> tuple[pl.DataFrame, Model]:
    """Return the pairs that `model` finds at least as probable as `threshold`, and the model with its shift known.

    `across`: a column in which the two records of a pair must differ. `among`: a flag that one of the two must have;
    the model must then know its shift. Result: left_id, right_id, left_side, right_side, probability, rule,
    explanation, and a `<role>_level` per comparison (null where one side does not know). A pair's score depends on the
    pair and the model alone, unless the model was learnt with `rarity`.
    """
    settings = model.settings | {
        "blocking_rules_to_generate_predictions": [
            _rule(agreement, across, among).create_blocking_rule_dict("duckdb") for agreement in model.agreements
        ]
    }
    wanted, shift = _log_odds(threshold), model.shift_bits
    least = NEVER_BITS if shift is None else wanted - shift
    with _linker(table, settings) as (linker, _):
        found = linker.inference.predict(
            threshold_match_weight=least, num_chunks_left=1 + table.height // RECORDS_A_CHUNK, num_chunks_right=1
        ).as_duckdbpyrelation()
        if shift is None:
            prior = float(model.settings["probability_two_random_records_match"])
            weights = np.sort(found.select("match_weight").fetchnumpy()["match_weight"])
            shift = round(_log_odds(_prior(weights, prior, table.height)) - _log_odds(prior), 6)
        is_found = ColumnExpression("match_weight") >= ConstantExpression(wanted - shift)
        rows = pl.DataFrame(found.filter(is_found).to_arrow_table())
    weight = pl.col("match_weight") + shift
    rows = rows.with_columns(match_probability=1 / (1 + (-weight * np.log(2)).exp()))
    return _explained(rows, model.settings), replace(model, shift_bits=shift)


def _rule(agreement: tuple[str, ...], across: str | None, among: str | None = None) -> BlockingRuleCreator:
    conditions: list[BlockingRuleCreator] = [block_on(*agreement)]
    if across:
        conditions.append(CustomRule(f'l."{across}" <> r."{across}"'))
    if among:
        conditions.append(CustomRule(f'(l."{among}" or r."{among}")'))
    return And(*conditions) if len(conditions) > 1 else conditions[0]


@contextmanager
def _linker(
    table: pl.DataFrame, settings: SettingsCreator | dict[str, Any]
) -> Iterator[tuple[Linker, duckdb.DuckDBPyConnection]]:
    logging.getLogger("splink").setLevel(logging.ERROR)
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        yield Linker(DuckDBAPI(connection).register(table.to_arrow()), settings, log_level=None), connection


def _log_odds(probability: float) -> float:
    return float(np.log2(probability / (1 - probability)))


def _rarest(records: int) -> float:
    """How common a true pair is among all pairs where there is but one of two, the least that can be told."""
    return 1 / max(2, records * (records - 1))


def _prior(weights: NDArray[np.float64], prior: float, records: int) -> float:
    """How common a true pair is among all pairs: the mean probability of all pairs, until it agrees with itself.

    `weights`: of the pairs looked at, in bits, with `prior` in them; pairs not looked at are taken for untrue.
    """
    bare = np.exp2(weights - _log_odds(prior))
    for _ in range(50):
        odds = bare * prior / (1 - prior)
        better = max(_rarest(records), min(0.5, float((odds / (1 + odds)).sum()) / (records * (records - 1) / 2)))
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
