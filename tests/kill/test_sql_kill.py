"""`kill -9` at random moments of a pull from PostgreSQL, by changes and as a whole table, then a clean pull."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing.ledger import Ledger
from ingestion.privacy.tokens import create_keys
from tests.ingestion.connectors.fixtures import SETTINGS, make_workspace, write_secret
from tests.ingestion.connectors.postgres import PASSWORD, Postgres, running_postgres
from tests.kill.ingest_once import pull
from tests.kill.process import left_behind
from tests.kill.shares import share
from tillmill.workspace import Workspace, open_workspace

ROWS = 2_000
HOW = {"sql changes": 'cursor = "updated_at"', "sql whole table": "snapshot = true"}
SOURCE = """
[[sources]]
name = "erp"
connector = "sql"
connection = {{ url = "postgresql://mill@127.0.0.1:{port}/postgres", password = "file:password", tls = "disable" }}
[[sources.streams]]
stream = "erp.items"
pull = {{ table = "items", key = "sku", page_rows = 50, {how} }}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with running_postgres() as started:
        started.run(
            "create table items (sku text primary key, name text, updated_at timestamptz)",
            "insert into items select n::text, '商品', timestamptz '2026-03-01Z' + n / 7 * interval '1 minute' "
            f"from generate_series(1, {ROWS}) n",
            "update items set updated_at = null where sku < '2'",
        )
        yield started


def make(root: Path, server: Postgres, how: str) -> Workspace:
    workspace = make_workspace(root, SETTINGS + SOURCE.format(port=server.port, how=how))
    write_secret(root / "password", PASSWORD)
    for folder in workspace.folders():
        folder.mkdir(parents=True, exist_ok=True)
    create_keys(workspace)
    return workspace


@pytest.mark.slow
@pytest.mark.timeout(300 + 30 * share("sql changes"))
@pytest.mark.parametrize(("name", "how"), HOW.items(), ids=HOW)
def test_a_pull_killed_at_random_moments_loses_nothing_and_doubles_nothing(
    tmp_path: Path, server: Postgres, name: str, how: str
) -> None:
    for left in left_behind("ingest_once", lambda name: [make(tmp_path / name, server, how).root], share(name)):
        workspace = open_workspace(left)
        [result] = pull(workspace)
        assert result.error is None
        with Ledger(workspace.ledger) as ledger:
            rows = pl.concat(pl.read_parquet(workspace.root / path) for path in ledger.manifest()["path"])
        assert rows.height == rows["sku"].n_unique() == ROWS
        assert pull(workspace)[0].loads == ()
