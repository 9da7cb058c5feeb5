"""What partners report adds up to what the warehouse, the tills and the shops have."""

from __future__ import annotations

import polars as pl
from polars.testing import assert_frame_equal

from demo import days, double11, partners, sell_in
from tests.demo.conftest import Made


def test_every_receipt_of_parts_was_ordered_and_announced_before_it_came(small: Made) -> None:
    orders = small.tables["erp.purchase_orders"]
    letters = pl.concat([frame for name, frame in small.tables.items() if name.startswith("supplier.")])
    parts = small.tables["wms.movements"].filter(
        (pl.col("type") == "receipt") & pl.col("material").str.contains("^(RM|PK)-")
    )
    closed = orders.filter(pl.col("state") == "received")
    assert closed["received"].sum() == parts["qty"].sum()
    announced = letters.filter(pl.col("received_at").is_null()).select("po_no", "line", told="known_at")
    steps = (
        closed.select("po_no", "line", came="known_at")
        .join(announced, on=["po_no", "line"])
        .join(orders.filter(pl.col("state") == "open").select("po_no", "line", placed="known_at"), on=["po_no", "line"])
    )
    assert steps.height == closed.height > 0
    assert steps.select(((pl.col("placed") < pl.col("told")) & (pl.col("told") < pl.col("came"))).all()).item()


def test_distributors_sell_what_they_bought_and_never_hold_less_than_nothing(small: Made) -> None:
    for name in ("d1", "d2"):
        booked = small.tables[f"distributor.{name}_movements"]
        held = small.tables[f"distributor.{name}_stock"]
        assert booked["entry"].is_unique().all()
        signed = booked.with_columns(
            units=pl.when(pl.col("type") == "sale").then(-pl.col("qty")).otherwise("qty"),
            on=days.local_on(pl.col("booked_at")),
        ).sort("booked_at", "units", descending=[False, True])
        lot = ["material", "batch"]
        balance = signed.with_columns(balance=pl.col("units").cum_sum().over(lot))
        assert balance["balance"].min() == 0
        for row in held.sample(min(20, held.height), seed=1).iter_rows(named=True):
            upto = (pl.col("on") <= row["as_of"]) & (pl.col("batch") == row["batch"])
            assert signed.filter(upto, pl.col("material") == row["material"])["units"].sum() == row["on_hand"]


def test_distributors_orders_are_what_the_warehouse_sent_to_their_stores_some_late_some_short(small: Made) -> None:
    orders, delivered = small.tables["erp.sales_orders"], small.tables["erp.deliveries"]
    served = sell_in.served(small.tables["wms.movements"], small.tables["pos.stores"])
    assert delivered.select("delivery_no", "line").is_unique().all()
    lots = ["material", "batch", "sent_at"]
    sent = served.group_by("material", "batch", sent_at="moved_at").agg(pl.col("qty").sum())
    told = delivered.group_by(lots).agg(pl.col("qty").sum())
    assert_frame_equal(sent.select(*lots, "qty"), told.select(*lots, "qty"), check_row_order=False, check_dtypes=False)
    closed = orders.filter(pl.col("state") == "delivered")
    placed = orders.filter(pl.col("state") == "open").select("so_no", "line", placed_at="known_at")
    lines = closed.join(placed, on=["so_no", "line"])
    assert lines.height == closed.height == orders.height // 2
    assert lines.select((pl.col("placed_at") < pl.col("known_at")).all()).item()
    late = lines.select((days.local_on(pl.col("changed_at")) > pl.col("wanted_on")).mean()).item()
    short = lines.select((pl.col("qty") > pl.col("sent")).mean()).item()
    assert 0.02 < late < 0.06
    assert 0.01 < short < 0.03
    assert lines.select((pl.col("qty") >= pl.col("sent")).all()).item()


def test_before_its_targets_are_due_a_distributor_buys_what_its_stores_take_in_five_weeks(small: Made) -> None:
    bought = small.tables["distributor.d2_movements"].filter(pl.col("type") == "purchase")
    weekly = bought.group_by(on=days.local_on(pl.col("booked_at"))).agg(pl.col("qty").sum().cast(pl.Float64))
    pushed = weekly.filter(pl.col("on").is_in(sell_in.PUSHED))
    assert pushed.height == len(sell_in.PUSHED)
    assert float(pushed["qty"].min()) > 3 * float(weekly["qty"].median())  # type: ignore[arg-type]


def test_the_portal_shows_what_its_tills_sold(small: Made) -> None:
    own = small.tables["pos.stores"].filter(pl.col("FORMAT") == partners.RETAILER_FORMAT)["STORE_ID"]
    sold = small.tables["pos.sale_lines"].filter(pl.col("STORE_ID").is_in(own.implode()))
    shown = small.tables["retail.sell_out"]
    assert shown.select("Store", "Article", "Date").is_unique().all()
    assert shown["Units"].sum() == sold["QUANTITY"].sum()
    assert shown["Turnover"].sum() == sold["SALES_VALUE"].sum()
    assert shown.height > 0
    assert shown.select((days.local_on(pl.col("known_at")) > pl.col("Date")).all()).item()


def test_bills_hold_every_order_once_and_one_bill_came_again_with_its_commission_corrected(small: Made) -> None:
    # Of the package's baskets; what Double 11 adds to the bills is in test_double11.
    bills, orders = (
        table.filter(~pl.col("number").str.contains(double11.MARK))
        for table in (
            small.tables["settlement.bills"],
            pl.concat([small.tables["shop_a.orders"], small.tables["shop_b.orders"]]),
        )
    )
    key = ["shop", "statement", "line"]
    last = bills.sort("known_at").unique(key, keep="last")
    again = bills.join(last, on=[*key, "known_at"], how="anti")
    totals = orders["total"].sum()
    assert last.filter(pl.col("kind") == "income")["amount"].sum() == totals
    assert again["statement"].unique().to_list() == ["shop_b-201740"]
    corrected = again.filter(pl.col("kind") == "commission").join(last, on=key, suffix="_now")
    assert (corrected["amount"] <= corrected["amount_now"]).all()
    assert (corrected["amount"] < corrected["amount_now"]).any()
    fees = last.filter(pl.col("kind") != "income")["amount"].sum()
    assert -0.06 < float(fees) / float(totals) < -0.05


def test_posts_are_about_what_was_bought_and_told_twice_as_their_likes_grow(small: Made) -> None:
    posts, truth = small.tables["social.posts"], small.truth["posts"]
    assert posts.group_by("post").len()["len"].unique().to_list() == [2]
    assert set(posts["language"]) == {"en", "zh"}
    assert set(truth["sentiment"]) == {"good", "bad", "neutral"}
    assert set(posts["tag"]) <= set(small.tables["erp.items"]["material"])
    first = posts.sort("known_at").unique("post", keep="first")
    assert first["likes"].sum() == 0
    assert posts["likes"].sum() > 0
