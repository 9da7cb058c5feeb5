"""Where a message ends in a stream of bytes: by a delimiter, by a length before it, or by its fixed size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from ingestion.connectors.messages import Format


class Framing(Format):
    """Exactly one of `delimiter`, `length_bytes` (of a length before each message) and `frame_bytes`.

    `length_counts_itself` where the length includes its own bytes. A message of more than `most_bytes` is none.
    """

    delimiter: str = ""
    length_bytes: Literal[0, 1, 2, 4] = 0
    length_order: Literal["big", "little"] = "big"
    length_counts_itself: bool = False
    frame_bytes: int = Field(default=0, ge=0)
    most_bytes: int = Field(default=65_536, ge=1)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum((bool(self.delimiter), bool(self.length_bytes), bool(self.frame_bytes))) != 1:
            raise ValueError("give one of delimiter, length_bytes, frame_bytes")
        if self.frame_bytes > self.most_bytes:
            raise ValueError("frame_bytes is more than most_bytes")
        return self


@dataclass(frozen=True)
class Split:
    """The messages that are whole, the bytes they took with what stood between them, and why no more can be found."""

    messages: list[bytes]
    used: int
    lost: str = ""


def split(data: bytes, framing: Framing) -> Split:
    """The whole messages at the start of `data`; what follows `used` belongs to the next. Blank ones say nothing.

    The messages of a stream are the same however it is cut: `split` of a part and of what it left over with the next.
    """
    if framing.delimiter:
        return _by_delimiter(data, framing.delimiter.encode(), framing.most_bytes)
    if framing.length_bytes:
        return _by_length(data, framing)
    size = framing.frame_bytes
    whole = len(data) // size * size
    return Split([data[at : at + size] for at in range(0, whole, size)], whole)


def _by_delimiter(data: bytes, delimiter: bytes, most: int) -> Split:
    messages: list[bytes] = []
    used = 0
    while (end := data.find(delimiter, used)) >= 0 and end - used <= most:
        if data[used:end].strip():
            messages.append(data[used:end])
        used = end + len(delimiter)
    # As many bytes as a delimiter may still be the beginning of one.
    is_too_long = end - used > most if end >= 0 else len(data) - used >= most + len(delimiter)
    return Split(messages, used, f"no end of a message within {most:,} bytes" if is_too_long else "")


def _by_length(data: bytes, framing: Framing) -> Split:
    messages: list[bytes] = []
    used, head = 0, framing.length_bytes
    while len(data) - used >= head:
        told = int.from_bytes(data[used : used + head], framing.length_order)
        length = told - head if framing.length_counts_itself else told
        if not 0 <= length <= framing.most_bytes:
            return Split(messages, used, f"a message cannot be {length:,} bytes long")
        if len(data) - used < head + length:
            break
        if length:
            messages.append(data[used + head : used + head + length])
        used += head + length
    return Split(messages, used)
