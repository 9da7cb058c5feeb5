"""The way between two records is the one whose weakest link is the strongest."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from customers.explain import WAY_COLUMNS, way_between


def links(*rows: tuple[str, str, float]) -> pl.DataFrame:
    columns = ("left_record", "right_record", "weight")
    frame = pl.DataFrame(rows, schema=dict(zip(columns, (pl.String, pl.String, pl.Float64), strict=True)), orient="row")
    return frame.with_columns(rule=pl.lit("phone"), evidence=pl.lit("same phone"), verdict=pl.lit("link"))


def test_a_strong_detour_beats_a_weak_short_cut() -> None:
    found = way_between(links(("a", "d", 0.5), ("a", "b", 0.9), ("c", "b", 0.8), ("c", "d", 0.9)), "a", "d")
    assert found.select("left_record", "right_record", "weight").rows() == [
        ("a", "b", 0.9),
        ("b", "c", 0.8),
        ("c", "d", 0.9),
    ]
    assert dict(found.schema) == WAY_COLUMNS


def test_of_equal_ways_the_shortest() -> None:
    found = way_between(links(("a", "b", 0.9), ("b", "c", 0.9), ("a", "c", 0.9)), "a", "c")
    assert found.height == 1


def test_no_way_and_vetoes_are_no_links() -> None:
    never = links(("a", "b", 1.0)).with_columns(verdict=pl.lit("never"))
    assert way_between(never, "a", "b").is_empty()
    assert way_between(links(("a", "b", 1.0)), "a", "z").is_empty()


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef"), st.sampled_from([0.5, 0.7, 0.9]))))
def test_the_weakest_link_is_as_strong_as_any_way_has(rows: list[tuple[str, str, float]]) -> None:
    found = way_between(links(*rows), "a", "f")
    for least in (0.9, 0.7, 0.5):
        strong = way_between(links(*(row for row in rows if row[2] >= least)), "a", "f")
        if strong.height:
            assert found["weight"].min() == strong["weight"].min()
            return
    assert found.is_empty()
