"""Builds the same dbt project on Spark, from the lake alone: every table anew, as a folder of Parquet."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from ingestion.landing.ledger import Ledger
from ingestion.landing.locks import run_lock
from tillmill import health
from tillmill.errors import BuildError, UsageError
from tillmill.java import java_for
from tillmill.pipeline import Display, environment
from tillmill.reference import gather_reference
from tillmill.transform import Transformer
from tillmill.workspace import Workspace

FOLDER = "spark"
SCHEMA = "tillmill"
PASSES = {"conform": "pass_a", "facts": "pass_b", "decide": "pass_c", "audit": "pass_d"}


def build(workspace: Workspace, display: Display) -> Path:
    """Builds every table of the project on Spark in `build/spark/`; returns the folder of their folders.

    What the rooms learnt is read as the last published run landed it, so nothing is learnt anew and the four passes
    follow one another. Nothing is published: apps read the DuckDB file. Raises UsageError without dbt-spark, Java or a
    published version, LockedError while a run is at work, BuildError where a table cannot be built.
    """
    java = java_for("dbt-spark", "pyspark", "dbt.adapters.spark")
    warehouse = workspace.build / FOLDER / "warehouse"
    with run_lock(workspace), Ledger(workspace.ledger) as ledger:
        if ledger.current_version() is None:
            raise UsageError(
                "Spark builds from what a run has landed and learnt, and no run was published yet",
                state="Nothing was built.",
                next_command="tillmill run",
            )
        gather_reference(workspace)
        health.freeze(workspace, ledger)
        shutil.rmtree(workspace.build / FOLDER, ignore_errors=True)
        warehouse.mkdir(parents=True)
        ledger.export_manifest(workspace.build / FOLDER / "manifest.parquet")
        told = environment(workspace) | java | _places(workspace)
        with Transformer(told, workspace.build, workspace.logs, workspace.build / FOLDER / "dbt") as dbt:
            for step, tag in PASSES.items():
                _pass(dbt, display, step, tag)
    return warehouse / f"{SCHEMA}.db"


def _pass(dbt: Transformer, display: Display, step: str, tag: str) -> None:
    display.start(step)
    started = time.perf_counter()
    said = "failed"
    try:
        result = dbt.build(tag, tests=False, progress=lambda node: display.detail(step, node))
        said = f"{result.built} tables and views"
    except BuildError as error:
        raise BuildError(
            error.what,
            state="The published version is unchanged; build/spark holds the tables built so far.",
            next_command="tillmill build --target spark",
        ) from error
    finally:
        display.finish(step, time.perf_counter() - started, said)


def _places(workspace: Workspace) -> dict[str, str]:
    """Where Spark reads and writes: nothing outside the workspace."""
    folder = workspace.build / FOLDER
    return {
        "DBT_TARGET": "spark",
        "TILLMILL_MANIFEST": str(folder / "manifest.parquet"),
        "TILLMILL_LAKE": str(workspace.landing),
        "TILLMILL_SPARK_WAREHOUSE": str(folder / "warehouse"),
        "SPARK_LOCAL_DIRS": str(folder / "spill"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "TILLMILL_ENGINE_LOG": str(workspace.logs / "spark.log"),
    }
