"""Databases: 1 and 2 (gone, silent), 8 (times at the cursor), 20 (what drivers do), 25 (columns), 26 (deletions)."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from adbc_driver_postgresql import dbapi

from ingestion.connectors.page import Page
from ingestion.connectors.sql import Pull, pages
from ingestion.landing import quarantine
from ingestion.landing.ledger import Ledger, Place
from ingestion.mending import fix, replay_open
from ingestion.prepare import Prepared, prepare
from ingestion.privacy.tokens import load_keys
from ingestion.pulling import Limits, StreamResult, pull_all
from ingestion.sources import bind
from tests.ingestion.connectors.fixtures import SETTINGS, make_workspace
from tests.ingestion.connectors.odbcdrivers import needs_odbc
from tests.ingestion.connectors.postgres import Postgres, running_postgres
from tests.ingestion.connectors.sqlbench import CHANGES, Bench, column, make_bench
from tillmill.errors import SourceError
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

WAYS = ["adbc", pytest.param("odbc", marks=needs_odbc)]
VALUES = """
select 1 as id, true as yes, false as no, null::boolean as unknown,
    timestamptz '2026-03-01 08:00:00.120+08' as zoned, timestamp '2026-03-01 08:00:00' as naive,
    date '0099-12-31' as day, timestamptz 'infinity' as never, 0.1::float8 + 0.2::float8 as double, 0.1::real as single,
    'NaN'::float8 as nothing, 12345678901234567890123456789012345678.123456789::numeric as exact,
    0.10::numeric as scaled, 9223372036854775807 as big, 19.90::numeric::money as price, '北京 龙 🐉' as text,
    repeat('长', 30000) as long,
    '\\x00ff10'::bytea as raw, '6E59CFA9-D878-4332-B179-4F1D0F4410E1'::uuid as uuid, '{"数": 1.10}'::json as document,
    array['a', '商'] as list, '' as empty
"""
EXACT = {
    "id": "1",
    "yes": "true",
    "no": "false",
    "unknown": None,
    "zoned": "2026-03-01T00:00:00.12Z",
    "naive": "2026-03-01 08:00:00",
    "day": "0099-12-31",
    "never": "infinity",
    "double": "0.30000000000000004",
    "single": "0.1",
    "nothing": "NaN",
    "exact": "12345678901234567890123456789012345678.123456789",
    "scaled": "0.10",
    "big": "9223372036854775807",
    "price": "19.90",
    "text": "北京 龙 🐉",
    "long": "长" * 30000,
    "raw": "\\x00ff10",
    "uuid": "6e59cfa9-d878-4332-b179-4f1d0f4410e1",
    "document": '{"数": 1.10}',
    "list": "{a,商}",
    "empty": "",
}
SOURCE = """
[[sources]]
name = "erp"
connector = "sql"
[sources.connection]
url = "postgresql://mill@127.0.0.1:PORT/postgres"
password = "file:password"
tls = "disable"
first_wait_seconds = 0
[[sources.streams]]
stream = "erp.items"
pull = { table = "erp.items", key = "sku", cursor = "updated_at", page_rows = 1 }
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with running_postgres() as started:
        yield started


