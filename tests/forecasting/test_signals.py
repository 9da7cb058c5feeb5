"""What is heard beside demand: columns of weeks past, used where trials say so, and never of a week to come."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from forecasting.backtest import MODEL, SERIES_LEVEL, SIGNALS, score_origins, trial_at
from forecasting.champion import choose, forecast_as
from forecasting.features import look, origin_features, vantage
from forecasting.signals import with_signals
from forecasting.weekly import forecast_demand, weekly_grid
from tests.forecasting.panels import FIRST_MONDAY, invented_weeks

WEEKS = 49
LAST = FIRST_MONDAY + timedelta(weeks=WEEKS - 1)
CUTOFF = LAST + timedelta(days=6)
SIGNAL = {"sku": pl.String, "channel_id": pl.String, "week_on": pl.Date, "name": pl.String, "figure": pl.Int64}


def heard(*rows: tuple[str, str, int, str, int]) -> pl.DataFrame:
    """Rows of int_demand_signal; weeks are counted from the last one of the history, which is 0."""
    dated = [(sku, channel, LAST + timedelta(weeks=week), name, figure) for sku, channel, week, name, figure in rows]
    return pl.DataFrame(dated, schema=SIGNAL, orient="row")


def at(frame: pl.DataFrame, sku: str, week: int, name: str) -> float | None:
    found = frame.filter(pl.col("sku") == sku, pl.col("week_on") == LAST + timedelta(weeks=week))
    return found[name].item()  # type: ignore[no-any-return]


def foretold(lead: int, seed: int = 5) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A brand whose visitors of a SKU say `lead` weeks ahead how its demand will rise and fall; the signals."""
    history = invented_weeks(series=32)
    generator = np.random.default_rng(seed)
    tables, rows = [], []
    for (sku,), own in sorted(history.group_by("sku"), key=lambda part: str(part[0][0])):
        ordered = own.sort("week_on")
        # Long waves, so that what visitors say of some weeks ahead holds for the weeks after them too.
        wave = np.repeat(generator.choice([0.25, 1.0, 4.0], 12), 6)[: WEEKS + lead]
        place = [(week - FIRST_MONDAY).days // 7 for week in ordered["week_on"]]
        units = generator.poisson(6.0 * wave[place]).astype(float)
        tables.append(ordered.with_columns(pl.Series("units", units)))
        rows += [(sku, "*", week - WEEKS + 1, "web_visitors", int(100 * wave[week + lead])) for week in range(WEEKS)]
    return pl.concat(tables), heard(*rows)


def test_a_signal_is_read_for_its_channel_and_all_of_them_and_apart_from_the_brands() -> None:
    told = heard(
        ("0001", "store", -3, "web_visitors", 5),
        ("0001", "*", -3, "web_visitors", 2),
        ("0001", "shop_a", -3, "web_visitors", 40),
        ("0002", "*", -1, "web_visitors", 7),
        ("*", "store", -2, "web_visitors", 900),
    )
    weeks = with_signals(invented_weeks(), told)
    assert [at(weeks, "0001", week, "signal_web_visitors") for week in (-4, -3, -2, -1, 0)] == [
        None,
        7.0,
        0.0,
        0.0,
        None,
    ]
    assert at(weeks, "0002", -1, "signal_web_visitors") == 7.0
    # 0000 is sold in the web shop, of which the brand heard nothing.
    assert [at(weeks, sku, -2, "signal_web_visitors_of_all") for sku in ("0000", "0001")] == [0.0, 900.0]
    assert_frame_equal(weeks.select(invented_weeks().columns), invented_weeks())


def test_what_is_not_heard_of_any_series_is_no_column() -> None:
    told = heard(("9999", "*", -3, "social_posts", 5), ("0001", "shop_a", -3, "ad_impressions", 5))
    for signals in (told, told.clear()):
        assert with_signals(invented_weeks(), signals).columns == invented_weeks().columns


def test_a_signal_that_fell_silent_is_not_heard_on() -> None:
    drops = heard(("*", "store", -6, "coupon_drops", 5), ("*", "store", -3, "coupon_drops", 5))
    grid = weekly_grid(with_signals(invented_weeks(), drops), horizon_weeks=4, through_on=CUTOFF)
    (told,) = grid.past["signal_coupon_drops_of_all"][(grid.keys["sku"] == "0001").to_numpy()]
    assert told[-7:-3].tolist() == [5.0, 0.0, 0.0, 5.0]
    assert np.isnan(told[-3:]).all()


def test_no_feature_moves_when_signals_after_the_origin_are_shuffled() -> None:
    history, told = foretold(lead=4)
    told = pl.concat([told, told.with_columns(pl.lit("coupon_drops").alias("name"), pl.col("figure") % 7)])
    grid = weekly_grid(with_signals(history, told), horizon_weeks=4, through_on=CUTOFF)
    assert {"signal_web_visitors", "signal_coupon_drops"} <= set(grid.past)
    origin = 30
    changed = {name: values.copy() for name, values in grid.past.items()}
    for values in changed.values():
        values[:, origin + 1 :] = np.random.default_rng(1).permuted(values[:, origin + 1 :], axis=1) * 7 + 3
    other = look(type(grid)(**(vars(grid) | {"past": changed})))
    before, after = origin_features(vantage(look(grid), origin)), origin_features(vantage(other, origin))
    assert any("signal_web_visitors" in name for name in before)
    assert before.keys() == after.keys()
    for name in before:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)
    # The same change is seen as soon as it is past.
    later = origin_features(vantage(look(grid), 40)), origin_features(vantage(other, 40))
    assert not np.array_equal(later[0]["recent_signal_web_visitors"], later[1]["recent_signal_web_visitors"])


