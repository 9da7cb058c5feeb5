"""The factory's two pages say what the published tables hold, and lead from a lot to whom it reached and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.i18n import load
from apps.queries import factory, trace
from apps.queries.warehouse import Warehouse
from tests.apps import factory_marts as mill
from tests.apps.test_pages import opened, said  # noqa: F401  # pytest finds the fixture by its name

Opened = Callable[..., AppTest]


def test_oee_is_the_ratio_of_sums_and_names_what_is_lost_most(opened: Opened, full: Path) -> None:  # noqa: F811
    at = opened("factory", full, lang="en", period="4w")
    assert at.metric[0].value == "60.0 %"
    assert at.metric[1].value == "95.2 %"
    assert [card.value for card in at.metric][2:] == ["4.7 h", "1 of 2"]
    assert "availability 70 % × performance 90 % × quality 95 %" in said(at)
    assert "most is lost to unplanned stops: 15 %" in said(at)


def test_a_line_in_the_url_narrows_the_factory(opened: Opened, full: Path) -> None:  # noqa: F811
    at = opened("factory", full, lang="en", period="4w", line="L2")
    assert at.metric[3].value == "0 of 1"
    assert "OEE of line L2" in said(at)


def test_planned_stops_are_no_reason_why_a_line_stood(warehouse: Warehouse) -> None:
    stops = factory.stops(warehouse, date(2017, 11, 1), date(2017, 12, 31), line=None)
    assert stops.rows() == [(mill.HOSTILE_ALARM, 45.0, 2), ("unexplained", 15.0, 2)]


@pytest.mark.parametrize(
    ("asked", "figures"),
    [
        (mill.PART, ["1", "2", "1", "0"]),
        (mill.GOODS, ["0", "2", "1", "1"]),
        (mill.ORDER, ["1", "2", "1", "1"]),
        (mill.STORE, ["1", "2", "1", "1"]),
    ],
)
def test_any_end_of_the_trace_leads_to_the_others(
    opened: Opened,  # noqa: F811
    full: Path,
    asked: str,
    figures: list[str],
) -> None:
    """Lots made of it or in it, orders, places, lots it was made of."""
    at = opened("traceability", full, lang="en", trace=asked)
    assert not at.exception
    assert [card.value for card in at.metric] == figures


def test_what_nobody_knows_is_said_and_kept_as_text(opened: Opened, full: Path) -> None:  # noqa: F811
    at = opened("traceability", full, lang="zh", trace="<b>' or 1=1 --")
    assert not at.exception
    assert not at.metric
    assert "\\<b\\>" in said(at)
    assert at.query_params["trace"] in ("<b>' or 1=1 --", ["<b>' or 1=1 --"])


def test_typing_a_lot_writes_the_url(opened: Opened, full: Path) -> None:  # noqa: F811
    at = opened("traceability", full, lang="en")
    at.text_input(key="trace").input(mill.ORDER).run()
    assert at.query_params["trace"] in (mill.ORDER, [mill.ORDER])
    assert load("en")("traceability.lots_got") in [card.label for card in at.metric]


def test_forward_is_one_query_and_leaves_out_stations_on_the_way(warehouse: Warehouse) -> None:
    ahead = trace.forward(warehouse, mill.PART)
    assert ahead.select("kind", "reached_id", "units", "ends_with").rows() == [
        ("order", "A1", 2.0, "customer"),
        ("order", "A2", 1.0, "customer"),
        ("location", "S1", 4.0, "store"),
    ]


def test_backward_is_one_query(warehouse: Warehouse) -> None:
    back = trace.backward(warehouse, mill.ORDER)
    assert back.select("sku", "lot_id", "depth").rows() == [("01", mill.GOODS, 0), ("RM", mill.PART, 1)]


def test_the_days_of_the_period_end_with_the_last_shift(warehouse: Warehouse) -> None:
    assert factory.bounds(warehouse) == (mill.FIRST.date(), mill.FIRST.date() + timedelta(days=mill.DAYS - 1))