@pytest.fixture(params=WAYS)
def bench(server: Postgres, tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    return make_bench(server, tmp_path, request.param)


def test_fault_20_every_value_comes_as_the_text_the_database_itself_writes(bench: Bench) -> None:
    [page] = bench.pull(Pull(query=VALUES, key=["id"]))
    assert page.records.rows(named=True) == [EXACT]


def test_fault_8_equal_times_at_a_pages_edge_lose_and_double_nothing(bench: Bench) -> None:
    bench.server.run("update erp.items set updated_at = timestamptz '2026-03-01 00:00Z'")
    for size in (1, 2, 3, 7, 9, 10, 11):
        found = bench.pull(CHANGES.model_copy(update={"page_rows": size}))
        assert column(found, "sku") == [f"A{number:02}" for number in range(1, 11)]


def test_fault_8_a_row_of_the_second_that_was_read_last_is_found_by_the_next_pull(bench: Bench) -> None:
    cut = CHANGES.model_copy(update={"lag": 0})
    bench.server.run("update erp.items set updated_at = timestamptz '2026-03-01 00:00Z' where sku < 'A05'")
    first = bench.pull(cut)
    bench.server.run(
        "insert into erp.items select 'A00', '', 1, max(updated_at) from erp.items",
        "update erp.items set name = '改' where updated_at = (select max(updated_at) from erp.items) and sku = 'A10'",
    )
    second = bench.pull(cut, first[-1].cursor)
    assert column(second, "sku") == ["A00", "A10"]
    assert bench.pull(cut, second[-1].cursor) == []


def test_fault_8_rows_without_a_time_until_their_first_change_come_once_and_again_when_changed(bench: Bench) -> None:
    bench.server.run("update erp.items set updated_at = null where sku <= 'A06'")
    first = bench.pull()
    assert column(first, "sku") == [f"A{number:02}" for number in range(1, 11)]
    assert bench.pull(cursor=first[-1].cursor) == []
    bench.server.run(
        "update erp.items set updated_at = timestamptz '2026-03-05 00:00Z' where sku = 'A02'",
        "insert into erp.items values ('A00', '新')",
        "update erp.items set name = '改' where sku = 'A03'",
    )
    second = bench.pull(cursor=first[-1].cursor)
    assert column(second, "sku") == ["A00", "A03", "A02"]
    assert bench.pull(cursor=second[-1].cursor) == []


def test_fault_8_rows_that_change_while_they_are_read_are_not_missed(bench: Bench) -> None:
    opened = pages(bench.workspace, bench.connection, CHANGES, None)
    first = next(opened)
    bench.server.run("update erp.items set updated_at = timestamptz '2026-03-09 00:00Z' where sku in ('A01', 'A09')")
    rest = list(opened)
    read = column([first, *rest], "sku")
    assert set(read) == {f"A{number:02}" for number in range(1, 11)}
    # One had been read before it changed and comes again; the other comes once, as it now is.
    assert (read.count("A01"), read.count("A09")) == (2, 1)


def test_fault_1_a_server_that_goes_away_in_the_middle_stops_and_the_next_pull_goes_on(bench: Bench) -> None:
    opened = pages(bench.workspace, bench.connection, CHANGES, None)
    first = next(opened)
    bench.server.kill()
    try:
        with pytest.raises(SourceError, match="after 4 attempts") as caught:
            list(opened)
    finally:
        bench.server.start()
    assert "cursor has not moved" in str(caught.value)
    rest = bench.pull(cursor=first.cursor)
    assert column([first, *rest], "sku") == [f"A{number:02}" for number in range(1, 11)]


def test_fault_1_a_server_that_comes_back_in_time_is_read_on_as_if_nothing_had_been(bench: Bench) -> None:
    patient = bench.connection.model_copy(update={"first_wait_seconds": 0.3, "attempts": 10})
    opened = pages(bench.workspace, patient, CHANGES, None)
    first = next(opened)
    bench.server.kill()
    again = threading.Timer(0.3, bench.server.start)
    again.start()
    try:
        rest = list(opened)
    finally:
        again.join()
    assert column([first, *rest], "sku") == [f"A{number:02}" for number in range(1, 11)]


def test_fault_2_a_server_that_takes_the_call_and_says_nothing_is_given_up(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        to = "url" if bench.connection.url else "odbc"
        target = getattr(bench.connection, to).replace(str(bench.server.port), port)
        started = time.monotonic()
        with pytest.raises(SourceError, match="after 2 attempts"):
            bench.pull(**{to: target}, timeout_seconds=2, attempts=2)
        assert time.monotonic() - started < 20


def landed(workspace: Workspace) -> pl.DataFrame:
    with Ledger(workspace.ledger) as ledger:
        return pl.concat(pl.read_parquet(workspace.root / path) for path in ledger.manifest()["path"].drop_nulls())


def run(
    workspace: Workspace, seconds: float = 60, at_each_page: Callable[[], None] = lambda: None, *, afresh: bool = False
) -> StreamResult:
    keys = load_keys(workspace)

    def prepared(stream: Any, page: Page) -> Prepared:
        at_each_page()
        return prepare(stream, page, keys)

    limits = Limits(load_rows=1, deadline_seconds=seconds)
    streams = [replace(stream, is_afresh=afresh) for stream in bind(workspace)]
    [result] = pull_all(workspace, streams, prepared, limits=limits)
    return result


def test_fault_2_a_server_that_never_answers_in_the_middle_is_left_and_a_second_run_repairs(
    server: Postgres, tmp_path: Path
) -> None:
    make_bench(server, tmp_path, "adbc")
    workspace = pulled(tmp_path, server)
    with dbapi.connect(server.uri) as other, other.cursor() as cursor:
        # From the first page on, whoever reads the table waits for ever.
        first = run(workspace, 1.5, lambda: cursor.executescript("lock table erp.items in access exclusive mode"))
        assert first.error is not None
        assert "not done within" in first.error
        assert 0 < first.landed < 10
    second = run(workspace)
    assert second.error is None
    assert first.landed + second.landed == 10
    assert landed(workspace)["sku"].sort().to_list() == [f"A{number:02}" for number in range(1, 11)]
    assert run(workspace).pulled == 0


def pulled(root: Path, server: Postgres, how: str = 'cursor = "updated_at"', fields: str = "") -> Workspace:
    """The workspace, anew from these settings."""
    told = SOURCE.replace("PORT", str(server.port)).replace('cursor = "updated_at"', how) + fields
    if not (root / SETTINGS_FILE).exists():
        workspace = make_workspace(root, SETTINGS + told)
        for folder in workspace.folders():
            folder.mkdir(parents=True, exist_ok=True)
        return workspace
    (root / SETTINGS_FILE).write_text(SETTINGS + told)
    return open_workspace(root)


def test_fault_25_a_field_that_no_row_of_a_first_pull_has_stops_it(server: Postgres, tmp_path: Path) -> None:
    make_bench(server, tmp_path, "adbc")
    workspace = pulled(tmp_path, server, fields='fields = { category = "groupname" }')
    first = run(workspace)
    assert "the mapping reads a field that is in none of the 1 rows: 'groupname'" in (first.error or "")
    assert (first.pulled, first.loads) == (0, ())
    server.run("alter table erp.items add groupname text")
    assert run(pulled(tmp_path, server, fields='fields = { category = "groupname" }')).landed == 10, "null is stated"


def test_fault_25_a_cursor_or_key_column_that_the_table_has_not_stops_with_those_it_has(
    server: Postgres, tmp_path: Path
) -> None:
    make_bench(server, tmp_path, "adbc")
    first = run(pulled(tmp_path, server, 'cursor = "update_at"'))
    assert "there is no column update_at; there are sku, name, list_price, updated_at" in (first.error or "")


@pytest.mark.parametrize("mended", ["its mapping", "the row"])
def test_fault_26_a_deletion_that_was_quarantined_lands_as_one_when_it_is_replayed(
    server: Postgres, tmp_path: Path, mended: str
) -> None:
    make_bench(server, tmp_path, "adbc")
    run(pulled(tmp_path, server, "snapshot = true"))
    server.run("delete from erp.items where sku = 'A04'")
    # A mapping that does not know this item's number.
    narrow = "fields = { sku = { field = \"sku\", pattern = '^(A0[0-35-9])$' } }"
    workspace = pulled(tmp_path, server, "snapshot = true", narrow)
    second = run(workspace)
    assert (second.pulled, second.landed, second.quarantined) == (1, 0, 1)
    [bad] = quarantine.rows(workspace).to_dicts()
    assert bad["op"] == "delete"
    if mended == "the row":
        fix(workspace, {Place(bad["load_id"], bad["row"]): {"sku": "A05"}}, "a tester")
    else:
        workspace = pulled(tmp_path, server, "snapshot = true")
    [replayed] = replay_open(workspace)
    assert (replayed.landed, replayed.left) == (1, 0)
    gone = "A05" if mended == "the row" else "A04"
    assert landed(workspace).filter(pl.col("_op") == "delete")["sku"].to_list() == [gone]
    assert landed(workspace).filter(pl.col("_op") == "upsert").height == 10


def test_fault_26_a_row_that_is_gone_from_a_whole_table_lands_as_a_deletion(server: Postgres, tmp_path: Path) -> None:
    make_bench(server, tmp_path, "adbc")
    workspace = pulled(tmp_path, server, "snapshot = true")
    assert run(workspace).landed == 10
    server.run("delete from erp.items where sku = 'A04'")
    second = run(workspace)
    assert (second.error, second.landed) == (None, 1)
    assert landed(workspace).filter(pl.col("_op") == "delete")["sku"].to_list() == ["A04"]
    assert run(workspace).loads == ()


@pytest.mark.parametrize("how", ['cursor = "updated_at"', "snapshot = true"], ids=["changes", "whole table"])
def test_a_table_that_is_read_afresh_comes_whole_and_what_is_gone_is_still_deleted(
    server: Postgres, tmp_path: Path, how: str
) -> None:
    make_bench(server, tmp_path, "adbc")
    workspace = pulled(tmp_path, server, how)
    assert run(workspace).landed == 10
    server.run("delete from erp.items where sku = 'A04'")
    again = run(workspace, afresh=True)
    assert again.error is None
    rows = landed(workspace)
    assert rows.filter(pl.col("_op") == "upsert").group_by("sku").len().sort("sku")["len"].to_list() == [
        1 if sku == "A04" else 2 for sku in sorted(set(rows["sku"]))
    ]
    if how == "snapshot = true":
        assert rows.filter(pl.col("_op") == "delete")["sku"].to_list() == ["A04"]
    assert run(workspace).loads == ()
    assert len(list((workspace.root / "state" / "reads").glob("*"))) <= 1
