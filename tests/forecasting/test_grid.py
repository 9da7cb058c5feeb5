"""The working form of all series: what is alike has one code, a gap has the figure before it."""

import numpy as np
import polars as pl

from forecasting.grid import carried, codes


def test_no_value_is_a_group_of_its_own() -> None:
    assert codes(pl.Series(["b", None, "a", "b", None])).tolist() == [1, 2, 0, 1, 2]
    assert codes(pl.Series([None, None], dtype=pl.String)).tolist() == [0, 0]


def test_a_gap_has_the_figure_before_it_and_none_before_the_first() -> None:
    gaps = np.array([[np.nan, 2.0, np.nan, 3.0], [1.0, np.nan, np.nan, np.nan], [np.nan] * 4])
    filled = [[np.nan, 2.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0], [np.nan] * 4]
    np.testing.assert_array_equal(carried(gaps), filled)
