"""Every page as a reader meets it: in both languages, with and without data, with hostile names and a hostile URL."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from apps.i18n import load
from apps.operations.demand_overrides import spoken
from tests.apps import marts, supply_marts
from tests.apps.brand import LAST_WEEK
from tillmill import actions
from tillmill.actions import Scope, Verdict, create_workspace
from tillmill.warehouse import read_table
from tillmill.workspace import now

PORTAL = Path(__file__).parents[2] / "apps" / "portal.py"
# Data health has a table of what needs somebody above that of all streams; a customer has orders, consents, reasons;
# demand has alarms and overrides, promotions have presales.
TABLES = {
    "data_health": 3,
    "customer_360": 3,
    "demand": 3,
    "stock": 3,
    "channels": 3,
    "factory": 2,
    "traceability": 2,
    "voice": 2,
    "promotions": 2,
}
PAGES = {
    "overview": "marketing.overview",
    "channels": "marketing.channels",
    "customers": "marketing.customers",
    "customer_360": "marketing.customer_360",
    "segments": "marketing.segments",
    "promotions": "marketing.promotions",
    "voice": "marketing.voice",
    "demand": "operations.demand",
    "stock": "operations.stock",
    "production": "operations.production",
    "factory": "operations.factory",
    "traceability": "operations.traceability",
    "decisions": "operations.decisions",
    "data_health": "operations.data_health",
}
Opened = Callable[..., AppTest]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Opens one page of a workspace at an address and runs it."""

    def run(page: str, root: Path, **address: str) -> AppTest:
        monkeypatch.setenv("TILLMILL_WORKSPACE", str(root))
        at = AppTest.from_string(f"from apps.{PAGES[page]} import page\npage()", default_timeout=60)
        for name, value in address.items():
            at.query_params[name] = value
        return at.run()

    return run


def said(at: AppTest) -> str:
    """All text of the page outside its table and charts."""
    return "\n".join(element.value for kind in (at.title, at.markdown, at.caption, at.text) for element in kind)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_answers_its_question(opened: Opened, full: Path, page: str, language: str) -> None:
    at = opened(page, full, lang=language)
    assert not at.exception
    assert not at.error
    words = load(language)
    assert at.title[0].value == words(f"{page}.title")
    assert 2 <= len(at.metric) <= 4
    assert all(card.value not in ("", "nan", "None") for card in at.metric)
    assert len(at.get("bidi_component")) == TABLES.get(page, 1)
    assert at.get("download_button")
    assert at.get("vega_lite_chart")
    assert "version 1" in said(at) if language == "en" else "版本 1" in said(at)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_starters_rule_is_tried_under_its_name_in_the_readers_language(
    opened: Opened, full: Path, language: str
) -> None:
    at = opened("segments", full, lang=language, group="lost")
    names = [box.value for box in at.text_input if box.key == f"name-lost-{language}"]
    assert names == [load(language)("starter.lost")]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", PAGES)
def test_an_empty_page_says_what_would_fill_it(opened: Opened, bare: Path, page: str, language: str) -> None:
    at = opened(page, bare, lang=language)
    assert not at.exception
    assert not at.error
    assert load(language)(f"empty.{page}") in said(at)
    assert not at.metric


@pytest.mark.parametrize("page", PAGES)
def test_before_the_first_run_a_page_says_what_to_type(opened: Opened, tmp_path: Path, page: str) -> None:
    (tmp_path / "tillmill.toml").write_text(marts.SETTINGS.split("[clock]")[0])
    at = opened(page, tmp_path, lang="en")
    assert not at.exception
    assert load("en")("empty.unpublished") in said(at)


def test_a_value_the_url_may_not_hold_is_dropped(opened: Opened, full: Path) -> None:
    hostile = "x' or 1=1 --"
    at = opened("overview", full, lang="fr", channel=hostile, period="999w", region="<script>", product="nothing")
    assert not at.exception
    assert not at.error
    assert dict(at.query_params) == {}
    plain = opened("overview", full)
    assert [card.value for card in at.metric] == [card.value for card in plain.metric]


