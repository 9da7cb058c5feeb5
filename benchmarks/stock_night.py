"""What stock by day costs at so many times a demo's movements: processor time of each model, whole and a night later.

    .venv/bin/python -m benchmarks.stock_night demo-workspace 20

The published tables of the workspace are read and left as they are; places are multiplied, and with them movements,
counts and sales. The last two days are held back and then come as a night's load. dbt's own start, as the cheapest
model has it, is taken off each figure.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from pathlib import Path

import duckdb
import psutil

from tillmill.pipeline import environment
from tillmill.publish import read_pointer
from tillmill.transform import Transformer
from tillmill.workspace import open_workspace

# Multiplied by the columns that name a place or are named after one.
MULTIPLIED = {
    "stg_wms__movements_all": ("movement_id", "location_id", "to_location_id"),
    "stg_wms__stock_all": ("location_id",),
    "stg_trade__placements_all": ("store_id",),
    "fct_sales_line": ("sales_line_id", "location_id"),
    "dim_location": ("location_id",),
}
AS_THEY_ARE = ("int_workspace", "channels", "holidays", "dim_product")
# What a night brings is what was seen, or sold, in the last two days.
BROUGHT = {
    "stg_wms__movements_all": "observed_at",
    "stg_wms__stock_all": "observed_at",
    "fct_sales_line": "sold_at",
}
VIEWS = ("int_stock_context", "int_stock_moved_days")
STOCK = (
    "int_stock_touched_days", "int_stock_restated_days", "int_stock_bookings", "int_stock_flows", "fct_stock_day",
    "int_stock_basis",
)  # fmt: skip
WHOLE = ("int_stock_out_days", "int_promotion_weeks", "fct_demand_day")


def main(root: Path, times: int) -> None:
    """Prints seconds of processor time by model, whole and a night later, and the sums over those of stock."""
    version = read_pointer(root / "published")
    if version is None:
        raise SystemExit(f"{root}: nothing published; next: make run SERVE=0")
    with tempfile.TemporaryDirectory(prefix="stock-night-") as name:
        candidate = Path(name) / "candidate.duckdb"
        hold_back(version.path, candidate, times)
        workspace = open_workspace(root)
        told = environment(workspace) | {"TILLMILL_CANDIDATE": str(candidate)}
        with Transformer(told, workspace.build, Path(name) / "logs", Path(name) / "target") as dbt:
            (child,) = multiprocessing.active_children()
            process = psutil.Process(child.pid)
            built(dbt, process, VIEWS[0], full_refresh=True)
            whole = {model: built(dbt, process, model, full_refresh=True) for model in (*VIEWS, *STOCK, *WHOLE)}
            bring(candidate)
            night = {model: built(dbt, process, model, full_refresh=False) for model in (*VIEWS, *STOCK, *WHOLE)}
    own = [min(took.values()) for took in (whole, night)]
    print(f"{'seconds of processor time':28} {'whole':>7} {'night':>7}")
    for model in (*STOCK, *WHOLE):
        print(f"{model:28} {whole[model] - own[0]:7.2f} {night[model] - own[1]:7.2f}")
    sums = [sum(took[model] - start for model in STOCK) for took, start in zip((whole, night), own, strict=True)]
    print(f"{'stock':28} {sums[0]:7.2f} {sums[1]:7.2f}")


def hold_back(published: Path, candidate: Path, times: int) -> None:
    """A candidate with the tables that stock is made of, `times` as large, but what the last two days brought."""
    with duckdb.connect(str(candidate)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{published}' as published (read_only)")
        for table in AS_THEY_ARE:
            connection.execute(f"create table {table} as from published.{table}")
        for table, columns in MULTIPLIED.items():
            named = ", ".join(f"case when {c} <> '-' then {c} || '_' || copy else {c} end as {c}" for c in columns)
            connection.execute(
                f"create table {table} as select * exclude (copy) replace ({named}) "
                f"from published.{table} cross join (select range as copy from range({times}))"
            )
            if table.endswith("_all"):
                view = table.removesuffix("_all")
                connection.execute(f"create view {view} as from {table} where _op <> 'delete'")
        for table, seen in BROUGHT.items():
            if table.endswith("_all"):
                connection.execute(f"update {table} set visible_seq = 1")
            late = f"{seen} >= (select now_at from int_workspace) - interval 2 day"
            connection.execute(f"create table brought_{table} as from {table} where {late}")
            connection.execute(f"delete from {table} where {late}")
        connection.execute("create table int_sales_restated_days (restated_on date)")


def bring(candidate: Path) -> None:
    """Lands what was held back, as the next load."""
    with duckdb.connect(str(candidate)) as connection:
        for table in BROUGHT:
            if table.endswith("_all"):
                connection.execute(f"update brought_{table} set visible_seq = 2")
            connection.execute(f"insert into {table} from brought_{table}")
        connection.execute("insert into int_sales_restated_days select distinct sold_on from brought_fct_sales_line")


def built(dbt: Transformer, process: psutil.Process, model: str, *, full_refresh: bool) -> float:
    """Seconds of processor time in which dbt's child built one model, without its tests."""
    before = process.cpu_times()
    dbt.build(f"pass_b,{model}", full_refresh=full_refresh, tests=False)
    after = process.cpu_times()
    return (after.user - before.user) + (after.system - before.system)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
