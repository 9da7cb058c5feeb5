"""What festivals did before: which buckets they colour, and how far demand left its usual there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from forecasting.grid import Floats, Grid, Ints
from forecasting.plans import EDGE, Told

# Usual demand is the median of so many buckets before, of the same weekday where weeks have days.
USUAL: Mapping[str, int] = {"D": 5, "W": 8, "MS": 6}
# A festival moves by up to three weeks from year to year (Spring Festival, Easter); what was a month away was another.
MOVES_A_YEAR = 0.06
FADES_A_YEAR = 0.8
NONE = -1


@dataclass(frozen=True)
class Festivals:
    """Which calendar each series keeps, and for each calendar and bucket the festival it stands by.

    A festival is a number made of its column, its code and how many buckets it is away (`NONE`: none is near).
    `nearest` may lie ahead by `until` buckets; `passed` is the nearest that does not. `weight` says by how many buckets
    ago it was how much a festival tells: what was near the same time of the year counts most, and what is older less.
    """

    calendar: Ints
    nearest: Ints
    until: Ints
    passed: Ints
    weight: Floats


@dataclass(frozen=True)
class Unusual:
    """Bucket × row: how far demand left its usual (0 where that is unknown), and whether it is known (1 or 0)."""

    left: Floats
    seen: Floats


def festive(grid: Grid) -> NDArray[np.bool_]:
    """Series × bucket so far: whether a festival is on."""
    on = np.zeros(grid.values.shape, dtype=np.bool_)
    for name in _columns(grid):
        on |= np.nan_to_num(grid.known[name][:, : grid.length]) > 0
    return on


def look_at_festivals(grid: Grid) -> Festivals | None:
    """The festivals near every bucket, once for all series with the same calendar; None where none is planned."""
    names = _columns(grid)
    if not names or not grid.count:
        return None
    first, calendar = _calendars(grid, names)
    edge = EDGE[grid.freq]
    steps = np.arange(grid.length + grid.ahead)
    shape = (first.size, steps.size)
    passed, nearest = np.full(shape, NONE, dtype=np.int64), np.full(shape, NONE, dtype=np.int64)
    until = np.zeros(shape, dtype=np.int64)
    nearest_gap, passed_gap = np.full(shape, edge + 1), np.full(shape, edge + 1)
    for place, name in enumerate(names):
        # A share of a week is how much of it a festival fills, not which festival it is.
        codes = np.ceil(np.nan_to_num(grid.known[name][first])).astype(np.int64)
        last = np.maximum.accumulate(np.where(codes > 0, steps, -edge - 1), axis=1)
        following = np.minimum.accumulate(np.where(codes > 0, steps, steps.size + edge)[:, ::-1], axis=1)[:, ::-1]
        since, ahead = steps - last, following - steps
        behind = _numbered(place, np.take_along_axis(codes, np.maximum(last, 0), axis=1), -since, edge)
        before = _numbered(place, np.take_along_axis(codes, np.minimum(following, steps[-1]), axis=1), ahead, edge)
        closer = since < passed_gap
        passed, passed_gap = np.where(closer, behind, passed), np.where(closer, since, passed_gap)
        gap = np.minimum(since, ahead)
        closer = gap < nearest_gap
        nearest = np.where(closer, np.where(since <= ahead, behind, before), nearest)
        until = np.where(closer, np.where(since <= ahead, 0, ahead), until)
        nearest_gap = np.where(closer, gap, nearest_gap)
    years = np.round(steps / grid.rhythm.year)
    near = np.exp(-0.5 * ((steps - years * grid.rhythm.year) / (MOVES_A_YEAR * grid.rhythm.year)) ** 2)
    return Festivals(calendar, nearest, until, passed, near * FADES_A_YEAR**years)


def out_of_usual(values: Floats, grid: Grid) -> Unusual:
    """Each bucket of `values` (rows × bucket) ÷ the median of its phase before it; unseen where half of it is gone."""
    width, season = USUAL[grid.freq], max(grid.rhythm.short_season, 1)
    before = np.full((width, *values.shape), np.nan)
    for back in range(1, width + 1):
        if back * season < values.shape[1]:
            before[back - 1, :, back * season :] = values[:, : -back * season]
    told = (~np.isnan(before)).sum(axis=0) > width // 2
    usual = np.zeros(values.shape)
    usual[told] = np.nanmedian(before[:, told], axis=0)
    out = np.full(values.shape, np.nan)
    np.divide(values, usual, out=out, where=usual > 0)
    seen = ~np.isnan(out)
    return Unusual(np.where(seen, out, 0.0).T.copy(), seen.T.astype(np.float64))


def festival_features(
    grid: Grid, festivals: Festivals | None, unusual: Mapping[str, tuple[Ints, Unusual]], origin: int, target: int
) -> Told:
    """How far each group's demand left its usual as near to the target's festival before: 1 where none is near.

    `unusual`: group name → (row of each series, `out_of_usual` of the groups). NaN where the festival was not seen yet.
    """
    if festivals is None:
        return {}
    edge = EDGE[grid.freq]
    planned_until = min(origin + grid.ahead, grid.length + grid.ahead - 1)
    unplanned = target + festivals.until[:, target] > planned_until
    aimed = np.where(unplanned, festivals.passed[:, target], festivals.nearest[:, target])
    # Which festival the newest buckets are near may hang on what is planned after the horizon.
    end = max(0, origin + 1 - edge)
    weight = festivals.weight[target - np.arange(end)]
    like = np.where(festivals.nearest[:, :end] == aimed[:, None], weight, 0.0)
    out: Told = {}
    for name, (group, told) in unusual.items():
        total = like @ told.seen[:end]
        index = np.divide(like @ told.left[:end], total, out=np.full(total.shape, np.nan), where=total > 0.02)
        index[aimed == NONE] = 1.0
        out[f"festival_index_of_{name}"] = (index[festivals.calendar, group], "festival", 1.0)
    return out


def _columns(grid: Grid) -> list[str]:
    return [name for name in grid.known if grid.known_part[name] == "festival"]


def _calendars(grid: Grid, names: list[str]) -> tuple[Ints, Ints]:
    """The first series of each calendar, and which calendar each series keeps."""
    numbers: dict[bytes, int] = {}
    first: list[int] = []
    calendar = np.zeros(grid.count, dtype=np.int64)
    for row in range(grid.count):
        digest = blake2b(digest_size=16)
        for name in names:
            digest.update(grid.known[name][row].tobytes())
        if digest.digest() not in numbers:
            numbers[digest.digest()] = len(first)
            first.append(row)
        calendar[row] = numbers[digest.digest()]
    return np.array(first, dtype=np.int64), calendar


def _numbered(column: int, codes: Ints, away: Ints, edge: int) -> Ints:
    """One number for a festival column, its code and its distance."""
    most = 1_000_000
    number: Ints = (column * most + np.minimum(codes, most - 1)) * (2 * edge + 1) + np.clip(away, -edge, edge) + edge
    return number
