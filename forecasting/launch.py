"""Series without a history: how much is wanted of what is like them, and how what was launched before began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecasting.engine import Outcome
from forecasting.grid import QUANTILES, Floats, Grid, Ints

LAUNCH = "launch"
ROUNDS = 20
# How many series' worth of the usual stands against what few series with an attribute say; tried on a tenth at a time.
CALMS = (0.1, 0.3, 1.0, 3.0)
FOLDS = 10
PRICE_BANDS = 5
# So many launches' worth of no curve at all, and blocks of a curve.
CALM_LAUNCHES, CURVE_BLOCKS = 10.0, 4
RATIOS = 9


@dataclass(frozen=True)
class Launched:
    """`grid` with a borrowed history in `rows`, whose nearest series are `like`; what the curve and the spread are."""

    grid: Grid
    rows: Ints
    like: Ints
    curve: Floats
    ratios: Floats


def with_launches(grid: Grid, rows: Ints, horizon: int) -> Launched:
    """Gives each of the `rows`, of which nothing was observed, the history of its nearest series at its own level.

    Level: units a bucket as a product of one effect per value of every static column and price band, each held to one
    by some series' worth of the usual (as credibility theory does: Bühlmann and Straub, 1970), fitted to the recent
    levels of the others. Nearest: the series that shares the attributes which move demand the most, then the largest.
    Its promotions are borrowed too, and its prices as multiples of the newcomer's own. The curve by age is what earlier
    launches sold of what they sold later on. Raises ValueError where no other series has sold anything.
    """
    width = grid.rhythm.level
    seen = np.ones(grid.count, dtype=bool)
    seen[rows] = False
    attributes = [*grid.static.values(), *_price_bands(grid)]
    level = _levels(grid.values, grid.length, width)
    usable = np.flatnonzero(seen & (np.nan_to_num(level) > 0))
    if not usable.size:
        raise ValueError("no series has sold anything to learn a launch from")
    calm, ratios = _tried(attributes, level, usable)
    wanted, effects = _fitted(attributes, level, usable, calm)
    like = _nearest(attributes, effects, level, rows, usable)
    values = grid.values.copy()
    values[rows] = grid.values[like] * (wanted[rows] / level[like])[:, None]
    known = {name: figures.copy() for name, figures in grid.known.items()}
    for name, figures in known.items():
        past = figures[like, : grid.length]
        if grid.known_part[name] == "price":
            past = past * _ratio(_usual(figures[rows, grid.length :]), _usual(past[:, -width:]))[:, None]
        figures[rows, : grid.length] = past
    borrowed = {name: _borrowed(figures, rows, like) for name, figures in grid.past.items()}
    curve = _curve(grid.values, width, horizon)
    return Launched(replace(grid, values=values, known=known, past=borrowed), rows, like, curve, ratios)


def as_launched(outcome: Outcome, launched: Launched) -> Outcome:
    """The outcome of the engine with the launched series on their curve, and as unsure as their level is."""
    rows = launched.rows
    mean, quantiles, method = outcome.mean.copy(), outcome.quantiles.copy(), outcome.method.copy()
    mean[rows] *= launched.curve
    quantiles[rows] = _widened(quantiles[rows] * launched.curve[:, None], launched.ratios)
    method[rows] = LAUNCH
    parts = {name: told.copy() for name, told in outcome.parts.items()}
    for told in parts.values():
        told[rows] *= launched.curve
    return replace(outcome, mean=mean, quantiles=quantiles, method=method, parts=parts)


def _fitted(attributes: Sequence[Ints], level: Floats, usable: Ints, calm: float) -> tuple[Floats, list[Floats]]:
    """Each series' level by its attributes alone, learnt from the usable ones, and its effect of every attribute."""
    usual = float(level[usable].mean())
    effects = [np.ones(int(codes.max(initial=0)) + 1) for codes in attributes]
    expected = np.full(level.size, usual)
    for _ in range(ROUNDS):
        for codes, effect in zip(attributes, effects, strict=True):
            others = expected / effect[codes]
            told = np.bincount(codes[usable], level[usable], minlength=effect.size)
            base = np.bincount(codes[usable], others[usable], minlength=effect.size)
            effect[:] = (told + calm * usual) / (base + calm * usual)
            expected = others * effect[codes]
    return expected, [effect[codes] for codes, effect in zip(attributes, effects, strict=True)]


