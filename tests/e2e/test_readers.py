"""Whoever reads while the pipeline works sees whole versions only, and never an error."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.e2e.conftest import TILLMILL, tillmill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def read_once(workspace: Path) -> tuple[str, int, float, float]:
    """What the apps do: follow the pointer, open read-only and locked, ask two tables that must agree."""
    pointer = json.loads((workspace / "published" / "current.json").read_text())
    config = {"enable_external_access": "false", "lock_configuration": "true"}
    with duckdb.connect(str(workspace / "published" / pointer["file"]), read_only=True, config=config) as connection:
        lines, net = connection.execute(
            "select count(*), sum(net_sales_amount)::double from fct_sales_line where is_counted"
        ).fetchall()[0]
        daily = connection.execute("select sum(net_sales_amount)::double from mart_channel_daily").fetchall()[0][0]
    return pointer["file"], lines, net, daily


def test_a_reader_beside_three_runs_never_fails_nor_sees_half_a_version(fresh_run: Path) -> None:
    seen: dict[str, set[tuple[int, float]]] = {}
    reads = 0
    for _ in range(3):
        assert tillmill("demo", "advance", "1", "--workspace", str(fresh_run)).returncode == 0
        runner = subprocess.Popen(
            [
                *TILLMILL,
                "demo",
                "run",
                "--workspace",
                str(fresh_run),
                "--",
                *TILLMILL,
                "run",
                "--workspace",
                str(fresh_run),
            ],
            stdout=subprocess.DEVNULL,
        )
        while runner.poll() is None:
            file, lines, net, daily = read_once(fresh_run)
            assert net == pytest.approx(daily, abs=0.001)
            seen.setdefault(file, set()).add((lines, round(net, 4)))
            reads += 1
        assert runner.returncode == 0
        file, lines, net, _daily = read_once(fresh_run)
        seen.setdefault(file, set()).add((lines, round(net, 4)))
    assert reads > 20
    assert len(seen) == 4, "each run published one version"
    assert all(len(answers) == 1 for answers in seen.values()), "a version always gives the same answer"
