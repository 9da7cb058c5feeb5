from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ingestion.connectors.messages import Format, parse, raw


@pytest.mark.parametrize(
    ("data", "how", "records"),
    [
        (b'{"a": 1.10, "b": {"c": null}}', {}, [{"a": "1.10", "b.c": None}]),
        (b'[{"a": 1}, {"a": 2}]', {}, [{"a": "1"}, {"a": "2"}]),
        (b"21.50", {}, [{"value": "21.50"}]),
        (
            b'{"timestamp": 7, "metrics": [{"name": "t", "value": 1}, {"name": "u", "timestamp": 8}], "seq": 0}',
            {"items": "metrics"},
            [
                {"timestamp": "7", "seq": "0", "name": "t", "value": "1"},
                {"timestamp": "8", "seq": "0", "name": "u"},
            ],
        ),
        (
            b'{"ts": 7, "good": 12, "warm": 21.5}',
            {"tags": ["good", "wa*"]},
            [{"ts": "7", "tag": "good", "value": "12"}, {"ts": "7", "tag": "warm", "value": "21.5"}],
        ),
        (
            b"L1; 12 ;x",
            {"format": "delimited", "separator": ";", "names": ["a", "b", "c"]},
            [{"a": "L1", "b": "12", "c": "x"}],
        ),
        (
            b"ST,+  12.5 kg",
            {"format": "pattern", "pattern": r"ST,(?P<value>[+-] *[0-9.]+) (?P<unit>\w+)"},
            [{"value": "+  12.5", "unit": "kg"}],
        ),
        ("温度".encode("gb18030"), {"format": "text", "encoding": "gb18030"}, [{"value": "温度"}]),
        (b'{"_row": 1}', {}, [{"_row_": "1"}]),
    ],
)
def test_a_message_is_read_as_it_is_written(data: bytes, how: dict[str, Any], records: list[dict[str, Any]]) -> None:
    assert parse(data, Format(**how)) == records


@pytest.mark.parametrize(
    ("data", "how", "why"),
    [
        (b"{", {}, "is no JSON"),
        (b'{"a": Infinity}', {}, "Infinity is no number"),
        (b"[" * 100_000, {}, "nested too deeply"),
        (b"{}", {"items": "metrics"}, "has no list 'metrics'"),
        (b'{"a": 1}', {"tags": ["b"]}, "has no field like b"),
        (b"a,b", {"format": "delimited", "names": ["a"]}, "has 2 values, not 1"),
        (b"xx", {"format": "pattern", "pattern": "(?P<a>[0-9])"}, "does not fit the pattern"),
        (b"\xff", {"format": "text"}, "can't decode"),
    ],
)
def test_a_message_that_cannot_be_read_says_why(data: bytes, how: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(data, Format(**how))


def test_what_is_no_text_is_kept_all_the_same() -> None:
    assert raw("é".encode()) == "é"
    assert raw(b"\xff\x00") == "base64:/wA="


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"format": "pattern"}, "needs pattern"),
        ({"format": "pattern", "pattern": "[0-9]"}, "no named group"),
        ({"format": "pattern", "pattern": "("}, "no regular expression"),
        ({"format": "delimited"}, "needs names"),
        ({"encoding": "utf-99"}, "no encoding is called"),
    ],
)
def test_a_format_that_cannot_be_meant_is_refused(how: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Format(**how)
