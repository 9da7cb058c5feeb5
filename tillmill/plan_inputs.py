"""What the plan is made from: demand from its first week on, as far as all is known, and the plan before."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from ingestion.landing import lake
from ingestion.landing.ledger import Ledger, Load
from planning.contracts import IN, empty
from tillmill.workspace import Workspace


def from_start(demand: pl.DataFrame, today: date, start_on: date) -> pl.DataFrame:
    """Demand of the weeks from `start_on` on, with what is still to come of the running week in the first.

    Stock is what there is today: what is sold before the plan begins is no longer there when it does.
    """
    keys = ["sku", "location_id", "channel_id"]
    left = (start_on - today).days / 7
    running = demand.filter(pl.col("week_on") == start_on - timedelta(weeks=1))
    first = pl.when(pl.col("week_on") == start_on).then(pl.col("left").fill_null(0.0)).otherwise(0.0)
    return (
        demand.filter(pl.col("week_on") >= start_on)
        .join(running.select(*keys, left=pl.col("mean") * left), on=keys, how="left", maintain_order="left")
        .with_columns(pl.col("mean", "q50", "q90") + first)
        .drop("left")
    )


def weeks_known(demand: pl.DataFrame, calendar: pl.DataFrame, start_on: date) -> int:
    """Weeks in a row from `start_on` that the forecast and the calendar of every line cover."""
    reach = [demand["week_on"].max(), *calendar.group_by("line_id").agg(pl.col("week_on").max())["week_on"]]
    return (min(week for week in reach if isinstance(week, date)) - start_on).days // 7 + 1


def plan_before(workspace: Workspace, ledger: Ledger, start_on: date) -> pl.DataFrame:
    """The lots of the last published plan that begins before `start_on`; no rows where there is none.

    Plans that begin with it are passed by: all plans of a week are compared with the same one, however often and by
    whichever run the week is planned.
    """

    def published(stream: str) -> list[Load]:
        loads = [load for load in ledger.loads(lake.LEARNT_SOURCE, stream) if load.state == "visible" and load.file]
        return sorted(loads, key=lambda load: load.visible_seq or 0)

    def rows(load: Load) -> pl.LazyFrame:
        return pl.scan_parquet(workspace.root / str(load.file)).filter(pl.col("_load_seq") == load.load_seq)

    for whole in reversed(published("planning.requirements")):
        first_on = rows(whole).select(pl.col("week_on").min()).collect().item()
        if first_on is not None and first_on < start_on:
            lots = [rows(load) for load in published("planning.production_plan") if load.run_id == whole.run_id]
            return pl.concat(lots).select(list(IN["previous_plan"])).collect() if lots else empty("previous_plan")
    return empty("previous_plan")