def _tried(attributes: Sequence[Ints], level: Floats, usable: Ints) -> tuple[float, Floats]:
    """The calm with the least error on series hidden a tenth at a time, and their levels ÷ what was expected."""
    best, least, ratios = CALMS[-1], np.inf, np.ones(1)
    for calm in CALMS:
        told = np.full(level.size, np.nan)
        for fold in range(FOLDS):
            hidden = usable[fold::FOLDS]
            rest = np.setdiff1d(usable, hidden)
            if hidden.size and rest.size:
                told[hidden] = _fitted(attributes, level, rest, calm)[0][hidden]
        tried = ~np.isnan(told)
        error = float(np.abs(told - level)[tried].sum())
        if tried.any() and error < least:
            best, least, ratios = calm, error, level[tried] / told[tried]
    return best, np.quantile(ratios, (np.arange(RATIOS) + 0.5) / RATIOS)


def _nearest(attributes: Sequence[Ints], effects: Sequence[Floats], level: Floats, rows: Ints, usable: Ints) -> Ints:
    """For each row the usable series that shares the attributes which move demand the most, then the largest."""
    largest_first = usable[np.argsort(-level[usable], kind="stable")]
    shared = np.zeros((rows.size, largest_first.size))
    for codes, effect in zip(attributes, effects, strict=True):
        weight = np.log(effect[usable]).std() + 1e-9
        shared += weight * ((codes[rows][:, None] == codes[largest_first][None]) & (codes[rows][:, None] >= 0))
    return np.asarray(largest_first[np.argmax(shared, axis=1)])


def _curve(values: Floats, width: int, horizon: int) -> Floats:
    """What earlier launches sold at each age ÷ what they sold later on, in blocks; held to one while launches are few.

    Later on is the `width` buckets after the horizon; each launch counts by its size.
    """
    seen = ~np.isnan(values)
    born = np.where(seen.any(axis=1), np.argmax(seen, axis=1), values.shape[1])
    launches = np.flatnonzero((born >= width) & (born + horizon + width <= values.shape[1]))
    block = np.arange(horizon) * CURVE_BLOCKS // horizon
    sold, told = np.zeros(horizon), np.zeros(horizon)
    for row in launches.tolist():
        came = values[row, born[row] : born[row] + horizon]
        mature = _usual(values[row : row + 1, born[row] + horizon : born[row] + horizon + width])[0]
        known = ~np.isnan(came) & np.isfinite(mature)
        sold += np.where(known, came, 0.0)
        told += np.where(known, mature, 0.0)
    if not told.any():
        return np.ones(horizon)
    still = CALM_LAUNCHES * told.sum() / launches.size / horizon * np.bincount(block)
    return np.asarray(((np.bincount(block, sold) + still) / (np.bincount(block, told) + still))[block])


def _price_bands(grid: Grid) -> list[Ints]:
    """A band by the usual price of the coming buckets, where prices are planned: newcomers have no others."""
    for name, figures in grid.known.items():
        if grid.known_part[name] == "price":
            price = _usual(figures[:, grid.length :])
            if np.isfinite(price).any():
                edges = np.nanquantile(price, np.arange(1, PRICE_BANDS) / PRICE_BANDS)
                return [np.where(np.isnan(price), edges.size + 1, np.searchsorted(edges, price)).astype(np.int64)]
    return []


def _widened(quantiles: Floats, ratios: Floats) -> Floats:
    """Quantiles of demand whose level may be any of the ratios of what is expected, each as likely as another."""
    inner = np.linspace(QUANTILES[0], QUANTILES[-1], 19)
    finer = np.apply_along_axis(lambda told: np.interp(inner, QUANTILES, told), -1, quantiles)
    drawn = (finer[..., None] * ratios).reshape(*quantiles.shape[:-1], -1)
    return np.moveaxis(np.quantile(drawn, QUANTILES, axis=-1), 0, -1)


def _borrowed(figures: Floats, rows: Ints, like: Ints) -> Floats:
    out = figures.copy()
    out[rows] = figures[like]
    return out


def _levels(values: Floats, end: int, width: int) -> Floats:
    """Mean of the observed buckets of the `width` before `end`; NaN where there is none."""
    window = values[:, max(0, end - width) : end]
    return _usual(window)


def _usual(values: Floats) -> Floats:
    seen = ~np.isnan(values)
    return _ratio(np.where(seen, values, 0.0).sum(axis=1), seen.sum(axis=1).astype(np.float64))


def _ratio(top: Floats, bottom: Floats) -> Floats:
    out: NDArray[np.float64] = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out
