"""What kind of demand a series shows: dead, asleep, new, constant, intermittent or regular."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forecasting.grid import Floats, Ints, Rhythm

DEAD = "dead"
ASLEEP = "asleep"
NEW = "new"
CONSTANT = "constant"
INTERMITTENT = "intermittent"
REGULAR = "regular"

# Mean interval between sales above which demand counts as intermittent (Syntetos, Boylan and Croston 2005, JORS 56).
INTERMITTENT_INTERVAL = 1.32
NEW_BUCKETS = 4
# After half again its longest sleep so far nothing wakes.
LONGEST_SLEEPS = 1.5
WORD = "<U12"


def classify(values: Floats, rhythm: Rhythm) -> NDArray[np.str_]:
    """The class of each series, from its observed buckets of the last year.

    Dead: nothing sold in the rhythm's `dead_after` buckets, nor in four of its own mean intervals between sales.
    Asleep: so silent, and yet not for half again as long as it once was before it sold again, as what has a season is.
    """
    count, length = values.shape
    tail = values[:, max(0, length - max(rhythm.year, 2 * rhythm.dead_after)) :]
    seen = ~np.isnan(tail)
    sold = seen & (np.nan_to_num(tail) > 0)
    observed = seen.sum(axis=1)
    sales = sold.sum(axis=1)
    interval = observed / np.maximum(sales, 1)
    after_sale = np.cumsum(sold[:, ::-1], axis=1)[:, ::-1] == 0
    silent = (seen & after_sale).sum(axis=1)
    highest = np.where(seen, tail, -np.inf).max(axis=1, initial=-np.inf)
    lowest = np.where(seen, tail, np.inf).min(axis=1, initial=np.inf)
    out = np.full(count, REGULAR, dtype=WORD)
    out[interval > INTERMITTENT_INTERVAL] = INTERMITTENT
    out[(highest == lowest) & (observed >= 2 * NEW_BUCKETS)] = CONSTANT
    out[(~np.isnan(values)).sum(axis=1) < NEW_BUCKETS] = NEW
    # The mean interval is taken over the time before the silence, so that silence does not excuse itself.
    active_interval = (observed - silent) / np.maximum(sales, 1)
    is_silent = (sales == 0) | (silent >= np.maximum(rhythm.dead_after, 4.0 * active_interval))
    out[is_silent] = DEAD
    out[is_silent & (silent < LONGEST_SLEEPS * _longest_sleep(values))] = ASLEEP
    return out


def _longest_sleep(values: Floats) -> Ints:
    """The most observed buckets in a row without a sale that each series woke from."""
    seen = ~np.isnan(values)
    sold = seen & (np.nan_to_num(values) > 0)
    number = np.cumsum(seen, axis=1)
    sale = np.maximum.accumulate(np.where(sold, number, 0), axis=1)
    slept = np.where(sold[:, 1:] & (sale[:, :-1] > 0), number[:, 1:] - sale[:, :-1] - 1, 0)
    return np.asarray(slept.max(axis=1, initial=0))
