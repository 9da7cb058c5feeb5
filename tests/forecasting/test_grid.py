"""The working form of all series: what is alike has one code."""

import polars as pl

from forecasting.grid import codes


def test_no_value_is_a_group_of_its_own() -> None:
    assert codes(pl.Series(["b", None, "a", "b", None])).tolist() == [1, 2, 0, 1, 2]
    assert codes(pl.Series([None, None], dtype=pl.String)).tolist() == [0, 0]
