"""Intermittent demand against figures that can be checked by hand."""

import numpy as np
import pytest

from forecasting.croston import croston, sba, tsb

DEMAND = np.array([[0, 0, 6, 0, 0, 0, 4, 0, 8, 0, 0, 2]], dtype=float)


def test_croston_and_sba_give_the_known_answer() -> None:
    """Known answer 16: sizes 6, 4, 8, 2 at intervals 3, 4, 2, 3, alpha 0.1 (worked from Croston 1972)."""
    assert croston(DEMAND)[0] == pytest.approx(1.878302, abs=5e-7)
    assert sba(DEMAND)[0] == pytest.approx(1.784386, abs=5e-7)


def test_tsb_fades_while_nothing_sells_and_croston_does_not() -> None:
    silent = np.concatenate([DEMAND, np.zeros((1, 30))], axis=1)
    assert tsb(silent)[0] < 0.1 * tsb(DEMAND)[0]
    assert croston(silent)[0] == croston(DEMAND)[0]


def test_unobserved_buckets_do_not_count_as_waiting() -> None:
    with_gap = np.insert(DEMAND, 4, np.nan, axis=1)
    assert croston(with_gap)[0] == pytest.approx(croston(DEMAND)[0])


def test_tsb_of_a_young_series_is_that_of_its_own_buckets() -> None:
    unborn = np.concatenate([np.full((1, 20), np.nan), DEMAND], axis=1)
    assert tsb(unborn)[0] == pytest.approx(tsb(DEMAND)[0])


def test_series_that_never_sold_is_zero() -> None:
    assert croston(np.zeros((1, 5)))[0] == tsb(np.zeros((1, 5)))[0] == 0.0
