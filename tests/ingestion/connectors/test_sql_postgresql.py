from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.connectors.page import OP
from ingestion.connectors.sql import Pull, pages
from ingestion.privacy import keyfiles
from tests.ingestion.connectors.fixtures import write_secret
from tests.ingestion.connectors.odbcdrivers import needs_odbc
from tests.ingestion.connectors.postgres import PASSWORD, Postgres, running_postgres
from tests.ingestion.connectors.sqlbench import CHANGES, Bench, column, make_bench
from tillmill.errors import SourceError


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with running_postgres() as started:
        yield started


@pytest.fixture(params=["adbc", pytest.param("odbc", marks=needs_odbc)])
def bench(server: Postgres, tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    return make_bench(server, tmp_path, request.param)


ALL = [f"A{number:02}" for number in range(1, 11)]


def test_every_row_comes_once_in_pages_by_key_and_a_second_pull_brings_nothing(bench: Bench) -> None:
    found = bench.pull()
    assert [page.records.height for page in found] == [3, 3, 3, 1]
    assert column(found, "sku") == ALL
    assert column(found, "name")[9] == "商品 10"
    assert bench.pull(cursor=found[-1].cursor) == []


@pytest.mark.parametrize("pull", [CHANGES, CHANGES.model_copy(update={"cursor": [], "snapshot": True})])
def test_a_pull_cut_short_after_any_page_goes_on_with_the_next_row(bench: Bench, pull: Pull) -> None:
    for number in range(3):
        opened = pages(bench.workspace, bench.connection, pull, None)
        cut = [next(opened) for _ in range(number + 1)]
        opened.close()  # type: ignore[attr-defined]
        rest = bench.pull(pull, cut[-1].cursor)
        assert column(cut, "sku") + column(rest, "sku") == ALL
        assert bench.pull(pull, rest[-1].cursor) == []


def test_a_pull_cut_short_leaves_no_key_in_clear(bench: Bench) -> None:
    for pull in (CHANGES, Pull(table="erp.items", key=["sku"], page_rows=3)):
        opened = pages(bench.workspace, bench.connection, pull, None)
        assert "A03" not in json.dumps(next(opened).cursor)
        opened.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("pull", [CHANGES, CHANGES.model_copy(update={"cursor": [], "snapshot": True})])
def test_a_pull_cut_short_whose_place_no_key_opens_starts_over_and_misses_nothing(bench: Bench, pull: Pull) -> None:
    opened = pages(bench.workspace, bench.connection, pull, None)
    cut = [next(opened), next(opened)]
    opened.close()  # type: ignore[attr-defined]
    keyfiles.replace(bench.workspace.keys / "sealing.key", [keyfiles.new_key()])
    rest = bench.pull(pull, cut[-1].cursor)
    assert set(column(rest, "sku")) | set(column(cut, "sku")) == set(ALL)
    assert bench.pull(pull, rest[-1].cursor) == []


def test_a_table_that_was_emptied_is_no_news(bench: Bench) -> None:
    cursor = bench.pull()[-1].cursor
    bench.server.run("delete from erp.items")
    assert bench.pull(cursor=cursor) == []


def test_only_what_changed_comes_and_each_change_once(bench: Bench) -> None:
    cursor = bench.pull()[-1].cursor
    bench.server.run("update erp.items set name = '新', updated_at = timestamptz '2026-03-02 00:00Z' where sku = 'A03'")
    second = bench.pull(cursor=cursor)
    assert column(second, "sku") == ["A03"]
    assert second[-1].cursor["since"].startswith("2026-03-02 00:00:00")
    assert bench.pull(cursor=second[-1].cursor) == []


def test_a_late_row_within_the_overlap_is_found_and_one_beyond_it_is_not(bench: Bench) -> None:
    cursor = bench.pull()[-1].cursor
    bench.server.run(
        "insert into erp.items values ('L1', '', 1, timestamptz '2026-03-01 00:00:30Z'), "
        "('L2', '', 1, timestamptz '2026-02-28 00:00Z')"
    )
    assert column(bench.pull(cursor=cursor), "sku") == ["L1"]
    assert bench.pull(CHANGES.model_copy(update={"lag": 0}), cursor) == []


def test_a_time_from_the_future_does_not_blind_the_stream_and_comes_once(bench: Bench) -> None:
    bench.server.run("update erp.items set updated_at = timestamptz '2999-01-01 00:00Z' where sku = 'A05'")
    first = bench.pull()
    assert sorted(column(first, "sku")) == ALL
    assert first[-1].cursor["since"].startswith("2026-03-01")
    assert bench.pull(cursor=first[-1].cursor) == []
    bench.server.run("insert into erp.items values ('N1', '', 1, timestamptz '2026-03-03 00:00Z')")
    assert column(bench.pull(cursor=first[-1].cursor), "sku") == ["N1"]


def test_of_several_cursor_columns_the_first_that_is_not_null_counts(bench: Bench) -> None:
    bench.server.run("update erp.items set updated_at = null, created_at = timestamptz '2026-02-01 00:00Z'")
    both = CHANGES.model_copy(update={"cursor": ["updated_at", "created_at"]})
    first = bench.pull(both)
    assert column(first, "sku") == ALL
    assert "full" not in first[-1].cursor
    assert bench.pull(both, first[-1].cursor) == []
    bench.server.run("update erp.items set updated_at = timestamptz '2026-03-01 00:00Z' where sku = 'A07'")
    assert column(bench.pull(both, first[-1].cursor), "sku") == ["A07"]


def test_a_number_as_cursor_counts_its_overlap_in_units(bench: Bench) -> None:
    numbered = Pull(
        query="select sku, substr(sku, 2)::bigint + 9007199254740990 as version from erp.items;",
        key=["sku"],
        cursor=["version"],
        lag=2,
    )
    first = bench.pull(numbered)
    assert first[-1].cursor["since"] == "9007199254741000"
    assert len(first[-1].cursor["seen"]) == 3
    bench.server.run(
        "delete from erp.items where sku = 'A09'", "insert into erp.items values ('B09'), ('B06'), ('B11')"
    )
    assert column(bench.pull(numbered, first[-1].cursor), "sku") == ["B09", "B11"]


def test_keys_of_several_columns_and_names_and_values_full_of_quotes(bench: Bench) -> None:
    bench.server.run(
        'drop table if exists erp."odd ""表"',
        'create table erp."odd ""表" ("Order Nr" varchar(40), "行" int, "it\'s" char(3))',
        """insert into erp."odd ""表" select name, line, 'x'
        from unnest(array['O''Neil', '"; drop table erp.items --', '订单']) name, generate_series(1, 2) line""",
    )
    odd = Pull(table='erp.odd "表', key=["Order Nr", "行"], page_rows=1, snapshot=True)
    found = bench.pull(odd)
    assert [page.records.rows()[0] for page in found] == [
        ('"; drop table erp.items --', "1", "x"),
        ('"; drop table erp.items --', "2", "x"),
        ("O'Neil", "1", "x"),
        ("O'Neil", "2", "x"),
        ("订单", "1", "x"),
        ("订单", "2", "x"),
    ]
    assert bench.server.value("select count(*) from erp.items") == 10


def test_a_whole_table_brings_what_differs_from_the_last_reading_and_what_is_gone(bench: Bench) -> None:
    whole = Pull(table="erp.items", columns=["sku", "name"], key=["sku"], snapshot=True, page_rows=4)
    first = bench.pull(whole)
    assert column(first, "sku") == ALL
    assert bench.pull(whole, first[-1].cursor) == []
    bench.server.run(
        "update erp.items set name = '改' where sku = 'A02'",
        "delete from erp.items where sku = 'A10'",
        "insert into erp.items values ('A11', '新')",
    )
    second = bench.pull(whole, first[-1].cursor)
    changed = [page for page in second if OP not in page.records.columns]
    [gone] = [page for page in second if OP in page.records.columns]
    assert [row for page in changed for row in page.records.rows()] == [("A02", "改"), ("A11", "新")]
    assert gone.records.rows(named=True) == [{"sku": "A10", "name": None, OP: "delete"}]
    assert bench.pull(whole, second[-1].cursor) == []
    kept = b"".join(path.read_bytes() for path in (bench.workspace.ledger.parent / "reads").iterdir())
    assert b"A10" not in kept
    assert "改".encode() not in kept


def test_without_snapshot_a_row_that_is_gone_is_left_alone(bench: Bench) -> None:
    whole = Pull(table="erp.items", key=["sku"])
    cursor = bench.pull(whole)[-1].cursor
    bench.server.run("delete from erp.items where sku = 'A10'")
    assert bench.pull(whole, cursor) == []


def test_a_table_that_is_suddenly_empty_stops_and_deletes_nothing(bench: Bench) -> None:
    whole = Pull(table="erp.items", key=["sku"], snapshot=True)
    cursor = bench.pull(whole)[-1].cursor
    bench.server.run("create table erp.kept as select * from erp.items", "delete from erp.items")
    for _ in range(2):
        with pytest.raises(SourceError, match="10 of 10 rows are gone") as caught:
            bench.pull(whole, cursor)
        assert "most_vanished" in str(caught.value)
    bench.server.run("insert into erp.items select * from erp.kept", "drop table erp.kept")
    assert bench.pull(whole, cursor) == []


def test_the_memory_of_a_full_read_that_is_lost_brings_every_row_again_and_no_tombstone(bench: Bench) -> None:
    whole = Pull(table="erp.items", key=["sku"], snapshot=True)
    cursor = bench.pull(whole)[-1].cursor
    for path in (bench.workspace.ledger.parent / "reads").iterdir():
        path.unlink()
    bench.server.run("delete from erp.items where sku = 'A10'")
    assert column(bench.pull(whole, cursor), "sku") == ALL[:-1]


def test_files_of_full_reads_that_nothing_needs_any_more_are_removed(bench: Bench) -> None:
    whole = Pull(table="erp.items", key=["sku"], snapshot=True)
    cursor = bench.pull(whole)[-1].cursor
    for number in range(3):
        bench.server.run(f"update erp.items set name = '{number}' where sku = 'A01'")
        cursor = bench.pull(whole, cursor)[-1].cursor
        bench.pull(whole, cursor)
    assert [path.name for path in (bench.workspace.ledger.parent / "reads").iterdir()] == [cursor["full"]["file"]]


def test_two_streams_of_one_table_keep_their_readings_apart(bench: Bench) -> None:
    whole = Pull(table="erp.items", key=["sku"], snapshot=True)
    one, other = bench.pull(whole)[-1].cursor, bench.pull(whole)[-1].cursor
    bench.server.run("delete from erp.items where sku = 'A10'")
    assert [column(bench.pull(whole, cursor), "sku") for cursor in (one, other)] == [["A10"], ["A10"]]


def test_the_session_can_read_and_not_write(bench: Bench) -> None:
    bench.server.run("create sequence if not exists erp.numbers")
    with pytest.raises(SourceError, match="read-only transaction"):
        bench.pull(Pull(query="select nextval('erp.numbers') as n, 1 as k", key=["k"]))


def test_a_statement_that_takes_too_long_stops(bench: Bench) -> None:
    with pytest.raises(SourceError, match="timeout"):
        bench.pull(Pull(query="select pg_sleep(20)::text as s, 1 as k", key=["k"]), statement_seconds=1)


@pytest.mark.parametrize(
    ("change", "pull", "message"),
    [
        ("", Pull(table="erp.nothing", key=["sku"]), "erp.nothing.*does not exist"),
        ("", Pull(table="erp.items", columns=["sku", "colour"], key=["sku"]), "no column colour; there are sku, name"),
        ("", Pull(table="erp.items", key=["updated_at"]), "two rows share one key"),
        (
            "update erp.items set name = null where sku = 'A02'",
            Pull(table="erp.items", key=["name"]),
            "1 rows have no name",
        ),
        ("", Pull(query="select *, array[1] as many from erp.items", key=["many"]), "many cannot be a key"),
    ],
)
def test_what_cannot_be_read_whole_stops_with_the_reason(bench: Bench, change: str, pull: Pull, message: str) -> None:
    if change:
        bench.server.run(change)
    with pytest.raises(SourceError, match=message) as caught:
        bench.pull(pull)
    assert f"127.0.0.1:{bench.server.port}/postgres" in str(caught.value) or "127.0.0.1/postgres" in str(caught.value)


def test_a_wrong_password_and_a_server_without_tls_stop_and_no_message_holds_the_password(
    bench: Bench, tmp_path: Path
) -> None:
    wrong = write_secret(tmp_path / "wrong", "not-the-passwörd;}x")
    with pytest.raises(SourceError, match="password authentication failed") as caught:
        bench.pull(password=wrong)
    assert "not-the-passw" not in str(caught.value)
    demanded = {"tls": "require"} if bench.connection.url else {"odbc": bench.connection.odbc + ";SSLmode=require"}
    with pytest.raises(SourceError, match="SSL was required") as caught:
        bench.pull(attempts=1, **demanded)
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(bench.connection)
