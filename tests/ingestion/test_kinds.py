"""A field's kind is told from its texts: a change of format is seen, a value that is merely longer is not."""

from __future__ import annotations

import polars as pl
import pytest

from ingestion.kinds import LOOKED_AT, kinds


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("5", "number"), ("-5.50", "number"), ("007", "number"), ("1,234.5", "number"), (".5", "number"),
        ("1e-05", "number"), ("1234567", "number"), ("5,50", "number 0,0"), ("1.234,56", "number 0,0"),
        ("5 pieces", "text"), ("A12", "text"), ("NaN", "text"), ("1.2.3", "text"), ("--", "text"),
        ("True", "boolean"), ("no", "boolean"), ("是", "boolean"),
        ("2026-03-01", "date yyyy-mm-dd"), ("2026/3/1", "date yyyy/mm/dd"), ("01.03.2026", "date 00.00.yyyy"),
        ("3/1/26", "date 00/00/yy"), ("1 Mar 2026", "date dd mmm yyyy"), ("2026年3月1日", "date yyyy年mm月dd日"),
        ("2026-03-01T08:00:00", "time yyyy-mm-dd"), ("2026-03-01 08:00:00.120", "time yyyy-mm-dd"),
        ("2026-03-01T08:00:00Z", "time yyyy-mm-dd +00:00"), ("2026-03-01 08:00+0800", "time yyyy-mm-dd +00:00"),
        ("2026-03/01", "text"), ("138 1234 0001", "text"), ("9" * 60, "text"),
    ],
)  # fmt: skip
def test_a_value_is_of_one_kind(text: str, kind: str) -> None:
    assert kinds(pl.Series([text, None, " "])) == [kind]


def test_a_column_has_every_kind_that_one_value_in_a_hundred_has() -> None:
    assert kinds(pl.Series(["5"] * 98 + ["many"] * 2)) == ["number", "text"]
    assert kinds(pl.Series(["5"] * 399 + ["many"])) == ["number"]
    assert kinds(pl.Series([None, ""], dtype=pl.String)) == []


def test_of_a_large_page_values_from_all_over_it_are_looked_at() -> None:
    rows = 40 * LOOKED_AT
    assert kinds(pl.Series(["5"] * (rows * 9 // 10) + ["01.03.2026"] * (rows // 10))) == ["date 00.00.yyyy", "number"]
