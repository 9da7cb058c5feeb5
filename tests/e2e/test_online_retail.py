"""A second, entirely real business by configuration alone: UCI Online Retail II as a folder of CSV files."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.e2e.conftest import published, status, tillmill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SAMPLE = Path(__file__).parents[2] / "seeds" / "samples" / "online_retail"
ROWS = 525_461


def test_another_business_runs_by_configuration_alone(tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(SAMPLE, tmp_path / "workspace"))
    made = tillmill("init", "--workspace", str(workspace))
    assert made.returncode == 0, made.stderr
    done = tillmill("run", "--workspace", str(workspace))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" in done.stdout
    (stream,) = (found for found in status(workspace)["streams"] if found["source"] == "orders")
    assert (stream["pulled"], stream["landed"] + stream["quarantined"]) == (ROWS, ROWS)
    with duckdb.connect(str(published(workspace)), read_only=True) as connection:
        lines, units, net, zero_prices, odd_negatives, doubles, unknown = connection.execute("""
            select
                count(*), sum(units)::bigint, sum(net_sales_amount)::double,
                (select count(*) from stg_pos__sale_lines where _flags like '%zero_price%'),
                (select count(*) from stg_pos__sale_lines where _flags like '%negative_without_return%'),
                (select count(*) from stg_pos__sale_lines where _flags like '%full_duplicate%'),
                (select count(*) from stg_pos__sale_lines where member_id_token is null)
            from fct_sales_line
        """).fetchall()[0]
    assert lines == ROWS
    assert units == 5_432_041
    assert net == pytest.approx(9_539_484.634, abs=0.01)
    assert (zero_prices, odd_negatives, doubles, unknown) == (3_687, 2_121, 6_865, 107_927)
