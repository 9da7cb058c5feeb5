"""A figure is defined once: the portal's cards say what the definitions beside the marts count, by name and value."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from apps.components.theme import colours
from apps.components.view import View
from apps.i18n import load
from apps.queries import customers, metrics, presales, sales, service
from apps.queries.scope import Scope
from apps.queries.warehouse import Warehouse, open_warehouse
from tests.apps import marts
from tests.apps.test_pages import PAGES
from tests.dbt_project.metrics import Span, defined, value
from tillmill.workspace import Brand

APPS = Path(__file__).parents[2] / "apps"
PORTAL = sorted(file for room in ("marketing", "operations", "components") for file in (APPS / room).glob("*.py"))
# Terms of the glossary, in both languages.
TERMS = {
    "gmv": ("GMV", "成交总额"),
    "forecast_bias": ("Bias", "偏差"),
    "active_members": ("Active members", "活跃会员"),
    "net_sales": ("Net sales", "净销售额"),
    "days_of_cover": ("Days of cover", "可销天数"),
    "forecast_accuracy": ("Forecast accuracy", "预测准确率"),
    "plan_attainment": ("Plan attainment", "计划达成率"),
    "repurchase_rate": ("Repurchase rate", "复购率"),
    "spend_per_buyer": ("Spend per buyer", "客单价"),
    "spend_per_order": ("Spend per order", "笔单价"),
    "incremental_units": ("Incremental units", "增量销量"),
    "on_hand": ("On hand", "现有库存"),
    "utilisation": ("Utilisation", "产能利用率"),
    "quarantined_rows": ("Quarantined", "已隔离"),
    "oee": ("OEE", "设备综合效率"),
    "first_pass_yield": ("First-pass yield", "一次合格率"),
    "mtbf": ("MTBF", "平均故障间隔"),
    "mttr": ("MTTR", "平均修复时间"),
    "fill_rate": ("Fill rate", "订单满足率"),
    "otif_rate": ("OTIF", "准时足量率"),
    "sell_in": ("Sell-in", "进货"),
    "deposits": ("Deposit", "定金"),
    "balance_conversion_rate": ("Balance conversion", "尾款转化率"),
    "sell_through": ("Sell-through", "分销出货"),
}
FOUR_WEEKS = Span(marts.FIRST + timedelta(weeks=12), marts.FIRST + timedelta(weeks=16))
FOUR_WEEKS_OF_SHIFTS = Span(date(2017, 11, 6), date(2017, 12, 4))
SHOWN: dict[str, tuple[dict[str, str], Span, tuple[str, ...]]] = {
    "overview": ({"period": "4w"}, FOUR_WEEKS, ("net_sales", "cm1", "orders", "spend_per_order")),
    "channels": ({"period": "4w"}, FOUR_WEEKS, ("net_sales", "online_share", "discount_rate", "cm1_rate")),
    "customers": ({"period": "4w"}, FOUR_WEEKS, ("buyers", "new_share", "repurchase_rate", "spend_per_buyer")),
    "promotions": ({}, Span(), ("measured_promotions", "lifted_promotions", "incremental_units", "promotion_margin")),
    "voice": ({"period": "4w"}, FOUR_WEEKS, ("posts", "sentiment", "bad_share", "voice_alarms")),
    "demand": ({}, Span(), ("forecast_accuracy",)),
    "stock": ({}, Span(), ("on_hand", "days_of_cover", "stock_out_risks", "expiry_risk_value")),
    "production": ({}, Span(), ("utilisation", "plan_units", "plan_attainment")),
    "factory": ({"period": "4w"}, FOUR_WEEKS_OF_SHIFTS, ("oee", "first_pass_yield", "mtbf")),
    "customer_360": (
        {"customer": "c1"},
        Span(where="customer.customer_id = 'c1'"),
        ("monetary", "expected_orders", "expected_value", "alive_rate"),
    ),
    "decisions": ({}, Span(), ("decisions", "expected_outcome", "realised_outcome", "realisation_rate")),
    "data_health": ({}, Span(where="stream.is_bound"), ("landed_rows", "quarantined_rows")),
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests' marts, with firm orders."""
    tables = marts.marts()
    firm = tables["mart_production_plan"].with_columns(firm_units=pl.lit(7.0), firm_minutes=pl.lit(60.0))
    load = tables["int_plan_load"].with_columns(pl.col("load_minutes") + 60)
    more = {"mart_production_plan": firm, "int_plan_load": load}
    return marts.publish(tmp_path_factory.mktemp("metrics"), tables | more)


