"""What is given passes unchanged, and what is made around it is the same each time."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from demo import days, double11, edits, package, world
from tests.demo.conftest import Made


def package_lines(skus: set[str]) -> pl.DataFrame:
    """The package's own rows, read apart from the demo's code."""
    return (
        pl.scan_parquet(package.folder() / "transactions.parquet")
        .filter(pl.col("product_id").cast(pl.String).is_in(sorted(skus)))
        .with_columns(
            sold_on=pl.col("transaction_timestamp")
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone("America/New_York")
            .dt.date()
        )
        .collect()
    )


def sold(made: Made) -> pl.DataFrame:
    """The package's baskets over tills and web shops, Double 11 apart: sold_on, sku, units, amount."""
    till = made.tables["pos.sale_lines"].select("known_at", sku="PRODUCT_ID", units="QUANTITY", amount="SALES_VALUE")
    web = [
        made.tables[f"{shop}.order_lines"]
        .filter(~pl.col("number").str.contains(double11.MARK))
        .select("known_at", "sku", units="qty", amount="paid_total")
        for shop in ("shop_a", "shop_b")
    ]
    return pl.concat([till, *web]).with_columns(sold_on=days.local_on(pl.col("known_at")))


def test_till_and_web_shops_together_sell_what_the_package_sells_to_the_cent_each_day(small: Made) -> None:
    lines = sold(small)
    given = package_lines(set(lines["sku"]))
    ours = lines.group_by("sold_on").agg(pl.len(), pl.col("units", "amount").sum()).sort("sold_on")
    theirs = (
        given.group_by("sold_on")
        .agg(
            pl.len(),
            units=pl.col("quantity").sum(),
            amount=pl.col("sales_value").round(2).cast(pl.Decimal(12, 2)).sum(),
        )
        .sort("sold_on")
    )
    assert_frame_equal(ours, theirs)


@pytest.mark.slow
def test_the_whole_brand_up_to_the_clock_is_what_the_readme_says() -> None:
    tables, _ = world.make()
    known = sold(Made(tables, {})).filter(pl.col("known_at") <= days.CLOCK_AT_START)
    assert (known.height, known["units"].sum(), known["amount"].sum()) == (117_044, 155_397, Decimal("231955.15"))
    assert tables["trade.placements"].height == 1_503_075
    assert tables["trade.placements"].select("AD_NO", "PRODUCT_ID", "STORE_ID", "WEEK_ON").is_duplicated().sum() == 0


def test_the_same_seed_makes_the_same_world(small: Made) -> None:
    tables, truth = world.make(skus=20)
    assert list(tables) == list(small.tables)
    for name, table in tables.items():
        assert_frame_equal(table, small.tables[name])
    for name, table in truth.items():
        assert_frame_equal(table, small.truth[name])


def test_another_seed_keeps_the_receipts_and_changes_the_people(small: Made) -> None:
    tables, truth = world.make(skus=20, seed=1)
    assert sold(Made(tables, truth))["amount"].sum() == sold(small)["amount"].sum()
    assert not truth["households"]["name"].equals(small.truth["households"]["name"])


def test_leaving_skus_out_changes_no_person_and_no_channel(small: Made) -> None:
    _, fewer = world.make(skus=5)
    baskets = fewer["baskets"].join(small.truth["baskets"], on="basket_id", suffix="_of_20")
    assert baskets.height == fewer["baskets"].height
    assert (baskets["channel"] == baskets["channel_of_20"]).all()
    people = fewer["households"].join(small.truth["households"], on="household_id", suffix="_of_20")
    assert (people["phone"] == people["phone_of_20"]).all()


def test_about_an_eighth_of_the_baskets_arrives_whole_through_the_web_shops(small: Made) -> None:
    share = (small.truth["baskets"]["channel"] != "store").mean()
    assert 0.11 < float(share or 0) < 0.13  # type: ignore[arg-type]
    till = set(small.tables["pos.sale_lines"]["BASKET_ID"])
    web = {number[1:] for shop in ("shop_a", "shop_b") for number in small.tables[f"{shop}.orders"]["number"]}
    assert not till & web


def test_an_orders_total_is_the_sum_of_its_lines(small: Made) -> None:
    for shop in ("shop_a", "shop_b"):
        lines = small.tables[f"{shop}.order_lines"].group_by("number").agg(pl.col("paid_total").sum())
        both = small.tables[f"{shop}.orders"].unique("number").join(lines, on="number", how="full")
        assert both["total"].null_count() == both["paid_total"].null_count() == 0
        assert (both["total"] == both["paid_total"]).all()


def test_a_basket_bears_its_members_number_from_joining_on(small: Made) -> None:
    lines = (
        small.tables["pos.sale_lines"]
        .join(
            small.truth["baskets"].select("household_id", BASKET_ID=pl.col("basket_id").cast(pl.String)), on="BASKET_ID"
        )
        .join(small.truth["households"], on="household_id")
    )
    early = lines.filter(pl.col("known_at") < pl.col("joined_at"))
    later = lines.filter(pl.col("known_at") >= pl.col("joined_at"))
    strangers = lines.filter(~pl.col("is_member"))
    assert min(early.height, later.height, strangers.height) > 100
    assert early["LOYALTY_ID"].null_count() == early.height
    assert strangers["LOYALTY_ID"].null_count() == strangers.height
    assert (later["LOYALTY_ID"] == later["member_id"]).all()


