"""The ERP's PostgreSQL: what it withholds, from whom, and when it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from adbc_driver_postgresql import dbapi
from polars.testing import assert_frame_equal

from demo import days, world
from demo.cli import systems
from demo.systems import erp, keeper
from tests.demo.conftest import addresses, advance, secrets_of

NUMBER = pl.Decimal(38, 6)


def connect(root: Path, password: str | None = None, user: str = erp.USER) -> dbapi.Connection:
    """The ERP as a reader reaches it."""
    told = password or secrets_of(root)["erp"]["password"]
    url = str(addresses(root)["erp"]["url"]).replace(f"{erp.USER}@", f"{user}:{quote(told)}@")
    return dbapi.connect(f"{url}?sslmode=disable", autocommit=True)


def ask(root: Path, query: str) -> pl.DataFrame:
    with connect(root) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        rows = pl.DataFrame(cursor.fetch_arrow())
    # The driver tells numbers as text of a type of its own, so that no digit is lost.
    numbers = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.BaseExtension)]
    return rows.with_columns(pl.col(numbers).ext.storage().cast(NUMBER))


def eventually(what: Callable[[], Any], wrong: str) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline, wrong
        time.sleep(0.02)


@pytest.mark.parametrize("name", erp.TABLES)
def test_a_reader_sees_every_version_that_is_known_at_the_clock_and_no_later_one(running: Path, name: str) -> None:
    rows = world.table(running, f"erp.{name}").collect()
    known = rows.filter(pl.col("known_at") <= days.CLOCK_AT_START)
    shown = ask(running, f"select * from erp.{name}")
    kept = known.rename({"known_at": "stated_at"}) if name == "controls" else known.drop("known_at")
    numbers = [column for column, dtype in shown.schema.items() if dtype == NUMBER]
    assert shown.height > 0
    assert_frame_equal(
        shown, kept.with_columns(pl.col(numbers).cast(NUMBER)), check_column_order=False, check_row_order=False
    )


def test_what_was_withheld_appears_when_the_clock_has_moved(moving: Path) -> None:
    orders = world.table(moving, "erp.production_orders").collect()
    later = days.CLOCK_AT_START + timedelta(days=7)
    last = "select max(changed_at) as at, count(*) as n from erp.production_orders"
    before = ask(moving, last)
    advance(moving, 7)
    eventually(lambda: ask(moving, last)["n"].item() > before["n"].item(), "the clock moved and nothing appeared")
    after = ask(moving, last)
    assert after["n"].item() == orders.filter(pl.col("known_at") <= later).height < orders.height
    assert before["at"].item() <= days.CLOCK_AT_START < after["at"].item() <= later


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("insert into erp.items (material) values ('X')", "permission denied for view items"),
        ("update erp.production_orders set qty = 0", "permission denied for view production_orders"),
        ("delete from erp.controls", "permission denied for view controls"),
        ("select * from kept.production_orders", "permission denied for schema kept"),
        ("update kept.clock set at = 'infinity'", "permission denied for schema kept"),
        ("create table erp.mine (a text)", "permission denied for schema erp"),
        ("create table public.mine (a text)", "permission denied for schema public"),
        ("select pg_read_file('PG_VERSION')", "permission denied for function pg_read_file"),
        ("copy erp.items to program 'cat'", "permission denied to COPY to or from an external program"),
    ],
)
def test_a_reader_can_write_nothing_and_enter_nothing_but_the_views(running: Path, words: str, answer: str) -> None:
    with pytest.raises(dbapi.ProgrammingError, match=answer):
        ask(running, words)


def test_a_readers_own_function_is_shown_no_row_before_the_clock_has_held_it_back(running: Path) -> None:
    orders = world.table(running, "erp.production_orders").collect()
    with connect(running) as connection, connection.cursor() as cursor:
        # The cheapest condition is asked first, unless the view is a barrier.
        cursor.executescript(
            "create function pg_temp.tell(at timestamptz) returns boolean language plpgsql cost 0.000001 as "
            "$$ begin if at > '2017-12-04T04:01:20Z' then raise exception 'told %', at; end if; return true; end $$"
        )
        cursor.execute("select count(*) from erp.production_orders where pg_temp.tell(changed_at)")
        assert cursor.fetchall() == [(orders.filter(pl.col("known_at") <= days.CLOCK_AT_START).height,)]


def test_nobody_reads_without_the_password(running: Path) -> None:
    for user, password in (
        (erp.USER, "guess"),
        ("postgres", "guess"),
        ("postgres", secrets_of(running)["erp"]["password"]),
    ):
        with pytest.raises(dbapi.Error, match="password authentication failed"):
            connect(running, password, user)


def test_a_server_outlives_neither_a_killed_nor_an_ended_parent(workspace: Path) -> None:
    for is_killed in (True, False):
        with systems(workspace) as child:
            port = int(addresses(workspace)["erp"]["url"].rpartition(":")[2].partition("/")[0])
            folder, server = found(port)
            assert _is_alive(server)
            if is_killed:
                child.send_signal(signal.SIGKILL)
                child.wait()
        eventually(lambda server=server: not _is_alive(server), "PostgreSQL outlived the systems' process")
        eventually(lambda folder=folder: not folder.exists(), "PostgreSQL left its folder behind")


def found(port: int) -> tuple[Path, int]:
    """The folder and process of the server at a port, as its own files tell."""
    for status in Path(tempfile.gettempdir()).glob("tillmill-erp-*/data/postmaster.pid"):
        # Another test's server may be ending just now.
        with contextlib.suppress(FileNotFoundError):
            lines = status.read_text().splitlines()
            if lines[3] == str(port):
                return status.parent.parent, int(lines[0])
    raise AssertionError(f"no server at port {port}")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def test_programs_where_only_root_may_go_are_copied_with_their_libraries(tmp_path: Path) -> None:
    package = tmp_path / "site" / "some_postgres"
    programs = package / "pginstall18" / "bin"
    programs.mkdir(parents=True)
    (programs / "postgres").touch(mode=0o755)
    (package.parent / "some_postgres.libs").mkdir()
    (package.parent / "some_postgres.libs" / "libssl.so").touch()
    (tmp_path / "site").chmod(stat.S_IRWXU)
    copied = keeper._enterable(programs, tmp_path / "folder")
    assert copied.is_relative_to(tmp_path / "folder")
    assert (copied / "postgres").stat().st_mode & 0o111 == 0o111
    assert (copied / ".." / ".." / ".." / "some_postgres.libs" / "libssl.so").exists()
