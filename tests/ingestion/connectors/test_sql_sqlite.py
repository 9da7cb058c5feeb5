from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ingestion.connectors.page import Page
from ingestion.connectors.sql import Connection, Pull, pages
from ingestion.privacy.tokens import create_keys
from tests.ingestion.connectors.fixtures import make_workspace
from tests.ingestion.connectors.odbcdrivers import SQLITE, needs_odbc
from tillmill.errors import SourceError

pytestmark = needs_odbc


class Till:
    """A till's SQLite file and how the workspace reaches it."""

    def __init__(self, root: Path) -> None:
        self.file = root / "till.db"
        self.workspace = make_workspace(root)
        create_keys(self.workspace)
        self.connection = Connection(
            odbc=f"Driver={SQLITE};Database={self.file}", dialect="sqlite", first_wait_seconds=0
        )

    def run(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.file)) as connection, connection:
            connection.execute(statement, values)

    def pull(self, pull: Pull, cursor: dict[str, Any] | None = None) -> list[Page]:
        return list(pages(self.workspace, self.connection, pull, cursor))


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till(tmp_path)


def test_every_value_comes_as_what_it_is_whatever_its_column_was_declared_to_be(till: Till) -> None:
    till.run("create table t (id integer primary key, price real, note varchar(10), n integer, raw blob, anything)")
    long = "龙" * 60_000
    rows: list[tuple[object, ...]] = [
        (1, 5.98, "北京" * 200, "no number", b"\x00\xff", 9_223_372_036_854_775_807),
        (2, 0.1 + 0.2, long, 7, None, 1.5),
        (3, 1e300, "", -1, b"", "012"),
    ]
    for row in rows:
        till.run("insert into t values (?, ?, ?, ?, ?, ?)", *row)
    [page] = till.pull(Pull(table="t", key=["id"]))
    assert page.records.rows() == [
        ("1", "5.98", "北京" * 200, "no number", "00FF", "9223372036854775807"),
        ("2", "0.30000000000000004", long, "7", None, "1.5"),
        ("3", "1.0e+300", "", "-1", "", "012"),
    ]


def test_a_text_longer_than_may_be_read_stops_rather_than_lose_its_end(till: Till) -> None:
    till.run("create table t (id integer primary key, note text)")
    till.run("insert into t values (1, ?)", "x" * 2_000_000)
    with pytest.raises(SourceError, match="too large"):
        till.pull(Pull(table="t", key=["id"]))


@pytest.mark.parametrize("written", ["2026-03-01 08:0{}:00", "2026-03-01T08:0{}:00Z", "2026-03-01T08:0{}:00.250Z"])
def test_times_kept_as_text_are_asked_for_as_they_are_written(till: Till, written: str) -> None:
    till.run("create table t (id text primary key, at text)")
    for minute in range(10):
        till.run("insert into t values (?, ?)", f"r{minute}", written.format(minute))
    changes = Pull(table="t", key=["id"], cursor=["at"], lag=120, page_rows=4)
    first = till.pull(changes)
    assert [value for page in first for value in page.records["id"]] == [f"r{minute}" for minute in range(10)]
    assert len(first[-1].cursor["seen"]) == 3
    till.run("insert into t values ('late', ?)", written.format(7))
    till.run("insert into t values ('too late', ?)", written.format(6))
    second = till.pull(changes, first[-1].cursor)
    assert [page.records["id"].to_list() for page in second] == [["late"]]
    assert till.pull(changes, second[-1].cursor) == []


def test_a_whole_table_is_compared_with_its_last_reading(till: Till) -> None:
    till.run("create table 商品 (编号 text primary key, 名称 text)")
    for number in range(5):
        till.run("insert into 商品 values (?, ?)", f"0{number}", "茶")
    whole = Pull(table="商品", key=["编号"], snapshot=True, page_rows=2)
    first = till.pull(whole)
    till.run("update 商品 set 名称 = '咖啡' where 编号 = '03'")
    till.run("delete from 商品 where 编号 = '01'")
    second = till.pull(whole, first[-1].cursor)
    assert [row for page in second for row in page.records.rows()] == [("03", "咖啡"), ("01", None, "delete")]


def test_the_file_is_never_written_nor_made(till: Till) -> None:
    with pytest.raises(SourceError):
        till.pull(Pull(table="t", key=["id"]))
    assert not till.file.exists()
    till.run("create table t (id integer primary key)")
    till.run("insert into t values (1)")
    before = till.file.read_bytes()
    assert till.pull(Pull(table="t", key=["id"]))[0].records["id"].to_list() == ["1"]
    assert till.file.read_bytes() == before
