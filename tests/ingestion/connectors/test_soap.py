from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ingestion.connectors.page import LINE, Page
from ingestion.connectors.soap import Connection, Pull, pages
from tests.ingestion.connectors.fixtures import make_workspace, write_secret
from tests.ingestion.connectors.servers import serving, web_server
from tests.ingestion.connectors.soapserver import PASSWORD, SCHEMA, WSDL, Warehouse, row
from tillmill.errors import RefusedError, SettingsError, SourceError
from tillmill.workspace import Workspace

STOCK = Pull(
    operation="GetStock",
    arguments={"Query": {"Warehouse": "北京"}},
    items="Result.Items.Item",
    page_argument="Query.Page",
    size_argument="Query.Size",
    size=2,
)


@dataclass
class Bench:
    """A warehouse on loopback and how the workspace reaches it."""

    warehouse: Warehouse
    workspace: Workspace
    connection: Connection

    def pull(
        self, cursor: dict[str, Any] | None = None, how: dict[str, Any] | None = None, **settings: Any
    ) -> list[Page]:
        connection = self.connection.model_copy(update=settings)
        pull = Pull.model_validate(STOCK.model_dump() | (how or {}))
        found = list(pages(self.workspace, connection, pull, cursor))
        for page in found:
            assert json.loads(json.dumps(page.cursor)) == page.cursor
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    warehouse = Warehouse({str(number): row(str(number), f"2017-06-0{number}T12:00:00Z") for number in range(1, 6)})
    workspace = make_workspace(tmp_path)
    password = write_secret(tmp_path / "password", PASSWORD)
    with serving(web_server(warehouse.app())) as port:
        connection = Connection(
            wsdl=f"http://127.0.0.1:{port}/wms?wsdl", username="mill", password=password,
            first_wait_seconds=0, timeout_seconds=5, attempts=3,
        )  # fmt: skip
        yield Bench(warehouse, workspace, connection)


def lots(found: list[Page]) -> list[str]:
    return [value for page in found for value in page.records["LotNo"].to_list()]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"page_argument": "", "offset_argument": "Query.Offset"},
        {"page_argument": "", "last_argument": "Query.After", "last_field": "LotNo", "first_last": ""},
        {"short_is_last": True},
        {"more": "Result.More"},
        {"page_argument": "", "size_argument": "", "size": 0},
    ],
    ids=["page", "offset", "last id", "short is last", "more", "all at once"],
)
def test_every_kind_of_paging_brings_every_record_once(bench: Bench, how: dict[str, Any]) -> None:
    bench.warehouse.more = "more" in how
    assert lots(bench.pull(how=how)) == ["1", "2", "3", "4", "5"]
    assert bench.warehouse.asked[0]["Warehouse"] == "北京"


@pytest.mark.parametrize("security", ["token", "digest"])
def test_the_password_travels_as_a_username_token_anew_with_every_call(bench: Bench, security: str) -> None:
    assert len(lots(bench.pull(security=security))) == 5
    assert len(bench.warehouse.nonces) == (4 if security == "digest" else 0)


def test_values_are_the_text_the_server_wrote(bench: Bench) -> None:
    bench.warehouse.rows = {
        "1": "<Item><LotNo>007</LotNo><Units>12345678901234567890.10</Units><Made>2017-06-01+08:00</Made>"
        '<Gone xsi:nil="true"/><Note/><At><Hall>北</Hall><Bin unit="m">3</Bin></At>'
        "<Tag>a</Tag><Tag>b &lt; c</Tag></Item>"
    }
    [page] = bench.pull()
    assert page.records.rows(named=True) == [
        {
            "LotNo": "007", "Units": "12345678901234567890.10", "Made": "2017-06-01+08:00", "Gone": None, "Note": "",
            "At.Hall": "北", "At.Bin": "3", "At.Bin.@unit": "m", "Tag": '["a", "b < c"]', LINE: 1,
        }
    ]  # fmt: skip


