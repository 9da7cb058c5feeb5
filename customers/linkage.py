"""Records of one person in one or two files, found without labels or keys, with the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from customers import blocking
from customers.components import connected_components
from customers.roles import conform
from customers.scoring import learn, score
from tillmill.errors import UsageError

LARGEST_SPELLED_OUT = 200  # records of a cluster whose pairs are all listed

PAIR_COLUMNS: dict[str, pl.DataType] = {
    "left_id": pl.String(),
    "right_id": pl.String(),
    "probability": pl.Float64(),
    "rule": pl.String(),
    "explanation": pl.String(),
}


@dataclass(frozen=True)
class Linked:
    """What was found: `pairs` (`PAIR_COLUMNS`), `clusters` (id, cluster_id), and what the model looked at."""

    pairs: pl.DataFrame
    clusters: pl.DataFrame
    looked_at: int
    agreements: tuple[str, ...]


def link_frames(
    left: pl.DataFrame,
    right: pl.DataFrame | None,
    roles: Mapping[str, str],
    *,
    id_column: str,
    threshold: float = 0.9,
) -> Linked:
    """Return the pairs of one person within `left`, or between `left` and `right`, that are at least as probable.

    `roles`: column by role (`roles.roles_of`). Pairs found by the model have rule `alike`, those that follow because
    both are linked to a third record have rule `through` and the probability of the weakest link on the way.
    Raises UsageError for ids that are missing or stand twice, and where no two records agree on anything.
    """
    tables = {"left": conform(left, roles, id_column=id_column)}
    if right is not None:
        tables["right"] = conform(right, roles, id_column=id_column)
    for side, table in tables.items():
        _need_ids(table["record_id"], side, id_column)
    both = blocking.with_block_columns(
        pl.concat([table.with_columns(side=pl.lit(side)) for side, table in tables.items()])
    )
    across = "side" if right is not None else None
    chosen = blocking.choose(both, across=across)
    if not chosen:
        raise UsageError("no two records agree on anything: nothing to link")
    model = learn(both, set(roles), tuple(chosen), across=across)
    scored, _ = score(both, model, across=across, threshold=threshold)
    nodes = both.select(node=pl.col("side") + "|" + pl.col("record_id"))["node"]
    links = scored.select(
        left=pl.format("{}|{}", "left_side", "left_id"), right=pl.format("{}|{}", "right_side", "right_id")
    )
    clusters = connected_components(nodes, links).select(
        side=pl.col("node").str.extract(r"^(\w+)\|", 1),
        id=pl.col("node").str.replace(r"^\w+\|", ""),
        cluster_id=pl.col("component").str.replace(r"^\w+\|", ""),
    )
    pairs = scored.select(*PAIR_COLUMNS) if right is not None else _closed(scored.select(*PAIR_COLUMNS), clusters)
    return Linked(
        pairs.sort("left_id", "right_id"),
        clusters.select("id", "cluster_id") if right is None else clusters.select("side", "id", "cluster_id"),
        sum(chosen.values()),
        tuple(" + ".join(agreement) for agreement in chosen),
    )


def _need_ids(ids: pl.Series, side: str, column: str) -> None:
    if ids.null_count():
        raise UsageError(f"{column!r} of the {side} file is empty in row {int(ids.is_null().arg_max() or 0) + 1}")
    twice = ids.filter(ids.is_duplicated())
    if not twice.is_empty():
        raise UsageError(f"{column!r} of the {side} file is not one per row: {twice[0]!r} stands twice")


def _closed(pairs: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """The pairs and those that follow from them: the records of a cluster are one person."""
    members = clusters.filter(pl.len().over("cluster_id").is_between(3, LARGEST_SPELLED_OUT)).select("id", "cluster_id")
    weakest = (
        pairs.join(members, left_on="left_id", right_on="id")
        .group_by("cluster_id")
        .agg(probability=pl.col("probability").min())
    )
    followed = (
        members.join(members, on="cluster_id")
        .filter(pl.col("id") < pl.col("id_right"))
        .join(weakest, on="cluster_id")
        .select(
            left_id="id",
            right_id="id_right",
            probability="probability",
            rule=pl.lit("through"),
            explanation=pl.lit("both are linked to other records of this person"),
        )
        .join(pairs, on=["left_id", "right_id"], how="anti")
    )
    return pl.concat([pairs, followed])
