from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ingestion.connectors.framing import Framing, split

WAYS: list[dict[str, Any]] = [
    {"delimiter": "\n"},
    {"delimiter": "\r\n"},
    {"delimiter": "ab"},
    {"length_bytes": 1},
    {"length_bytes": 2, "length_order": "little"},
    {"length_bytes": 2, "length_counts_itself": True},
    {"length_bytes": 4, "length_counts_itself": True, "length_order": "little"},
    {"frame_bytes": 7},
]


def framed(message: bytes, framing: Framing) -> bytes:
    """A message as a device sends it."""
    if framing.delimiter:
        return message + framing.delimiter.encode()
    if framing.length_bytes:
        own = framing.length_bytes if framing.length_counts_itself else 0
        return (len(message) + own).to_bytes(framing.length_bytes, framing.length_order) + message
    return message


def received(parts: list[bytes], framing: Framing) -> tuple[list[bytes], bytes]:
    """The messages of a stream that comes in these parts, and what is left over."""
    messages, rest = [], b""
    for part in parts:
        found = split(rest + part, framing)
        assert not found.lost
        messages += found.messages
        rest = (rest + part)[found.used :]
    return messages, rest


@pytest.mark.parametrize("way", WAYS)
@given(data=st.data())
def test_the_messages_are_the_same_however_the_stream_is_cut(way: dict[str, Any], data: st.DataObject) -> None:
    framing = Framing(**way)
    size = {"min_size": 7, "max_size": 7} if framing.frame_bytes else {"min_size": 1, "max_size": 40}
    letters = st.binary(**size).filter(bytes.strip)
    if framing.delimiter:
        letters = letters.filter(lambda message: not set(message) & set(framing.delimiter.encode()))
    messages = data.draw(st.lists(letters, max_size=12))
    unfinished = framed(b"1234567", framing)[:-1]
    stream = b"".join(framed(message, framing) for message in messages) + unfinished
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    parts = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert received(parts, framing) == (messages, unfinished)


@given(st.lists(st.binary(max_size=9), max_size=30))
def test_nothing_that_is_no_message_is_ever_lost_from_sight(parts: list[bytes]) -> None:
    framing = Framing(delimiter="\n", most_bytes=10_000)
    messages, rest = received(parts, framing)
    stream = b"".join(parts)
    assert messages == [line for line in stream[: len(stream) - len(rest)].split(b"\n") if line.strip()]
    assert b"\n" not in rest


@pytest.mark.parametrize(
    ("way", "data", "messages", "lost"),
    [
        ({"delimiter": "\n", "most_bytes": 3}, b"abc\nabcd\n", [b"abc"], "no end of a message within 3 bytes"),
        ({"delimiter": "\n", "most_bytes": 3}, b"abc", [], ""),
        ({"delimiter": "\n", "most_bytes": 3}, b"abcd", [], "no end of a message within 3 bytes"),
        ({"length_bytes": 2, "most_bytes": 9}, b"\0\1a\xff\xff", [b"a"], "a message cannot be 65,535 bytes long"),
        ({"length_bytes": 2, "length_counts_itself": True}, b"\0\1", [], "a message cannot be -1 bytes long"),
        ({"delimiter": "\n"}, b"\r\n\n a\n", [b" a"], ""),
        ({"length_bytes": 1}, b"\0\0\1a", [b"a"], ""),
    ],
)
def test_a_stream_that_has_lost_its_frame_says_so(
    way: dict[str, Any], data: bytes, messages: list[bytes], lost: str
) -> None:
    found = split(data, Framing(**way))
    assert (found.messages, found.lost) == (messages, lost)


@pytest.mark.parametrize("way", [{}, {"delimiter": "\n", "frame_bytes": 3}, {"frame_bytes": 100_000}])
def test_a_framing_that_cannot_be_meant_is_refused(way: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"give one of|more than most_bytes"):
        Framing(**way)
