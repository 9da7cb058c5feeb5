"""Which staging models a build leaves out, because nothing has arrived that they do not hold."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

TAG = "idle"
_ALL = "_all"


def tag_idle(manifest: Any, *, full_refresh: bool) -> None:
    """Tags the staging models that this build need not touch, in dbt's manifest, by the environment it runs in.

    A node costs dbt about 50 ms whether it has rows or not, and most businesses use a third of all streams. Left out
    are those of streams that never landed and that no other model reads, and, where tables are kept from build to
    build, those that hold their stream's newest load already. What the rooms learn in runs is always built: its loads
    are pending until the candidate is published, and the rooms and the portal read it by name.

    A tag, because dbt looks through all nodes for each name that it is given to leave out.
    """
    manifest.build_parent_and_child_maps()
    staged = {
        table: node for table, node in manifest.nodes.items() if table.endswith(_ALL) and node.config.meta.get("stream")
    }
    kept = [] if full_refresh else [node.name for node in staged.values() if node.config.materialized == "incremental"]
    landed, held = _landed(), _held(kept)
    for table, node in staged.items():
        view = table.removesuffix(_ALL)
        readers = {child for name in (table, view) for child in manifest.child_map[name] if child.startswith("model.")}
        newest = landed.get(node.config.meta["stream"], 0)
        idle = held.get(node.name) == newest or (not newest and readers <= {view})
        for name in (table, view):
            tags = [tag for tag in manifest.nodes[name].tags if tag != TAG]
            manifest.nodes[name].tags = [*tags, TAG] if idle else tags


def _landed() -> dict[str, int]:
    """The newest load visible to this candidate, by stream."""
    loads = pl.read_parquet(os.environ["TILLMILL_MANIFEST"], columns=["load_id", "stream", "visible_seq"])
    newest = loads.filter(pl.col("load_id") != "-").group_by("stream").agg(pl.col("visible_seq").max())
    return dict(newest.iter_rows())


def _held(tables: list[str]) -> dict[str, int]:
    """The newest load of which the candidate holds rows, by table that has its view; 0 where a table is empty."""
    candidate = Path(os.environ["TILLMILL_CANDIDATE"])
    if not tables or not candidate.exists():
        return {}
    with duckdb.connect(str(candidate), read_only=True) as connection:
        there = {name for (name,) in connection.execute("select table_name from information_schema.tables").fetchall()}
        return {name: _newest(connection.table(name)) for name in tables if {name, name.removesuffix(_ALL)} <= there}


def _newest(table: duckdb.DuckDBPyRelation) -> int:
    ((newest,),) = table.aggregate("max(visible_seq)").fetchall()
    return newest or 0
