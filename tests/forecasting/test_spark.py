"""Blocks of series are forecast on Spark as they are here, to the last bit."""

from __future__ import annotations

import os
import subprocess
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import yaml

from forecasting import models, spark
from forecasting.engine import forecast_grid
from forecasting.features import market_of
from forecasting.grid import Grid
from forecasting.panel import forecast_panel, panel_grid
from forecasting.trials import Block, Trial, trial_origins, try_block
from tests.forecasting.panels import daily_panel
from tests.spark import with_spark
from tillmill import java
from tillmill.errors import UsageError

ROOT = Path(__file__).parents[2]
HORIZON = 7


def panel(series: int = 60, days: int = 120) -> tuple[pl.DataFrame, pl.DataFrame]:
    """History and plan: two static columns, a price, a promotion and a holiday ahead, visits until now, lost days."""
    generator = np.random.default_rng(4)
    whole = daily_panel(series, days + HORIZON)
    last_on = date(2023, 1, 2) + timedelta(days=days - 1)
    whole = whole.with_columns(
        pl.Series("price", generator.choice([2.0, 2.5, 3.0], whole.height)),
        pl.Series("promo", generator.random(whole.height) < 0.1),
        ((pl.col("ds").dt.day() == 14) | (pl.col("ds").dt.day() == 2)).alias("holiday"),
        pl.Series("visits", generator.poisson(40, whole.height)),
    ).with_columns(
        # A fifth sells on few days, and one in seven days was not looked at: a gap, and a visit nobody counted.
        pl.when(pl.col("unique_id").str.ends_with("5")).then(pl.col("y") // 20).otherwise(pl.col("y")).alias("y"),
        pl.when(pl.Series(generator.random(whole.height) < 0.15))
        .then(None)
        .otherwise(pl.col("visits"))
        .alias("visits"),
    )
    seen = pl.Series(generator.random(whole.height) > 1 / 7)
    history = whole.filter(seen & (pl.col("ds") <= last_on) & (pl.col("unique_id") != "item07"))
    return history, whole.filter(pl.col("ds") > last_on).drop("y", "visits")


def small_grid() -> Grid:
    history, plan = panel(series=12)
    return panel_grid(history, horizon=HORIZON, freq="D", future=plan)[0]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_spark_forecasts_to_the_last_bit_what_this_process_does(tmp_path: Path) -> None:
    """Four blocks, two cores, so two rounds; a session of its own, and one that was there and goes on."""
    python = with_spark("python")
    history, plan = panel()
    history.write_parquet(tmp_path / "history.parquet")
    plan.write_parquet(tmp_path / "future.parquet")
    done = subprocess.run(
        [python, "-m", "tests.forecasting.on_spark", tmp_path],
        cwd=ROOT,
        env=os.environ | {"TILLMILL_SPARK_CORES": "2"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    local, own, given = (pl.read_parquet(tmp_path / f"{name}.parquet") for name in ("local", "spark", "session"))
    assert local["unique_id"].n_unique() == 61
    assert "launch" in local["method"]
    assert local.filter(pl.col("method").str.contains(models.BOOSTING)).height
    assert own.equals(local)
    assert given.equals(local)


def test_series_travel_as_rows_and_arrive_as_they_were_in_whatever_order() -> None:
    grid = small_grid()
    assert grid.static
    assert grid.known
    assert grid.past
    frame, table = grid.take(np.zeros(0, dtype=np.int64)), spark.series_table(grid, 3)
    assert set(table["block"].to_pylist()) == {3}
    told = spark.grid_of(frame, table.take(pa.array(np.random.default_rng(1).permutation(grid.count))))
    assert (told.freq, told.first_on, told.ahead, told.known_part) == (grid.freq, grid.first_on, 7, grid.known_part)
    np.testing.assert_array_equal(told.values, grid.values)
    for kind in ("static", "known", "past"):
        ours, theirs = getattr(grid, kind), getattr(told, kind)
        assert list(ours) == list(theirs)
        for name in ours:
            assert ours[name].dtype == theirs[name].dtype
            np.testing.assert_array_equal(ours[name], theirs[name])


def test_series_without_static_columns_travel_too() -> None:
    grid = panel_grid(daily_panel(days=30).select("unique_id", "ds", "y"), horizon=3, freq="D", future=None)[0]
    told = spark.grid_of(grid.take(np.zeros(0, dtype=np.int64)), spark.series_table(grid, 0))
    np.testing.assert_array_equal(told.values, grid.values)
    assert told.static == {}


def test_rows_are_sent_in_pieces_that_fit_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    table = spark.series_table(small_grid(), 0)
    monkeypatch.setattr(spark, "BYTES_IN_MESSAGE", table.nbytes // 4)
    pieces = spark._in_messages(table).to_batches()
    assert len(pieces) > 3
    assert max(piece.num_rows for piece in pieces) <= table.num_rows // 4
    # Unlike Arrow, Polars takes a gap for equal to a gap.
    assert pl.DataFrame(pa.Table.from_batches(pieces)).equals(pl.DataFrame(table))


def test_a_block_arrives_as_it_was_made() -> None:
    grid = small_grid()
    origins = trial_origins(grid, HORIZON)
    made: list[Block] = []

    def keep(work, grid, blocks):  # type: ignore[no-untyped-def]
        made.extend(work(grid.take(rows)) for rows in blocks)
        return made

    forecast_grid(grid, HORIZON, fast=True, each_block=keep)
    block = made[0]
    assert len(block.trials) == len(origins) == 3
    assert block.parts
    told = spark.block_of(pa.Table.from_batches([spark.answer_of(block, 0)]))
    assert len(told.trials) == 3
    for ours, theirs in zip((*block.trials, block.now), (*told.trials, told.now), strict=True):
        _same(ours, theirs)
    assert list(told.parts) == list(block.parts)
    for member, parts in block.parts.items():
        _same_arrays(parts, told.parts[member])


def test_a_block_without_trials_or_trees_arrives_too() -> None:
    grid = small_grid()
    block = try_block(grid, market_of(grid), HORIZON, [], models.NOTHING, models.NOTHING)
    told = spark.block_of(pa.Table.from_batches([spark.answer_of(block, 0)]))
    assert told.trials == ()
    assert told.parts == {}
    _same(block.now, told.now)


def test_another_engine_is_refused() -> None:
    with pytest.raises(UsageError, match="the engine flink is neither local nor spark"):
        forecast_panel(daily_panel(), horizon=3, engine="flink")


def test_without_spark_it_says_what_to_install_before_it_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="Spark is not installed; it needs Java 17 or later") as said:
        forecast_panel(pl.DataFrame(), horizon=3, engine="spark")
    assert said.value.next_command == 'pip install "tillmill[spark]"'


def test_its_session_is_set_as_that_of_the_warehouse() -> None:
    profiles = yaml.safe_load((ROOT / "dbt_project" / "profiles.yml").read_text())
    theirs = profiles["tillmill"]["outputs"]["spark"]["server_side_parameters"]
    assert set(spark.SETTINGS) - set(theirs) == {"spark.executorEnv.OMP_THREAD_LIMIT"}
    plain = {name: value for name, value in theirs.items() if name in spark.SETTINGS and "{{" not in value}
    assert len(plain) == 5
    assert {name: spark.SETTINGS[name] for name in plain} == plain


def _same(ours: Trial, theirs: Trial) -> None:
    for field in fields(Trial):
        one, other = getattr(ours, field.name), getattr(theirs, field.name)
        if field.name == "members":
            _same_arrays(one, other)
        elif field.name == "origin":
            assert one == other
        else:
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


def _same_arrays(ours, theirs) -> None:  # type: ignore[no-untyped-def]
    assert list(ours) == list(theirs)
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])
