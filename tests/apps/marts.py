"""A small published workspace for the portal's tests: every table that a page reads, as the warehouse makes it."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import polars as pl

from tests.apps import customer_marts, factory_marts, health_marts, sales_marts, supply_marts
from tests.apps.brand import CLOCK, FIRST, HOSTILE_CATEGORY, LAST_WEEK, SETTINGS, WEEKS
from tests.dbt_project.metrics import defined

__all__ = ["CLOCK", "FIRST", "HOSTILE_CATEGORY", "LAST_WEEK", "SETTINGS", "WEEKS", "empty", "marts", "publish"]


def publish(root: Path, tables: dict[str, pl.DataFrame], version: int = 1) -> Path:
    """Writes `tables` as the published version of a workspace in `root` and points to it."""
    (root / "run").mkdir(parents=True, exist_ok=True)
    (root / "published").mkdir(exist_ok=True)
    (root / "tillmill.toml").write_text(SETTINGS)
    (root / "run" / "clock").write_text(CLOCK)
    file = root / "published" / f"warehouse-test-{version}.duckdb"
    with duckdb.connect(str(file)) as connection:
        for name, rows in tables.items():
            connection.register("rows", rows.to_arrow())
            connection.execute(f"create table {name} as select * from rows")
            connection.unregister("rows")
    pointer = {"version": version, "file": file.name, "published_at": CLOCK, "is_pinned": False}
    spool = root / "published" / "current.spool"
    spool.write_text(json.dumps(pointer))
    spool.rename(root / "published" / "current.json")
    return root


def empty(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The same tables without a row."""
    return {name: rows.clear() for name, rows in tables.items()}


def marts() -> dict[str, pl.DataFrame]:
    """Every published table that the portal reads, with the columns of the marts."""
    tables = {
        "mart_metric": _metrics(),
        **sales_marts.marts(),
        **customer_marts.marts(),
        **supply_marts.marts(),
        **factory_marts.marts(),
        **health_marts.marts(),
    }
    return tables | {"int_customer_lines": _customer_lines(tables)}


def _customer_lines(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """The counted lines of known buyers, as the warehouse resolves them."""
    counted = tables["fct_sales_line"].filter("is_counted", ~pl.col("is_suspect"), pl.col("sales_view") == "sell_out")
    return (
        counted.join(tables["bridge_customer_identifier"].select("record_token", "customer_id"), on="record_token")
        .join(tables["dim_product"].filter("is_current").select("sku", "category"), on="sku")
        .with_columns(is_back=pl.col("line_kind").is_in(["refund", "return"]))
    )


def _metrics() -> pl.DataFrame:
    """The project's own metrics, as the warehouse publishes them."""
    rows = [
        {
            "metric": name,
            "label": metric["label"],
            "label_zh": metric["config"]["meta"]["label_zh"],
            "meaning": metric["description"],
            "meaning_zh": metric["config"]["meta"]["zh"],
            "format": metric["config"]["meta"]["format"],
            "digits": metric["config"]["meta"].get("digits"),
        }
        for name, metric in defined().metrics.items()
    ]
    return pl.DataFrame(rows, schema_overrides={"digits": pl.Int32}, infer_schema_length=None)
