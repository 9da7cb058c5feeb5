"""Staging keeps the current version of each key, whatever order loads become visible in."""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl
import pytest

from ingestion.contracts import ALL
from ingestion.contracts.contract import Contract
from tests.dbt_project.conftest import PASSES, Warehouse
from tests.dbt_project.lake import at, day

# Of these the latest run alone is current, whatever its rows say.
LATEST_RUN = ("planning.", "promotions.", "forecasting.history", "forecasting.demand", "forecasting.scores")
ONLY_ITEMS = ("pass_a,stg_erp__items_all", "pass_a,stg_erp__items")


def _item(sku: str, name: str, when: str, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "name": name, "updated_at": at(when), **more}


def _names(warehouse: Warehouse) -> dict[str, str]:
    return dict(warehouse.rows("select sku, name from stg_erp__items order by sku"))


def test_loads_that_become_visible_out_of_order_lose_nothing_and_never_bring_back_an_older_row(
    warehouse: Warehouse,
) -> None:
    lake = warehouse.fresh()
    lake.land(
        "erp.items", [_item("A", "first", "2017-01-01T00:00"), _item("B", "first", "2017-01-01T00:00")], load_seq=1
    )
    warehouse.build(*ONLY_ITEMS)
    # Load 3 becomes visible before load 2, which is older for A and the only one that knows C.
    lake.land("erp.items", [_item("A", "third", "2017-01-03T00:00")], load_seq=3, visible_seq=100)
    warehouse.build(*ONLY_ITEMS)
    lake.land(
        "erp.items",
        [_item("A", "second", "2017-01-02T00:00"), _item("C", "second", "2017-01-02T00:00")],
        load_seq=2,
        visible_seq=101,
    )
    warehouse.build(*ONLY_ITEMS)
    assert _names(warehouse) == {"A": "third", "B": "first", "C": "second"}


