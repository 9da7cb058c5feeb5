"""faults.md 37, by the commands: a member asks, and after any kill the next run has forgotten them everywhere."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ingestion.privacy.tokens import load_keys, token
from tests.e2e.conftest import TILLMILL, published, status, tillmill
from tillmill.workspace import open_workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("FORGET_KILLS", "3"))


def member_of(workspace: Path) -> dict[str, str]:
    """A member with an e-mail who bought at the till and on the web, and so has records everywhere."""
    return members_of(workspace).row(0, named=True)


def members_of(workspace: Path) -> pl.DataFrame:
    """All such members, as the demo's truth knows them."""
    lines = pl.read_parquet(workspace / "run" / "world" / "pos.sale_lines.parquet")
    crowd = pl.read_parquet(workspace / "truth" / "households.parquet").filter("is_member")
    members = pl.read_parquet(workspace / "run" / "world" / "crm.members.parquet").filter(
        pl.col("mail").is_not_null(), pl.col("mobile").is_not_null()
    )
    orders = pl.concat(
        pl.read_parquet(workspace / "run" / "world" / f"{shop}.orders.parquet", columns=["member"])
        for shop in ("shop_a", "shop_b")
    )
    both = crowd.filter(
        pl.col("member_id").is_in(lines["LOYALTY_ID"].implode()),
        pl.col("member_id").is_in(members["member_no"].implode()),
        pl.col("member_id").is_in(orders["member"].implode()),
    )
    return both.sort("member_id")


def tokens_of(workspace: Path, member: dict[str, str]) -> list[str]:
    keys = load_keys(open_workspace(workspace))
    kinds = {"code": member["member_id"], "phone": member["phone"].lstrip("+"), "email": member["email"]}
    return [token(kind, value, keys.token, keys.later) for kind, value in kinds.items()]


def places_of(workspace: Path, tokens: list[str]) -> set[str]:
    """Landed files and published tables that have one of the tokens."""
    found: set[str] = set()
    for path in (workspace / "lake" / "landing").rglob("*.parquet"):
        columns = pl.read_parquet(path).select(pl.col("^.*_token$"))
        if any(column.is_in(tokens).any() for column in columns.iter_columns()):
            found.add(path.parent.parent.name)
    for path in (workspace / "published").glob("*.duckdb"):
        with duckdb.connect(str(path), read_only=True) as connection:
            for (table,) in connection.execute("select table_name from duckdb_tables()").fetchall():
                columns = connection.table(f'"{table}"').pl().select(pl.col("^.*_token$"))
                if any(column.is_in(tokens).any() for column in columns.iter_columns()):
                    found.add(f"{path.name}: {table}")
    return found


def sales_of(workspace: Path) -> list[tuple[object, ...]]:
    """Units and money by day and SKU, as published."""
    with duckdb.connect(str(published(workspace)), read_only=True) as connection:
        return connection.execute(
            """select sold_on, sku, sum(units), sum(net_sales_amount) from fct_sales_line
            where is_counted group by all order by all"""
        ).fetchall()


def check(workspace: Path, tokens: list[str], sales: list[tuple[object, ...]], version: Path) -> None:
    assert places_of(workspace, tokens) == set()
    assert sales_of(workspace) == sales
    assert not version.exists()
    assert [path.name for path in (workspace / "published").glob("*.duckdb")] == [published(workspace).name]
    [proof] = (workspace / "state" / "forgotten").iterdir()
    told = json.loads(proof.read_text())
    assert told["rows"]["landing/pos.sale_lines"] > 0
    assert told["rows"]["landing/crm.members"] > 0
    assert told["versions_removed"]
    assert not any(one in proof.read_text() for one in tokens)
    assert status(workspace)["is_accounted"]
    assert not list((workspace / "lake").rglob("*.spool"))


def test_a_member_is_forgotten_by_one_command_and_sales_stay(fresh_run: Path) -> None:
    member = member_of(fresh_run)
    tokens, sales, version = tokens_of(fresh_run, member), sales_of(fresh_run), published(fresh_run)
    assert {"crm.members", "pos.sale_lines", "ecommerce.orders"} <= places_of(fresh_run, tokens)
    asked = ["forget", "--workspace", str(fresh_run), "--email", member["email"]]
    told = tillmill(*asked, "--dry-run")
    assert told.returncode == 0, told.stderr
    assert "crm.members" in told.stdout
    assert published(fresh_run) == version
    done = tillmill(*asked, "--by", "privacy desk")
    assert done.returncode == 0, done.stdout + done.stderr
    check(fresh_run, tokens, sales, version)
    assert member["email"] not in done.stdout + done.stderr


def test_a_new_token_key_gives_the_same_customers(fresh_run: Path) -> None:
    tokens, sales = tokens_of(fresh_run, member_of(fresh_run)), sales_of(fresh_run)

    def customers() -> list[tuple[object, ...]]:
        with duckdb.connect(str(published(fresh_run)), read_only=True) as connection:
            return connection.execute(
                "select customer_id, frequency, monetary_amount from mart_customer_360 order by all"
            ).fetchall()

    before = customers()
    done = tillmill("rekey", "--workspace", str(fresh_run))
    assert done.returncode == 0, done.stdout + done.stderr
    assert places_of(fresh_run, tokens) == set()
    assert places_of(fresh_run, tokens_of(fresh_run, member_of(fresh_run)))
    assert customers() == before
    assert sales_of(fresh_run) == sales


def test_forgetting_that_is_killed_is_finished_by_the_next_run(small_run: Path, tmp_path: Path) -> None:
    moments = random.Random(os.environ.get("KILL_SEED"))
    member = member_of(small_run)
    tokens, sales = tokens_of(small_run, member), sales_of(small_run)
    for number in range(KILLS):
        workspace = Path(shutil.copytree(small_run, tmp_path / f"killed-{number}"))
        version = published(workspace)
        runner = subprocess.Popen(
            [*TILLMILL, "forget", "--workspace", str(workspace), "--member", member["member_id"]],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # Nothing is promised before the request is on the disk.
        vault = workspace / "state" / "vault.sqlite"
        while runner.poll() is None and not asked(vault):
            time.sleep(0.02)
        moment = moments.choice([moments.uniform(0, 1), moments.uniform(0, 20)])
        try:
            runner.wait(moment)
        except subprocess.TimeoutExpired:
            os.killpg(runner.pid, signal.SIGKILL)
            runner.wait()
        done = tillmill("run", "--workspace", str(workspace), "--only", "build")
        assert done.returncode == 0, done.stdout + done.stderr
        done = tillmill("run", "--workspace", str(workspace), "--only", "publish")
        assert done.returncode == 0, done.stdout + done.stderr
        check(workspace, tokens, sales, version)
        shutil.rmtree(workspace)


def asked(vault: Path) -> bool:
    import sqlite3

    connection = sqlite3.connect(f"file:{vault}?mode=ro", uri=True)
    try:
        return bool(connection.execute("select count(*) from requests").fetchone()[0])
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
