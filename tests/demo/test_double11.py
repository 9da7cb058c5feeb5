"""Double 11 in the web shops: every kind and state is there, and every sum comes out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import httpx
import polars as pl
import pytest

from demo import days, double11, world
from demo.double11_after import WAYS
from demo.systems import web
from ingestion.contracts import ecommerce
from tests.demo.conftest import Made, addresses, secrets_of
from tillmill.workspace import open_workspace

SHOPS = ("shop_a", "shop_b")
EVE = datetime(2017, 11, 11, 4, tzinfo=UTC)  # an hour before the day begins in New York


def rows(made: Made, name: str) -> pl.DataFrame:
    """Double 11's rows of a table of both shops, every version."""
    both = pl.concat([made.tables[f"{shop}.{name}"] for shop in SHOPS], how="diagonal_relaxed")
    return both.filter(pl.col("number").str.contains(double11.MARK)) if "number" in both.columns else both


def last(made: Made, name: str, key: str = "number") -> pl.DataFrame:
    """Each row's last version."""
    return rows(made, name).sort("known_at").unique(key, keep="last", maintain_order=True)


def of_kind(made: Made, kind: str) -> pl.DataFrame:
    return last(made, "orders").join(made.truth["double11"].filter(pl.col("kind") == kind), on="number")


def test_every_kind_of_order_line_discount_and_refund_is_there(small: Made) -> None:
    truth = small.truth["double11"]
    assert set(truth["kind"]) == {
        "normal", "unpaid", "unpaid closed", "cancelled", "presale paid", "presale expired", "exchange", "fake",
    }  # fmt: skip
    assert set(rows(small, "order_lines")["kind"]) == set(ecommerce.LINE_KINDS)
    discounts = rows(small, "discounts")
    assert set(discounts["kind"]) == set(ecommerce.DISCOUNT_KINDS)
    assert set(discounts["borne_by"]) == set(ecommerce.PAYERS) - {"distributor"}
    assert set(last(small, "refunds", "refund_no")["kind"]) == set(ecommerce.REFUND_KINDS)
    assert set(last(small, "refunds", "refund_no")["state"]) == set(WAYS)


def test_the_whole_brands_double_11_has_between_a_thousand_and_two_thousand_orders() -> None:
    wanted = double11.ORDERS + double11.FAKES
    assert 1_000 < wanted < 2_000
    assert wanted > double11.LEAST_ORDERS


def test_truth_lists_each_order_once_and_every_marked_number_is_in_it(small: Made) -> None:
    truth = small.truth["double11"]
    assert truth["number"].is_unique().all()
    assert set(truth["number"]) == set(rows(small, "orders")["number"]) == set(rows(small, "order_lines")["number"])
    assert not set(truth["number"]) & set(small.truth["orders"]["number"])
    households = set(small.truth["households"]["household_id"])
    assert set(truth["household_id"].drop_nulls()) <= households
    assert 0.1 < float(truth["household_id"].null_count()) / truth.height < 0.4
    assert not set(small.truth["strangers"]["phone"]) & set(small.truth["households"]["phone"])


def test_a_lines_discount_is_its_own_discounts_and_its_share_of_the_orders_to_the_cent(small: Made) -> None:
    lines, discounts = rows(small, "order_lines"), rows(small, "discounts")
    assert (lines["list_total"] >= lines["paid_total"]).all()
    assert (lines["paid_total"] >= 0).all()
    own = discounts.filter(pl.col("position") > 0).group_by("number", "position").agg(own=pl.col("amount").sum())
    shared = lines.join(own, on=["number", "position"], how="left").with_columns(
        share=pl.col("list_total") - pl.col("paid_total") - pl.col("own").fill_null(0),
        value=pl.col("list_total") - pl.col("own").fill_null(0),
    )
    on_orders = discounts.filter(pl.col("position") == 0).group_by("number").agg(shared=pl.col("amount").sum())
    both = shared.join(on_orders, on="number", how="left").with_columns(pl.col("shared").fill_null(0))
    sums = both.group_by("number").agg(pl.col("share").sum(), pl.col("shared").first())
    assert (sums["share"] == sums["shared"]).all()
    assert sums["shared"].sum() > 50
    # By value: no share is a cent away from its exact part.
    exact = both.filter(pl.col("value") > 0).with_columns(
        exact=pl.col("shared").cast(pl.Float64)
        * pl.col("value").cast(pl.Float64)
        / pl.col("value").cast(pl.Float64).sum().over("number")
    )
    assert (exact["share"].cast(pl.Float64) - exact["exact"]).abs().max() < 0.01  # type: ignore[operator]


