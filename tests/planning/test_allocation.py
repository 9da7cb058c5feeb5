"""Fair shares end together and conserve the total."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.allocation import fair_share, whole_shares


def test_all_places_reach_the_same_days_of_cover() -> None:
    """Known answer 14: 500 available, stock 50/100/75, daily 10/50/15."""
    days, shares = fair_share(500, [50, 100, 75], [10, 50, 15])
    assert days == pytest.approx(9.667, abs=5e-4)
    assert shares == pytest.approx([46.67, 383.33, 70.0], abs=5e-3)


@pytest.mark.parametrize(("weights", "shares"), [([1, 1], [3, 3]), ([1, 2], [2, 4])])
def test_whole_units_follow_the_forecasts(weights: list[float], shares: list[int]) -> None:
    """Known answer 15: 6 units, forecasts 1:1 and 1:2."""
    assert whole_shares(6, weights) == shares


@settings(deadline=None)
@given(st.integers(0, 10_000), st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_whole_shares_conserve_the_total_and_stay_within_one_unit(total: int, weights: list[float]) -> None:
    shares = whole_shares(total, weights)
    assert sum(shares) == total
    assert all(share >= 0 for share in shares)
    if sum(weights) > 1e-3:
        assert all(
            abs(share - total * weight / sum(weights)) < 1 + 1e-6 for share, weight in zip(shares, weights, strict=True)
        )


@settings(deadline=None)
@given(
    st.floats(0, 1e5),
    st.lists(st.tuples(st.floats(0, 1e4), st.floats(0.01, 1e3)), min_size=1, max_size=12),
)
def test_fair_share_gives_out_exactly_what_there_is(available: float, places: list[tuple[float, float]]) -> None:
    days, shares = fair_share(available, [stock for stock, _ in places], [daily for _, daily in places])
    assert sum(shares) == pytest.approx(available, rel=1e-6, abs=1e-6)
    for (stock, daily), share in zip(places, shares, strict=True):
        assert share == 0 or (stock + share) / daily == pytest.approx(days, rel=1e-6)


def test_nowhere_to_share_to_is_an_error() -> None:
    with pytest.raises(ValueError, match="no place has demand"):
        fair_share(10, [1, 2], [0, 0])
