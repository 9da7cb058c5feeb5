"""Databases: 29 (a pull of many rows in bounded memory)."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.connectors.sql import Pull, pages
from ingestion.privacy.tokens import create_keys
from tests.ingestion.connectors.fixtures import make_workspace, write_secret
from tests.ingestion.connectors.odbcdrivers import needs_odbc
from tests.ingestion.connectors.postgres import PASSWORD, Postgres, running_postgres

FEW, MANY = 50_000, 300_000
MORE_BYTES = 48 << 20


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with running_postgres() as started:
        started.run(
            "create table many (id bigint primary key, at timestamptz, name text, price numeric)",
            "insert into many select n, timestamptz '2026-03-01Z' + n * interval '1 s', '商品名称 ' || n, n * 0.01 "
            f"from generate_series(1, {MANY}) n",
            "create index on many (at, id)",
            "analyze many",
        )
        yield started


def main(port: str, way: str, kind: str, root: str) -> None:
    """Pulls everything and says how many rows came, and by how many bytes the peak grew since the first FEW."""
    workspace = make_workspace(Path(root))
    create_keys(workspace)
    password = write_secret(Path(root) / "password", PASSWORD)
    connection = Postgres(Path(), Path(), int(port)).connection(way, password)
    how = {"cursor": ["at"]} if kind == "changes" else {"snapshot": True}
    pull = Pull.model_validate({"table": "many", "key": "id", "page_rows": 10_000} | how)
    rows, peak = 0, 0
    for page in pages(workspace, connection, pull, None):
        rows += page.records.height
        if rows == FEW:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["changes", "snapshot"])
@pytest.mark.parametrize("way", ["adbc", pytest.param("odbc", marks=needs_odbc)])
def test_fault_29_six_times_the_rows_take_no_more_memory(server: Postgres, tmp_path: Path, way: str, kind: str) -> None:
    command = [sys.executable, "-m", "tests.faults.test_sql_memory", str(server.port), way, kind, str(tmp_path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    rows, grown = (int(word) for word in told.stdout.split())
    assert rows == MANY
    assert grown < MORE_BYTES, f"{grown:,} bytes more"


if __name__ == "__main__":
    main(*sys.argv[1:])
