"""A workspace of an older Tillmill keeps every load and cursor when its ledger is brought up to date."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from ingestion.landing import migrations
from ingestion.landing.ledger import Cursor, Ledger
from ingestion.landing.sqlitefile import version_of
from tillmill.errors import TillmillError

LOADS = """
insert into loads (load_id, load_seq, source, stream, state, visible_seq, file, bytes, sha256, pulled, landed,
    quarantined, quarantine_file, quarantine_sha256, extra_fields, watermark_at, started_at, ended_at, run_id,
    candidate, cursor_before, cursor_revision)
values
    ('one', 1, 'till', 'pos.sale_lines', 'visible', 1, 'lake/landing/one.parquet', 10, 'aa', 5, 3,
     2, 'lake/quarantine/one.parquet', 'bb', '["colour"]', '2026-03-01T00:00:00.000000+00:00',
     '2026-03-02T00:00:00.000000+00:00', '2026-03-02T00:01:00.000000+00:00', null, null, null, 1),
    ('two', 2, 'till', 'pos.sale_lines', 'recorded', null, 'lake/landing/two.parquet', 10, 'cc', 3, 3,
     0, null, null, '[]', null, '2026-03-03T00:00:00.000000+00:00', null, null, null, '{"file": "a"}', 2);
insert into cursors values ('till', 'pos.sale_lines', '{"file": "b"}', 2);
insert into versions (candidate, file, sha256, state, published_at)
values ('c1', 'v1.duckdb', 'dd', 'current', '2026-03-02T00:02:00.000000+00:00');
insert into pin values (1, 1, '2026-03-02T00:03:00.000000+00:00');
update counters set value = 7 where name = 'load_seq';
"""


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A ledger as version 1 left it."""
    path = tmp_path / "state" / "ledger.sqlite"
    path.parent.mkdir()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.executescript(f"begin; {migrations.MIGRATIONS[0]} {LOADS} pragma user_version = 1; commit;")
    connection.close()
    return path


def test_a_ledger_of_version_1_keeps_loads_cursors_versions_and_counters(first: Path) -> None:
    with Ledger(first) as ledger:
        one, two = ledger.loads()
        assert (one.load_id, one.state, one.visible_seq, one.pulled, one.landed, one.quarantined) == (
            "one", "visible", 1, 5, 3, 2,
        )  # fmt: skip
        assert one.extra_fields == ("colour",)
        assert ledger.cursor("till", "pos.sale_lines") == Cursor({"file": "b"}, 2)
        assert ledger.reserve_load_seq() == 8
        assert ledger.pinned() == 1
        ledger.undo(two.load_id)
        assert ledger.cursor("till", "pos.sale_lines") == Cursor({"file": "a"}, 3)


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (*migrations.MIGRATIONS, "drop table counters; insert into nowhere values (1);")
    monkeypatch.setattr(Ledger, "migrations", steps)
    with pytest.raises(TillmillError, match="no such table: nowhere"):
        Ledger(first)
    connection = sqlite3.connect(first)
    assert version_of(connection) == 1
    assert connection.execute("select count(*) from loads").fetchone() == (2,)
    assert connection.execute("select value from counters where name = 'load_seq'").fetchone() == (7,)
    connection.close()


def test_many_that_open_an_old_ledger_at_once_migrate_it_once(first: Path) -> None:
    seen: list[int] = []

    def open_it() -> None:
        with Ledger(first) as ledger:
            seen.append(len(ledger.loads()))

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [2] * 8


def test_a_new_ledger_and_a_migrated_one_have_the_same_tables(first: Path, tmp_path: Path) -> None:
    new = tmp_path / "new" / "state" / "ledger.sqlite"
    shapes = []
    for path in (first, new):
        with Ledger(path):
            pass
        connection = sqlite3.connect(path)
        shapes.append(connection.execute("select type, name, sql from sqlite_schema order by name").fetchall())
        connection.close()
    assert shapes[0] == shapes[1]