def test_gifts_cost_nothing_and_a_box_is_paid_once_with_what_its_recipe_says(small: Made) -> None:
    lines = rows(small, "order_lines")
    assert lines.filter(pl.col("kind") == "gift", pl.col("paid_total") != 0).is_empty()
    inside = lines.filter(pl.col("kind") == "component")
    assert inside.filter(pl.col("list_total") != 0).is_empty()
    boxes = lines.filter(pl.col("kind") == "bundle")
    assert boxes.filter(pl.col("paid_total") <= 0).is_empty()
    recipe = rows(small, "bundles").select("shop", "listing", "component", per_box="units")
    wanted = boxes.join(recipe, on=["shop", "listing"]).select(
        "number", parent="position", sku="component", qty=pl.col("qty") * pl.col("per_box")
    )
    assert wanted.height == inside.height > 20
    assert wanted.join(inside, on=["number", "parent", "sku", "qty"], how="anti").is_empty()
    shares = rows(small, "bundles").group_by("shop", "listing").agg(pl.col("share").sum())
    assert ((shares["share"] - 1).abs() < 1e-5).all()
    items = small.tables["erp.items"].filter("is_bundle")
    assert set(boxes["sku"]) <= set(items["material"])
    listed = rows(small, "listings")
    assert lines.join(listed, on=["shop", "listing", "variant", "sku"], how="anti").is_empty()


def test_a_presale_is_a_deposit_before_the_day_and_a_balance_on_it_or_never(small: Made) -> None:
    paid, expired = of_kind(small, "presale paid"), of_kind(small, "presale expired")
    assert 0.08 < expired.height / (paid.height + expired.height) < 0.22
    for order in pl.concat([paid, expired]).iter_rows(named=True):
        deposit_on = order["deposit_paid_at"].astimezone(UTC).date()
        assert date(2017, 11, 1) <= deposit_on <= date(2017, 11, 11)
        assert 0 < order["deposit"] < order["total"]
    on = paid.select(days.local_on(pl.col("balance_paid_at"))).to_series()
    assert (on == date(2017, 11, 11)).all()
    assert (paid["balance_paid_at"] == paid["paid_at"]).all()
    assert expired["balance_paid_at"].null_count() == expired["paid_at"].null_count() == expired.height
    assert set(expired["presale_state"]) == {"expired"}
    assert expired["cancelled_at"].null_count() == 0
    # The deposit stays with the shop.
    bills = small.tables["settlement.bills"].join(expired.select("number", "deposit"), on="number")
    assert bills.height == expired.height
    assert (bills["amount"] == bills["deposit"]).all()


def test_no_version_knows_what_comes_after_it(small: Made) -> None:
    for order in rows(small, "orders").iter_rows(named=True):
        for moment in ("paid_at", "completed_at", "cancelled_at", "deposit_paid_at", "balance_paid_at"):
            assert order[moment] is None or order[moment] <= order["known_at"], (order["number"], moment)
    for refund in rows(small, "refunds").iter_rows(named=True):
        assert (refund["refunded_at"] is not None) == (refund["state"] == "completed")
        assert refund["asked_at"] <= refund["updated_at"]
    for _, versions in rows(small, "orders").sort("known_at").group_by("number", maintain_order=True):
        assert all(one < other for one, other in pairwise(versions["updated_at"]))
    assert rows(small, "refunds")["known_at"].max() < datetime(2017, 12, 1, tzinfo=UTC)  # type: ignore[operator]


def test_an_early_clock_shows_the_deposit_only(workspace: Path) -> None:
    open_workspace(workspace)
    clock = workspace / "run" / "clock"
    table = web.Table(workspace, "shop_b.orders", ["number"])
    clock.write_text(EVE.isoformat())
    presales = table.known(None).filter(pl.col("type") == "presale")
    assert presales.height > 20
    assert set(presales["state"]) == {"deposit_paid"}
    assert presales["balance_paid_at"].null_count() == presales.height
    clock.write_text(days.CLOCK_AT_START.isoformat())
    later = table.known(None).filter(pl.col("number").is_in(presales["number"].implode()))
    assert later["number"].is_unique().all()
    assert set(later["state"]) == {"completed", "closed"}


