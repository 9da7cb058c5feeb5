"""Back-fills of databases, GraphQL, JSON-RPC and SOAP: each source is asked in its own words, window by window."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.backfill import backfill
from ingestion.connectors.connector import Window
from ingestion.connectors.graphql import Pull, narrowed
from ingestion.landing.ledger import Ledger
from ingestion.prepare import prepare
from ingestion.privacy.tokens import load_keys
from ingestion.pulling import Limits, pull_all
from ingestion.runner import StreamResult, ingest
from ingestion.sources import bind
from tests.faults.http_feed import feeding
from tests.faults.http_server import FaultServer, Reply, Request
from tests.faults.plant import plant, rows
from tests.ingestion.connectors import test_graphql as graphql
from tests.ingestion.connectors import test_jsonrpc as jsonrpc
from tests.ingestion.connectors.fixtures import write_secret
from tests.ingestion.connectors.postgres import PASSWORD, Postgres, running_postgres
from tests.ingestion.connectors.servers import serving, web_server
from tests.ingestion.connectors.soapserver import PASSWORD as SOAP_PASSWORD
from tests.ingestion.connectors.soapserver import Warehouse, row
from tillmill.errors import SettingsError
from tillmill.workspace import Workspace

WINDOW = Window(datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 1, 27, tzinfo=UTC))
WITHIN = list(range(10, 27))
DAYS = range(1, 32)


def backfilled(workspace: Workspace, stream: str = "pos.stores", key: str = "store_id") -> list[str]:
    """The keys a back-fill of WINDOW brings, with the ordinary cursor where it was."""
    before = cursor(workspace, stream)
    [result] = ingest(workspace, window=WINDOW)
    assert result.error is None
    assert cursor(workspace, stream) == before
    again = rows(workspace, stream).filter(pl.col("_load_id").str.contains("backfill"))
    return again[key].to_list()


def cursor(workspace: Workspace, stream: str) -> Any:
    with Ledger(workspace.ledger) as ledger:
        return ledger.cursor(bind(workspace)[0].source, stream)


# Databases

ITEMS = """
[[sources]]
name = "erp"
connector = "sql"
timezone = "{zone}"
connection = {{ url = "postgresql://mill@127.0.0.1:{port}/postgres", password = "file:password", tls = "disable" }}
[[sources.streams]]
stream = "erp.items"
pull = {{ table = "{table}", key = "sku", page_rows = 3, {how} }}
"""
# What is kept of the moment `at`, and in a column of which type.
TYPES = {
    "timestamptz": ("timestamptz", "at"),
    "timestamp": ("timestamp", "at at time zone 'UTC'"),
    "date": ("date", "at at time zone 'UTC'"),
    "text": ("text", "to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')"),
    "timestamptz as text": ("text", """to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""),
    "seconds as text": ("text", "extract(epoch from at)::bigint::text"),
}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A table for each way of keeping a time: an item a day at noon UTC, and one that has none."""
    with running_postgres() as server:
        for number, (column, written) in enumerate(TYPES.values()):
            server.run(
                f"create table items_{number} (sku text primary key, name text, updated_at {column})",
                f"insert into items_{number} select to_char(n, 'FM00'), '商品', {written} from (select n, "
                "timestamptz '2025-12-31T12:00Z' + n * interval '1 day' as at from generate_series(1, 31) n) days",
                f"insert into items_{number} values ('never', '商品', null)",
            )
        yield server


def items(root: Path, server: Postgres, kind: str, how: str = 'cursor = "updated_at"', zone: str = "UTC") -> Workspace:
    write_secret(root / "password", PASSWORD)
    table = f"items_{list(TYPES).index(kind)}"
    return plant(root, ITEMS.format(port=server.port, table=table, how=how, zone=zone))


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date", "text", "timestamptz as text"])
def test_a_database_is_asked_by_its_cursor_column_however_it_keeps_times(
    tmp_path: Path, postgres: Postgres, kind: str
) -> None:
    workspace = items(tmp_path, postgres, kind)
    assert ingest(workspace)[0].landed == 32
    assert backfilled(workspace, "erp.items", "sku") == [f"{day:02d}" for day in WITHIN]
    assert ingest(workspace)[0].pulled == 0


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [("timestamp", "11", "27"), ("text", "11", "27"), ("date", "10", "27"), ("timestamptz", "10", "26")],
)
def test_a_time_without_zone_is_asked_for_in_that_of_the_source(
    tmp_path: Path, postgres: Postgres, kind: str, first: str, last: str
) -> None:
    """13 hours east the window of UTC begins and ends at one in the afternoon; a day is asked for whole."""
    workspace = items(tmp_path, postgres, kind, zone="Etc/GMT-13")
    found = backfilled(workspace, "erp.items", "sku")
    assert (found[0], found[-1]) == (first, last)


def test_a_back_fill_of_a_database_that_is_cut_off_goes_on_within_its_window(
    tmp_path: Path, postgres: Postgres
) -> None:
    workspace = items(tmp_path, postgres, "timestamptz")
    keys = load_keys(workspace)
    taken: list[int] = []

    def failing(stream: Any, page: Any) -> Any:
        taken.append(page.records.height)
        if len(taken) == 3:
            raise RuntimeError("cut off")
        return prepare(stream, page, keys)

    def pull(preparer: Any) -> StreamResult:
        [result] = pull_all(workspace, [backfill(bind(workspace)[0], WINDOW)], preparer, limits=Limits(load_rows=1))
        return result

    cut_off = pull(failing)
    assert (cut_off.error is not None, cut_off.landed) == (True, 6)
    assert pull(lambda stream, page: prepare(stream, page, keys)).landed == len(WITHIN) - 6
    assert sorted(rows(workspace, "erp.items")["sku"]) == [f"{day:02d}" for day in WITHIN]


def test_a_table_without_a_column_of_times_is_refused(tmp_path: Path, postgres: Postgres) -> None:
    (tmp_path / "whole").mkdir()
    with pytest.raises(SettingsError, match=r"stream 'erp.items': pull: a back-fill needs cursor"):
        ingest(items(tmp_path / "whole", postgres, "date", "snapshot = true"), window=WINDOW)
    (tmp_path / "number").mkdir()
    [result] = ingest(items(tmp_path / "number", postgres, "seconds as text"), window=WINDOW)
    assert "updated_at holds '1769860800', which is no time" in (result.error or "")
    assert result.pulled == 0


def test_an_ordinary_pull_keeps_to_since_and_until(tmp_path: Path, postgres: Postgres) -> None:
    workspace = items(
        tmp_path, postgres, "timestamptz", 'cursor = "updated_at", since = 2026-01-10, until = 2026-01-27T00:00:00Z'
    )
    assert ingest(workspace)[0].landed == len(WITHIN)
    assert ingest(workspace)[0].pulled == 0


# GraphQL

STORES = [{"id": f"s{day:02d}", "name": "Store", "at": f"2026-01-{day:02d}T12:00:00Z"} for day in DAYS]
SINCE_AND_UNTIL = {"since_param": "since", "until_param": "until", "since_field": "at"}
BY_PARAMS = {name: value for name, value in graphql.BY_CURSOR.items() if name != "since_value"} | SINCE_AND_UNTIL
BY_EXPRESSION = graphql.BY_CURSOR | {"since_value": "updated_at:>='{since}' AND updated_at:<'{until}'"}


class Shop(graphql.Shop):
    """One that knows an end of the time that is asked for."""

    def __call__(self, request: Request) -> Reply:
        variables = request.json["variables"]
        told = (
            str(variables.get("filter", "")).replace("updated_at:>=", "").replace("updated_at:<", "").replace("'", "")
        )
        since, _, until = told.partition(" AND ")
        since, until = variables.get("since", since), variables.get("until", until) or "9"
        self.rows = [store for store in STORES if since <= store["at"] < until]
        request.json["variables"].pop("filter", None)
        return super().__call__(Request(**(vars(request) | {"body": request.body.replace(b'"filter"', b'"_"')})))


@pytest.mark.parametrize("pull", [BY_PARAMS, BY_EXPRESSION], ids=["two variables", "an expression"])
def test_a_graphql_source_is_asked_by_its_variables(tmp_path: Path, pull: dict[str, Any]) -> None:
    with feeding(tmp_path, FaultServer(Shop([])), pull, graphql.SIGNED, "graphql") as feed:
        assert feed.pull().landed == len(STORES)
        feed.server.asked.clear()
        assert backfilled(feed.workspace) == [f"s{day:02d}" for day in WITHIN]
        asked = feed.server.asked[0].json["variables"]
        assert "2026-01-10T00:00:00Z" in str(asked)
        assert "2026-01-17T00:00:00Z" in str(asked)
        assert feed.pull().pulled == 0


def test_a_bulk_query_has_its_window_in_its_text() -> None:
    pull = Pull(
        query='{ orders(query: "{filter}") { edges { node { id } } } }', bulk=True, since_param="filter",
        since_field="at", since_value="updated_at:>='{since}' AND updated_at:<'{until}'",
    )  # fmt: skip
    told = narrowed(pull, WINDOW)
    assert "updated_at:>='2026-01-10T00:00:00Z' AND updated_at:<'2026-01-27T00:00:00Z'" in told.query
    assert "{filter}" not in told.query


def test_a_graphql_source_without_an_end_is_refused(tmp_path: Path) -> None:
    with (
        feeding(tmp_path, FaultServer(Shop([])), graphql.BY_CURSOR, graphql.SIGNED, "graphql") as feed,
        pytest.raises(SettingsError, match="a back-fill needs since_param and until_param"),
    ):
        ingest(feed.workspace, window=WINDOW)
    assert feed.server.asked == []


# JSON-RPC


def says(term: list[Any], record: dict[str, Any]) -> bool:
    name, sign, value = term
    told = record.get(name)
    if sign == "=":
        return (told or False) == (value or False)
    told, value = (moment(one) if isinstance(one, dict) else one for one in (told, value))
    if not told:
        return False
    return bool(told >= value if sign == ">=" else told < value if sign == "<" else told > value)


def moment(told: dict[str, Any]) -> datetime:
    return datetime(**{name: part for name, part in told.items() if name != "__class__"}, tzinfo=UTC)


def meets_odoo(domain: list[Any], record: dict[str, Any]) -> bool:
    """Odoo's own reading of a domain: operators stand before their two operands, terms are joined by and."""
    stack: list[bool] = []
    for term in reversed(domain):
        if term in ("|", "&"):
            one, other = stack.pop(), stack.pop()
            stack.append((one or other) if term == "|" else (one and other))
        else:
            stack.append(says(term, record))
    return all(stack)


