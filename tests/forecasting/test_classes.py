"""Classes of demand: what is dead, and what only sleeps until its season."""

import numpy as np

from forecasting.classes import ASLEEP, CONSTANT, DEAD, INTERMITTENT, NEW, REGULAR, classify
from forecasting.grid import RHYTHMS, Floats

WEEKLY = RHYTHMS["W"]


def winters(*stretches: tuple[int, float]) -> Floats:
    """One series of so many weeks of such a demand each, and so on, with a ripple."""
    weeks = np.concatenate([np.full(count, float(level)) for count, level in stretches])
    return (weeks + (weeks > 0) * (np.arange(weeks.size) % 3))[None, :]


def test_each_series_has_one_class() -> None:
    generator = np.random.default_rng(1)
    series = np.stack(
        [
            generator.poisson(9.0, 80) + 1.0,
            np.where(np.arange(80) % 4 == 0, 3.0 + np.arange(80) % 3, 0.0),
            np.full(80, 4.0),
            np.concatenate([np.full(77, np.nan), [2.0, 3.0, 4.0]]),
            np.concatenate([np.full(40, 5.0), np.zeros(40)]),
        ]
    )
    assert classify(series, WEEKLY).tolist() == [REGULAR, INTERMITTENT, CONSTANT, NEW, DEAD]


def test_what_slept_through_earlier_winters_sleeps_in_this_one() -> None:
    assert classify(winters((30, 9), (22, 0), (30, 9), (20, 0)), WEEKLY).tolist() == [ASLEEP]
    # It never slept before, or never for so long.
    assert classify(winters((82, 9), (20, 0)), WEEKLY).tolist() == [DEAD]
    assert classify(winters((30, 9), (22, 0), (30, 9), (33, 0)), WEEKLY).tolist() == [DEAD]
    # Weeks nobody saw are no sleep.
    unseen = winters((30, 9), (22, 0), (30, 9), (20, 0))
    unseen[:, 30:52] = np.nan
    assert classify(unseen, WEEKLY).tolist() == [DEAD]
