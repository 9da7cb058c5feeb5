"""The pages of docs/sources: every block binds, every key of a connector is explained, no page without a page."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion import contracts
from ingestion.connectors import graphql, jsonrpc, rest
from ingestion.connectors.connector import Connector
from ingestion.mapping import apply, read_rules
from ingestion.sources import CONNECTORS
from tillmill.errors import SettingsError
from tillmill.workspace import SourceSettings

PAGES = Path(__file__).parents[2] / "docs" / "sources"
BLOCK = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[dict[str, Any]]:
    return [tomllib.loads(text) for text in BLOCK.findall(page.read_text(encoding="utf-8"))]


def sources(page: Path) -> list[SourceSettings]:
    return [
        SourceSettings.model_validate(source)
        for block in blocks(page)
        for source in block.get("sources", [])
        if isinstance(block.get("sources"), list)
    ]


WORKED = [
    "shopify",
    "woocommerce",
    "tmall",
    "jd",
    "douyin",
    "vendure",
    "django-oscar",
    "tryton",
    "odoo",
    "kingdee",
    "oms",
]
WORKED += ["wecom-crm", "social", "rest"]


@pytest.mark.parametrize("name", WORKED)
def test_the_block_of_a_page_is_complete_and_fits_its_connector_and_contracts(name: str) -> None:
    found = sources(PAGES / f"{name}.md")
    assert found
    for source in found:
        connector = CONNECTORS[source.connector]
        connector.connection.model_validate(source.connection)
        assert source.streams
        for stream in source.streams:
            connector.pull.model_validate(stream.pull)
            try:
                contract = contracts.contract(stream.stream)
            except SettingsError:
                continue
            rules = read_rules(stream.fields, contract, f"{name}: {stream.stream}")
            told = {*rules, *contract.defaults, contract.version}
            assert set(contract.key) <= told, f"{name}: {stream.stream} has no {set(contract.key) - told}"


def test_a_refund_of_every_page_that_has_them_tells_when_it_was_made_without_which_it_cuts_no_sale() -> None:
    told = {
        name: "refunded_at" in stream.fields
        for name in WORKED
        for source in sources(PAGES / f"{name}.md")
        for stream in source.streams
        if stream.stream == "ecommerce.refunds"
    }
    assert told
    assert [name for name, dated in told.items() if not dated] == []


def test_a_trade_of_tmall_says_what_became_of_its_deposit_and_of_its_refund() -> None:
    (tmall,) = sources(PAGES / "tmall.md")
    fields = {stream.stream: stream.fields for stream in tmall.streams}

    def mapped(stream: str, **record: list[str | None]) -> dict[str, list[str | None]]:
        contract = contracts.contract(stream)
        found = apply(pl.DataFrame(record), read_rules(fields[stream], contract, stream), contract, stream)
        return {column: values.to_list() for column, values in found.values.items()}

    at = "2026-11-11 00:10:00"
    states = ["FRONT_NOPAID_FINAL_NOPAID", "FRONT_PAID_FINAL_NOPAID", "FRONT_PAID_FINAL_PAID", None]
    orders = mapped("ecommerce.orders", step_trade_status=states, pay_time=[None, None, at, at])
    assert orders["presale_state"] == [None, "deposit_paid", "balance_paid", None]
    assert orders["balance_paid_at"] == [None, None, at, None]
    assert mapped("ecommerce.orders", pay_time=[at])["balance_paid_at"] == [None]
    statuses = ["WAIT_SELLER_AGREE", "SUCCESS", "CLOSED"]
    refunds = mapped("ecommerce.refunds", status=statuses, end_time=[None, at, at], modified=[at, at, at])
    assert refunds["status"] == ["asked", "completed", "cancelled"]
    assert refunds["refunded_at"] == [None, at, None]


def test_the_bulk_block_of_the_shopify_page_fits_too() -> None:
    [told] = [
        block["sources"]["streams"]["pull"]
        for block in blocks(PAGES / "shopify.md")
        if isinstance(block["sources"], dict)
    ]
    assert graphql.Pull.model_validate(told).bulk_child == "LineItem"


@pytest.mark.parametrize(
    ("page", "connector", "others"),
    [("rest", rest.CONNECTOR, []), ("graphql", graphql.CONNECTOR, ["rest"]), ("jsonrpc", jsonrpc.CONNECTOR, [])],
)
def test_every_key_of_a_connector_is_explained(page: str, connector: Connector, others: list[str]) -> None:
    text = "".join((PAGES / f"{name}.md").read_text(encoding="utf-8") for name in [page, *others])
    told = set(re.findall(r"`([a-z_0-9]+)", text))
    keys = {*connector.connection.model_fields, *connector.pull.model_fields}
    assert keys - told == set()


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