def test_a_trial_does_not_hear_what_came_after_it() -> None:
    history, told = foretold(lead=4)
    wild = told.with_columns(
        figure=pl.when(pl.col("week_on") >= LAST - timedelta(weeks=5)).then(pl.col("figure") * 9).otherwise("figure")
    )
    length = WEEKS - 6
    trials = [
        trial_at(weekly_grid(with_signals(history, one), horizon_weeks=4, through_on=CUTOFF), length, 4)
        for one in (told, wild)
    ]
    np.testing.assert_array_equal(trials[0].steps[SIGNALS], trials[1].steps[SIGNALS])


def test_signals_that_say_something_are_listened_to_and_others_are_not() -> None:
    history, told = foretold(lead=4)
    noise = told.with_columns(figure=pl.col("figure").shuffle(seed=3))

    def wape(scores: pl.DataFrame, step: str) -> float:
        row = scores.filter(metric="wape", step=step, horizon=0, level=SERIES_LEVEL).filter(pl.col("class") == "*")
        return float(row["value"].item())

    scores = score_origins(with_signals(history, told), horizon_weeks=4, origins=2)
    assert wape(scores, SIGNALS) < 0.9 * wape(scores, MODEL)
    assert choose(scores, MODEL) == SIGNALS
    bands = scores.filter(metric="coverage_80", horizon=0).filter(pl.col("class") == "*")
    assert bands["step"].to_list() == [MODEL, SIGNALS]
    assert choose(score_origins(with_signals(history, noise), horizon_weeks=4, origins=2), SIGNALS) == MODEL


def test_what_is_published_hears_signals_only_where_its_step_does() -> None:
    history, told = foretold(lead=4)
    with_told = with_signals(history, told)
    ask = {"horizon_weeks": 4, "cutoff_on": CUTOFF}
    plain = forecast_demand(history, **ask)  # type: ignore[arg-type]
    for step in (MODEL, "promotion plan", "statistical"):
        published = forecast_as(step, with_told, **ask)  # type: ignore[arg-type]
        assert_frame_equal(published, forecast_as(step, history, **ask))  # type: ignore[arg-type]
    assert_frame_equal(forecast_as(MODEL, with_told, **ask), plain)  # type: ignore[arg-type]
    assert not forecast_as(SIGNALS, with_told, **ask)["mean"].equals(plain["mean"])  # type: ignore[arg-type]
