"""Synthetic control with unit fixed effects: what a unit would have sold, and how far off such a guess has been."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import t as student

Array = NDArray[np.float64]

MAX_DONORS = 40  # of a fit; more add noise and time, not likeness
POWER = 0.8  # a minimum detectable effect is one that would be found four times in five


@dataclass(frozen=True)
class Estimate:
    """Average gap between the unit and its synthetic control after `start`, in the unit's own measure per period."""

    att: float
    low: float
    high: float
    detectable: float  # smallest average effect that would be found with a power of 80 %
    p_placebo: float
    pre_fit_error: float  # root mean squared gap before the start
    weights: Array  # of the donors, not negative, summing to 1
    gaps: Array  # observed minus synthetic, every period
    window: int  # periods a placebo averages over
    placebos: int  # number of placebo windows


def simplex_weights(gram: Array, target: Array) -> Array:
    """Return the w >= 0 with sum 1 that minimises w'Gw/2 - target'w.

    `gram` (J, J) positive semi-definite, `target` (J,). Active sets: solve with the weights now in play, drop the
    negative ones, take in the one that would help most, until the Karush-Kuhn-Tucker conditions hold.
    """
    count = len(target)
    if count == 1:
        return np.ones(1)
    scale = float(np.trace(gram)) / count or 1.0
    gram = gram / scale + 1e-10 * np.eye(count)
    target = target / scale
    inside = np.ones(count, dtype=bool)
    for _ in range(4 * count):
        weights, price = _equality_solution(gram, target, inside)
        if weights.min() < -1e-12:
            inside &= weights > 0
            continue
        slack = gram @ weights - target + price
        slack[inside] = 0.0
        worst = int(np.argmin(slack))
        if slack[worst] > -1e-9:
            kept: Array = np.clip(weights, 0.0, None)
            return kept / float(kept.sum())
        inside[worst] = True
    return _simplex_weights_nnls(gram, target)


def _equality_solution(gram: Array, target: Array, inside: NDArray[np.bool_]) -> tuple[Array, float]:
    chosen = np.flatnonzero(inside)
    size = len(chosen)
    system = np.ones((size + 1, size + 1))
    system[:size, :size] = gram[np.ix_(chosen, chosen)]
    system[size, size] = 0.0
    solution = np.linalg.solve(system, np.append(target[chosen], 1.0))
    weights = np.zeros(len(target))
    weights[chosen] = solution[:size]
    return weights, float(solution[size])


def _simplex_weights_nnls(gram: Array, target: Array) -> Array:
    """The same minimum by Lawson and Hanson's method, for the rare case that the active sets go round in circles."""
    factor = np.linalg.cholesky(gram).T
    heavy = 1e4 * max(1.0, float(np.abs(factor).max()))
    rows = np.vstack([factor, heavy * np.ones((1, len(target)))])
    weights: Array = nnls(rows, np.append(np.linalg.solve(factor.T, target), heavy))[0]
    return weights / float(weights.sum())


def fit(treated: Array, donors: Array, rows: int, penalty: Array) -> tuple[Array, Array]:
    """Return the donors' weights and the gaps of all periods, fitted on the first `rows` periods.

    `treated` (T,), `donors` (T, J), `penalty` (J,): added to the mean squared error as sum(penalty * w**2). Every unit
    is first freed of its own mean over the fitted rows (its fixed effect): shapes are matched, not levels
    (Doudchenko and Imbens, NBER 22791, 2016; Ferman and Pinto, Quantitative Economics 12, 2021). At most `MAX_DONORS`
    take part, those that moved most like the unit over the fitted rows, the less noisy before the more noisy.
    """
    own = treated - treated[:rows].mean()
    others = donors - donors[:rows].mean(axis=0)
    product = others[:rows].T @ own[:rows] / rows
    chosen = np.arange(len(penalty))
    if len(penalty) > MAX_DONORS:
        likeness = product / np.sqrt(np.mean(others[:rows] ** 2, axis=0) + penalty + 1e-12)
        chosen = np.sort(np.argsort(-likeness, kind="stable")[:MAX_DONORS])
    gram = others[:rows, chosen].T @ others[:rows, chosen] / rows + np.diag(penalty[chosen])
    weights = np.zeros(len(penalty))
    weights[chosen] = simplex_weights(gram, product[chosen])
    return weights, own - others @ weights