def meets_tryton(domain: list[Any], record: dict[str, Any]) -> bool:
    """Tryton's: a list is all of its terms, or any of them where it begins with OR."""
    if domain and isinstance(domain[0], str) and domain[0] != "OR":
        return says(domain, record)
    terms = domain[1:] if domain and domain[0] == "OR" else domain
    return (any if domain and domain[0] == "OR" else all)(meets_tryton(term, record) for term in terms)


class Odoo(jsonrpc.Odoo):
    def __call__(self, request: Request) -> Reply:
        params = request.json["params"]
        if params["service"] == "common" or params["args"][4] == "fields_get":
            return super().__call__(request)
        [domain], options = params["args"][5], params["args"][6]
        self.domains.append(domain)
        found = [record for record in self.rows if meets_odoo(domain, record)]
        return jsonrpc.result(request, found[options["offset"] : options["offset"] + options["limit"]])


class Tryton(jsonrpc.Tryton):
    def __call__(self, request: Request) -> Reply:
        if request.json["method"] == "common.db.login":
            return super().__call__(request)
        domain, offset, limit, *_ = request.json["params"]
        found = [record for record in self.rows if meets_tryton(domain, record)]
        return jsonrpc.result(request, found[offset : offset + limit])


@pytest.mark.parametrize("never_changed", [False, True], ids=["changed", "never changed"])
def test_odoo_is_asked_by_its_domain(tmp_path: Path, never_changed: bool) -> None:
    made = {"create_date": False}
    houses = [jsonrpc.warehouse(day, **made) for day in DAYS]
    pull, fields = dict(jsonrpc.READ), jsonrpc.FIELDS
    if never_changed:
        pull |= {"instead_field": "create_date"}
        houses = [house | {"create_date": house["write_date"], "write_date": False} for house in houses]
        fields = fields | {"updated_at": {"expr": "coalesce(write_date, create_date)"}}
    odoo = Odoo(houses)
    with feeding(tmp_path, FaultServer(odoo), pull, jsonrpc.ODOO, "jsonrpc", fields) as feed:
        assert feed.pull().landed == len(houses)
        assert backfilled(feed.workspace) == [f"WH{day}" for day in WITHIN]
        assert feed.pull().pulled == 0


