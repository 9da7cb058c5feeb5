"""The figures that forecasts of public sets are compared by, against sums done by hand and M5's own files."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from benchmarks import forecast_metrics as metrics
from benchmarks.forecast_sets import SHARED, Panel, m5_departments
from forecasting.grid import QUANTILE_COLUMNS
from forecasting.metrics import naive_squares

M5 = SHARED / "demand/m5"
needs_m5 = pytest.mark.skipif(not M5.exists(), reason="M5 is not here: ../shared/data/demand/m5")
DAYS = [date(2024, 1, 1) + timedelta(days=day) for day in range(6)]


def series(name: str, ys: list[float], **columns: object) -> pl.DataFrame:
    return pl.DataFrame({"unique_id": name, "ds": DAYS[: len(ys)], "y": ys, **columns})


def two_stores(ys: tuple[list[float], list[float]]) -> pl.DataFrame:
    """A store in each of two states, one department: levels above the store are their sums."""
    columns = {"category": "FOODS", "department": "FOODS_1"}
    return pl.concat(
        [
            series(store, values, state=store[:2], store=store, **columns)
            for store, values in zip(("CA_1", "TX_1"), ys, strict=True)
        ]
    )


def test_wrmsse_by_hand_weighs_nodes_within_a_level() -> None:
    """CA changes by 2 a day and is missed by 4, TX changes by 1 and is met; their sum changes by 3 and by -1."""
    history = two_stores(([1.0, 3.0, 1.0], [1.0, 2.0, 3.0]))
    actual = two_stores(([5.0], [3.0]))
    told = actual.with_columns(pl.when(pl.col("state") == "CA").then(pl.col("y") + 4).otherwise("y").alias("mean"))
    shares = [np.ones(1) if len(columns) == 0 else np.array([0.75, 0.25]) for columns in metrics.M5_LEVELS]
    for place, columns in enumerate(metrics.M5_LEVELS):
        if columns in (("category",), ("department",)):
            shares[place] = np.ones(1)
    levels = metrics.wrmsse(history, actual, told, shares)
    whole = 4.0 / np.sqrt((3.0**2 + 1.0**2) / 2)
    apart = 0.75 * 4.0 / 2.0
    assert levels == pytest.approx([whole, apart, apart, whole, whole, apart, apart, apart, apart])


def test_rmsse_starts_at_the_first_sale_and_weighs_by_dollars() -> None:
    """Changes after the zeros: 2 and -1, mean square 2.5; the other series never moved and has no figure."""
    history = pl.concat([series("a", [0.0, 0.0, 4.0, 6.0, 5.0], price=2.0), series("b", [3.0, 3.0, 3.0], price=1.0)])
    joined = pl.concat([series("a", [4.0, 6.0]), series("b", [3.0])]).with_columns(pl.lit(5.0).alias("mean"))
    found = metrics.rmsse(history, joined)
    assert found["unique_id"].to_list() == ["a"]
    assert found["rmsse"][0] == pytest.approx(np.sqrt(1.0 / 2.5))
    assert found["dollars"][0] == pytest.approx(2.0 * 15.0)


def test_crossed_quantiles_are_sorted_before_they_are_scored() -> None:
    straight = pl.DataFrame({"y": [3.0, 5.0], **{name: [float(n), 4.0 + n] for n, name in enumerate(QUANTILE_COLUMNS)}})
    crossed = straight.rename({"q05": "q95", "q95": "q05"})
    assert metrics.quantile_scores(crossed) == metrics.quantile_scores(straight)


def test_origins_roll_by_whole_horizons_and_nothing_after_them_is_history() -> None:
    frame = pl.concat([series("a", [1.0] * 6), series("late", [1.0] * 6).tail(1)])
    panel = Panel("made", frame, "D", 2, (), ())
    assert panel.origins(2) == [DAYS[3], DAYS[1]]
    history, ahead = panel.split(DAYS[1])
    assert history["ds"].max() == DAYS[1]
    assert ahead["ds"].to_list() == [DAYS[2], DAYS[3]]
    assert ahead["unique_id"].unique().to_list() == ["a"]


@needs_m5
def test_levels_stand_in_the_order_of_the_official_files() -> None:
    """Mean squared changes of all 154 nodes equal M5's own, in its order; its file counts a few days otherwise."""
    official = pl.read_parquet(M5 / "scorer_train_mse.parquet")["0"].to_numpy()
    frame = m5_departments(SHARED).frame
    ours = np.concatenate(
        [naive_squares(metrics.level_sums(frame, columns, "y")) for columns in metrics.M5_LEVELS],
    )
    weights = metrics.m5_weights(M5 / "scorer_weights.parquet")
    assert [level.size for level in weights] == [1, 3, 10, 3, 7, 9, 21, 30, 70]
    assert ours == pytest.approx(official[: ours.size], rel=0.02)