def test_a_filter_in_the_url_narrows_the_page(opened: Opened, full: Path) -> None:
    everything = opened("overview", full, lang="en", period="4w")
    web = opened("overview", full, lang="en", period="4w", channel="shop_a")
    assert [card.value for card in (everything.metric[0], web.metric[0])] == ["$304", "$152"]


def test_what_turned_is_said_once_and_of_what_the_filters_let_through(opened: Opened, full: Path) -> None:
    everything = opened("voice", full, lang="en", period="4w")
    assert "6 complaints in seven days where 0.9 were to be expected" in said(everything)
    assert [card.value for card in everything.metric] == ["24", "+0.32", "20.8 %", "2"]
    milk = opened("voice", full, lang="en", period="4w", product="Milk")
    assert "no theme turned" in said(milk)
    assert milk.metric[0].value == "16"
    assert opened("voice", full, lang="en", period="4w", theme="taste").metric[2].value == "100.0 %"


def test_choosing_in_the_row_writes_the_url(opened: Opened, full: Path) -> None:
    at = opened("overview", full, lang="en")
    at.selectbox(key="filter-channel").select("shop_a").run()
    assert at.query_params["channel"] in ("shop_a", ["shop_a"])
    at.selectbox(key="filter-channel").select("all").run()
    assert "channel" not in at.query_params


def test_figures_cover_whole_weeks_and_the_running_week_is_marked(opened: Opened, full: Path) -> None:
    at = opened("overview", full, lang="en", period="4w")
    assert "6 Nov – 3 Dec 2017" in said(at)
    assert load("en")("chart.note_running", weeks=4) in said(at)


def test_without_a_span_before_nothing_is_said_to_be_compared_with(opened: Opened, full: Path) -> None:
    words = load("en")
    text = said(opened("overview", full, lang="en", period="all"))
    assert text.count(words("card.none")) == 4
    assert words("card.before", weeks=16) not in text


@pytest.mark.parametrize("page", PAGES)
def test_hostile_names_are_shown_as_text(opened: Opened, full: Path, page: str) -> None:
    text = said(opened(page, full, lang="en"))
    assert "![x](" not in text
    assert "[Cheese](" not in text
    assert "<img" not in text.replace("\\<", "")


def test_a_suspected_order_is_judged_in_the_portal_and_the_verdict_taken_back(opened: Opened, tmp_path: Path) -> None:
    root = marts.publish(tmp_path, marts.marts())
    at = opened("channels", root, lang="en")
    assert at.button(key="verdict-keep").disabled
    assert at.selectbox(key="verdict").options == ["Honest", "Fake"]
    at.text_input(key="verdict-reason").input("a school's order")
    at.text_input(key="verdict-by").input("kim").run()
    at.button(key="verdict-keep").click().run()
    assert not at.exception
    assert actions.pending_verdicts(root) == [Verdict("shop_a", "f1", "honest", "a school's order", "kim")]
    # What was said just now can be said otherwise, or taken back, before any run obeyed it.
    assert at.selectbox(key="verdict").options == ["Fake", "Take the verdict back"]
    at.selectbox(key="verdict").select("take_back").run()
    at.button(key="verdict-keep").click().run()
    assert [one.verdict for one in actions.pending_verdicts(root)] == [None]


def proposed(root: Path, units: float = 40.0) -> str:
    """An override of item 01 for its second week ahead, proposed by kim; its id."""
    told = {"reason": "event", "note": "a marathon [x](y)", "author": "kim", "expires_on": None}
    with_published = partial(read_table, root / "published" / "warehouse-test-1.duckdb")
    scope, week = Scope(sku="01", channel_id="store"), LAST_WEEK + timedelta(weeks=1)
    (one,) = actions.override_forecast(root, scope, {week: units}, read=with_published, **told)  # type: ignore[arg-type]
    return one.override_id


