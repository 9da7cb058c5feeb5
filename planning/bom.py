"""The bill of materials by week: which component in which quantity, and in which order items must be planned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from datetime import date
from typing import NamedTuple, TypeVar

import polars as pl

from tillmill.errors import UsageError

Node = TypeVar("Node", bound=Hashable)


class Component(NamedTuple):
    """One effective line of a bill: units of `sku` that start for one good unit of the parent."""

    sku: str
    per_unit: float


class BomCycleError(UsageError):
    """A bill of materials (or a chain of transfers) that leads back to itself; the message walks the cycle."""


class Bom:
    """Bills by parent, answered for a week."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._lines: dict[str, list[dict[str, object]]] = defaultdict(list)
        for row in frame.sort("parent_sku", "component_sku", "effective_from", nulls_last=False).iter_rows(named=True):
            self._lines[row["parent_sku"]].append(row)

    def __contains__(self, sku: str) -> bool:
        return sku in self._lines

    def children(self, sku: str) -> list[str]:
        """Every component of `sku` at any date, alternates included; sorted."""
        return sorted({str(row["component_sku"]) for row in self._lines.get(sku, [])})

    def parents(self) -> list[str]:
        return sorted(self._lines)

    def components(self, sku: str, on: date) -> list[Component]:
        """The bill of `sku` on a date, scrap of components included.

        A line counts from `effective_from` until before `effective_to`; of two revisions of one line the newer counts;
        of an `alternate_group` the effective line with the lowest `priority` counts.
        """
        effective: dict[str, dict[str, object]] = {}
        for row in self._lines.get(sku, []):
            starts, ends = row["effective_from"], row["effective_to"]
            if (starts is None or starts <= on) and (ends is None or ends > on):  # type: ignore[operator]
                effective[str(row["component_sku"])] = row
        chosen: dict[str, dict[str, object]] = {}
        for name, row in effective.items():
            group = str(row["alternate_group"] or "-")
            slot = f"group {group}" if group != "-" else f"line {name}"
            if slot not in chosen or _rank(row) < _rank(chosen[slot]):
                chosen[slot] = row
        return [
            Component(str(row["component_sku"]), float(row["quantity_per"]) / (1 - float(row["scrap_rate"] or 0.0)))  # type: ignore[arg-type]
            for row in chosen.values()
        ]


def _rank(row: Mapping[str, object]) -> tuple[float, str]:
    priority = row["priority"]
    return (float("inf") if priority is None else float(str(priority)), str(row["component_sku"]))


def low_level_codes(edges: Mapping[Node, Iterable[Node]]) -> dict[Node, int]:
    """The longest way down to each node from one that nothing leads to: plan nodes in this order, lowest code first.

    Raises BomCycleError that walks the cycle.
    """
    children = {node: sorted(set(below), key=str) for node, below in edges.items()}
    waiting: dict[Node, int] = defaultdict(int)
    nodes = sorted({*children, *(child for below in children.values() for child in below)}, key=str)
    for below in children.values():
        for child in below:
            waiting[child] += 1
    codes = {node: 0 for node in nodes if waiting[node] == 0}
    ready = list(codes)
    for node in ready:
        for child in children.get(node, []):
            codes[child] = max(codes.get(child, 0), codes[node] + 1)
            waiting[child] -= 1
            if waiting[child] == 0:
                ready.append(child)
    if len(ready) < len(nodes):
        stuck = {node for node in nodes if waiting[node] > 0}
        raise BomCycleError(f"bom: {' > '.join(str(node) for node in _walk(stuck, children))} leads back to itself")
    return codes


def _walk(stuck: set[Node], children: Mapping[Node, list[Node]]) -> list[Node]:
    """One cycle among `stuck`, its first node repeated: walk upstream, where every stuck node has a stuck parent."""
    parents = {child: node for node in sorted(stuck, key=str) for child in children.get(node, []) if child in stuck}
    node = min(stuck, key=str)
    seen: list[Node] = []
    while node not in seen:
        seen.append(node)
        node = parents[node]
    cycle = [*seen[seen.index(node) :], node]
    return cycle[::-1]
