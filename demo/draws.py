"""Chance that depends on what is drawn for, not on order: the same seed, purpose and ids give the same number."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]


def _mixed(words: Words) -> Words:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014): each bit of the input moves half of the output's."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def uniform(seed: int, purpose: str, *ids: pl.Series) -> Floats:
    """One number in [0, 1) per row of the integer columns `ids`; leaving rows out changes no other row's number."""
    salt = int.from_bytes(hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest(), "big")
    state = np.full(len(ids[0]), salt, dtype=np.uint64)
    for column in ids:
        state = _mixed(state + column.cast(pl.Int64).to_numpy().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    return np.asarray((state >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def column(seed: int, purpose: str, *ids: pl.Series) -> pl.Series:
    """`uniform` as a polars column."""
    return pl.Series(purpose, uniform(seed, purpose, *ids))


def pick(seed: int, purpose: str, choices: list[str], *ids: pl.Series) -> pl.Series:
    """One of `choices` per row, each as likely as it stands often in the list."""
    places = (uniform(seed, purpose, *ids) * len(choices)).astype(np.int64)
    return pl.Series(purpose, choices, dtype=pl.String).gather(pl.Series(places))


def in_order(left: pl.DataFrame, right: pl.DataFrame, group: list[str], size: str) -> pl.DataFrame:
    """What of `left` meets what of `right` when both are laid end to end in their order, group by group.

    Both frames carry `group` columns, `size` (> 0 counts) and a row number, `left_row` or `right_row`. Returns the
    pieces: group, left_row, right_row (null beyond the other side's end), size, `left_end` (how far into `left` the
    piece ends).
    """
    ends = [
        frame.filter(pl.col(size) > 0)
        .with_columns(mark=pl.col(size).cum_sum().over(group))
        .sort("mark", maintain_order=True)
        for frame in (left, right)
    ]
    marks = pl.concat([frame.select(*group, "mark") for frame in ends]).unique().sort("mark", *group)
    pieces = marks.join_asof(
        ends[0].select(*group, "mark", "left_row"), on="mark", by=group, strategy="forward", check_sortedness=False
    ).join_asof(
        ends[1].select(*group, "mark", "right_row"), on="mark", by=group, strategy="forward", check_sortedness=False
    )
    return pieces.with_columns(
        (pl.col("mark") - pl.col("mark").shift(1).over(group).fill_null(0)).alias(size), left_end=pl.col("mark")
    ).drop("mark")