def test_a_shop_tells_each_order_once_as_it_stands_with_its_lines(running: Path) -> None:
    shop, word = addresses(running)["shop_a"]["base_url"], secrets_of(running)["shop_a"]["token"]
    with httpx.Client(base_url=shop, headers={"authorization": f"Bearer {word}"}) as client:
        query = {"updated_since": "2017-11-01T00:00:00Z", "per_page": "1000", "expand": "lines"}
        found = client.get("/orders", params=query).raise_for_status().json()
        boxes = client.get("/bundles").raise_for_status().json()
        parcels = client.get("/shipments", params={"per_page": "1000"}).raise_for_status().json()
    numbers = [order["number"] for order in found["data"]]
    assert len(numbers) == len(set(numbers)) > 100
    presale = next(order for order in found["data"] if order["type"] == "presale" and order["state"] == "completed")
    assert presale["presale"]["state"] == "balance_paid"
    paid = sum(Decimal(str(line["paid_total"])) for line in presale["lines"])
    assert paid == Decimal(str(presale["total"]))
    assert {row["component"] for row in boxes["data"]}
    assert len({(row["parcel_no"], row["line"]) for row in parcels["data"]}) == len(parcels["data"]) > 100
    assert all(row["delivered_at"] for row in parcels["data"])


def test_what_was_sold_given_or_exchanged_leaves_the_warehouse_lot_by_lot_and_nothing_else(small: Made) -> None:
    moved = small.tables["wms.movements"].filter(
        pl.col("type") == "shipment", pl.col("ref_no").str.contains(double11.MARK)
    )
    out = moved.group_by(number="ref_no", sku="material").agg(pl.col("qty").sum().cast(pl.Int64))
    sent = of_kind_any(small, ["normal", "presale paid", "exchange"])
    early = last(small, "refunds", "refund_no").filter(
        pl.col("kind") == "before_shipment", pl.col("state") == "completed"
    )
    lines = rows(small, "order_lines").filter(pl.col("kind") != "bundle")
    lines = lines.with_columns(bought=pl.coalesce("parent", "position")).join(
        early.select("number", bought="position").drop_nulls(), on=["number", "bought"], how="anti"
    )
    owed = lines.join(sent.select("number"), on="number", how="semi").group_by("number", "sku").agg(pl.col("qty").sum())
    assert out.sort("number", "sku").equals(owed.select(out.columns).sort("number", "sku"))
    # The shop's parcels say the same; those of fake orders the warehouse has never seen.
    parcels = small_parcels(small)
    true = parcels.filter(pl.col("lot") != "-").group_by("number", "sku").agg(pl.col("qty").sum())
    assert true.sort("number", "sku").equals(out.sort("number", "sku"))
    empty = parcels.filter(pl.col("lot") == "-")
    assert set(empty["number"]) == set(small.truth["double11"].filter("is_fake")["number"])
    assert empty["freight"].max() < parcels.filter(pl.col("lot") != "-", pl.col("line") == 1)["freight"].min()  # type: ignore[operator]


def of_kind_any(made: Made, kinds: list[str]) -> pl.DataFrame:
    return made.truth["double11"].filter(pl.col("kind").is_in(kinds))


def small_parcels(made: Made) -> pl.DataFrame:
    """Each parcel's lines, delivered."""
    return rows(made, "shipments").filter(pl.col("delivered_at").is_not_null())


def test_pooled_phones_are_shared_by_many_people(small: Made) -> None:
    orders = last(small, "orders").join(small.truth["double11"], on="number")
    pooled = orders.filter("is_pooled_phone", pl.col("kind") != "exchange")
    by_phone = pooled.group_by("phone", "is_virtual_phone").agg(people=pl.col("buyer").n_unique(), orders=pl.len())
    assert 5 < by_phone.filter("is_virtual_phone").height <= len(double11.VIRTUAL_PHONES)
    assert by_phone.filter(~pl.col("is_virtual_phone")).height == len(double11.PICK_UP_PHONES)
    assert by_phone["people"].min() > 2  # type: ignore[operator]
    assert not orders.filter("is_virtual_phone")["email"].drop_nulls().len()
    assert not set(pooled["phone"]) & set(small.truth["households"]["phone"])


