"""How fresh every stream is against its timetable, by the same rule and numbers as `mart_data_health`."""

from __future__ import annotations

import polars as pl

from ingestion.landing.ledger import Ledger
from tillmill import publish as publishing
from tillmill.errors import UsageError
from tillmill.warehouse import read_table
from tillmill.workspace import Workspace, now

COLUMNS = ("source", "stream", "lag_hours", "expected_hours", "is_fresh")


def freshness(workspace: Workspace) -> pl.DataFrame:
    """One row per source and stream that ever landed: COLUMNS, what is late first.

    `lag_hours` is from the newest moment that its landed rows speak of to the clock now; `expected_hours` is the
    timetable that `mart_data_health` publishes, null where the stream may rest. What landed after the last run counts:
    a portal shows what was late when it was published, this what is late now. Raises UsageError before the first run.
    """
    version = publishing.read_pointer(workspace.published)
    if version is None:
        raise UsageError("nothing is published yet", next_command="tillmill run")
    due = read_table(version.path, "mart_data_health").select(
        pl.col("_source").alias("source"), "stream", "expected_hours"
    )
    with Ledger(workspace.ledger) as ledger:
        loads = [(load.source, load.stream, load.watermark_at) for load in ledger.loads() if load.state == "visible"]
    schema = {"source": pl.String(), "stream": pl.String(), "watermark_at": pl.Datetime("us", "UTC")}
    lag = (pl.lit(now()) - pl.col("watermark_at").max()).dt.total_seconds() / 3600
    return (
        pl.DataFrame(loads, schema=schema, orient="row")
        .group_by("source", "stream")
        .agg(lag.round(2).alias("lag_hours"))
        .filter(pl.col("lag_hours").is_not_null())
        .join(due, on=["source", "stream"], how="left")
        .with_columns((pl.col("lag_hours") <= pl.col("expected_hours")).fill_null(value=True).alias("is_fresh"))
        .sort("is_fresh", "lag_hours", "source", "stream", descending=[False, True, False, False])
        .select(COLUMNS)
    )
