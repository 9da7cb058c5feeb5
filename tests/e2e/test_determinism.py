"""The same input gives the same tables: in another time zone, and after a full refresh."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.compare import differences
from tests.e2e.conftest import published, run_demo, tillmill

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("small-world"), pytest.mark.timeout(900)]


def test_a_run_under_another_time_zone_publishes_the_same_tables(small_run: Path, fresh_world: Path) -> None:
    run_demo(fresh_world, environment={"TZ": "Asia/Shanghai"})
    assert differences(published(small_run), published(fresh_world)) == []


def test_day_by_day_and_built_afresh_are_the_same_tables(fresh_run: Path) -> None:
    assert tillmill("demo", "advance", "3", "--workspace", str(fresh_run)).returncode == 0
    run_demo(fresh_run)
    step_by_step = published(fresh_run)
    run_demo(fresh_run, "--afresh")
    assert published(fresh_run) != step_by_step
    # The second run lands what it learns once more, and these two count loads.
    counting = frozenset({"int_loads", "mart_data_health"})
    assert differences(step_by_step, published(fresh_run), but=counting) == []
