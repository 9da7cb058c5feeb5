"""Accuracy figures against sums done by hand."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from forecasting import metrics
from forecasting.grid import QUANTILE_COLUMNS
from forecasting.scores import score
from tillmill.errors import UsageError

DAYS = [date(2024, 1, 1), date(2024, 1, 2)]
ACTUAL = pl.DataFrame({"unique_id": ["a", "a"], "ds": DAYS, "y": [10.0, 0.0]})
FORECAST = pl.DataFrame({"unique_id": ["a", "a"], "ds": DAYS, "mean": [8.0, 3.0]})
HISTORY = pl.DataFrame(
    {
        "unique_id": ["a"] * 4,
        "ds": [date(2023, 12, day) for day in (28, 29, 30, 31)],
        "y": [0.0, 4.0, 6.0, 3.0],
    }
)


def told(frame: pl.DataFrame) -> dict[str, float]:
    return dict(frame.select("metric", "value").iter_rows())


def test_point_figures_are_those_done_by_hand() -> None:
    """|8-10| + |3-0| = 5 of 10; bias (-2+3)/10; naive changes after the first demand: 2 and -3."""
    figures = told(score(ACTUAL, FORECAST, HISTORY))
    assert figures["wape"] == pytest.approx(0.5)
    assert figures["bias"] == pytest.approx(0.1)
    assert figures["rmsse"] == pytest.approx(np.sqrt(6.5 / 6.5))
    assert figures["mase"] == pytest.approx(2.5 / 2.5)


def test_pinball_of_one_row_by_hand() -> None:
    quantiles = np.array([[4.0, 5, 6, 8, 10, 12, 14]])
    gaps = 9.0 - quantiles[0]
    levels = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
    by_hand = 2 * sum(max(q * g, (q - 1) * g) for q, g in zip(levels, gaps, strict=True)) / (7 * 9.0)
    assert metrics.pinball(np.array([9.0]), quantiles) == pytest.approx(by_hand)


def test_coverage_shares_out_ties_that_counting_calls_hits() -> None:
    """Demand is zero nine times in ten, so true quantiles are zero up to 0.9: counting says 100 %, the truth is 80."""
    generator = np.random.default_rng(0)
    actual = np.where(generator.random(50_000) < 0.9, 0.0, 5.0)
    quantiles = np.tile([0.0, 0, 0, 0, 0, 0, 5.0], (50_000, 1))
    assert metrics.counted_coverage(actual, quantiles[:, 1], quantiles[:, 6]) == 1.0
    assert metrics.coverage(actual, quantiles) == pytest.approx(0.8, abs=0.01)


def test_coverage_equals_counting_where_nothing_ties() -> None:
    generator = np.random.default_rng(1)
    actual = generator.normal(100, 10, 20_000)
    quantiles = np.tile(np.quantile(actual, [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]), (20_000, 1))
    counted = metrics.counted_coverage(actual, quantiles[:, 1], quantiles[:, 5])
    assert metrics.coverage(actual, quantiles) == pytest.approx(counted, abs=0.005)


def test_levels_are_scored_apart() -> None:
    actual = pl.DataFrame(
        {"level": ["total", "unique_id"], "node": ["total", "a"], "ds": [DAYS[0]] * 2, "y": [10.0, 4.0]}
    )
    forecast = actual.drop("y").with_columns(pl.Series("mean", [9.0, 2.0]))
    rows = score(actual, forecast)
    wape = {row["level"]: row["value"] for row in rows.iter_rows(named=True) if row["metric"] == "wape"}
    assert wape == pytest.approx({"total": 0.1, "unique_id": 0.5})


def test_quantile_columns_bring_their_figures() -> None:
    banded = FORECAST.with_columns(pl.col("mean").alias(name) for name in QUANTILE_COLUMNS)
    assert {"pinball", "coverage_80", "coverage_80_counted"} <= set(score(ACTUAL, banded)["metric"])


@pytest.mark.parametrize(
    ("actual", "forecast", "words"),
    [
        (ACTUAL.drop("y"), FORECAST, "actual lacks the column y"),
        (ACTUAL, FORECAST.drop("mean"), "forecast lacks the column mean"),
        (ACTUAL, pl.concat([FORECAST, FORECAST]), "second forecast"),
        (ACTUAL.with_columns(pl.lit("b").alias("unique_id")), FORECAST, "no row"),
    ],
)
def test_files_that_do_not_fit_are_refused(actual: pl.DataFrame, forecast: pl.DataFrame, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        score(actual, forecast)