def placebo_gaps(treated: Array, donors: Array, rows: int, window: int, penalty: Array) -> Array:
    """Return the average gaps of `window` periods after dates at which nothing happened.

    Each placebo fits on the periods before its date alone, so it errs as the estimate itself errs: by noise, by
    donors that part ways, by fixed effects known from few periods.
    """
    first = first_origin(rows)
    gaps = [
        fit(treated[: origin + window], donors[: origin + window], origin, penalty)[1][origin:].mean()
        for origin in range(first, rows - window + 1)
    ]
    return np.asarray(gaps, dtype=np.float64)


def first_origin(rows: int) -> int:
    """Return the first placebo date: a third of the history, at least four periods, stands before it."""
    return max(4, rows // 3)


def estimate(
    treated: Array,
    donors: Array,
    rows: int,
    penalties: list[Array],
    *,
    confidence: float = 0.9,
    noise: tuple[float, Array] | None = None,
    own_variance: float = 0.0,
) -> Estimate:
    """Return the average effect after the first `rows` periods, with an interval from placebos in time.

    `treated` (T,), `donors` (T, J), `penalties`: ridge strengths to choose from, by the placebos' mean squared error.
    `noise`: variance of one period of the unit and of each donor, where it is known from the kind of data; the interval
    is never narrower than it allows, for few placebos may agree by luck. `own_variance`: variance the effect itself
    adds to the average (counts vary more when they are higher).
    The interval is t times the placebos' root mean square; degrees of freedom are the windows that do not overlap.
    Where the time after the start is longer than a third of the time before, placebos average over that third.
    """
    after = len(treated) - rows
    window = max(1, min(after, (rows - first_origin(rows)) // 2))
    tried = [placebo_gaps(treated, donors, rows, window, penalty) for penalty in penalties]
    errors = [float(np.mean(placebos**2)) for placebos in tried]
    best = int(np.argmin(errors))
    weights, gaps = fit(treated, donors, rows, penalties[best])
    att = float(gaps[rows:].mean())
    error = errors[best]
    if noise is not None:
        per_period = noise[0] + float(noise[1] @ weights**2)
        error = max(error, per_period * (1 / after + 1 / rows))
    spread = float(np.sqrt(error + own_variance))
    freedom = max(1, (rows - first_origin(rows)) // window)
    reach = float(student.ppf(0.5 + confidence / 2, freedom))
    return Estimate(
        att=att,
        low=att - reach * spread,
        high=att + reach * spread,
        detectable=(reach + float(student.ppf(POWER, freedom))) * float(np.sqrt(error)),
        p_placebo=float((1 + np.sum(np.abs(tried[best]) >= abs(att))) / (1 + len(tried[best]))),
        pre_fit_error=float(np.sqrt(np.mean(gaps[:rows] ** 2))),
        weights=weights,
        gaps=gaps,
        window=window,
        placebos=len(tried[best]),
    )


def ridge_penalties(donors: Array, rows: int) -> list[Array]:
    """Return the ridge strengths an estimate may choose from, for donors of like noise.

    One is the noise variance times sqrt(periods before the start). The noise is that of the donors' first differences,
    as in synthetic difference in differences (Arkhangelsky et al., American Economic Review 111, 2021, eq. 2.2), whose
    strength grows with the time after the start; here it grows with the history, so that the weights do not depend on
    the dates one asks about. The other, no ridge at all, is offered only where there are more periods than donors: with
    fewer, a close fit is no evidence, for many weights fit equally well.
    """
    count = donors.shape[1]
    noise = float(np.var(np.diff(donors[:rows], axis=0))) if rows > 1 else 0.0
    ridge = np.full(count, noise * np.sqrt(rows))
    return [np.zeros(count), ridge] if rows > count else [ridge]
