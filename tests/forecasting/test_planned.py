"""What is planned ahead: columns of weeks past and to come, how far they are known, and that no origin sees further."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from forecasting.backtest import score_origins
from forecasting.features import look, target_features, vantage
from forecasting.planned import with_plan
from forecasting.weekly import forecast_demand, weekly_grid
from tests.forecasting.panels import FIRST_MONDAY, invented_weeks

WEEKS = 49
LAST = FIRST_MONDAY + timedelta(weeks=WEEKS - 1)
PLAN = {"sku": pl.String, "channel_id": pl.String, "week_on": pl.Date, "name": pl.String, "figure": pl.Float64}


def plan_of(*rows: tuple[str, str, int, str, float]) -> pl.DataFrame:
    """Rows of int_demand_plan; weeks are counted from the last one of the history, which is 0."""
    dated = [(sku, channel, LAST + timedelta(weeks=week), name, figure) for sku, channel, week, name, figure in rows]
    return pl.DataFrame(dated, schema=PLAN, orient="row")


def at(frame: pl.DataFrame, sku: str, week: int, name: str) -> float | None:
    found = frame.filter(pl.col("sku") == sku, pl.col("week_on") == LAST + timedelta(weeks=week))
    return found[name].item()  # type: ignore[no-any-return]


def test_a_plan_is_read_for_the_sku_its_channel_or_all_of_them() -> None:
    plan = plan_of(
        ("*", "store", -4, "festival_spring_rate", 0.5),
        ("*", "store", 3, "festival_spring_rate", 1.0),
        ("0001", "*", -2, "promotion_gift_rate", 1.0),
        ("0001", "store", 1, "promotion_gift_rate", 0.4),
        ("*", "*", 2, "promotion_gift_rate", 0.2),
        ("0001", "store", -2, "price_cut_rate", 0.3),
    )
    weeks, future = with_plan(invented_weeks(), plan, 4)
    # 0000 is sold in the web shop, 0001 and 0002 in stores.
    assert [at(future, sku, 3, "festival_spring_rate") for sku in ("0000", "0001", "0002")] == [0.0, 1.0, 1.0]
    assert [at(weeks, "0001", week, "promotion_gift_rate") for week in (-3, -2)] == [0.0, 1.0]
    assert [at(future, "0001", week, "promotion_gift_rate") for week in (1, 2)] == [0.4, 0.2]
    assert [at(weeks, "0001", week, "planned_price_rate") for week in (-3, -2)] == [1.0, 0.7]
    # No cut is planned any more: nobody knows yet.
    assert future["planned_price_rate"].null_count() == future.height
    assert_frame_equal(weeks.select(invented_weeks().columns), invented_weeks(), check_row_order=False)


def test_after_the_last_planned_promotion_nobody_knows_and_festivals_are_known_for_good() -> None:
    plan = plan_of(
        ("*", "*", -20, "festival_spring_rate", 1.0),
        ("0001", "store", -9, "promotion_gift_rate", 1.0),
        ("0004", "store", 2, "promotion_gift_rate", 1.0),
    )
    _, future = with_plan(invented_weeks(), plan, 4)
    assert [at(future, "0001", week, "promotion_gift_rate") for week in (1, 2, 3, 4)] == [0.0, 0.0, None, None]
    assert future["festival_spring_rate"].to_list() == [0.0] * future.height


def test_what_no_week_has_seen_teaches_nothing() -> None:
    plan = plan_of(("*", "*", 2, "festival_new_rate", 1.0), ("*", "*", -900, "festival_old_rate", 1.0))
    weeks, future = with_plan(invented_weeks(), plan, 4)
    assert weeks.columns == invented_weeks().columns
    assert future.columns == ["sku", "channel_id", "location_id", "week_on"]


def test_an_origin_sees_no_further_ahead_than_is_planned_today() -> None:
    """Two weeks are planned today: at any origin, what came on in the third week and after moves no feature."""
    cuts = [("0001", "store", week, "price_cut_rate", 0.3) for week in (-20, -15, -2, 2)]
    plan = plan_of(("0001", "store", 2, "promoted_share_rate", 1.0), *cuts)
    history, future = with_plan(invented_weeks(promotion_lift=3.0), plan, 6)
    grid = weekly_grid(history, horizon_weeks=6, through_on=LAST + timedelta(days=6), future=future)
    assert dict(grid.reach) == {"promoted_share_rate": 2, "planned_price_rate": 2}
    origin = 30
    changed = {name: values.copy() for name, values in grid.known.items()}
    for name, turned in (("promoted_share_rate", 1.0), ("planned_price_rate", 1.7)):
        changed[name][:, origin + 3 :] = turned - changed[name][:, origin + 3 :]
    other = look(type(grid)(**(vars(grid) | {"known": changed})))
    for step in range(1, 7):
        before, after = (
            target_features(vantage(look(grid), origin), step),
            target_features(vantage(other, origin), step),
        )
        assert before.keys() == after.keys()
        for name in before:
            np.testing.assert_array_equal(before[name][0], after[name][0], err_msg=f"{name}, step {step}")
    unknown = target_features(vantage(look(grid), origin), 3)["promoted_share_rate"][0]
    assert np.isnan(unknown).all()
    assert not np.isnan(target_features(vantage(look(grid), origin), 2)["promoted_share_rate"][0]).any()


def test_a_promotion_counts_in_its_week_and_unplanned_weeks_claim_none() -> None:
    history = invented_weeks(promotion_lift=3.0)
    rows = [(f"{number:04d}", "*", 2, "promoted_share_rate", 1.0) for number in range(48)]
    weeks, future = with_plan(history, plan_of(*rows), 4)
    demand = forecast_demand(weeks, horizon_weeks=4, cutoff_on=LAST + timedelta(days=6), future=future)
    parts = pl.DataFrame([json.loads(text) for text in demand["parts"]]).with_columns(
        demand["bucket_on"], demand["mean"]
    )
    by_week = parts.group_by("bucket_on").agg(pl.col("mean", "promotion").sum()).sort("bucket_on")
    mean, promotion = by_week["mean"].to_list(), by_week["promotion"].to_list()
    assert mean[1] > 1.5 * mean[0]
    assert promotion[1] > 0.3 * mean[1]
    assert promotion[2:] == [0.0, 0.0]
    # One week in five is promoted threefold: where nobody knows, what is usual is expected, not what none would sell.
    assert mean[2] > 1.1 * mean[0]


def test_backtests_see_the_plan_too() -> None:
    history = invented_weeks(promotion_lift=3.0)
    rows = [(f"{number:04d}", "*", 4, "promoted_share_rate", 1.0) for number in range(48)]
    weeks, future = with_plan(history, plan_of(*rows), 4)

    def wape(scores: pl.DataFrame, step: str) -> float:
        row = scores.filter(
            pl.col("metric") == "wape", pl.col("step") == step, pl.col("horizon") == 0, pl.col("class") == "*"
        ).filter(pl.col("level") == "sku,channel_id,location_id")
        return float(row["value"].item())

    scores = score_origins(weeks, horizon_weeks=4, origins=2, future=future)
    planned = wape(scores, "promotion plan")
    assert planned < 0.8 * wape(scores, "model")
    assert planned < 0.8 * wape(score_origins(history, horizon_weeks=4, origins=2), "model")
