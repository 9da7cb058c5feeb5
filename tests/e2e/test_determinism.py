"""The same input gives the same tables: in another time zone, and after a full refresh."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from ingestion.landing.ledger import ZERO_ROWS, Ledger
from tests.e2e.compare import differences
from tests.e2e.conftest import published, run_demo, status, tillmill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# A run afresh lands what it learns once more, and these count loads.
COUNTING = frozenset({"int_loads", "int_stream_loads", "int_stream_account", "mart_load", "mart_data_health"})


def nervousness(file: Path) -> float:
    with duckdb.connect(str(file), read_only=True) as connection:
        [(found,)] = connection.execute("select nervousness from stg_planning__summary").fetchall()
        return float(found)


def test_a_run_under_another_time_zone_publishes_the_same_tables(small_run: Path, fresh_world: Path) -> None:
    run_demo(fresh_world, environment={"TZ": "Asia/Shanghai"})
    assert differences(published(small_run), published(fresh_world)) == []


@pytest.mark.timeout(3600)
def test_merged_files_give_the_same_tables_built_afresh_and_day_by_day(fresh_run: Path, tmp_path: Path) -> None:
    """Four nights; then one copy is compacted, and both go on into the same week: the forecast stays as it was."""
    for _ in range(4):
        assert tillmill("demo", "advance", "1", "--workspace", str(fresh_run)).returncode == 0
        run_demo(fresh_run, "--only", "ingest")
    run_demo(fresh_run)
    account = status(fresh_run)["streams"]
    merged = Path(shutil.copytree(fresh_run, tmp_path / "merged"))
    done = tillmill("lake", "compact", "--workspace", str(merged))
    assert done.returncode == 0, done.stderr
    assert "sale_lines" in done.stdout
    assert status(merged)["streams"] == account
    assert "nothing new since the published version" in run_demo(merged).stdout
    for workspace in (fresh_run, merged):
        assert tillmill("demo", "advance", "1", "--workspace", str(workspace)).returncode == 0
        assert "as before: no week and no plan has changed" in run_demo(workspace).stdout
    assert differences(published(fresh_run), published(merged)) == []
    day_by_day = published(fresh_run)
    assert nervousness(day_by_day) > 0, "the plan of the week before is part of what afresh must find again"
    for workspace in (fresh_run, merged):
        assert "no plan has changed" not in run_demo(workspace, "--afresh").stdout
    assert published(fresh_run) != day_by_day
    assert differences(published(fresh_run), published(merged)) == []
    assert differences(day_by_day, published(fresh_run), but=COUNTING) == []
    # A day has passed, and the last candidate's manifest named the large files: the run has removed the small ones.
    with Ledger(merged / "state" / "ledger.sqlite") as ledger:
        counted = {merged / load.file for load in ledger.loads() if load.state == "visible" and load.file}
        assert ledger.merged() == []
    landed = {path for path in (merged / "lake" / "landing").rglob("*.parquet") if path.name != ZERO_ROWS}
    assert landed == counted