def test_weeks_set_by_hand_wait_on_the_page_for_somebody_elses_approval(opened: Opened, tmp_path: Path) -> None:
    root = marts.publish(create_workspace(tmp_path, marts.SETTINGS).root, marts.marts())
    name = proposed(root)
    at = opened("demand", root, lang="en")
    assert not at.exception
    assert at.button(key="approve-keep").disabled
    # Nothing is filled in yet, so nothing can be proposed.
    assert at.button(key="override-keep").disabled
    at.multiselect(key="approve").select(name)
    at.text_input(key="approve-by").input("Kim").run()
    at.button(key="approve-keep").click().run()
    assert "somebody else has to approve it" in said(at)
    assert not actions.known_overrides(root)[0].is_approved
    at.text_input(key="approve-by").input("lee").run()
    at.button(key="approve-keep").click().run()
    assert not at.exception
    (one,) = actions.known_overrides(root)
    assert (one.author, one.approved_by, one.is_approved) == ("kim", "lee", True)
    # What nobody has to approve any more is asked of nobody.
    assert not [box for box in at.multiselect if box.key == "approve"]


def test_ones_own_proposal_is_refused_in_the_readers_language(opened: Opened, tmp_path: Path) -> None:
    root = marts.publish(create_workspace(tmp_path, marts.SETTINGS).root, marts.marts())
    name = proposed(root)
    at = opened("demand", root, lang="zh")
    at.multiselect(key="approve").select(name)
    at.text_input(key="approve-by").input("kim").run()
    at.button(key="approve-keep").click().run()
    assert not at.exception
    assert "这是 kim 本人的提议，须由他人批准；未批准任何内容。" in said(at)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_was_set_by_hand_is_withdrawn_on_the_page(opened: Opened, tmp_path: Path, language: str) -> None:
    root = marts.publish(create_workspace(tmp_path, marts.SETTINGS).root, marts.marts())
    name = proposed(root)
    actions.approve_overrides(root, [name], by="lee")
    at = opened("demand", root, lang=language)
    assert not at.exception
    # Approved already: nobody is asked again, but it can be taken back, by somebody who says who they are.
    assert [box.key for box in at.multiselect if box.key in ("approve", "withdraw")] == ["withdraw"]
    at.multiselect(key="withdraw").select(name).run()
    assert at.button(key="withdraw-keep").disabled
    at.text_input(key="withdraw-by").input("kim").run()
    at.button(key="withdraw-keep").click().run()
    assert not at.exception
    (one,) = actions.known_overrides(root)
    assert one.expires_at is not None
    assert one.expires_at <= now()
    assert one.is_pending
    assert not [box for box in at.multiselect if box.key == "withdraw"]


@pytest.mark.parametrize(
    ("language", "touch", "posts"),
    [("en", "30 Nov 2017 · E-mail", "2, sentiment −0.40"), ("zh", "2017年11月30日 · 邮件", "2 条，情感得分 −0.40")],
)
def test_a_customers_page_says_when_we_wrote_and_what_they_say(
    opened: Opened, full: Path, language: str, touch: str, posts: str
) -> None:
    def facts(customer: str) -> str:
        page = opened("customer_360", full, lang=language, customer=customer)
        return "".join(block.proto.body for block in page.get("html"))

    assert f"<dd>{touch}</dd>" in facts("c0")
    assert f"<dd>{posts}</dd>" in facts("c0")
    # Nobody wrote to the other one.
    assert touch not in facts("c1")


def test_the_first_decision_waits_for_the_next_run_and_the_page_says_so(opened: Opened, tmp_path: Path) -> None:
    tables = marts.marts()
    nothing = tables["mart_decision"].clear()
    root = marts.publish(create_workspace(tmp_path, marts.SETTINGS).root, tables | {"mart_decision": nothing})
    assert load("en")("decisions.finding.none") in said(opened("decisions", root, lang="en"))
    told = {"expected_amount": 1200.0, "basis": "spring's trial", "author": "kim"}
    actions.record_decision(root, "price", "milk at 2.49", **told)  # type: ignore[arg-type]
    at = opened("decisions", root, lang="en")
    assert not at.exception
    assert "from the next run on: **1**" in said(at)
    assert load("en")("decisions.finding.none") not in said(at)