def test_no_two_households_share_a_phone_or_an_address_even_mistyped(small: Made) -> None:
    people = small.truth["households"]
    assert people["phone"].is_unique().all()
    assert people["email"].is_unique().all()
    orders = pl.concat([small.tables["shop_a.orders"], small.tables["shop_b.orders"]])
    wrong = orders.join(small.truth["orders"].filter("is_mistyped"), on="number")
    assert wrong.height > 20
    assert not set(wrong["email"].drop_nulls()) & set(people["email"])
    digits = wrong["phone"].drop_nulls().str.replace_all(r"\D", "")
    assert not set(digits) & set(people["phone"].str.replace_all(r"\D", ""))


def test_controls_add_up_to_the_rows_they_speak_of(small: Made) -> None:
    last = (
        small.tables["pos.controls"]
        .group_by("period_on")
        .agg(pl.col("row_count", "unit_total", "amount_total").sort_by("known_at").last())
    )
    lines = small.tables["pos.sale_lines"]
    assert last["row_count"].sum() == lines.height
    assert last["unit_total"].sum() == lines["QUANTITY"].sum()
    assert last["amount_total"].sum() == lines["SALES_VALUE"].sum()


def test_controls_of_a_clock_equal_what_is_known_then(small: Made) -> None:
    clock = days.CLOCK_AT_START
    known = small.tables["pos.controls"].filter(pl.col("known_at") <= clock)
    last = known.group_by("period_on").agg(pl.col("row_count", "amount_total").sort_by("known_at").last())
    lines = small.tables["pos.sale_lines"].filter(pl.col("known_at") <= clock)
    assert (last["row_count"].sum(), last["amount_total"].sum()) == (lines.height, lines["SALES_VALUE"].sum())


def test_a_recipe_never_contains_itself(small: Made) -> None:
    parts: dict[str, set[str]] = {}
    for parent, component in small.tables["plm.bom"].select("parent", "component").iter_rows():
        parts.setdefault(parent, set()).add(component)

    def depth(sku: str, above: frozenset[str]) -> int:
        assert sku not in above
        return 1 + max((depth(part, above | {sku}) for part in parts.get(sku, ())), default=0)

    assert max(depth(sku, frozenset()) for sku in parts) == 3
    items = set(small.tables["erp.items"]["material"])
    assert {part for components in parts.values() for part in components} <= items


def test_a_deleted_placement_is_gone_in_its_week_alone(small: Made) -> None:
    placed = small.tables["trade.placements"]
    sku, week, store = placed.row(placed.height // 2, named=True)["PRODUCT_ID"], *placed.row(placed.height // 2)[3:1:-1]
    tables, _ = world.make(skus=20, changes=[edits.DeletePlacement(sku=sku, week_on=week, store_id=store)])
    hit = (pl.col("PRODUCT_ID") == sku) & (pl.col("WEEK_ON") == week) & (pl.col("STORE_ID") == store)
    assert_frame_equal(tables["trade.placements"], placed.filter(~hit))
    assert placed.filter(hit).height > 0


def test_a_doubled_price_doubles_that_skus_sales_from_its_day_on(small: Made) -> None:
    sku, since = sold(small)["sku"][0], date(2017, 7, 1)
    tables, _ = world.make(skus=20, changes=[edits.DoublePrice(sku=sku, from_on=since)])
    is_hit = (pl.col("sku") == sku) & (pl.col("sold_on") >= since)
    before, after = sold(small), sold(Made(tables, {}))
    assert after.filter(is_hit)["amount"].sum() == 2 * before.filter(is_hit)["amount"].sum()
    assert after.filter(~is_hit)["amount"].sum() == before.filter(~is_hit)["amount"].sum()


def test_a_stopped_line_has_no_minutes_and_makes_nothing_that_week(small: Made) -> None:
    week = date(2017, 6, 5)
    tables, _ = world.make(skus=20, changes=[edits.StopLine(line_id="L1", week_on=week)])

    def in_week(name: str, column: str) -> pl.Expr:
        return (pl.col(name) == "L1") & pl.col(column).dt.date().is_between(week, week + timedelta(days=6))

    hours = in_week("line", "starts_at")
    assert small.tables["mes.calendars"].filter(hours)["available_minutes"].sum() > 0
    assert tables["mes.calendars"].filter(hours)["available_minutes"].sum() == 0
    assert small.tables["mes.results"].filter(in_week("line", "ended_at")).height > 0
    assert tables["mes.results"].filter(in_week("line", "ended_at")).height == 0


def test_a_small_world_is_built_once_and_kept(tmp_path: Path) -> None:
    assert world.build(tmp_path, skus=3)
    assert not world.build(tmp_path, skus=3)
    assert world.build(tmp_path, skus=4)


def test_no_control_speaks_of_a_day_after_it_was_written_but_for_placements(small: Made) -> None:
    for name, table in small.tables.items():
        if name.endswith(".controls") and name != "trade.controls":
            assert (table["period_on"] <= table["known_at"].dt.date()).all(), name
