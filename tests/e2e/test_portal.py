"""The portal in a real browser, on what the pipeline published: every page, both languages, no request outside."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.dbt_project.metrics import defined
from tests.e2e import chromium
from tests.e2e.conftest import TILLMILL, published

# One portal and one browser serve all of them.
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("portal"), pytest.mark.timeout(900)]

PAGES = (
    "overview",
    "channels",
    "customers",
    "promotions",
    "demand",
    "stock",
    "production",
    "factory",
    "traceability",
    "data_health",
)
WORDS = Path(__file__).parents[2] / "apps" / "i18n"
# A page may be the first on a machine that is busy with other tests.
PATIENCE = 60_000
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass
class Portal:
    """A served portal, the browser that reads it, and every address that the browser asked for."""

    address: str
    browser: Browser
    workspace: Path
    asked: list[str] = field(default_factory=list)

    def open(self, page: str, language: str, query: str = "", width: int = 1440) -> Page:
        """Opens a page by its address and waits for its title in its language."""
        opened = self.browser.new_page(viewport={"width": width, "height": 900})
        opened.on("request", lambda request: self._note(request))
        path = "" if page == "overview" else page.replace("_", "-")
        opened.goto(f"{self.address}/{path}?lang={language}{query}")
        title = opened.get_by_role("heading", name=words(language)[page]["title"], level=1)
        expect(title).to_be_visible(timeout=PATIENCE)
        settle(opened)
        return opened

    def _note(self, request: Request) -> None:
        self.asked.append(request.url)


def words(language: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = tomllib.loads((WORDS / f"{language}.toml").read_text(encoding="utf-8"))
    return found


def named(metric: str, language: str) -> str:
    """What a figure is called where it is defined."""
    found = defined().metrics[metric]
    return str(found["label"] if language == "en" else found["config"]["meta"]["label_zh"])


def settle(page: Page) -> None:
    """Waits until the page has its table (or says why it has none) and the server has nothing more to send."""
    expect(page.locator("[class*='st-key-card-table'], [class*='st-key-card-empty']").first).to_be_visible(
        timeout=PATIENCE
    )
    expect(page.locator("[data-testid='stSkeleton']")).to_have_count(0, timeout=PATIENCE)
    expect(page.locator("[data-testid='stStatusWidget']")).to_have_count(0, timeout=PATIENCE)


def text_of(page: Page) -> str:
    return page.locator("[data-testid='stMain']").inner_text()


@pytest.fixture(scope="module")
def workspace(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(small_run, tmp_path_factory.mktemp("portal") / "workspace"))


@pytest.fixture(scope="module")
def served(workspace: Path) -> Iterator[str]:
    """The portal of the small workspace on a free port of 127.0.0.1, ended with all it started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [*TILLMILL, "apps", "--workspace", str(workspace), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_answers(server, address)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def _wait_until_it_answers(server: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < until:
        assert server.poll() is None, f"the portal ended with {server.returncode}"
        try:
            if httpx.get(f"{address}/_stcore/health", timeout=1).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the portal did not answer")


@pytest.fixture(scope="module")
def portal(served: str, workspace: Path) -> Iterator[Portal]:
    found = chromium.needed()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=chromium.FLAGS)
        yield Portal(served, browser, workspace)
        browser.close()


@dataclass(frozen=True)
class Truth:
    """What the published file itself says of the last 13 whole weeks."""

    version: int
    last_on: date
    net: float
    shop_a: float


@pytest.fixture(scope="module")
def truth(small_run: Path) -> Truth:
    pointer = json.loads((small_run / "published" / "current.json").read_text())
    sold = "sales_view = 'sell_out' and is_revenue and is_counted and not is_suspect"
    with duckdb.connect(str(published(small_run)), read_only=True) as connection:
        last_on = connection.execute(f"select max(sold_on) from fct_sales_line where {sold}").fetchall()[0][0]
        # The demo's last business day ends its week or lies within it: whole weeks end with the Monday of that week.
        end = last_on - timedelta(days=last_on.weekday())
        net, shop_a = connection.execute(
            "select sum(net_sales_amount)::double, sum(net_sales_amount) filter (where channel_id = 'shop_a')::double"
            f" from fct_sales_line where {sold} and sold_on >= $start and sold_on < $end",
            {"start": end - timedelta(weeks=13), "end": end},
        ).fetchall()[0]
    return Truth(pointer["version"], last_on, net, shop_a)


def short_money(value: float, language: str) -> str:
    """The figure as a reader expects it: dollars, from ten thousand three digits and the language's unit."""
    if value < 10_000:
        return f"${value:,.0f}"
    size, unit = (1e3, "k") if language == "en" else (1e4, "万")
    return f"${float(f'{value:.3g}') / size:g}{unit}"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_draws_itself_without_an_error(portal: Portal, truth: Truth, page: str, language: str) -> None:
    opened = portal.open(page, language)
    try:
        expect(opened.locator("[data-testid='stException'], [data-testid='stAlertContentError']")).to_have_count(0)
        expect(opened.locator("[data-testid='stMetric']").first).to_be_visible()
        assert opened.locator("[data-testid='stMetric']").first.bounding_box() is not None
        text = text_of(opened)
        day = truth.last_on
        fresh = f"{day.day} {day:%b} {day.year}" if language == "en" else f"{day.year}年{day.month}月{day.day}日"
        badge = words(language)["badge"]["version"].format(day=fresh, version=truth.version)
        assert badge in text, "the page names the published version and how fresh it is"
        assert not re.search(r"\bNone\b|\bnan\b|NaN|undefined|\{\w+\}", text), "no value without its words"
        assert opened.locator("table tbody tr").count() > 0
        assert (opened.locator("[data-testid='stMetricValue']").first.bounding_box() or {"y": 999})["y"] < 160
    finally:
        opened.close()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_finding_says_what_the_published_table_holds(portal: Portal, truth: Truth, language: str) -> None:
    opened = portal.open("overview", language)
    try:
        figure = short_money(truth.net, language)
        finding = opened.locator("[data-testid='stMarkdownContainer'] strong", has_text=figure)
        expect(finding.first).to_be_visible()
        expect(opened.locator("[data-testid='stMetricValue']").first).to_have_text(figure)
        assert figure in opened.locator("table tr.totals").inner_text()
    finally:
        opened.close()


def test_a_filter_lives_in_the_url_and_survives_a_reload(portal: Portal, truth: Truth) -> None:
    opened = portal.open("overview", "en")
    try:
        every = opened.locator("[data-testid='stMetricValue']").first
        expect(every).to_have_text(short_money(truth.net, "en"))
        opened.locator(".st-key-filter-channel input").click()
        opened.get_by_role("option", name="Web shop A").click()
        expect(every).to_have_text(short_money(truth.shop_a, "en"), timeout=PATIENCE)
        assert "channel=shop_a" in opened.url
        opened.reload()
        expect(every).to_have_text(short_money(truth.shop_a, "en"), timeout=PATIENCE)
        assert "channel=shop_a" in opened.url
    finally:
        opened.close()


def test_a_heading_sorts_the_table_by_its_values(portal: Portal) -> None:
    opened = portal.open("overview", "en")
    try:
        heading = named("sold_units", "en")
        opened.locator("th button", has_text=re.compile(f"^{heading}$")).click()
        place = opened.locator("th").all_inner_texts().index(f"{heading}↓")
        column = opened.locator(f"table tbody tr td:nth-child({place + 1})").all_inner_texts()
        units = [float(text.replace(",", "").replace("k", "e3")) for text in column]
        assert units == sorted(units, reverse=True)
        assert opened.locator("th[aria-sort='descending']").count() == 1
    finally:
        opened.close()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_small_screen_keeps_the_rows_and_cuts_no_figure(portal: Portal, language: str) -> None:
    opened = portal.open("overview", language, width=1024)
    try:
        for row in (".st-key-title > *", ".st-key-filters > *"):
            boxes = [box for part in opened.locator(row).all() if (box := part.bounding_box())]
            middles = [box["y"] + box["height"] / 2 for box in boxes]
            assert len(boxes) == 4
            assert max(middles) - min(middles) < 10, f"{row} stands in one row"
        for text in opened.locator("[data-testid='stMetric'] .stMarkdownEllipsis").all():
            assert text.evaluate("part => part.scrollWidth <= part.clientWidth"), text.inner_text()
        frame = opened.locator(".frame").bounding_box()
        assert frame is not None
        terms = words(language)["term"]
        for name in (terms["product"], named("net_sales", language), terms["change_amount"], terms["change"]):
            heading = opened.get_by_role("columnheader", name=name, exact=True).bounding_box()
            assert heading is not None
            assert heading["x"] + heading["width"] <= frame["x"] + frame["width"], f"{name} needs no scrolling"
    finally:
        opened.close()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_on_a_small_screen_each_fact_of_a_customer_stands_beside_its_name(portal: Portal, language: str) -> None:
    opened = portal.open("customer_360", language, width=1024)
    try:
        names, values = (opened.locator(f"dl.facts > {part}").all() for part in ("dt", "dd"))
        assert len(names) == len(values) >= 9
        for name, value in zip(names, values, strict=True):
            one, other = name.bounding_box(), value.bounding_box()
            assert one is not None
            assert other is not None
            assert other["x"] >= one["x"] + one["width"]
            assert abs(one["y"] - other["y"]) < 10
        # A date is short: its line is as tall as any other.
        assert values[-1].evaluate("part => part.getClientRects().length") == 1
        assert (values[-1].bounding_box() or {})["height"] <= (values[0].bounding_box() or {})["height"] + 1
    finally:
        opened.close()


def test_no_request_leaves_this_machine(portal: Portal) -> None:
    opened = portal.open("channels", "zh")
    opened.close()
    hosts = {urlsplit(url).hostname for url in portal.asked if not url.startswith(("data:", "blob:"))}
    assert hosts
    assert hosts <= set(LOOPBACK)