def test_a_backdated_correction_counts_and_an_old_file_loaded_again_does_not(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    first = [_item("A", "first", "2017-01-01T00:00")]
    lake.land("erp.items", first)
    lake.land("erp.items", [_item("A", "corrected", "2017-01-02T00:00")])
    warehouse.build(*ONLY_ITEMS)
    lake.land("erp.items", first)
    warehouse.build(*ONLY_ITEMS)
    assert _names(warehouse) == {"A": "corrected"}


def test_a_deleted_row_stays_deleted_when_an_older_version_arrives_late(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    lake.land("erp.items", [_item("A", "first", "2017-01-01T00:00"), _item("B", "first", "2017-01-01T00:00")])
    warehouse.build(*ONLY_ITEMS)
    lake.land("erp.items", [_item("A", "gone", "2017-01-03T00:00", _op="delete")])
    warehouse.build(*ONLY_ITEMS)
    lake.land("erp.items", [_item("A", "late", "2017-01-02T00:00")])
    warehouse.build(*ONLY_ITEMS)
    assert _names(warehouse) == {"B": "first"}
    assert warehouse.rows("select count(*) from stg_erp__items_all where _op = 'delete'") == [(1,)]
    lake.land("erp.items", [_item("A", "again", "2017-01-04T00:00")])
    warehouse.build(*ONLY_ITEMS)
    assert _names(warehouse) == {"A": "again", "B": "first"}


def test_two_sources_may_use_one_key(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    lake.land("erp.items", [_item("A", "ours", "2017-01-01T00:00")])
    lake.land("erp.items", [_item("A", "theirs", "2017-01-02T00:00")], source="erp_2")
    warehouse.build(*ONLY_ITEMS)
    assert warehouse.rows("select name from stg_erp__items order by 1") == [("ours",), ("theirs",)]


def test_of_what_a_room_learnt_only_the_latest_run_is_current(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    plan = {"sku": "A", "line_id": "L1", "week_on": at("2017-01-02T00:00").date(), "units": 1, "zone": "free"}
    lake.land("planning.production_plan", [{**plan, "plan_id": "r1"}, {**plan, "plan_id": "r1", "sku": "B"}])
    lake.land("planning.production_plan", [{**plan, "plan_id": "r2"}])
    warehouse.build("pass_d,stg_planning__production_plan")
    assert warehouse.rows("select plan_id, sku from stg_planning__production_plan") == [("r2", "A")]
    # A run that plans nothing leaves no older plan standing.
    lake.land("planning.production_plan", [{**plan, "plan_id": "r3"}][:0])
    warehouse.build("pass_d,stg_planning__production_plan")
    assert warehouse.rows("select count(*) from stg_planning__production_plan") == [(0,)]


def test_of_a_merged_file_each_reader_is_given_the_rows_of_the_loads_it_asked_for(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    plan = {"sku": "A", "line_id": "L1", "week_on": day("2017-01-02"), "units": 1, "zone": "free"}
    lake.land("erp.items", [_item("A", "first", "2017-01-01T00:00"), _item("B", "first", "2017-01-01T00:00")])
    lake.land("planning.production_plan", [{**plan, "plan_id": "r1"}, {**plan, "plan_id": "r1", "sku": "B"}])
    warehouse.build(*ONLY_ITEMS)
    with duckdb.connect(str(warehouse.candidate)) as connection:
        connection.execute("delete from stg_erp__items_all where sku = 'A'")
    lake.land("erp.items", [_item("B", "second", "2017-01-02T00:00"), _item("C", "second", "2017-01-02T00:00")])
    lake.land("planning.production_plan", [{**plan, "plan_id": "r2"}])
    lake.merge("erp.items")
    lake.merge("planning.production_plan")
    warehouse.build(*ONLY_ITEMS, "pass_d,stg_planning__production_plan")
    # Had the increment read what it had read before, A would be back.
    assert _names(warehouse) == {"B": "second", "C": "second"}
    assert warehouse.rows("select plan_id, sku from stg_planning__production_plan") == [("r2", "A")]
    warehouse.build(*ONLY_ITEMS, full_refresh=True)
    assert warehouse.rows("select sku, name, visible_seq from stg_erp__items order by sku") == [
        ("A", "first", lake.loads[-4]["visible_seq"]),
        ("B", "second", lake.loads[-2]["visible_seq"]),
        ("C", "second", lake.loads[-2]["visible_seq"]),
    ]


def test_a_stream_that_nobody_lands_and_no_model_reads_costs_no_table_until_it_lands(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    warehouse.build("pass_a")
    built = {name for (name,) in warehouse.rows("select table_name from duckdb_tables()")}
    assert "stg_erp__items_all" in built, "read by other models, whether anybody lands it or not"
    assert "stg_scheduling__controls_all" not in built
    told = {"stream": "scheduling.acknowledgements", "period_on": day("2017-01-02"), "rows": 3}
    lake.land("scheduling.controls", [told | {"observed_at": at("2017-01-03T00:00")}])
    warehouse.build("pass_a")
    lake.land("scheduling.controls", [told | {"observed_at": at("2017-01-04T00:00"), "rows": 4}])
    warehouse.build("pass_a")
    assert warehouse.rows('select period_on, "rows" from stg_scheduling__controls') == [(day("2017-01-02"), 4)]


def test_a_link_that_was_withdrawn_is_none_and_comes_back_when_it_holds_again(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    link = {"left_record": "a", "right_record": "b", "rule": "phone", "model_version": "exact-3", "verdict": "link"}
    held = []
    for verdict, when in (
        ("link", "2017-01-01T00:00"),
        ("withdrawn", "2017-01-02T00:00"),
        ("link", "2017-01-02T00:00"),
    ):
        lake.land("customers.links", [link | {"verdict": verdict, "observed_at": at(when)}], source="tillmill")
        warehouse.build("pass_b,stg_customers__links_all", "pass_b,stg_customers__links")
        held.append(warehouse.rows("select count(*) from stg_customers__links"))
    assert held == [[(1,)], [(0,)], [(1,)]]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_stream_is_staged_by_its_key_and_version(warehouse: Warehouse) -> None:
    """The oldest version arrives last; each table is built anew first and then incrementally."""
    lake = warehouse.fresh()
    for moment in ("2017-01-03T00:00", "2017-01-04T00:00", "2017-01-02T00:00"):
        for name, each in ALL.items():
            lake.land(name, [_least(each) | {each.version: at(moment)}])
        warehouse.build(*(f"{tag},tillmill.staging" for tag in PASSES))
    for name, each in ALL.items():
        newest = "2017-01-02T00:00" if name.startswith(LATEST_RUN) else "2017-01-04T00:00"
        table = "stg_" + name.replace(".", "__")
        assert warehouse.rows(f"select {each.version} from {table}") == [(at(newest),)], name


def _least(of: Contract) -> dict[str, Any]:
    """What a row has to state, and no more."""
    values = {pl.Datetime: at("2017-01-01T00:00"), pl.Date: day("2017-01-01"), pl.Boolean: True, pl.String: "A"}
    return {
        name: values.get(type(column.dtype), 1) for name, column in of.schema.columns().items() if not column.nullable
    }
