"""`tillmill warehouse`: the same freshness as data health's, and documentation that needs no network."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.e2e.conftest import published, tillmill

pytestmark = pytest.mark.timeout(900)


def test_freshness_is_what_data_health_published(fresh_run: Path) -> None:
    done = tillmill("warehouse", "freshness", "--workspace", str(fresh_run), "--json")
    told = {
        (one["source"], one["stream"]): (one["lag_hours"], one["expected_hours"], one["is_fresh"])
        for one in json.loads(done.stdout)["streams"]
    }
    with duckdb.connect(str(published(fresh_run)), read_only=True) as connection:
        health = connection.execute(
            "select _source, stream, lag_hours, expected_hours, is_fresh from mart_data_health "
            "where lag_hours is not null"
        ).fetchall()
    # What the system itself learnt within the run is no older than its own health.
    theirs = {(source, stream): rest for source, stream, *rest in health if source != "tillmill"}
    assert len(theirs) > 30
    for key, (lag, due, is_fresh) in theirs.items():
        assert told[key] == (pytest.approx(lag, abs=0.011), due, is_fresh), key
    assert done.returncode == (0 if all(is_fresh for *_, is_fresh in told.values()) else 1)


def test_a_stream_past_its_timetable_is_late_without_another_run(fresh_run: Path) -> None:
    clock = fresh_run / "run" / "clock"
    clock.write_text((datetime.fromisoformat(clock.read_text().strip()) + timedelta(days=30)).isoformat())
    done = tillmill("warehouse", "freshness", "--workspace", str(fresh_run), "--json")
    assert done.returncode == 1
    late = {one["stream"] for one in json.loads(done.stdout)["streams"] if not one["is_fresh"]}
    assert {"pos.sale_lines", "ecommerce.orders", "wms.movements"} <= late
    assert not {"erp.items", "pos.stores"} & late


@pytest.mark.slow
def test_documentation_is_one_page_with_lineage_to_the_portal(fresh_run: Path, tmp_path: Path) -> None:
    page = tmp_path / "warehouse.html"
    before = sorted((path.name, path.stat().st_mtime_ns) for path in (fresh_run / "published").iterdir())
    done = tillmill("warehouse", "docs", "--workspace", str(fresh_run), "--to", str(page))
    assert done.returncode == 0, done.stdout + done.stderr
    text = page.read_text(encoding="utf-8")
    for name in ("model.tillmill.mart_stock_position", "exposure.tillmill.page_stock", "metric.tillmill.days_of_cover"):
        assert name in text, name
    # Types come from the published tables, meanings from the files beside the marts.
    assert "DECIMAL(18,3)" in text
    assert "可销天数" in text or "\\u53ef\\u9500\\u5929\\u6570" in text
    # Nothing is loaded from anywhere, and nobody is told that it was opened.
    assert not re.search(r'(?:src|href)="https?://(?!\[::1\])', text)
    assert not re.search(r'"send_anonymous_usage_stats": ?true', text)
    assert before == sorted((path.name, path.stat().st_mtime_ns) for path in (fresh_run / "published").iterdir())
    assert not list((fresh_run / "build").glob("docs-*"))


def test_before_the_first_run_there_is_nothing_to_tell(fresh_world: Path) -> None:
    for command in ("docs", "freshness"):
        done = tillmill("warehouse", command, "--workspace", str(fresh_world))
        assert done.returncode != 0
        assert "nothing is published yet" in done.stderr
