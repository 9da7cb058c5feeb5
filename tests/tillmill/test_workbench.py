"""The engines at the command line: published answers from files, and one clear sentence on a bad one."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from tests.forecasting.test_launch import panel
from tillmill.cli import app
from tillmill.errors import UsageError

DATA = Path(__file__).parents[3] / "shared" / "data"
WEEK = "2026-11-23"


def call(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.skipif(not DATA.exists(), reason="needs the shared data folder")
def test_promotions_effect_finds_geolifts_published_answer() -> None:
    """GeoLift test data, Chicago and Portland, days 91-105: ATT 155.556, 4,667 units (GeoLift walkthrough)."""
    panel = DATA / "promotion" / "geolift" / "GeoLift_Test.parquet"
    frame = pl.read_parquet(panel)
    unit = next(name for name in frame.columns if name.lower() in {"location", "city", "unit"})
    value = next(name for name in frame.columns if name.lower() == "y")
    time = next(name for name in frame.columns if name.lower() in {"date", "time", "day"})
    days = frame[time].unique().sort()
    found = json.loads(
        call(
            "promotions",
            "effect",
            str(panel),
            "--unit",
            unit,
            "--time",
            time,
            "--value",
            value,
            "--treated",
            "chicago,portland",
            "--start",
            str(days[90]),
            "--end",
            str(days[104]),
            "--json",
        )
    )
    assert found["att"] == pytest.approx(155.556, abs=0.01)
    assert found["incremental"] == pytest.approx(4667, abs=1)


def test_a_series_that_only_the_plan_has_is_launched_and_told(tmp_path: Path) -> None:
    history, plan = panel()
    history.filter(pl.col("unique_id") != "milk/B").write_csv(tmp_path / "history.csv")
    plan.write_parquet(tmp_path / "plan.parquet")
    command = ["forecast", "panel", str(tmp_path / "history.csv"), "--future", str(tmp_path / "plan.parquet")]
    more = ["--horizon", "8", "--freq", "W", "--hierarchy", "good", "--fast", "--out", str(tmp_path / "out.csv")]
    done = CliRunner().invoke(app, [*command, *more, "--json"], catch_exceptions=False)
    assert "milk/B: no history: forecast by its attributes, in the manner of milk/" in done.stderr
    assert json.loads(done.stdout) | {"out": ""} == {"series": 20, "rows": 25 * 8, "refused": 0, "out": ""}
    out = pl.read_csv(tmp_path / "out.csv").filter(pl.col("unique_id") == "milk/B")
    assert out["method"].to_list() == ["launch"] * 8


def test_customers_value_refuses_a_column_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("who,day\na,2026-01-01\n")
    with pytest.raises(UsageError, match="no column 'customer'; it has who, day"):
        call(
            "customers", "value", str(path), "--customer", "customer", "--date", "day", "--out", str(tmp_path / "o.csv")
        )


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.csv, \.parquet"):
        call(
            "promotions", "effect", str(tmp_path / "panel.txt"), "--unit", "u", "--time", "t", "--value", "y",
            "--treated", "a", "--start", "1", "--end", "2",
        )  # fmt: skip


def test_planning_plan_makes_what_is_demanded_and_hands_it_over(tmp_path: Path) -> None:
    tables = {
        "demand": f"sku,location_id,channel_id,week_on,mean,q50,q90,priority\nA,PLANT,*,{WEEK},100,100,100,1\n",
        "routing": "sku,line_id,units_per_hour,setup_minutes,setup_cost,setup_family,min_run_units,is_preferred\n"
        "A,L1,60,0,0,x,0,true\n",
        "calendar": "line_id,week_on,available_minutes,overtime_minutes,overtime_cost_per_minute\n"
        + f"L1,{WEEK},480,0,0\n",
    }
    folder = tmp_path / "tables"
    folder.mkdir()
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)
    summary = json.loads(call("planning", "plan", str(folder), "--out", str(tmp_path / "plan"), "--json"))
    plan = pl.read_csv(tmp_path / "plan" / "production_plan.csv")
    assert plan["units"].sum() >= 100
    assert plan["run_minutes"].sum() <= 480
    assert summary["backorder_units"] == 0