def test_only_what_changed_is_asked_for_and_each_change_comes_once(bench: Bench) -> None:
    how = {"since_argument": "Query.Since", "since_field": "Changed", "overlap_seconds": 60}
    first = bench.pull(how=how)
    cursor = first[-1].cursor
    assert cursor["since"] == "2017-06-05T12:00:00+00:00"
    bench.warehouse.asked.clear()
    assert bench.pull(cursor, how) == []
    assert bench.warehouse.asked[0]["Since"] == "2017-06-05T11:59:00Z"
    bench.warehouse.rows["5"] = row("5", "2017-06-05T12:00:00Z", "9")
    bench.warehouse.rows["6"] = row("6", "2999-06-05T12:00:00Z")
    second = bench.pull(cursor, how)
    assert lots(second) == ["5", "6"]
    assert second[-1].cursor["since"] == cursor["since"]


def test_paging_by_the_last_record_goes_on_from_it_the_next_day_and_after_a_kill(bench: Bench) -> None:
    how = {"page_argument": "", "last_argument": "Query.After", "last_field": "LotNo", "first_last": ""}
    found = bench.pull(how=how)
    assert [page.cursor for page in found] == [{"last": "2"}, {"last": "4"}, {"last": "5"}]
    assert lots(bench.pull(found[0].cursor, how)) == ["3", "4", "5"]
    bench.warehouse.rows["6"] = row("6", "")
    assert lots(bench.pull(found[-1].cursor, how)) == ["6"]


def test_an_empty_or_nil_list_is_no_record_and_a_missing_one_stops(bench: Bench) -> None:
    bench.warehouse.rows = {}
    assert bench.pull() == []
    bench.warehouse.empty = '<Items xsi:nil="true"/>'
    assert bench.pull() == []
    bench.warehouse.empty = ""
    with pytest.raises(SourceError, match=r"no Items of Result\.Items\.Item in the answer"):
        bench.pull()


def test_a_page_that_comes_again_stops(bench: Bench) -> None:
    bench.warehouse.rows = {"1": row("1", ""), "2": row("1", "")}
    with pytest.raises(SourceError, match="goes in a circle"):
        bench.pull(how={"size": 1})


def test_the_wsdl_may_be_a_file_and_then_the_address_is_named(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "wms.wsdl").write_text(WSDL.replace("ADDRESS", "http://wms.internal/x").replace("SCHEMA", "wms.xsd"))
    (tmp_path / "wms.xsd").write_text(SCHEMA)
    address = bench.connection.wsdl.partition("?")[0]
    assert len(lots(bench.pull(wsdl="wms.wsdl", address=address))) == 5
    with pytest.raises(SettingsError, match="name in address where the service answers"):
        bench.pull(wsdl="wms.wsdl")
    (tmp_path / "wms.wsdl").write_text(WSDL.replace("ADDRESS", "x").replace("SCHEMA", "../../../etc/passwd"))
    with pytest.raises(RefusedError, match="outside the workspace"):
        bench.pull(wsdl="wms.wsdl", address=address)


def test_neither_password_nor_request_goes_to_another_server(bench: Bench) -> None:
    bench.warehouse.address = "http://127.0.0.2:1/wms"
    with pytest.raises(RefusedError, match="another server than the WSDL's"):
        bench.pull()
    bench.warehouse.schema = "http://127.0.0.2:1/schema.xsd"
    with pytest.raises(RefusedError, match="another server than the WSDL's"):
        bench.pull()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"operation": "GetStuff"}, "no operation GetStuff; it has GetStock"),
        ({"arguments": {"Query": {"Colour": "red"}}}, "does not take these arguments: .*Colour"),
    ],
)
def test_what_the_wsdl_does_not_know_is_named(bench: Bench, how: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        bench.pull(how=how)


@pytest.mark.parametrize(
    "settings",
    [
        {"offset_argument": "o"},
        {"last_argument": "a", "page_argument": ""},
        {"since_argument": "s"},
        {"short_is_last": True, "size": 0},
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Pull.model_validate(STOCK.model_dump() | settings)


def test_a_page_that_may_not_be_all_is_told_and_one_that_says_so_stops(bench: Bench) -> None:
    """Fault 7: without an argument for the next page there is none, whatever the answer says."""
    [page] = bench.pull(how={"page_argument": ""})
    assert "exactly" not in page.news
    assert "there are 2 records, as many as were asked for" in page.news
    assert bench.pull()[0].news == ""
    bench.warehouse.more = True
    with pytest.raises(SourceError, match=r"Result\.More says that there is more, and none of page_argument"):
        bench.pull(how={"page_argument": "", "more": "Result.More"})
