"""JSON and JSON Lines: numbers as they are written, a broken line marked, a broken document stopped."""

from __future__ import annotations

import io
from typing import Any

import polars as pl
import pytest

from ingestion.connectors.formats import jsontext
from ingestion.connectors.formats.layout import Layout
from ingestion.connectors.page import FAULT, LINE, RAW
from tillmill.errors import RefusedError, SourceError


def document(text: str | bytes, **layout: Any) -> pl.DataFrame:
    data = text.encode() if isinstance(text, str) else text
    return pl.concat(jsontext.read_document(io.BytesIO(data), "f.json", Layout(**layout)), how="diagonal")


def lines(text: str | bytes, **layout: Any) -> pl.DataFrame:
    data = text.encode() if isinstance(text, str) else text
    return pl.concat(jsontext.read_lines(io.BytesIO(data), "f.jsonl", Layout(**layout)), how="diagonal")


def test_the_records_at_the_path_are_flat_and_numbers_keep_their_digits() -> None:
    text = (
        '{"data": {"items": [{"id": "01", "n": 1.10, "to": {"city": "北京"}, "l": [1, 2.50]}, {"n": 1e3, "t": true}]}}'
    )
    found = document(text, records="data.items")
    assert found.rows(named=True) == [
        {"id": "01", "n": "1.10", "to.city": "北京", "l": '["1", "2.50"]', "t": None, LINE: 1},
        {"id": None, "n": "1e3", "to.city": None, "l": None, "t": "true", LINE: 2},
    ]
    assert document('[{"a": 1}]')["a"].to_list() == ["1"]
    assert document('{"a": 1}')["a"].to_list() == ["1"]
    assert document('\ufeff[{"a": "店"}]')["a"].to_list() == ["店"]
    assert document('[{"a": "店"}]'.encode("gb18030"), encoding="gb18030")["a"].to_list() == ["店"]


@pytest.mark.parametrize("text", ['[{"a": 1}', '[{"a": NaN}]', '[{"a": Infinity}]', "", "[" * 100_000])
def test_a_broken_document_stops(text: str) -> None:
    with pytest.raises(SourceError, match=r"f\.json: broken or cut off"):
        document(text)


@pytest.mark.parametrize("text", ['{"data": {"items": {}}}', '{"data": []}', "[1, 2]", "7"])
def test_a_document_without_the_list_stops(text: str) -> None:
    with pytest.raises(SourceError, match=r"no list of records under 'data\.items'"):
        document(text, records="data.items")


def test_a_document_too_large_to_hold_is_refused() -> None:
    with pytest.raises(RefusedError, match="of 20 bytes, and more than 19 are not held") as caught:
        document('[{"a": 1}, {"a": 2}]', most_held_bytes=19)
    assert "pull.most_held_bytes" in caught.value.next_command
    assert document('[{"a": 1}, {"a": 2}]', most_held_bytes=20).height == 2


def test_the_records_of_a_document_come_in_parts_with_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontext, "ROWS", 2)
    found = document('[{"a": 1}, {"b": 2}, {"a": 3}, {"a": 4}, {"c": 5}]')
    assert found["a"].to_list() == ["1", None, "3", "4", None]
    assert found[LINE].to_list() == [1, 2, 3, 4, 5]
    assert document("[]").height == 0


def test_a_line_that_is_no_object_is_marked_and_blank_ones_are_no_rows() -> None:
    found = lines('{"a": 1.50}\n\n{"a": \n[1]\r\n{"a": 2, "b": "x\\ny"}\n')
    assert found.select("a", "b", LINE, FAULT, RAW).rows() == [
        ("1.50", None, 1, None, None),
        (None, None, 3, "no JSON object", '{"a": '),
        (None, None, 4, "no JSON object", "[1]\r"),
        ("2", "x\ny", 5, None, None),
    ]


def test_a_last_line_without_end_is_read_when_whole_and_stops_when_cut_off() -> None:
    assert lines('{"a": 1}\n{"a": 2}')["a"].to_list() == ["1", "2"]
    with pytest.raises(SourceError, match=r"f\.jsonl:2: the file is cut off"):
        lines('{"a": 1}\n{"a": ')


def test_many_lines_come_in_several_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontext, "ROWS", 3)
    found = lines("".join(f'{{"a": {number}}}\n' for number in range(8)))
    assert found.rows() == [(str(number), number + 1) for number in range(8)]
