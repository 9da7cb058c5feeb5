"""Answers from bytes to values: packed ones in any split, lines of JSON with a bad one among them."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.connectors.answers import Unreadable, is_lines, json_lines, strict_json, unpacked
from tillmill.errors import RefusedError

TEXT = b'{"data": [' + b'{"id": "s1", "name": "\xe5\x95\x86\xe5\x93\x81"}, ' * 50 + b'{"id": "s2"}]}'
PACKED = {
    "gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "": gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]),
    "identity": TEXT,
}


def read(parts: list[bytes], encoding: str, most: int = 1 << 20) -> bytes:
    return b"".join(unpacked(parts, encoding, most, "here"))


@given(st.sampled_from(sorted(PACKED)), st.lists(st.integers(1, 400), max_size=6))
def test_a_packed_answer_is_the_same_in_any_split(encoding: str, cuts: list[int]) -> None:
    """Two gzip members one after the other among them, and gzip that no header tells."""
    body = PACKED[encoding]
    places = sorted({0, *(cut % len(body) for cut in cuts), len(body)})
    parts = [body[start:end] for start, end in pairwise(places)]
    assert read(parts, encoding) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate", ""])
def test_a_packed_answer_without_its_end_is_broken_wherever_it_is_cut(encoding: str) -> None:
    body = PACKED[encoding]
    for length in range(3, len(body)):
        # Between two members there is an end, and nothing tells that more was to come but the length.
        if encoding or length != len(gzip.compress(TEXT[:100])):
            with pytest.raises(ValueError, match=r"ends early|no valid"):
                read([body[:length]], encoding)


def test_an_empty_answer_is_empty_and_an_unknown_packing_is_broken() -> None:
    assert read([], "gzip") == b""
    with pytest.raises(ValueError, match="'br', which was not asked for"):
        read([b"x"], "br")
    with pytest.raises(RefusedError, match="more than 10 bytes"):
        read([TEXT], "", 10)


def test_numbers_keep_their_digits_and_what_is_no_number_is_refused() -> None:
    assert strict_json(b"\xef\xbb\xbf[1.10, 12345678901234567890, -0]") == ["1.10", "12345678901234567890", "-0"]
    for text in (b"[NaN]", b"[-Infinity]", b'{"a": 1', b"\xff", b"[" * 100_000):
        with pytest.raises(ValueError, match=r"."):
            strict_json(text)


def test_a_line_that_is_no_json_is_kept_as_it_stood() -> None:
    found = json_lines(b'{"a": 1}\n\n{"b": \xff}\r\n{"c": 3}')
    assert found[0] == {"a": "1"}
    assert isinstance(found[1], Unreadable)
    assert found[1].raw.startswith('{"b": \\xff}')
    assert found[2] == {"c": "3"}
    with pytest.raises(ValueError, match="line 2 is cut off"):
        json_lines(b'{"a": 1}\n{"b": ')


@pytest.mark.parametrize(
    ("content_type", "told"),
    [("application/x-ndjson; charset=utf-8", True), ("application/jsonl", True), ("application/json", False)],
)
def test_json_lines_say_so(content_type: str, told: bool) -> None:
    assert is_lines(content_type) is told
