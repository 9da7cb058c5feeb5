"""How demand answers price and promotion: log-linear effects, pooled over alike series, and a level freed of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d
from scipy.sparse import csr_array

from forecasting.grid import Floats, Grid, Ints, drawn_series
from forecasting.smoothing import smoothed_path

PARTS = ("price", "promotion")
ALPHA = 0.25
ROUNDS, STEPS = 2, 5
# How far effects are believed to lie from none, and a group's from those of all, in logs at a column's usual strength.
SPREAD_OF_ALL, SPREAD_OF_GROUP = 1.0, 0.1
# The first buckets of a series only find its level; nothing moves demand more than twentyfold.
FIRST_BUCKETS = 8
LARGEST_EFFECT = 3.0
LOG_PRICES = (-1.2, 0.7)


@dataclass(frozen=True)
class Column:
    """Which part of demand a column explains, and how many buckets after an origin it is planned."""

    part: str
    reach: int


@dataclass(frozen=True)
class Response:
    """Log effects of price and promotion: those of all series, and by static column what each of its codes adds.

    `usual` is the strength by which each column was divided.
    """

    usual: Floats
    of_all: Floats
    of_groups: Mapping[str, Floats]


def learn_response(grid: Grid, origin: int, most: int) -> Response | None:
    """The effects as known at `origin`, from about `most` cells; None where no price and no promotion ever moved.

    Poisson regression of demand on price and promotion beside a smoothed level that is freed of them by the round
    before; groups of series, few large ones first, deviate from what is known of all as far as their own demand says
    (ridge). Its likelihood is divided by the overdispersion, so that cents and tonnes are believed alike.
    Source: Wittink, Addona, Hawkes and Porter 1988, SCAN*PRO: the estimation, validation, and use of promotional
    effects based on scanner data.
    """
    groups = _groups(grid)
    grid = grid.take(drawn_series(grid, most // (origin + 1)))
    axes, _ = _axes(grid, 0, origin, 0)
    if not axes:
        return None
    usual = np.array([np.sqrt((one**2).mean()) for one in axes])
    told = np.stack([_at_usual_strength(one, strength) for one, strength in zip(axes, usual, strict=True)])
    values = grid.values[:, : origin + 1]
    seen = ~np.isnan(values)
    settled = seen & (np.cumsum(seen, axis=1) > FIRST_BUCKETS)
    effects = np.zeros(values.shape)
    response = None
    for _ in range(ROUNDS):
        level = np.full(values.shape, np.nan)
        level[:, 1:] = smoothed_path(values / np.exp(effects), ALPHA)[:, :-1]
        rows = np.nonzero(settled & (level > 0))
        figures = told[:, rows[0], rows[1]]
        if not figures.any() or not values[rows].any():
            return None
        members = {name: _members(grid.static[name][rows[0]], count) for name, count in groups.items()}
        of_all, of_groups = _fit(figures.T, values[rows], np.log(level[rows]), members)
        response = Response(usual, of_all, of_groups)
        effects = _bounded(np.einsum("nc,cnt->nt", _coefficients(response, grid), told))
    return response


def effects_of(response: Response, grid: Grid, since: int, origin: int, horizon: int) -> dict[str, Floats]:
    """What "price" and "promotion" do to the log of demand, series × bucket from `since` to `horizon` after `origin`.

    Buckets past how far a column is planned have the mean of its recent figures: the usual is expected there, told as
    "base", for nobody planned it.
    """
    axes, columns = _axes(grid, since, origin, horizon)
    effects = {part: np.zeros((grid.count, origin + 1 + horizon - since)) for part in ("base", *PARTS)}
    coefficients = _coefficients(response, grid)
    for number, (one, column) in enumerate(zip(axes, columns, strict=True)):
        each = _at_usual_strength(one, response.usual[number]) * coefficients[:, [number]]
        unplanned = origin + 1 + column.reach - since
        effects[column.part][:, :unplanned] += each[:, :unplanned]
        effects["base"][:, unplanned:] += each[:, unplanned:]
    return {part: _bounded(effect) for part, effect in effects.items()}


def _groups(grid: Grid) -> dict[str, int]:
    """Static columns that put at least two series together and how many codes each has, few large groups first."""
    sizes = {name: int(codes.max(initial=0)) + 1 for name, codes in grid.static.items()}
    return {
        name: size for size, name in sorted((size, name) for name, size in sizes.items()) if 1 < size <= grid.count // 2
    }


def _members(codes: Ints, count: int) -> csr_array:
    """Group × row, one where the row is of the group: what sums rows by group."""
    return csr_array((np.ones(codes.size), (codes, np.arange(codes.size))), shape=(count, codes.size))


def _axes(grid: Grid, since: int, origin: int, horizon: int) -> tuple[list[Floats], list[Column]]:
    """Of each column series × bucket from `since` on, and what it is.

    A price is told by its logs to the recent mean and to the year's highest, a promotion by its figure.
    """
    out: list[Floats] = []
    columns: list[Column] = []
    for name, values in grid.known.items():
        part = grid.known_part[name]
        if part not in PARTS:
            continue
        planned = values[:, : origin + 1 + horizon]
        if part == "price":
            priced = np.where(planned > 0, planned, np.nan)
            references = (
                _recent_mean(priced, origin, grid.rhythm.level),
                _recent_highest(priced, origin, grid.rhythm.year),
            )
            told = [np.nan_to_num(np.log(priced / reference)).clip(*LOG_PRICES) for reference in references]
        else:
            told = [np.nan_to_num(planned)]
        reach = grid.reach.get(name, horizon)
        for one in told:
            recent = one[:, max(0, origin + 1 - grid.rhythm.level) : origin + 1]
            one[:, origin + 1 + reach :] = recent.mean(axis=1, keepdims=True)
        out += [one[:, since:] for one in told]
        columns += [Column(part, reach)] * len(told)
    return out, columns


def _recent_mean(values: Floats, origin: int, width: int) -> Floats:
    """Mean of the `width` buckets before each one; after the origin that of the origin, which its level stands on."""
    seen = ~np.isnan(values)
    edge = np.zeros((values.shape[0], 1))
    sums = np.concatenate([edge, np.cumsum(np.where(seen, values, 0.0), axis=1)], axis=1)
    counts = np.concatenate([edge, np.cumsum(seen, axis=1)], axis=1)
    ends = np.minimum(np.arange(values.shape[1]), origin)
    starts = np.maximum(0, ends - width)
    total, count = sums[:, ends] - sums[:, starts], counts[:, ends] - counts[:, starts]
    return np.asarray(np.divide(total, count, out=np.full(values.shape, np.nan), where=count > 0))


def _recent_highest(values: Floats, origin: int, width: int) -> Floats:
    """The highest of each bucket and the `width` − 1 before it, and after the origin that at the origin."""
    past = np.where(np.isnan(values), -np.inf, values)[:, : origin + 1]
    before = (width - 1) // 2
    out = np.empty(values.shape)
    out[:, : origin + 1] = maximum_filter1d(past, width, axis=1, mode="constant", cval=-np.inf, origin=before)
    out[:, origin + 1 :] = out[:, [origin]]
    return np.where(np.isinf(out), np.nan, out)


def _fit(
    told: Floats, demand: Floats, offset: Floats, members: Mapping[str, csr_array]
) -> tuple[Floats, dict[str, Floats]]:
    """Effects of all rows by iteratively reweighted least squares, then what each group adds, by one Newton step."""
    width = told.shape[1]
    # What a level smoothed over the past is short of today is no effect of any column: it is fitted and left out.
    with_level = np.concatenate([told, np.ones((told.shape[0], 1))], axis=1)
    prior = np.diag(np.append(np.full(width, SPREAD_OF_ALL**-2), 1e-9))
    found = np.zeros(width + 1)
    # Begun between the level and what came: from the level alone the first step would leap beyond a large effect.
    expected = (demand + np.exp(offset)) / 2.0
    for _ in range(STEPS):
        spread = _spread(demand, expected)
        weighed = with_level * expected[:, None]
        gap = np.log(expected) - offset + (demand - expected) / expected
        found = np.linalg.solve(weighed.T @ with_level / spread + prior, weighed.T @ gap / spread)
        expected = np.exp(offset + with_level @ found)
    one, other = np.triu_indices(width)
    pairs = told[:, one] * told[:, other]
    of_groups: dict[str, Floats] = {}
    for name, group in members.items():
        spread = _spread(demand, expected)
        slopes = group @ (told * (demand - expected)[:, None]) / spread
        curves = np.empty((group.shape[0], width, width))
        curves[:, one, other] = curves[:, other, one] = group @ (pairs * expected[:, None]) / spread
        curves += np.eye(width) * SPREAD_OF_GROUP**-2
        of_groups[name] = np.linalg.solve(curves, slopes[..., None])[..., 0]
        expected *= np.exp((told * (group.T @ of_groups[name])).sum(axis=1))
    return found[:width], of_groups


def _spread(demand: Floats, expected: Floats) -> float:
    """How many times wider than Poisson demand lies around what is expected."""
    return max(float(((demand - expected) ** 2).sum() / expected.sum()), 1e-12)


def _at_usual_strength(told: Floats, usual: float) -> Floats:
    return told / usual if usual > 0 else np.zeros_like(told)


def _coefficients(response: Response, grid: Grid) -> Floats:
    """The log effects of each series (series × column)."""
    found = np.repeat(response.of_all[None, :], grid.count, axis=0)
    for name, of_group in response.of_groups.items():
        found += of_group[grid.static[name]]
    return found


def _bounded(effects: Floats) -> Floats:
    return np.asarray(effects.clip(-LARGEST_EFFECT, LARGEST_EFFECT))
