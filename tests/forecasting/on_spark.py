"""Forecasts one panel by both engines, in blocks of twenty series: run where Spark is, by test_spark.py."""

from __future__ import annotations

import sys
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from forecasting import trials
from forecasting.panel import forecast_panel, panel_grid
from forecasting.spark import each_block
from tillmill.errors import TillmillError
from tillmill.tablefiles import read_file, write_file
from tillmill.workbench import forecast_panel_file


def main(folder: Path) -> None:
    """Writes local.parquet, spark.parquet (a session of its own, over the command line's door) and session.parquet."""
    trials.SERIES_AT_ONCE = 20
    history, future = folder / "history.parquet", folder / "future.parquet"
    for engine in ("local", "spark"):
        forecast_panel_file(history, 7, folder / f"{engine}.parquet", future=future, hierarchy="state", engine=engine)
    assert SparkSession.getActiveSession() is None, "its own session is left running"
    session = SparkSession.builder.master("local[3]").config("spark.ui.enabled", "false").getOrCreate()
    told = forecast_panel(read_file(history), horizon=7, future=read_file(future), hierarchy=["state"], engine="spark")
    write_file(told, folder / "session.parquet")
    assert len(session.sparkContext.statusTracker().getJobIdsForGroup()) == 2, "four blocks, three cores: two rounds"
    grid = panel_grid(read_file(history), horizon=7, freq="D", future=None)[0]
    with pytest.raises(TillmillError, match="has no attribute 'nothing'"):
        each_block(attrgetter("nothing"), grid, [np.arange(9)])
    assert session.range(3).count() == 3, "the session that was there is stopped"
    session.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