def test_a_decision_is_recorded_and_settled_on_its_page(opened: Opened, tmp_path: Path) -> None:
    tables = marts.marts()
    root = marts.publish(create_workspace(tmp_path, marts.SETTINGS).root, tables)
    read = tables.__getitem__
    at = opened("decisions", root, lang="en")
    assert not at.exception
    assert at.button(key="record-keep").disabled
    at.selectbox(key="record-kind").select("price")
    at.text_input(key="record-subject").input("milk at 2.49")
    at.number_input(key="record-expected").set_value(1200.0)
    at.text_input(key="record-by").input("kim")
    at.text_input(key="record-basis").input("spring's trial").run()
    at.button(key="record-keep").click().run()
    assert not at.exception
    kept = actions.known_decisions(root, read)[0]
    assert (kept.kind, kept.subject, kept.expected_amount, kept.author) == ("price", "milk at 2.49", 1200.0, "kim")
    assert kept.is_pending
    at.selectbox(key="settle-decision").select(kept.decision_id)
    at.number_input(key="settle-realised").set_value(900.0)
    at.text_input(key="settle-by").input("lee").run()
    at.button(key="settle-keep").click().run()
    assert not at.exception
    said = actions.known_decisions(root, read)[0]
    # Who settles it does not become its author.
    assert (said.author, said.realised_amount, said.deviation_amount) == ("kim", 900.0, -300.0)


def test_only_filled_in_weeks_are_proposed() -> None:
    weeks = [LAST_WEEK, LAST_WEEK + timedelta(weeks=1), LAST_WEEK + timedelta(weeks=2)]
    assert spoken(weeks, [None, 0.0, 7.5]) == {weeks[1]: 0.0, weeks[2]: 7.5}


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "rose by 6 units (16.7 %)**: promotion +6, base +3, season −3"),
        ("zh", "上调 6 件（16.7 %）**：促销 +6、基础 +3、季节 −3"),
    ],
)
def test_the_page_says_what_moved_since_the_last_forecast(
    opened: Opened, full: Path, language: str, sentence: str
) -> None:
    assert sentence in said(opened("demand", full, lang=language)).replace("\\", "")
    # Of another item the run before said nothing.
    words = load(language)("demand.since.first")
    assert words in said(opened("demand", full, lang=language, sku="02"))


