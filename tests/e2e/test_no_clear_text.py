"""faults.md 37 and the promise of docs/privacy.md: after a whole run nobody stands in clear in any byte we wrote."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.e2e.conftest import run_demo, status, tillmill
from tests.e2e.scan import People, people_of, scan

# The demo's source systems, and the truth about its people: neither is ours.
SOURCES = ("run/world", "run/sftp", "truth", "panel")
# A control panel's file, with its operator's phone where the contract of its stream has no person.
PANEL = """
[[sources]]
name = "panel"
connector = "files"
[sources.connection]
url = "panel"
[[sources.streams]]
stream = "scada.events"
pull = { path = "*.csv", settle_seconds = 0 }
max_quarantined_rate = 1.0
"""
EVENTS = """device_id,event_id,kind,severity,started_at,updated_at,值班电话,remark
P1,1,alarm,low,2017-01-02 10:00,2017-01-02 10:05,{phone},
P1,2,alarm,low,2017-01-02 11:00,2017-01-02 11:05,,"told {email}, who came"
P1,3,alarm,low,at noon,2017-01-02 12:05,{phone},
"""
PLANTED = People(frozenset({"13812340001", "2125550123"}), frozenset({"lina@example.com"}), ("李娜", "Lina Wu"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nobody_stands_in_clear_after_a_run(small_world: Path, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(small_world, tmp_path / "workspace"))
    people = people_of(workspace / "truth")
    with (workspace / "tillmill.toml").open("a", encoding="utf-8") as settings:
        settings.write(PANEL)
    (workspace / "panel").mkdir()
    told = EVENTS.format(phone=min(people.phones), email=min(people.emails))
    (workspace / "panel" / "events.csv").write_text(told, encoding="utf-8")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    run_demo(workspace, environment={"TMPDIR": str(temporary)})
    # What an app does while people look, and a second run.
    assert tillmill("vault", "status", "--workspace", str(workspace)).returncode == 0
    run_demo(workspace, environment={"TMPDIR": str(temporary)})
    assert len(people.phones) > 100
    [panel] = (stream for stream in status(workspace)["streams"] if stream["source"] == "panel")
    assert (panel["landed"], panel["quarantined"], panel["people_fields"]) == (2, 1, ["remark", "值班电话"])
    assert scan(people, workspace, but=SOURCES) == {}
    assert scan(people, temporary) == {}
    # The people are there: in the sources, and behind the vault's key.
    assert scan(people, workspace / "run" / "world")
    with sqlite3.connect(workspace / "state" / "vault.sqlite") as vault:
        [entries] = vault.execute("select count(*) from entries").fetchone()
    vault.close()
    assert entries > len(people.phones) / 2


def plant_parquet(folder: Path, text: str) -> None:
    pl.DataFrame({"a": ["x"] * 1000 + [text]}).write_parquet(folder / "planted.parquet", compression="zstd")


def plant_sqlite(folder: Path, text: str) -> None:
    with sqlite3.connect(folder / "planted.sqlite") as connection:
        connection.execute("create table t (a)")
        connection.execute("insert into t values (?)", (text.encode(),))
    connection.close()


def plant_sqlite_log(folder: Path, text: str) -> None:
    # The process ends without folding the log into the file.
    if (child := os.fork()) == 0:
        connection = sqlite3.connect(folder / "planted.sqlite", isolation_level=None)
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table t (a)")
        connection.execute("pragma wal_checkpoint(truncate)")
        connection.execute("insert into t values (?)", (text,))
        os._exit(0)
    os.waitpid(child, 0)
    assert (folder / "planted.sqlite-wal").stat().st_size > 0
    assert text.encode() not in (folder / "planted.sqlite").read_bytes()


def plant_duckdb(folder: Path, text: str) -> None:
    with duckdb.connect(str(folder / "planted.duckdb")) as connection:
        connection.execute("create table t as select * from (values ('x'), (?)) as v (a)", [text])


def plant_log(folder: Path, text: str) -> None:
    (folder / "dbt.log").write_text(f"row ('{text}') is bad\n", encoding="utf-8")


def plant_wide(folder: Path, text: str) -> None:
    (folder / "export.csv").write_text(f"a,b\n1,{text}\n", encoding="utf-16")


def plant_far(folder: Path, text: str) -> None:
    (folder / "packed.bin").write_bytes(b"\xff\x00" * ((8 << 20) - 3) + text.encode() + b"\xff" * 99)


PLANTS = (plant_parquet, plant_sqlite, plant_sqlite_log, plant_duckdb, plant_log, plant_wide, plant_far)
TEXTS = {
    "+86 138-1234-0001": "13812340001",
    "(212) 555-0123": "2125550123",
    "to Lina@Example.com": "lina@example.com",
    "Lina Wu": "Lina Wu",
    "致李娜": "李娜",
}
# Two Chinese letters in UTF-16 are met by chance; three are looked for (below).
KINDS = [(plant, text) for plant in PLANTS for text in TEXTS if not (plant is plant_wide and text == "致李娜")]


@pytest.mark.parametrize(("plant", "text"), KINDS)
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_whoever_is_planted_in_any_kind_of_file_is_found(
    tmp_path: Path, plant: Callable[[Path, str], None], text: str
) -> None:
    plant(tmp_path, text)
    assert {one for found in scan(PLANTED, tmp_path).values() for one in found} == {TEXTS[text]}


def test_three_chinese_letters_in_utf_16_are_found(tmp_path: Path) -> None:
    plant_wide(tmp_path, "致李晓娜收")
    assert scan(People(frozenset(), frozenset(), ("李晓娜",)), tmp_path) == {"export.csv": {"李晓娜"}}


def test_figures_that_only_look_like_people_are_not_found(tmp_path: Path) -> None:
    plant_log(tmp_path, "1381234000 21255501234 lina@example.org Lina Wei 李楠")
    assert scan(PLANTED, tmp_path) == {}
