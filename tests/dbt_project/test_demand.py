"""Demand as it was recorded, as it would have been, and what is planned ahead of it, on figures that add up by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.dbt_project import brand
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.lake import SmallLake, at, day

D = Decimal
FIRST, LAST = date(2016, 11, 1), date(2017, 1, 14)
BULK_ON, EMPTY_ON = "2016-12-20", "2017-01-05"
PROMOTIONS = [
    "P1,MILK,store,gift,,0.3,2017-01-14,2017-01-16,2017-01-19,,brand,,approved,",
    "P2,MILK,*,Coupon,,,,2017-01-22,2017-01-23,,brand,,approved,",
    "P3,MILK,store,gift,,0.9,,2017-01-16,2017-01-29,,brand,,cancelled,",
]
FESTIVAL = "founders,Founders' days,创始日,US,2017-01-20,2017-01-23"


def sales() -> list[dict[str, object]]:
    """Two units of MILK a day at store S1 and one of CHEESE a fortnight, and the large orders that are told apart."""
    lines = []
    for number in range((LAST - FIRST).days + 1):
        on = FIRST + timedelta(days=number)
        if on.isoformat() != EMPTY_ON:
            lines.append(brand.line(f"M{number}", 1, f"{on}T17:00", "MILK", 2, 4.0))
        if number % 14 == 0:
            lines.append(brand.line(f"C{number}", 1, f"{on}T17:00", "CHEESE", 1, 4.0))
    large = [
        # As large as can be in the first four weeks, of which nobody knows what is usual.
        ("EARLY", "2016-11-20", "CHEESE", 500),
        # 90 units in two lines: more than ten usual orders and four usual weeks.
        ("BULK", BULK_ON, "MILK", 45),
        ("BULK", BULK_ON, "MILK", 45),
        # Ten usual orders, but not four usual weeks.
        ("LARGE", "2016-12-10", "MILK", 40),
    ]
    lines += [
        brand.line(sale, place, f"{on}T18:00", sku, units, units * 2.0)
        for place, (sale, on, sku, units) in enumerate(large, 1)
    ]
    return lines


def hear(lake: SmallLake) -> None:
    """What moved beside demand: all of the week of 2017-01-02, but where a row says otherwise."""
    seen = {"shop_id": "shop_a", "on": day("2017-01-03"), "views": 99}
    lake.land(
        "ecommerce.listings",
        [
            {"shop_id": "shop_a", "listing_id": "L1", "variant_id": variant, "sku": sku}
            for variant, sku in (("V1", "MILK"), ("V2", "CHEESE"), ("V3", "MILK"))
        ],
    )
    lake.land(
        "ecommerce.traffic",
        [
            # By source, and the platform's own sum, in which nobody is twice.
            {**seen, "listing_id": "L1", "source": "search", "visitors": 30},
            {**seen, "listing_id": "L1", "source": "live", "visitors": 20},
            {**seen, "listing_id": "L1", "source": "*", "visitors": 45},
            {**seen, "listing_id": "L1", "source": "search", "visitors": 5, "on": day("2017-01-08")},
            {**seen, "listing_id": "*", "source": "*", "visitors": 400},
            # The running week is not over.
            {**seen, "listing_id": "L1", "source": "*", "visitors": 70, "on": day("2017-01-16")},
        ],
    )
    paid = {"platform": "p", "shop_id": "shop_a", "on": day("2017-01-03"), "cash_amount": 1, "currency": "USD"}
    lake.land(
        "ads.daily",
        [
            {**paid, "campaign_id": "A1", "sku_scope": "CHEESE", "impressions": 900},
            {**paid, "campaign_id": "A2", "sku_scope": "everything", "impressions": 50},
        ],
    )
    said = {"platform": "p", "kind": "post", "likes": 500, "observed_at": at("2017-01-14T10:00")}
    lake.land(
        "social.posts",
        [
            {**said, "post_id": "1", "sku_hint": "MILK", "posted_at": at("2017-01-04T12:00")},
            {**said, "post_id": "2", "sku_hint": "MILK", "posted_at": at("2017-01-05T12:00")},
            # Sunday night in New York is Monday in UTC.
            {**said, "post_id": "3", "posted_at": at("2017-01-09T03:00")},
        ],
    )
    given = {"sku_scope": "MILK", "issued_at": at("2017-01-02T12:00"), "updated_at": at("2017-01-02T12:00")}
    lake.land("crm.coupons", [{**given, "coupon_id": f"C{number}", "shop_id": "shop_a"} for number in range(3)])


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    lake = warehouse.fresh()
    lake.land("pos.stores", [{"store_id": s, "channel_id": "store", "timezone": brand.ZONE} for s in ("S1", "S2")])
    lake.land("pos.sale_lines", sales())
    count = {"sku": "MILK", "lot_id": "-", "quality": "good", "owner_id": "-", "location_id": "S1"}
    lake.land(
        "wms.stock",
        [
            {**count, "as_of": day("2016-10-31"), "on_hand_units": 500},
            {**count, "as_of": day("2017-01-04"), "on_hand_units": 0},
            {**count, "as_of": day("2017-01-06"), "on_hand_units": 100},
        ],
    )
    placed = {"promotion_id": "AD1", "sku": "MILK", "display": "A", "mailer": "0"}
    lake.land(
        "trade.placements",
        [
            {**placed, "store_id": "S1", "week_on": day("2017-01-16")},
            # A store that never sold the SKU, and a week that is past.
            {**placed, "store_id": "S2", "week_on": day("2017-01-23")},
            {**placed, "store_id": "S1", "week_on": day("2017-01-02")},
        ],
    )
    hear(lake)
    learnt = {"run_id": "r1", "sku": "MILK", "channel_id": "store", "location_id": "S1"}
    lake.land(
        "forecasting.history",
        [
            {**learnt, "on": day(EMPTY_ON), "unconstrained_units": 1.9, "method": "censored"},
            {**learnt, "on": day(BULK_ON), "unconstrained_units": 2.0, "method": "bulk"},
        ],
    )
    for name, rows in (("promotion_plan", PROMOTIONS), ("festivals", [FESTIVAL])):
        file = warehouse.reference / f"{name}.csv"
        file.write_text(file.read_text(encoding="utf-8").rstrip() + "\n" + "\n".join(rows) + "\n", encoding="utf-8")
    warehouse.build()
    return warehouse


def test_a_bulk_order_is_judged_by_what_was_usual_before_it(built: Warehouse) -> None:
    assert built.rows("select sku, sale_id, sold_on, units from int_bulk_orders") == [
        ("MILK", "BULK", day(BULK_ON), D("90.000"))
    ]
    ((order_units, week_units),) = built.rows("select usual_order_units, usual_week_units from int_bulk_orders")
    # 49 days with two units each and one order of 40: the large one hardly moves what is usual.
    assert order_units == pytest.approx(2 * (40 / 2) ** (1 / 50), abs=1e-3)
    assert week_units == pytest.approx((49 * 2 + 40) / 7, abs=1e-3)


def test_history_starts_from_all_days_of_a_channel_with_an_empty_shelf(built: Warehouse) -> None:
    assert built.rows("select sku, count(*) from int_demand_recorded group by 1") == [("MILK", (LAST - FIRST).days + 1)]
    assert built.rows("select units, bulk_units, is_in_stock from int_demand_recorded where bulk_units > 0") == [
        (D("92.000"), D("90.000"), True)
    ]
    assert built.rows("select demand_on, units from int_demand_recorded where not is_in_stock") == [
        (day(EMPTY_ON), D("0.000"))
    ]


def test_what_was_observed_stands_beside_what_would_have_been(built: Warehouse) -> None:
    assert built.rows(
        "select demand_on, observed_units, unconstrained_units, method from mart_demand_history "
        "where method <> 'observed' order by 1"
    ) == [
        (day(BULK_ON), D("92.000"), D("2.000"), "bulk"),
        (day(EMPTY_ON), D("0.000"), D("1.900"), "censored"),
    ]
    assert built.rows("select count(*), sum(observed_units) from mart_demand_history") == built.rows(
        "select count(*), sum(units) from fct_demand_day"
    )
    assert built.rows(
        "select bucket_on, observed_units, unconstrained_units from mart_forecast "
        "where observed_units <> unconstrained_units order by 1"
    ) == [
        (day("2016-12-19"), D("104.000"), D("14.000")),
        (day("2017-01-02"), D("12.000"), D("13.900")),
    ]


def test_what_is_heard_beside_demand_is_told_by_week_of_a_sku_or_of_the_brand(built: Warehouse) -> None:
    heard = built.rows(
        "select name, sku, channel_id, figure from int_demand_signal where week_on = '2017-01-02' order by all"
    )
    assert heard == [
        ("ad_impressions", "*", "shop_a", 50),
        ("ad_impressions", "CHEESE", "shop_a", 900),
        ("coupon_drops", "MILK", "shop_a", 3),
        ("social_posts", "*", "*", 1),
        ("social_posts", "MILK", "*", 2),
        ("web_visitors", "*", "shop_a", 400),
        ("web_visitors", "CHEESE", "shop_a", 50),
        ("web_visitors", "MILK", "shop_a", 50),
    ]
    assert built.rows("select count(*) from int_demand_signal where week_on <> '2017-01-02'") == [(0,)]


def test_what_is_planned_is_told_by_week_as_a_share_of_it(built: Warehouse) -> None:
    planned = built.rows(
        "select sku, channel_id, name, round(figure * 7, 3) from int_demand_plan "
        "where week_on = '2017-01-16' and channel_id in ('*', 'store') order by 3"
    )
    assert planned == [
        ("*", "store", "festival_founders_rate", 3.0),
        ("*", "store", "holiday_off_rate", 1.0),
        ("MILK", "store", "price_cut_rate", 1.2),
        ("MILK", "store", "promoted_share_rate", 7.0),
        ("MILK", "*", "promotion_coupon_rate", 1.0),
        ("MILK", "store", "promotion_gift_rate", 4.0),
    ]
    assert built.rows(
        "select sku, name, round(figure * 7, 3) from int_demand_plan where name = 'promotion_presale_rate'"
    ) == [("MILK", "promotion_presale_rate", 2.0)]
    assert built.rows("select week_on from int_demand_plan where name = 'promoted_share_rate'") == [
        (day("2017-01-16"),)
    ]