@pytest.fixture(scope="module")
def opened(published: Path) -> Iterator[Warehouse]:
    warehouse = open_warehouse(published / "published" / "warehouse-test-1.duckdb")
    yield warehouse
    warehouse.connection.close()


def view(warehouse: Warehouse, language: str) -> View:
    brand = Brand(name="Test", currency="USD", timezone="America/New_York")
    clock = datetime.fromisoformat(marts.CLOCK)
    known = metrics.defined(warehouse, language)
    return View(load(language), colours("light"), brand, warehouse, 1, clock, clock.date(), {}, metrics=known)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", SHOWN)
def test_a_page_shows_what_the_definitions_count(
    published: Path, opened: Warehouse, page: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, span, names = SHOWN[page]
    monkeypatch.setenv("TILLMILL_WORKSPACE", str(published))
    at = AppTest.from_string(f"from apps.{PAGES[page]} import page\npage()", default_timeout=60)
    for key, found in {"lang": language, **address}.items():
        at.query_params[key] = found
    at.run()
    shown = {card.label: card.value for card in at.metric}
    of = view(opened, language)
    for name in names:
        amount = value(opened.connection, name, span)
        assert amount is not None, name
        assert shown[of.metric(name).name] == of.written(name, amount), name


def test_the_places_deals_are_those_of_the_definition(opened: Warehouse) -> None:
    scope = Scope(FOUR_WEEKS.start_on or marts.FIRST, FOUR_WEEKS.end_on or marts.FIRST)
    found = sales.gmv(opened, scope)
    assert found["gmv"].sum() == pytest.approx(value(opened.connection, "gmv", FOUR_WEEKS))
    store = Span(scope.start_on, scope.end_on, "channel_day.channel_id = 'store'")
    assert sales.gmv(opened, replace(scope, channel="store"))["gmv"].to_list() == [
        pytest.approx(value(opened.connection, "gmv", store))
    ]


def test_active_members_are_counted_as_they_are_defined(opened: Warehouse) -> None:
    found = customers.active_members(opened, Scope(marts.FIRST, marts.FIRST))
    assert found == value(opened.connection, "active_members") == 1


def test_presales_are_counted_as_they_are_defined(opened: Warehouse) -> None:
    (run,) = presales.runs(opened).iter_rows(named=True)
    for name in ("deposit_orders", "balance_paid_orders", "deposits", "open_balances", "forfeited_deposits"):
        assert run[name] == value(opened.connection, name), name
    assert value(opened.connection, "balance_conversion_rate") == pytest.approx(4 / 6)


def test_service_is_counted_as_it_is_defined(opened: Warehouse) -> None:
    scope = Scope(marts.FIRST, marts.FIRST + timedelta(weeks=marts.WEEKS))
    found = service.accounts(opened, scope).select("filled_units", "judged_units", "good_lines", "told_lines").sum()
    sums = found.row(0, named=True)
    span = Span(scope.start_on, scope.end_on)
    assert sums["told_lines"]
    assert value(opened.connection, "fill_rate", span) == pytest.approx(sums["filled_units"] / sums["judged_units"])
    assert value(opened.connection, "otif_rate", span) == pytest.approx(sums["good_lines"] / sums["told_lines"])


def test_a_ratio_is_one_of_sums_and_never_a_mean_of_ratios() -> None:
    assert {metric["type"] for metric in defined().metrics.values()} == {"simple", "ratio", "derived"}
    rates = [name for name in defined().metrics if name.endswith(("_rate", "_share"))]
    assert {defined().metrics[name]["type"] for name in rates} == {"ratio"}
    for name, metric in defined().metrics.items():
        for side in ("numerator", "denominator"):
            part = metric["type_params"].get(side)
            assert part is None or defined().metrics[part]["type"] != "ratio", name


def test_a_rate_of_several_channels_is_that_of_their_sums() -> None:
    days = [("a", 90.0, 10.0), ("b", 10.0, 10.0)]
    with duckdb.connect() as connection:
        connection.execute(
            "create table mart_channel_daily as select * from (values "
            + ", ".join(f"('{channel}', date '2017-01-02', {gross}, {off})" for channel, gross, off in days)
            + ") as t(channel_id, sold_on, gross_sales_amount, discount_amount)"
        )
        assert value(connection, "discount_rate") == pytest.approx(0.2)
        week = Span(date(2017, 1, 3), date(2017, 1, 10))
        assert value(connection, "discount_rate", week) is None


@pytest.mark.parametrize("name", TERMS)
def test_terms_are_those_of_the_glossary(opened: Warehouse, name: str) -> None:
    assert tuple(view(opened, language).metric(name).name for language in ("en", "zh")) == TERMS[name]


def test_every_metric_a_page_asks_for_is_defined() -> None:
    for file in PORTAL:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for name in _asked(node):
                assert name in defined().metrics, (file.name, name)


def _asked(node: ast.AST) -> list[str]:
    """The id in `view.metric("id")`, `view.written("id", …)` and `cards.of(view, "id", …)`."""
    if not isinstance(node, ast.Call):
        return []
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    place: dict[str, int] = {"metric": 0, "written": 0, "of": 1}
    found = node.args[place[called]] if called in place and len(node.args) > place[called] else None
    return [found.value] if isinstance(found, ast.Constant) and isinstance(found.value, str) else []


def test_the_help_of_a_column_is_of_the_metric_that_its_heading_names() -> None:
    for file in PORTAL:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "Column":
                heading = [name for part in node.args for name in _named(part)]
                meant = [name for more in node.keywords if more.arg == "help" for name in _named(more.value)]
                assert not heading or not meant or heading == meant, (file.name, heading, meant)


def _named(node: ast.AST) -> list[str]:
    return [name for one in ast.walk(node) for name in _asked(one)]


def test_no_text_of_the_portal_says_again_what_a_metric_says(opened: Warehouse) -> None:
    for language in ("en", "zh"):
        meanings = {metric.meaning for metric in metrics.defined(opened, language).values()}
        assert meanings.isdisjoint(load(language).texts.values())


@pytest.mark.parametrize(
    ("name", "amount", "text"),
    [
        ("net_sales", 1234567.0, "$1.23M"),
        ("net_sales", None, "–"),
        ("oee", 0.634, "63.4 %"),
        ("alive_rate", 0.634, "63 %"),
        ("sentiment", 0.317, "+0.32"),
        ("sentiment", None, "–"),
        ("days_of_cover", 3.14, "3.1 d"),
        ("mtbf", 12.34, "12.3 h"),
        ("mtbf", None, "–"),
        ("orders", 63214, "63.2k"),
        ("voice_alarms", 63214, "63,214"),
    ],
)
def test_a_value_is_written_as_its_definition_says(
    opened: Warehouse, name: str, amount: float | None, text: str
) -> None:
    assert view(opened, "en").written(name, amount) == text


def test_a_version_from_before_the_definitions_shows_the_ids_words(tmp_path: Path) -> None:
    tables = marts.marts()
    del tables["mart_metric"]
    root = marts.publish(tmp_path, tables)
    warehouse = open_warehouse(root / "published" / "warehouse-test-1.duckdb")
    of = view(warehouse, "en").metric("spend_per_order")
    warehouse.connection.close()
    assert (of.name, of.meaning) == ("spend per order", "")
