"""The forecast must earn its place against simple methods, on invented and on real sales."""

import polars as pl
import pytest

from forecasting.backtest import SCORES_SCHEMA, SERIES_LEVEL, score_origins, trial_at
from forecasting.weekly import weekly_grid
from tests.forecasting.panels import invented_weeks, real_weeks
from tests.forecasting.test_weekly import CUTOFF

KEY = ["series", "level", "class", "step", "horizon", "metric"]


def figures(scores: pl.DataFrame, metric: str) -> tuple[float, float, float]:
    """The model's, SeasonalNaive's and the moving average's figure for all series and the whole horizon."""
    rows = scores.filter(
        pl.col("level") == SERIES_LEVEL, pl.col("class") == "*", pl.col("horizon") == 0, pl.col("metric") == metric
    )
    model, average = (rows.filter(pl.col("step") == step) for step in ("model", "moving average"))
    return model["value"][0], model["benchmark_value"][0], average["value"][0]


def test_scores_have_one_row_per_key_and_cover_class_and_horizon() -> None:
    scores = score_origins(invented_weeks(), horizon_weeks=4, origins=1)
    assert dict(scores.schema) == SCORES_SCHEMA
    assert not scores.select(KEY).is_duplicated().any()
    assert set(scores["horizon"]) == {0, 1, 2, 3, 4}
    assert {"*", "dead", "regular", "intermittent"} <= set(scores["class"])
    model, naive, _ = figures(scores, "wape")
    assert model < naive


def test_backtest_does_not_know_what_came() -> None:
    history = invented_weeks()
    late = pl.col("week_on") > CUTOFF.replace(month=11, day=1)
    wild = history.with_columns(pl.when(late).then(pl.col("units") + 99).otherwise("units").alias("units"))
    trials = [trial_at(weekly_grid(frame, horizon_weeks=4, through_on=CUTOFF), 43, 4) for frame in (history, wild)]
    assert (trials[0].steps["model"] == trials[1].steps["model"]).all()
    assert (trials[0].actual != trials[1].actual).any()


@pytest.mark.parametrize("back", [0, 8])
def test_no_worse_than_seasonal_naive_on_the_demo_s_real_sales(back: int) -> None:
    """Each origin for itself; the moving average is the harder of the two simple methods."""
    last = CUTOFF.replace(month=11, day=27)
    history = real_weeks().filter(pl.col("week_on") <= pl.lit(last).dt.offset_by(f"-{back}w"))
    scores = score_origins(history, horizon_weeks=8, origins=1)
    for metric in ("wape", "rmsse"):
        model, naive, average = figures(scores, metric)
        assert model <= 0.95 * naive, metric
        assert model <= average, metric
    band = scores.filter(pl.col("metric") == "coverage_80", pl.col("class") == "*", pl.col("horizon") == 0)
    assert band["value"][0] == pytest.approx(0.8, abs=0.03)
