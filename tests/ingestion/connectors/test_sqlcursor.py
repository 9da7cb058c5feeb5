from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.connectors.sqlcursor import MOST_REMEMBERED, Progress, Scale
from tillmill.errors import SourceError


@pytest.mark.parametrize(
    ("kind", "highest", "start"),
    [
        ("integer", "9007199254740993", "9007199254740893"),
        ("decimal", "100.5", "0.5"),
        ("timestamptz", "2026-03-01 00:01:00.5+00", "2026-02-28T23:59:20.500000+00:00"),
        ("timestamp", "2026-03-01 00:01:00", "2026-02-28T23:59:20"),
        ("text", "2026-03-01 00:01:00", "2026-02-28 23:59:20"),
        ("text", "2026-03-01T00:01:00.250+08:00", "2026-02-28T23:59:20.250+08:00"),
        ("text", "2026-03-01T00:01:00Z", "2026-02-28T23:59:20Z"),
        ("date", "2026-03-01", "2026-02-28"),
        ("text", "A7", "A7"),
        ("uuid", "6e59cfa9-d878-4332-b179-4f1d0f4410e1", "6e59cfa9-d878-4332-b179-4f1d0f4410e1"),
    ],
)
def test_the_next_pull_starts_earlier_by_the_lag_written_as_the_column_writes(
    kind: str, highest: str, start: str
) -> None:
    assert Scale(kind, "t", 100).start(highest) == start


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001
    st.integers(0, 10**6),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
    st.sampled_from([" ", "T"]),
    st.sampled_from(["", "Z", "+08:00"]),
)
def test_a_start_is_never_later_than_the_lag_says(
    at: datetime, lag: int, fraction: str, between: str, zone: str
) -> None:
    written = at.isoformat(between, fraction) + zone
    scale = Scale("text", "t", lag)
    value, started = scale.value(written), scale.value(scale.start(written))
    assert isinstance(value, datetime)
    assert isinstance(started, datetime)
    assert timedelta(seconds=lag) <= value - started < timedelta(seconds=lag + 1)
    assert len(scale.start(written)) == len(written)


def test_a_number_among_numbers_that_is_none_stops() -> None:
    assert Scale("integer", "t", 0).value("7") == Decimal(7)
    with pytest.raises(SourceError, match="'x' among numbers"):
        Scale("integer", "t", 0).value("x")


def test_more_rows_than_can_be_remembered_are_taken_again_rather_than_remembered_in_part() -> None:
    progress = Progress.after({}, None, Scale("integer", "t", 10), b"k" * 32)
    rows = pl.DataFrame({"id": [str(number) for number in range(MOST_REMEMBERED + 1)]})
    assert progress.take(rows, ["7"] * rows.height).all()
    assert progress.remembered() == []


def test_what_a_pull_remembers_is_bounded_by_the_overlap_and_not_by_the_rows() -> None:
    progress = Progress.after({}, None, Scale("timestamptz", "t", 60), b"k" * 32)
    for hour in range(24):
        at = datetime(2026, 3, 1, hour, tzinfo=UTC)
        values = [(at + timedelta(seconds=second)).isoformat() for second in range(1000)]
        progress.take(pl.DataFrame({"at": values}), values)
    assert len(progress.seen) == 61
