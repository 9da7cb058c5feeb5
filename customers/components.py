"""Connected components of records, by label propagation in polars, with pairs that must stay apart."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl


def connected_components(nodes: pl.Series, edges: pl.DataFrame) -> pl.DataFrame:
    """Return the component of every node, named by the component's smallest node.

    `nodes`: distinct text tokens. `edges` (left, right): pairs of them; pairs with an unknown end are ignored.
    Result (node, component): one row per node, sorted by node.
    Each round hooks every root to its smallest neighbour, then jumps pointers until all point at roots. Two rounds at
    least halve the roots that still have neighbours, so rounds grow with the logarithm of the component's size
    (the hooking scheme of Shiloach and Vishkin, J. Algorithms 3, 1982).
    """
    ordered = nodes.unique().sort()
    index = pl.DataFrame({"node": ordered}).with_row_index("position").cast({"position": pl.Int64})
    pairs = (
        edges.select("left", "right")
        .join(index.rename({"node": "left", "position": "a"}), on="left")
        .join(index.rename({"node": "right", "position": "b"}), on="right")
        .select("a", "b")
    )
    parent = index["position"]
    while True:
        pairs = (
            pairs.select(a=parent.gather(pairs["a"]), b=parent.gather(pairs["b"]))
            .select(low=pl.min_horizontal("a", "b"), high=pl.max_horizontal("a", "b"))
            .filter(pl.col("low") != pl.col("high"))
            .unique()
        )
        if pairs.is_empty():
            break
        hooks = pairs.group_by("high").agg(pl.col("low").min())
        parent = _point_at_roots(parent.scatter(hooks["high"], hooks["low"]))
        pairs = pairs.rename({"low": "a", "high": "b"})
    return pl.DataFrame({"node": ordered, "component": ordered.gather(parent)})


def _point_at_roots(parent: pl.Series) -> pl.Series:
    while True:
        jumped = parent.gather(parent)
        if jumped.equals(parent):
            return parent
        parent = jumped


def components_apart(nodes: pl.Series, edges: pl.DataFrame, apart: pl.DataFrame) -> pl.DataFrame:
    """Return components in which no pair of `apart` stands together.

    `edges` (left, right, weight), `apart` (left, right). Result (node, component) as `connected_components`.
    Components without a broken pair are left as they are. One with a broken pair is built again edge by edge, the
    heaviest first, ties by token, and an edge that would bring a forbidden pair together is passed over. So the
    forbidden pair is honoured however long the way between its ends, the weakest evidence on that way gives in, and
    the result depends on nothing but the edges.
    """
    found = connected_components(nodes, edges)
    if apart.is_empty():
        return found
    own = found.rename({"node": "left"})
    other = found.rename({"node": "right", "component": "other"})
    broken = (
        apart.join(own, on="left")
        .join(other, on="right")
        .filter((pl.col("component") == pl.col("other")) & (pl.col("left") != pl.col("right")))
    )
    if broken.is_empty():
        return found
    members = found.join(broken.select("component").unique(), on="component", how="semi")
    inside = (
        edges.join(members.select(left="node"), on="left", how="semi")
        .join(members.select(right="node"), on="right", how="semi")
        .select("weight", low=pl.min_horizontal("left", "right"), high=pl.max_horizontal("left", "right"))
        .sort("weight", "low", "high", descending=[True, False, False])
    )
    rebuilt = _kruskal_apart(
        members["node"].to_list(),
        inside.select("low", "high").iter_rows(),
        broken.select("left", "right").iter_rows(),
    )
    frame = pl.DataFrame(rebuilt, schema={"node": pl.String, "component": pl.String}, orient="row")
    return pl.concat([found.join(frame, on="node", how="anti"), frame]).sort("node")


def _kruskal_apart(
    nodes: list[str], edges: Iterable[tuple[str, str]], apart: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    root = {node: node for node in nodes}
    members = {node: [node] for node in nodes}
    enemies: dict[str, set[str]] = {node: set() for node in nodes}  # of each root: roots it must never meet
    for left, right in apart:
        enemies[left].add(right)
        enemies[right].add(left)
    for left, right in edges:
        keep, gone = root[left], root[right]
        if keep == gone or gone in enemies[keep]:
            continue
        if len(members[keep]) < len(members[gone]):
            keep, gone = gone, keep
        for node in members[gone]:
            root[node] = keep
        members[keep] += members.pop(gone)
        for enemy in enemies.pop(gone):
            enemies[enemy].discard(gone)
            enemies[enemy].add(keep)
            enemies[keep].add(enemy)
    return [(node, smallest) for group in members.values() for smallest in [min(group)] for node in group]
