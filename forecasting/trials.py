"""The members of a forecast, now and at earlier origins, for one block of series after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from forecasting import classes, models
from forecasting.features import Market, Sight, level, look
from forecasting.grid import Floats, Grid, Ints
from forecasting.intervals import signs_of
from forecasting.quartiles import predict_quartiles

Strings = NDArray[np.str_]
MOST_TRIALS = 3
# Running sums and plans of a few thousand series fit any machine. A block pools the days of the week and births of its
# own series: thousands of them say the same as all.
SERIES_AT_ONCE = 4_000


@dataclass(frozen=True)
class Trial:
    """What each member says at one origin, and what came: blends and quantiles are learnt from those before the cutoff.

    `members` and `actual` are series × step (`actual` is NaN where it has not come yet), `signs` series × sign, the
    rest one figure a series.
    """

    origin: int
    members: Mapping[str, Floats]
    actual: Floats
    scale: Floats
    signs: Floats
    kind: Strings


@dataclass(frozen=True)
class Block:
    """Some series: their trials, what the members say now, and by member the parts of its say, where it tells any."""

    trials: tuple[Trial, ...]
    now: Trial
    parts: Mapping[str, Mapping[str, Floats]]


# Does the work on each of the blocks of a grid's series, in order: here (`in_turn`) or elsewhere (`forecasting.spark`).
EachBlock = Callable[[Callable[[Grid], Block], Grid, Sequence[Ints]], list[Block]]


def trial_origins(grid: Grid, horizon: int) -> list[int]:
    """Up to three origins, half a horizon apart, newest first, whose whole horizon has been seen."""
    step = max(1, horizon // 2)
    newest = grid.length - 1 - horizon
    floor = max(2 * grid.rhythm.windows[1], 4)
    return [newest - back * step for back in range(MOST_TRIALS) if newest - back * step >= floor]


def blocks_of(count: int) -> list[Ints]:
    """All series in order, about `SERIES_AT_ONCE` at a time."""
    return np.array_split(np.arange(count), max(1, -(-count // SERIES_AT_ONCE)))


def in_turn(work: Callable[[Grid], Block], grid: Grid, blocks: Sequence[Ints]) -> list[Block]:
    """The blocks one after the other in this process, so that only one is in memory."""
    return [work(grid.take(rows)) for rows in blocks]


def try_block(
    block: Grid,
    market: Market,
    horizon: int,
    origins: Sequence[int],
    rehearsal: models.Learnt,
    final: models.Learnt,
) -> Block:
    """The block's trials by `rehearsal`, which saw nothing after the oldest origin, and its forecast by `final`.

    `market` is that of the grid which `block` is a part of. Sums are taken on one thread: shared out over as many as a
    machine has, their last digits would be the machine's.
    """
    with threadpool_limits(1, user_api="blas"):
        sight = look(block, market)
        trials = tuple(_at(sight, origin, horizon, rehearsal) for origin in origins)
        now = block.length - 1
        members, parts = _members(sight, now, horizon, final, with_parts=True)
        return Block(trials, _told(sight, now, horizon, members), parts)


def joined_trials(blocks: Sequence[Trial]) -> Trial:
    """One trial of all series from those of the blocks, in order."""
    return Trial(
        origin=blocks[0].origin,
        members=joined([block.members for block in blocks]),
        actual=np.concatenate([block.actual for block in blocks]),
        scale=np.concatenate([block.scale for block in blocks]),
        signs=np.concatenate([block.signs for block in blocks]),
        kind=np.concatenate([block.kind for block in blocks]),
    )


def joined(blocks: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    """Each name's figures over all blocks; a block that is too young for a yearly member smooths instead."""
    names = dict.fromkeys(name for block in blocks for name in block)
    return {
        name: np.concatenate([block[name] if name in block else block[models.SMOOTHING] for block in blocks])
        for name in names
    }


def _at(sight: Sight, origin: int, horizon: int, learnt: models.Learnt) -> Trial:
    members, _ = _members(sight, origin, horizon, learnt, with_parts=False)
    return _told(sight, origin, horizon, members)


def _members(
    sight: Sight, origin: int, horizon: int, learnt: models.Learnt, *, with_parts: bool
) -> tuple[dict[str, Floats], dict[str, Mapping[str, Floats]]]:
    members = models.statistical_members(sight, origin, horizon)
    parts: dict[str, Mapping[str, Floats]] = {}
    if learnt.response is not None:
        members[models.FREED], parts[models.FREED] = models.freed_member(learnt.response, sight, origin, horizon)
    if learnt.boosting is not None:
        ahead = models.look_ahead(sight, origin, horizon)
        members[models.BOOSTING], parts[models.BOOSTING] = models.predict_boosting(
            learnt.boosting, ahead, with_parts=with_parts
        )
        # They are no means, so no blend has a share for them.
        members |= predict_quartiles(learnt.quartiles, ahead)
    return members, parts


def _told(sight: Sight, origin: int, horizon: int, members: Mapping[str, Floats]) -> Trial:
    grid = sight.grid
    values = grid.values[:, : origin + 1]
    scale, size = level(sight, origin)
    actual = np.full((grid.count, horizon), np.nan)
    came = grid.values[:, origin + 1 : origin + 1 + horizon]
    actual[:, : came.shape[1]] = came
    return Trial(
        origin=origin,
        members=members,
        actual=actual,
        scale=scale,
        signs=signs_of(values, scale, size, grid.rhythm),
        kind=classes.classify(values, grid.rhythm),
    )