def test_tryton_is_asked_by_its_domain_and_a_change_that_never_was_is_known_by_its_making(tmp_path: Path) -> None:
    # The even ones were made long before, and changed on the day; the odd ones were made on it.
    places = [
        jsonrpc.location(1, day) | {"id": day, "code": f"L{day}"}
        if day % 2 == 0
        else jsonrpc.location(day) | {"opened": None}
        for day in DAYS
    ]
    with feeding(
        tmp_path, FaultServer(Tryton(places)), jsonrpc.TRYTON_READ | {"domain": []}, jsonrpc.TRYTON, "jsonrpc",
        jsonrpc.TRYTON_FIELDS,
    ) as feed:  # fmt: skip
        assert feed.pull().landed == len(places)
        assert sorted(backfilled(feed.workspace)) == sorted(f"L{day}" for day in WITHIN)


def test_a_model_without_a_time_is_refused(tmp_path: Path) -> None:
    pull = {name: value for name, value in jsonrpc.READ.items() if name != "since_field"}
    with (
        feeding(tmp_path, FaultServer(Odoo([])), pull, jsonrpc.ODOO, "jsonrpc", jsonrpc.FIELDS) as feed,
        pytest.raises(SettingsError, match="a back-fill needs since_field"),
    ):
        ingest(feed.workspace, window=WINDOW)