def test_fake_orders_are_many_by_few_to_one_address_and_confirmed_at_once(small: Made) -> None:
    fake = of_kind(small, "fake")
    assert fake.height == double11.FAKES
    assert fake["buyer"].n_unique() <= len(double11.FAKE_ACCOUNTS) * 2
    assert set(fake["ship_address"]) == {double11.FAKE_ADDRESS}
    sent = rows(small, "orders").filter(pl.col("state") == "shipped").select("number", sent_at="known_at")
    took = fake.join(sent, on="number").select(pl.col("completed_at") - pl.col("sent_at")).to_series()
    assert took.max() < pl.duration(hours=1).pipe(lambda hour: pl.select(hour).item())  # type: ignore[operator]
    # The shop suspects some of them, and somebody honest besides.
    assert 5 < fake["is_suspect"].sum() < fake.height
    others = last(small, "orders").join(small.truth["double11"].filter(~pl.col("is_fake")), on="number")
    assert others["is_suspect"].sum() <= others.height * 0.02


def test_the_bills_hold_paid_orders_and_what_the_platform_pays_of_discounts(small: Made) -> None:
    bills = small.tables["settlement.bills"].filter(pl.col("number").str.contains(double11.MARK))
    paid = of_kind_any(small, ["normal", "presale paid", "fake"])
    income = bills.filter(pl.col("kind") == "income", pl.col("refund_no").is_null()).join(paid, on="number")
    totals = last(small, "orders").join(paid, on="number")
    assert income["amount"].sum() == totals["total"].sum()
    subsidy = rows(small, "discounts").filter(pl.col("borne_by") == "platform").join(paid, on="number")
    assert bills.filter(pl.col("kind") == "subsidy")["amount"].sum() == subsidy["amount"].sum()
    refunds = last(small, "refunds", "refund_no").filter(
        pl.col("state") == "completed", pl.col("borne_by") == "brand", pl.col("position").is_not_null()
    )
    assert -bills.filter(pl.col("refund_no").is_not_null())["amount"].sum() == refunds["amount"].sum()
    assert bills.filter(pl.col("number").is_in(of_kind(small, "cancelled")["number"].implode())).is_empty()
    assert bills.select("shop", "statement", "line").is_unique().all()


def test_controls_count_each_order_and_refund_once_whatever_became_of_it(small: Made) -> None:
    for shop in SHOPS:
        stated = (
            small.tables[f"{shop}.controls"]
            .sort("known_at")
            .group_by("stream_name", "period_on")
            .agg(pl.col("row_count", "amount_total").last())
        )
        for stream, key, amount in (("orders", "number", "total"), ("refunds", "refund_no", "amount")):
            held = small.tables[f"{shop}.{stream}"].unique(key)
            told = stated.filter(pl.col("stream_name") == f"ecommerce.{stream}")
            assert told["row_count"].sum() == held.height
            assert told["amount_total"].sum() == held[amount].sum()


@pytest.mark.parametrize("skus", [1, 2, 3])
def test_a_world_of_very_few_skus_has_its_double_11(skus: int) -> None:
    made = Made(*world.make(skus=skus))
    assert rows(made, "orders")["number"].n_unique() >= double11.LEAST_ORDERS
    assert rows(made, "bundles").select("shop", "listing", "component").is_unique().all()
    totals = rows(made, "order_lines").group_by("number").agg(pl.col("paid_total").sum())
    both = last(made, "orders").join(totals, on="number")
    assert (both["total"] == both["paid_total"]).all()


def test_a_person_orders_the_same_whatever_else_the_brand_sells(small: Made) -> None:
    _, fewer = world.make(skus=5)
    both = fewer["double11"].join(small.truth["double11"], on="number", suffix="_of_20")
    kinds = both.filter(pl.col("kind") != "exchange")
    assert kinds.height >= double11.LEAST_ORDERS
    assert (kinds["kind"] == kinds["kind_of_20"]).all()
    assert (kinds["is_pooled_phone"] == kinds["is_pooled_phone_of_20"]).all()