def test_a_forecast_that_goes_wrong_alarms_on_its_page_and_in_data_health(
    opened: Opened, full: Path, tmp_path: Path
) -> None:
    alarm = "1 of 2 series alarm"
    assert alarm in said(opened("demand", full, lang="en"))
    assert alarm in said(opened("data_health", full, lang="en"))
    calm = marts.marts()
    calm["mart_forecast_tracking"] = calm["mart_forecast_tracking"].with_columns(is_biased=False)
    root = marts.publish(tmp_path, calm)
    assert "No alarm: the errors of 2 series neither keep their sign nor grow" in said(
        opened("demand", root, lang="en")
    )
    assert "series" not in said(opened("data_health", root, lang="en"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_only_of_the_table_that_is_exported_the_export_is_said_to_hold_all(
    opened: Opened, tmp_path: Path, language: str
) -> None:
    """Data health exports streams and not adjustments; stock exports positions and not what channels refuse."""
    tables = marts.marts()
    for name in ("mart_stock_adjustment", "mart_stock_position", "mart_stock_life"):
        many = [tables[name].with_columns(sku=pl.lit(f"{number}")) for number in range(301)]
        tables[name] = pl.concat(many)
    root = marts.publish(tmp_path, tables)
    words = load(language)
    text = said(opened("data_health", root, lang=language)).splitlines()
    assert words("table.first", shown="300", all="602") in text
    assert words("table.first_exported", shown="300", all="602") not in text
    text = said(opened("stock", root, lang=language)).splitlines()
    assert words("table.first_exported", shown="300", all="903") in text
    assert words("table.first", shown="300", all="602") in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_where_nobody_knows_after_how_long_a_customer_is_quiet_nothing_is_said_of_it(
    opened: Opened, full: Path, tmp_path: Path, language: str
) -> None:
    clause = {"en": "quiet would be", "zh": "才算静默"}[language]
    assert clause in said(opened("customer_360", full, lang=language, customer="c0"))
    tables = marts.marts()
    unknown = tables["mart_customer_360"].with_columns(quiet_after_days=pl.lit(None, pl.Int64))
    root = marts.publish(tmp_path, tables | {"mart_customer_360": unknown})
    at = opened("customer_360", root, lang=language, customer="c0")
    assert clause not in said(at)
    assert not any("c0" in one.value and "–" in one.value for one in at.markdown)


def test_a_rule_that_cannot_be_used_is_refused_in_the_readers_language(opened: Opened, full: Path) -> None:
    at = opened("segments", full, lang="zh", group="lost")
    at.text_area(key="rule-lost").input("foo > 1").run()
    assert not at.exception
    assert "没有列 'foo'；可用的列：" in said(at)
    assert "no column" not in said(at)


def test_order_service_says_what_is_known_and_leaves_the_rest_out(opened: Opened, full: Path) -> None:
    text = said(opened("channels", full, lang="en", period="4w"))
    assert "4 order lines were due: 86 % filled at once, 67 % in time and in full" in text
    assert "order lines were due" not in said(opened("channels", full, lang="en", region="North"))


def test_presales_say_whose_balance_came_and_are_of_no_single_product(opened: Opened, full: Path) -> None:
    text = said(opened("promotions", full, lang="en"))
    assert "Presales: 67 % of 6 deposit orders have paid their balance so far; \\$8\\.00 may still come" in text
    assert "Presales" not in said(opened("promotions", full, lang="en", product="Milk"))


def test_stock_shows_ours_and_what_is_sold_apart(opened: Opened, full: Path, tmp_path: Path) -> None:
    assert "filter-owner" not in [box.key for box in opened("stock", full, lang="en").selectbox]
    root = marts.publish(tmp_path, supply_marts.with_sold(marts.marts()))
    units, lives = {}, {}
    for owner in ("ours", "sold"):
        at = opened("stock", root, lang="en", owner=owner)
        assert not at.exception
        units[owner] = {card.label: card.value for card in at.metric}["On hand"]
        lives[owner] = [line for line in said(at).splitlines() if "can no longer sell" in line or "refuses" in line]
    assert units == {"ours": "12", "sold": "7"}
    assert lives["ours"] == ["**Warehouses hold 0 units that some channel refuses**"]
    assert lives["sold"] == ["**Stores can no longer sell 4 of their 10 units**"]
    # A store whose goods are sold is no place of ours: the address is put right.
    assert "location" not in opened("stock", root, lang="en", location="S1").query_params


def test_stock_says_what_channels_refuse(opened: Opened, full: Path) -> None:
    text = said(opened("stock", full, lang="en"))
    assert "Stores can no longer sell 4 of their 10 units; warehouses hold 0 that some channel refuses" in text


def test_a_table_that_cannot_be_read_gives_a_clear_word_and_no_traceback(opened: Opened, tmp_path: Path) -> None:
    broken = marts.marts()
    broken["mart_promotion"] = broken["mart_promotion"].drop("why")
    at = opened("promotions", marts.publish(tmp_path, broken), lang="en")
    assert not at.exception
    assert at.error[0].value == load("en")("error.page")


def test_a_new_version_is_seen_at_the_next_look(opened: Opened, tmp_path: Path) -> None:
    root = marts.publish(tmp_path, marts.marts())
    at = opened("overview", root, lang="en")
    assert "version 1" in said(at)
    marts.publish(tmp_path, marts.marts(), version=2)
    at.run()
    assert not at.exception
    assert "version 2" in said(at)


def test_a_failed_run_shows_a_red_badge_and_the_old_version(opened: Opened, tmp_path: Path) -> None:
    root = marts.publish(tmp_path, marts.marts())
    (root / "logs").mkdir()
    note = {"failed": "a test of the candidate failed", "failed_streams": {}}
    (root / "logs" / "last_run.json").write_text(json.dumps(note))
    at = opened("overview", root, lang="en")
    assert "Last run failed" in said(at)
    assert ":red-badge" in said(at)
    assert at.metric
    chinese = opened("overview", root, lang="zh")
    helps = [one.proto.help for one in chinese.markdown if ":red-badge" in one.value]
    assert [text.partition("：")[0] for text in helps] == ["上次运行失败，此前的版本照常可用。系统给出的原因"]


def test_the_portal_opens_on_the_overview(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILLMILL_WORKSPACE", str(full))
    at = AppTest.from_file(str(PORTAL), default_timeout=60).run()
    assert not at.exception
    assert at.title[0].value == load("en")("overview.title")
