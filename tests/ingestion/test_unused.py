"""Raw fields that are not wanted: what a name with a star means, and which names mean nothing."""

from __future__ import annotations

import pytest

from ingestion.unused import idle, unwanted


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("utm.*", {"utm.source", "utm.medium"}),
        ("*", {"utm.source", "utm.medium", "utm", "ab[1]"}),
        ("utm", {"utm"}),
        ("*.source", {"utm.source"}),
        ("ab[1]", {"ab[1]"}),
        ("u?m", set()),
        ("UTM", set()),
    ],
)
def test_a_star_stands_for_any_signs_and_everything_else_for_itself(pattern: str, meant: set[str]) -> None:
    assert unwanted(["utm.source", "utm.medium", "utm", "ab[1]"], [pattern]) == meant


def test_a_name_that_means_no_field_is_told_with_the_unmapped_one_like_it() -> None:
    names = ["id", "ab_bucket", "ab_group"]
    assert idle(["ab_buckte", "gone", "ab_g*"], names, ["ab_bucket", "ab_group"]) == [
        "no field is called 'ab_buckte', which unused names; did you mean 'ab_bucket'?",
        "no field is called 'gone', which unused names",
    ]
    assert idle(["ab_*"], names, []) == []