# SOAP

STOCK = """
[[sources]]
name = "wms"
connector = "soap"
connection = {{ wsdl = "http://127.0.0.1:{port}/wms?wsdl", username = "mill", password = "file:password" }}
[[sources.streams]]
stream = "pos.stores"
fields = {{ store_id = "LotNo", updated_at = "Changed" }}
[sources.streams.pull]
operation = "GetStock"
arguments = {{ Query = {{ Warehouse = "WH1" }} }}
items = "Result.Items.Item"
page_argument = "Query.Page"
size_argument = "Query.Size"
size = 5
since_argument = "Query.Since"
{until}
since_field = "Changed"
"""


def test_a_soap_service_is_asked_by_its_arguments_or_refused(tmp_path: Path) -> None:
    warehouse = Warehouse({f"{day:02d}": row(f"{day:02d}", f"2026-01-{day:02d}T12:00:00Z") for day in DAYS})
    write_secret(tmp_path / "password", SOAP_PASSWORD)
    with serving(web_server(warehouse.app())) as port:
        plain = plant(tmp_path, STOCK.format(port=port, until=""))
        with pytest.raises(SettingsError, match="a back-fill needs since_argument and until_argument"):
            ingest(plain, window=WINDOW)
        assert warehouse.asked == []
        workspace = plant(tmp_path, STOCK.format(port=port, until='until_argument = "Query.Until"'))
        assert ingest(workspace)[0].landed == len(DAYS)
        assert "Until" not in warehouse.asked[-1], "the first pull asks for everything"
        warehouse.asked.clear()
        assert backfilled(workspace) == [f"{day:02d}" for day in WITHIN]
        spans = list(dict.fromkeys((asked["Since"], asked["Until"]) for asked in warehouse.asked))
        days = [WINDOW.since + timedelta(days=day) for day in (0, 7, 14, 17)]
        written = [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in days]
        assert spans == list(itertools.pairwise(written))
        assert {asked["Warehouse"] for asked in warehouse.asked} == {"WH1"}
        warehouse.asked.clear()
        assert ingest(workspace)[0].pulled == 0
        assert warehouse.asked[0]["Since"] < warehouse.asked[0]["Until"]
