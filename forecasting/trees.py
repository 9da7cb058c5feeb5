"""Gradient boosted trees for a ratio of demand: LightGBM where it is installed, else scikit-learn's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from forecasting.grid import SEED, Floats, Matrix

BINS = 200
# Rows that the edges of the bins are told by: more take longer and tell the same.
BINS_SEEN = 50_000
ROWS_IN_LEAF = 20
ROWS_FOR_THREADS = 20_000
# Between Poisson (1) and gamma (2): days of no sale and days of thousands under one deviance.
TWEEDIE_POWER = 1.1


@dataclass(frozen=True)
class Effort:
    """How much the boosting may look at: training rows sampled at most, trees, learning rate, leaves, threads.

    Where the lessons from before the trials are at least `same_from` of all, what they teach makes the forecast too.
    A bucket is aimed at from `distances` places of a long horizon at most. `has_quartiles`: these are learnt too.

    Small fits are made of thousands of tiny parallel steps: where anything else runs on the machine, two threads
    waiting for each other take longer than one. The number is fixed, never the machine's.
    """

    rows: int
    trees: int
    rate: float
    leaves: int
    threads: int
    same_from: float
    distances: int
    has_quartiles: bool


class Trees(Protocol):
    """A fitted model: matrix (rows × columns) → expected ratio of each row."""

    def ratios(self, matrix: Matrix) -> Floats: ...

    def uses(self, column: int) -> bool: ...


def fit_trees(
    matrix: Matrix,
    ratios: Floats,
    weights: Floats,
    effort: Effort,
    categories: list[int],
    seed: int = SEED,
    level: float | None = None,
) -> Trees:
    """Trees for `ratios` (≥ 0) under a deviance weighted by `weights` (mean one): Tweedie's, or scikit-learn's Poisson.

    LightGBM's own Poisson widens each second derivative by exp(.7) and so learns at half the rate it is told. With
    `level` trees for that quantile, under the pinball loss.
    """
    library = lightgbm()
    if library is None:
        return _fit_histogram(matrix, ratios, weights, effort, seed, level)
    return _fit_lightgbm(library, matrix, ratios, weights, effort, categories, seed, level)


@cache
def lightgbm() -> Any:
    """The LightGBM module, or None where it is not installed or the system has no libgomp.so.1, which it needs."""
    try:
        return import_module("lightgbm")
    except (ImportError, OSError):
        return None


def can_fit_side_by_side() -> bool:
    """Whether fits may share a process: scikit-learn's number of threads is the whole process's."""
    return lightgbm() is not None


@dataclass(frozen=True)
class _Boosted:
    booster: Any

    def ratios(self, matrix: Matrix) -> Floats:
        threads = 2 if matrix.shape[0] >= ROWS_FOR_THREADS else 1
        return np.asarray(self.booster.predict(matrix, num_threads=threads), dtype=np.float64)

    def uses(self, column: int) -> bool:
        return bool(self.booster.feature_importance()[column])


def _fit_lightgbm(
    library: Any,
    matrix: Matrix,
    ratios: Floats,
    weights: Floats,
    effort: Effort,
    categories: list[int],
    seed: int,
    level: float | None,
) -> Trees:
    tweedie = {"objective": "tweedie", "tweedie_variance_power": TWEEDIE_POWER}
    settings = {
        **(tweedie if level is None else {"objective": "quantile", "alpha": level}),
        "learning_rate": effort.rate,
        "num_leaves": effort.leaves,
        "min_data_in_leaf": ROWS_IN_LEAF,
        "min_sum_hessian_in_leaf": 0.0,
        "lambda_l2": 20.0,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "max_bin": BINS,
        "bin_construct_sample_cnt": BINS_SEEN,
        "num_threads": effort.threads,
        "deterministic": True,
        "force_col_wise": True,
        "seed": seed,
        "verbosity": -1,
    }
    data = library.Dataset(matrix, ratios, weight=weights, categorical_feature=categories, params=settings)
    return _Boosted(library.train(settings, data, num_boost_round=effort.trees))


@dataclass(frozen=True)
class _Histogram:
    regressor: HistGradientBoostingRegressor
    edges: Mapping[int, Matrix]
    threads: int

    def ratios(self, matrix: Matrix) -> Floats:
        with threadpool_limits(self.threads, user_api="openmp"):
            return np.asarray(self.regressor.predict(in_bins(matrix, self.edges)), dtype=np.float64)

    def uses(self, column: int) -> bool:
        return column in self.edges


def _fit_histogram(
    matrix: Matrix, ratios: Floats, weights: Floats, effort: Effort, seed: int, level: float | None
) -> Trees:
    regressor = HistGradientBoostingRegressor(
        loss="poisson" if level is None else "quantile",
        quantile=level,
        max_iter=effort.trees,
        learning_rate=effort.rate,
        max_leaf_nodes=effort.leaves,
        min_samples_leaf=ROWS_IN_LEAF,
        l2_regularization=20.0,
        max_features=0.5,
        early_stopping=False,
        random_state=seed,
    )
    edges = bin_edges(matrix)
    with threadpool_limits(effort.threads, user_api="openmp"):
        regressor.fit(in_bins(matrix, edges), ratios, sample_weight=weights)
    return _Histogram(regressor, edges, effort.threads)


def bin_edges(matrix: Matrix) -> dict[int, Matrix]:
    """Column number → edges between equally filled bins; columns that say nothing (all one value) are left out.

    Binning here rather than in the regressor saves three quarters of its time, which goes into weighted quantiles.
    """
    out: dict[int, Matrix] = {}
    for column in range(matrix.shape[1]):
        values = matrix[:, column]
        ordered = np.sort(values[~np.isnan(values)])
        if ordered.size:
            picked = ordered[np.linspace(0, ordered.size - 1, BINS).astype(np.int64)]
            edges = np.unique(picked)[1:]
            if edges.size:
                out[column] = edges
    return out


def in_bins(matrix: Matrix, edges: Mapping[int, Matrix]) -> Floats:
    """The matrix with each kept column replaced by its bin number; gaps stay gaps."""
    out = np.empty((matrix.shape[0], len(edges)))
    for place, (column, borders) in enumerate(edges.items()):
        values = matrix[:, column]
        out[:, place] = np.where(np.isnan(values), np.nan, np.searchsorted(borders, values, side="right"))
    return out
