"""Parquet: every value as text, and the same value when it is read back."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ingestion.casting import Reading, cast
from ingestion.connectors.formats import parquet
from ingestion.connectors.formats.layout import Layout
from ingestion.connectors.page import LINE
from tillmill.errors import RefusedError, SourceError

AT = datetime.fromisoformat("2024-02-29 13:59:59.123456")


def written(frame: pl.DataFrame) -> bytes:
    data = io.BytesIO()
    frame.write_parquet(data)
    return data.getvalue()


def read(data: bytes, **layout: Any) -> pl.DataFrame:
    return pl.concat(parquet.read(io.BytesIO(data), "f.parquet", Layout(**layout)))


def texts(series: pl.Series) -> list[str | None]:
    return read(written(series.alias("v").to_frame()))["v"].to_list()


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (pl.Series([Decimal("1.50"), None]), ["1.50", None]),
        (
            pl.Series([Decimal("-12345678901234567890.123456789012345678")]),
            ["-12345678901234567890.123456789012345678"],
        ),
        (pl.Series([0.1 + 0.2, 1e-9, 1e300, -0.0]), ["0.30000000000000004", "1e-9", "1e+300", "-0.0"]),
        (pl.Series([2**63 - 1, -1]), ["9223372036854775807", "-1"]),
        (pl.Series([True, False]), ["true", "false"]),
        (pl.Series([AT]), ["2024-02-29T13:59:59.123456"]),
        (pl.Series([AT]).dt.replace_time_zone("Asia/Shanghai"), ["2024-02-29T13:59:59.123456+08:00"]),
        (pl.Series([AT]).cast(pl.Datetime("ns")), ["2024-02-29T13:59:59.123456"]),
        (pl.Series([date(2024, 2, 29)]), ["2024-02-29"]),
        (pl.Series([time(1, 2, 3)]), ["01:02:03"]),
        (pl.Series(["店", ""], dtype=pl.Categorical), ["店", ""]),
        (pl.Series(["店".encode(), b"\xff\x00"]), ["店", "0xff00"]),
        (pl.Series([[Decimal("1.50")], [], None]), ['["1.50"]', "[]", None]),
        (pl.Series([[{"a": 1, "b": date(2024, 2, 29)}]]), ['[{"a":"1","b":"2024-02-29"}]']),
        (pl.Series([["x"], ['"}']]), ['["x"]', '["\\"}"]']),
    ],
)
def test_a_value_is_text_exactly(series: pl.Series, expected: list[str | None]) -> None:
    assert texts(series) == expected


def test_structs_are_dotted_names_and_rows_are_numbered() -> None:
    frame = pl.DataFrame(
        {"to": [{"city": "北京", "at": {"x": 1}}, {"city": None, "at": {"x": 2}}], "_line": ["a", "b"]}
    )
    assert read(written(frame)).rows(named=True) == [
        {"to.city": "北京", "to.at.x": "1", "_line_": "a", LINE: 1},
        {"to.city": None, "to.at.x": "2", "_line_": "b", LINE: 2},
    ]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_a_timestamp_is_the_same_moment_after_the_cast(zone: str) -> None:
    moments = (
        pl.Series([AT, datetime.fromisoformat("2024-07-01")]).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    )
    text = pl.Series(texts(moments))
    back = cast(text, pl.Datetime("us", "UTC"), Reading("Europe/Berlin")).values
    assert back.to_list() == [AT.replace(tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC)]


def test_a_long_file_comes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROWS", 1000)
    data = written(pl.DataFrame({"a": range(2_500)}))
    frames = list(parquet.read(io.BytesIO(data), "f", Layout()))
    assert [frame.height for frame in frames] == [1000, 1000, 500]
    assert pl.concat(frames)[LINE].to_list() == list(range(1, 2_501))
    assert read(written(pl.DataFrame({"a": []}, schema={"a": pl.Int64}))).columns == ["a", LINE]


def test_a_cut_off_file_stops_and_a_bomb_is_refused() -> None:
    data = written(pl.DataFrame({"a": ["x"] * 100_000}))
    with pytest.raises(SourceError, match=r"f\.parquet: broken or cut off"):
        read(data[:-20])
    with pytest.raises(SourceError, match=r"f\.parquet: broken or cut off"):
        read(b"PAR1" + bytes(100))
    with pytest.raises(RefusedError, match="unpacks to more than 1,000"):
        read(written(pl.DataFrame({"a": range(10_000)})), most_bytes=1_000)
