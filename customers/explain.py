"""Why two records are one person, or are not: the links between them, the strongest way first."""

from __future__ import annotations

import heapq
from collections import defaultdict

import polars as pl

WAY_COLUMNS: dict[str, pl.DataType] = {
    "left_record": pl.String(),
    "right_record": pl.String(),
    "rule": pl.String(),
    "weight": pl.Float64(),
    "evidence": pl.String(),
}


def way_between(links: pl.DataFrame, left: str, right: str) -> pl.DataFrame:
    """Return the links that lead from record `left` to record `right`, in order (`WAY_COLUMNS`); no rows without a way.

    `links` (`keys.LINK_COLUMNS`): those with verdict `link` are walked. Of all ways the one whose weakest link is
    the strongest, and of those the shortest.
    """
    best: dict[tuple[str, str], tuple[float, str, str]] = {}
    columns = ("left_record", "right_record", "weight", "rule", "evidence")
    for one, other, weight, rule, evidence in links.filter(pl.col("verdict") == "link").select(*columns).iter_rows():
        for pair in ((one, other), (other, one)):
            if pair not in best or weight > best[pair][0]:
                best[pair] = (weight, rule, evidence)
    near: dict[str, list[str]] = defaultdict(list)
    for one, other in best:
        near[one].append(other)
    came_from: dict[str, str] = {}
    waiting: list[tuple[float, int, str, str]] = [(-1.0, 0, left, left)]
    while waiting:
        weakest, steps, record, before = heapq.heappop(waiting)
        if record in came_from:
            continue
        came_from[record] = before
        if record == right:
            break
        for other in near[record]:
            if other not in came_from:
                heapq.heappush(waiting, (max(weakest, -best[record, other][0]), steps + 1, other, record))
    return pl.DataFrame(_steps(came_from, best, left, right), schema=WAY_COLUMNS, orient="row")


def _steps(
    came_from: dict[str, str], best: dict[tuple[str, str], tuple[float, str, str]], left: str, right: str
) -> list[tuple[str, str, str, float, str]]:
    steps: list[tuple[str, str, str, float, str]] = []
    record = right
    while record != left:
        if record not in came_from:
            return []
        before = came_from[record]
        weight, rule, evidence = best[before, record]
        steps.append((before, record, rule, weight, evidence))
        record = before
    return steps[::-1]
