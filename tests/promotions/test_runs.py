"""A run is what a person would call one: same SKU, same kind, same first week, as long as half the stores keep it."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from promotions.runs import find_runs, silent_stores, treated_cells
from tests.promotions.world import chain, monday, stores


def run(frame: pl.DataFrame, name: str) -> dict[str, object]:
    return find_runs(frame).row(by_predicate=pl.col("promotion_id") == name, named=True)


def test_a_run_is_counted_to_the_unit() -> None:
    frame = chain([("milk", stores(0, 5), [20, 21], "display")])
    found = run(frame, f"display-milk-{monday(20)}")
    on = frame.filter(pl.col("is_display"))
    assert find_runs(frame).height == 1
    assert (found["kind"], found["starts_on"], found["ends_on"]) == (
        "display",
        monday(20),
        monday(22) - timedelta(days=1),
    )
    assert found["treated_stores"] == 5
    assert found["treated_units"] == on["units"].sum()
    assert found["treated_sales_amount"] == on["net_sales_amount"].sum()


def test_a_week_without_parts_two_runs() -> None:
    frame = chain([("milk", stores(0, 5), [10, 11, 13], "mailer")])
    assert set(find_runs(frame)["promotion_id"]) == {f"mailer-milk-{monday(10)}", f"mailer-milk-{monday(13)}"}


def test_a_change_of_kind_parts_two_runs() -> None:
    frame = chain([("milk", stores(0, 5), [10], "display"), ("milk", stores(0, 5), [11], "both")])
    assert set(find_runs(frame)["promotion_id"]) == {f"display-milk-{monday(10)}", f"both-milk-{monday(11)}"}


def test_a_run_lasts_while_half_its_stores_keep_it() -> None:
    kept = [("milk", stores(0, 1), [10], "display"), ("milk", stores(1, 3), [10, 11], "display")]
    frame = chain([*kept, ("milk", stores(3, 4), [10, 11, 12], "display")])
    found = run(frame, f"display-milk-{monday(10)}")
    assert found["ends_on"] == monday(12) - timedelta(days=1)
    assert found["treated_stores"] == 3, "the store that gave up early is not treated"
    assert set(treated_cells(frame)["week_on"]) == {monday(10), monday(11)}


def test_removing_a_placement_removes_its_run() -> None:
    placements = [("milk", stores(0, 5), [10, 11], "display"), ("milk", stores(9, 12), [20], "mailer")]
    with_both, without = find_runs(chain(placements)), find_runs(chain(placements[:1]))
    assert with_both.height == 2
    assert without["promotion_id"].to_list() == [f"display-milk-{monday(10)}"]
    cell = (pl.col("store_id") == "000") & (pl.col("week_on") == monday(10))
    one_less = chain(placements[:1]).with_columns(is_display=pl.col("is_display") & ~cell)
    assert run(one_less, f"display-milk-{monday(10)}")["treated_stores"] == 4
    assert run(one_less, f"display-milk-{monday(11)}")["treated_stores"] == 1


def test_runs_come_by_sales_in_any_row_order() -> None:
    frame = chain([("milk", stores(0, 3), [10], "display"), ("milk", stores(20, 30), [15], "mailer")])
    found = find_runs(frame)
    assert found["kind"].to_list() == ["mailer", "display"]
    assert find_runs(frame.sample(fraction=1, shuffle=True, seed=2)).equals(found)


def test_no_placement_no_run() -> None:
    assert find_runs(chain([])).is_empty()


def test_a_store_that_never_shows_a_placement_is_silent_only_where_others_show_many() -> None:
    skus = ("milk", "bread", "cheese", "cream")
    many = chain([(sku, stores(0, 20), list(range(26)), "mailer") for sku in skus], skus=skus)
    assert silent_stores(many) == set(stores(20, 30))
    assert silent_stores(chain([("milk", stores(0, 5), [10, 11], "display")])) == set()
