"""Stock over several loads: late, backdated, deleted, corrected and out of order; and figures anybody can work out."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import pytest

from tests.dbt_project import brand
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.lake import SmallLake, at, day

# The stock facts and what they are made of, and no more.
STOCK = ("pass_a,+mart_stock_adjustment", "pass_b,+mart_stock_adjustment")
DAYS = """
    select location_id, sku, lot_id, quality, stock_on, opening_units, in_units, out_units, adjustment_units,
        closing_units
    from fct_stock_day order by all
"""


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    lake = warehouse.fresh()
    brand.land(lake)
    brand.learn(lake)
    _land_distributor(lake)
    _land_trade(lake)
    _land_other_hands(lake)
    _land_abroad(lake)
    warehouse.build()
    return warehouse


def moved(number: str, kind: str, units: float, when: str, **more: Any) -> dict[str, Any]:
    """A movement of lot L9 of BREAD in DC, told when it happened unless `observed_at` says otherwise."""
    return {
        "movement_id": number,
        "location_id": "DC",
        "sku": "BREAD",
        "lot_id": "L9",
        "kind": kind,
        "units": units,
        "reference_kind": "order",
        "moved_at": at(when),
        "observed_at": at(when),
        **more,
    }


def _land_distributor(lake: SmallLake) -> None:
    entry = {"distributor_id": "D1", "sku": "MILK", "lot_id": "L1", "observed_at": at("2017-01-15T12:00")}
    booked = [
        ("P1", "purchase", 10, "2017-01-02T15:00"),
        ("S1", "sale", 4, "2017-01-04T15:00"),
        ("P2", "purchase", 30, "2017-01-09T15:00"),
        ("S2", "sale", 2, "2017-01-10T15:00"),
        ("W1", "write_off", 1, "2017-01-11T15:00"),
    ]
    lake.land(
        "distributor.movements",
        [
            {**entry, "entry_id": number, "kind": kind, "units": units, "at": at(on)}
            for number, kind, units, on in booked
        ],
        source="distributor_d1",
    )
    # One less than its books say.
    told = {"distributor_id": "D1", "sku": "MILK", "lot_id": "L1", "as_of": day("2017-01-05"), "on_hand_units": 5}
    lake.land("distributor.stock", [told], source="distributor_d1")


def _land_trade(lake: SmallLake) -> None:
    line = {"so_id": "SO1", "trade_account_id": "D1", "sku": "MILK", "requested_on": day("2017-01-03")}
    lake.land(
        "erp.sales_orders",
        [
            {**line, "line_no": 1, "ordered_units": 10, "status": "delivered"},
            {**line, "line_no": 2, "ordered_units": 10, "status": "delivered"},
            {**line, "line_no": 3, "ordered_units": 10, "status": "cancelled"},
        ],
    )
    # Put off by a day, and drawn forward by one; of the first the newer word lands before the older.
    moved = [
        {**line, "line_no": number, "ordered_units": 5, "requested_on": day(on), "updated_at": at(said)}
        for number, on, said in (
            (4, "2017-01-04", "2017-01-02T12:00"),
            (4, "2017-01-02", "2017-01-01T12:00"),
            (5, "2017-01-04", "2017-01-01T12:00"),
            (5, "2017-01-01", "2017-01-02T12:00"),
        )
    ]
    for row in moved:
        lake.land("erp.sales_orders", [row])
    sent = {"delivery_id": "DN1", "so_id": "SO1", "sku": "MILK", "lot_id": "L1", "shipped_at": at("2017-01-02T15:00")}
    lake.land(
        "erp.deliveries",
        [
            {**sent, "line_no": 1, "so_line_no": 1, "shipped_units": 10, "received_units": 10}
            | {"received_at": at("2017-01-03T15:00")},
            {**sent, "line_no": 2, "so_line_no": 2, "shipped_units": 10, "received_units": 8}
            | {"received_at": at("2017-01-03T15:00")},
            *(
                {**sent, "line_no": number, "so_line_no": number, "shipped_units": 5, "received_units": 5}
                | {"received_at": at("2017-01-03T15:00")}
                for number in (4, 5)
            ),
        ],
    )


def _land_other_hands(lake: SmallLake) -> None:
    """Seven stand sold in a retailer's warehouse, four are consigned to a platform; S2 is a partner's store."""
    lake.land(
        "wms.locations",
        [
            {"location_id": "R1", "kind": "third_party", "owner": "sold"},
            {"location_id": "C1", "kind": "platform", "owner": "consigned"},
            {"location_id": "S2", "kind": "store", "owner": "sold"},
        ],
    )
    lot = {"sku": "MILK", "lot_id": "L2", "quality": "good", "owner_id": "-", "as_of": day("2017-01-12")}
    lot |= {"produced_on": day("2017-01-10"), "expiry_on": day("2017-02-28")}
    held = [{**lot, "location_id": place, "on_hand_units": units} for place, units in (("R1", 7), ("C1", 4))]
    lake.land("wms.stock", held, source="wms_2")


def _land_abroad(lake: SmallLake) -> None:
    lake.land("wms.locations", [{"location_id": "EU", "kind": "dc", "timezone": "Europe/Berlin"}])
    legs = [("80", "DC", "EU", "2017-01-05T23:30"), ("81", "EU", "XD", "2017-01-08T23:30")]
    lake.land(
        "wms.movements",
        [
            moved(number, "transfer", 2, when, sku="CHEESE", location_id=place, to_location_id=to)
            for number, place, to, when in legs
        ],
        source="wms_2",
    )


@pytest.mark.slow
def test_late_backdated_deleted_corrected_and_disordered_movements_give_what_a_full_refresh_gives(
    warehouse: Warehouse,
) -> None:
    lake = warehouse.fresh()
    brand.land(lake)
    lake.land(
        "wms.movements",
        [
            moved("90", "receipt", 20, "2017-01-02T15:00"),
            moved("91", "shipment", 3, "2017-01-04T15:00"),
            moved("92", "shipment", 5, "2017-01-05T15:00"),
            moved("93", "write_off", 2, "2017-01-06T15:00"),
        ],
        source="wms_2",
    )
    counted = {"location_id": "DC", "sku": "BREAD", "lot_id": "L9", "quality": "good", "owner_id": "-"}
    lake.land("wms.stock", [{**counted, "as_of": day("2017-01-09"), "on_hand_units": 10}], source="wms_2")
    warehouse.build(*STOCK)
    whole = "select stock_on, closing_units, adjustment_units from fct_stock_day where lot_id = 'L9' order by 1"
    assert [(on.day, int(units), int(found)) for on, units, found in warehouse.rows(whole)] == [
        (2, 20, 0),
        (4, 17, 0),
        (5, 12, 0),
        (6, 10, 0),
        (9, 10, 0),
    ]
    seq = len(lake.loads) + 10
    # Visible before the load that was landed before it: 92 was not five but four, 94 is backdated.
    later = [
        moved("92", "shipment", 4, "2017-01-05T15:00", observed_at=at("2017-01-12T12:00")),
        moved("94", "shipment", 1, "2017-01-03T15:00", observed_at=at("2017-01-12T12:00")),
    ]
    lake.land("wms.movements", later, source="wms_2", visible_seq=seq + 1, load_seq=seq)
    warehouse.build(*STOCK)
    # 93 never was; an older word of 92 comes late and changes nothing; 95 is after the count.
    older = [
        moved("93", "write_off", 2, "2017-01-06T15:00", observed_at=at("2017-01-13T12:00"), _op="delete"),
        moved("92", "shipment", 9, "2017-01-05T15:00", observed_at=at("2017-01-11T12:00")),
        moved("95", "shipment", 2, "2017-01-10T15:00", observed_at=at("2017-01-13T12:00")),
    ]
    rows = [{"_op": "upsert", **row} for row in older]
    lake.land("wms.movements", rows, source="wms_2", visible_seq=seq + 2, load_seq=seq - 1)
    warehouse.build(*STOCK)
    assert [(on.day, int(units), int(found)) for on, units, found in warehouse.rows(whole)] == [
        (2, 20, 0),
        (3, 19, 0),
        (4, 16, 0),
        (5, 12, 0),
        # The books say twelve: nobody booked the two that the count did not find.
        (9, 10, -2),
        (10, 8, 0),
    ]
    assert warehouse.rows(
        "select stock_on, adjustment_units, unexplained_units, value_amount, cause from mart_stock_adjustment "
        "where lot_id = 'L9'"
    ) == [(day("2017-01-09"), -2, -2, -3, "unbooked")]
    step_by_step = warehouse.rows(DAYS)
    warehouse.build(*STOCK, full_refresh=True)
    assert warehouse.rows(DAYS) == step_by_step


def test_a_position_says_what_can_be_sold_and_what_is_lost(built: Warehouse) -> None:
    # Five of lot L1 stand in DC, made on 26 December with twenty days of life: past it since yesterday.
    ((on_hand, saleable, expired, risk, cover, advice),) = built.rows(
        "select on_hand_units, saleable_units, expired_units, expiry_risk_units, days_of_cover, advice "
        "from mart_stock_position where location_id = 'DC' and sku = 'MILK'"
    )
    assert (on_hand, saleable, expired, risk, cover, advice) == (5, 0, 5, 5, 0, "fill_up")


def test_what_is_sold_is_stock_of_the_channel_and_what_is_consigned_is_ours(built: Warehouse) -> None:
    assert built.rows(
        "select location_id, owner, is_ours from dim_location where location_id in ('C1', 'DC', 'R1', 'S2') order by 1"
    ) == [("C1", "consigned", True), ("DC", "brand", True), ("R1", "sold", False), ("S2", "sold", False)]
    assert built.rows(
        "select location_id, is_ours, on_hand_units, saleable_units from mart_stock_position "
        "where sku = 'MILK' and location_id in ('C1', 'R1') order by 1"
    ) == [("C1", True, 4, 4), ("R1", False, 7, None)]
    assert built.rows("select lot_id, on_hand_units from int_planning_stock where sku = 'MILK' order by 1") == [
        ("L1", 5),
        ("L2", 4),
    ]
    assert built.rows(
        "select distributor_id, holder_kind, closing_units from mart_channel_stock "
        "where week_on = '2017-01-16' order by 1"
    ) == [("D1", "distributor", 32), ("R1", "dc", 7)]


def test_goods_leave_and_arrive_on_the_date_of_each_place(built: Warehouse) -> None:
    # Half past six in the evening in New York, where XD is too as far as anybody knows, is the next day in Berlin.
    assert built.rows(
        "select location_id, stock_on, in_units, out_units from fct_stock_day where sku = 'CHEESE' and lot_id = 'L9' "
        "union all "
        "select location_id, stock_on, units, 0 from int_stock_bookings where location_id = 'XD' order by 1, 2"
    ) == [
        ("DC", day("2017-01-05"), 0, 2),
        ("EU", day("2017-01-06"), 2, 0),
        ("EU", day("2017-01-09"), 0, 2),
        ("XD", day("2017-01-08"), 2, 0),
    ]


def test_the_chance_of_running_out_is_that_of_the_normal_distribution(built: Warehouse) -> None:
    rows = built.rows(
        "select cover.saleable_units, wasted_soon_units, lead_units, lead_variance, stock_out_rate "
        "from int_stock_cover as cover join mart_stock_position using (location_id, sku) where lead_variance > 0"
    )
    assert rows
    for saleable, wasted, mean, variance, rate in rows:
        expected = 1 - NormalDist(float(mean), float(variance) ** 0.5).cdf(float(saleable) - float(wasted) + 0.5)
        assert abs(rate - expected) < 3e-4


def test_what_a_distributor_says_it_holds_corrects_its_books(built: Warehouse) -> None:
    weeks = built.rows("""
        select week_on, opening_units, sell_in_units, sell_through_units, written_off_units, adjustment_units,
            closing_units, is_stuffed
        from mart_channel_stock where distributor_id = 'D1' order by week_on
    """)
    assert [(on.day, *(int(units) for units in rest[:-1]), rest[-1]) for on, *rest in weeks] == [
        (2, 0, 10, 4, 0, -1, 5, True),
        (9, 5, 30, 2, 1, 0, 32, True),
        (16, 32, 0, 0, 0, 0, 32, True),
    ]


def test_a_trade_order_is_served_when_all_of_it_came_by_the_day_first_asked_for(built: Warehouse) -> None:
    assert built.rows(
        "select line_no, is_on_time_in_full, reason, fill_rate from mart_order_service "
        "where order_kind = 'trade' order by 1"
    ) == [
        (1, True, "on_time_in_full", 1),
        (2, False, "short_received", 1),
        (4, False, "received_late", 1),
        (5, True, "on_time_in_full", 0),
    ]
