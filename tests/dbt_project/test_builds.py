"""What a whole build promises: audits fail when they should, and how a table was built never shows in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dbt_project import brand
from tests.dbt_project.aliases import shadowed
from tests.dbt_project.conftest import PASSES, Warehouse
from tests.dbt_project.lake import SmallLake
from tests.e2e.compare import differences
from tillmill.errors import BuildError


def test_a_missing_row_fails_the_audit_against_the_sources_own_totals(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    lake.land("pos.sale_lines", brand.TILL_LINES[:-1])
    lake.land("pos.controls", brand.TILL_CONTROLS)
    with pytest.raises(BuildError, match="till_lines_equal_control_totals"):
        warehouse.build("pass_a", "pass_b")


def test_a_later_extract_restates_the_totals_of_a_date(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    lake.land("pos.sale_lines", brand.TILL_LINES)
    stale = brand.control("pos.sale_lines", "2016-12-27", 1, 2, 4.0, seen="2016-12-28T04:00")
    lake.land("pos.controls", [stale, *brand.TILL_CONTROLS])
    warehouse.build("pass_a", "pass_b")


def test_whoever_gives_totals_is_held_to_them_by_what_the_warehouse_sums_up(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    post = {"platform": "weibo", "text": "good", "kind": "post"}
    seen = {"posted_at": brand.at("2017-01-14T08:00"), "observed_at": brand.at("2017-01-14T09:00")}
    lake.land("social.posts", [{**post, **seen, "post_id": number} for number in "123"])
    # Nobody sums up units of posts: a source's own are not held against it.
    lake.land("social.controls", [brand.control("social.posts", "2017-01-14", 4, 9, 0.0)])
    warehouse.build()
    health = "select control_rows_diff, control_units_diff, verdict from mart_data_health where stream = 'social.posts'"
    assert warehouse.rows(health) == [(1, None, "differs")]
    lake.land("social.posts", [{**post, **seen, "post_id": "4"}])
    warehouse.build()
    assert warehouse.rows(health) == [(0, None, "fine")]


def test_a_business_with_till_lines_alone_builds_and_passes_every_test(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    lake.land("pos.sale_lines", [{**line, "store_id": "GB"} for line in brand.TILL_LINES])
    warehouse.build()
    assert warehouse.rows("select count(*), count(cost_amount) from fct_sales_line") == [(5, 0)]
    assert warehouse.rows("select name, kind, channel_id from dim_location where location_id = 'GB'") == [
        ("GB", "store", "store")
    ]
    assert warehouse.rows("select distinct category from dim_product") == [("unknown",)]
    assert warehouse.rows("select stream, verdict from mart_data_health") == [("pos.sale_lines", "fine")]


def test_an_empty_lake_builds_empty_tables_and_every_model_and_test_belongs_to_one_pass(warehouse: Warehouse) -> None:
    warehouse.fresh()
    tested = warehouse.build()
    assert warehouse.rows("select count(*) from fct_sales_line") == [(0,)]
    nodes = warehouse.artifact("parse", name="manifest.json")["nodes"].values()
    assert tested == sum(node["resource_type"] == "test" for node in nodes)
    for node in nodes:
        if node["resource_type"] == "model":
            assert sum(tag in PASSES for tag in node["tags"]) == 1, node["name"]


@pytest.mark.slow
def test_no_select_reads_a_column_under_a_name_that_it_gave_to_something_else(warehouse: Warehouse) -> None:
    given = "select -a as b, c - b as d, cast(e as text) as e, e as f from t"
    assert shadowed(given, {"t": {"a", "b", "c", "e"}}) == ["c - b AS d: b"]
    warehouse.fresh()
    warehouse.build()
    tables: dict[str, set[str]] = {}
    for table, column in warehouse.rows("select table_name, column_name from information_schema.columns"):
        tables.setdefault(table, set()).add(column)
    for model in (warehouse.folder / "target" / "compiled").rglob("models/**/*.sql"):
        assert shadowed(model.read_text(), tables) == [], model.name


def test_a_night_stages_what_has_arrived_and_audits_it_against_what_has_not(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    brand.land(lake)
    warehouse.build("pass_a", "pass_b")
    lake.land("trade.placements", [{**brand.PLACEMENTS[1], "observed_at": brand.at("2017-01-14T00:00")}])
    warehouse.build("pass_a")
    assert {"stg_trade__placements_all", "stg_trade__placements", "int_workspace"} <= warehouse.built
    assert not {"stg_pos__sale_lines_all", "stg_pos__sale_lines", "stg_erp__invoices_all"} & warehouse.built
    warehouse.build("pass_a", full_refresh=True)
    assert {"stg_pos__sale_lines_all", "stg_pos__sale_lines"} <= warehouse.built
    missed = brand.control("pos.sale_lines", "2016-12-27", 9, 2, 4.0, seen="2017-01-16T04:00")
    lake.land("pos.controls", [missed])
    with pytest.raises(BuildError, match="till_lines_equal_control_totals"):
        warehouse.build("pass_a", "pass_b")


def test_a_build_that_fails_leaves_the_table_as_it_was(warehouse: Warehouse) -> None:
    brand.land(warehouse.fresh())
    warehouse.build("pass_a", "pass_b")
    sold = warehouse.rows("select * from dim_product order by all")
    currencies = warehouse.reference / "currencies.csv"
    currencies.write_text(currencies.read_text().replace("US dollar,美元,$,2,", "US dollar,美元,$,two,"))
    with pytest.raises(BuildError, match="currencies: error"):
        warehouse.build("pass_a", "pass_b", tests=False)
    assert warehouse.rows("select currency from currencies where currency = 'USD'") == [("USD",)]
    assert warehouse.rows("select * from dim_product order by all") == sold


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_tables_built_load_by_load_equal_tables_built_at_once(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    _land_in_parts(lake)
    for seq in (1000, 1001, 1002):
        warehouse.build(up_to=seq)
    by_parts = warehouse.keep("by_parts")
    warehouse.build(full_refresh=True)
    assert differences(by_parts, warehouse.candidate) == []
    warehouse.candidate.unlink()
    warehouse.build()
    assert differences(by_parts, warehouse.candidate) == []


@pytest.mark.slow
def test_another_time_zone_of_the_machine_changes_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    brand.land(warehouse.fresh())
    warehouse.build()
    elsewhere = Warehouse(tmp_path, TZ="Asia/Shanghai")
    with elsewhere.dbt:
        brand.land(elsewhere.lake)
        elsewhere.build()
    assert differences(warehouse.candidate, elsewhere.candidate) == []


def _land_in_parts(lake: SmallLake) -> None:
    """The brand's loads in three nights, the second and third out of order, with a correction and a deletion."""
    brand.land(lake)
    for load in lake.loads:
        if load["load_id"] != "-":
            load["visible_seq"] = 1000
    moved = {**brand.TILL_LINES[0], "units": 4, "observed_at": brand.at("2017-01-13T00:00")}
    back = {**moved, "units": 2, "observed_at": brand.at("2017-01-14T00:00")}
    lake.land("pos.sale_lines", [back], load_seq=900, visible_seq=1001)
    lake.land("pos.sale_lines", [moved], load_seq=899, visible_seq=1002)
    gone = {**brand.PLACEMENTS[1], "observed_at": brand.at("2017-01-12T00:00"), "_op": "delete"}
    lake.land("trade.placements", [gone], load_seq=901, visible_seq=1001)
