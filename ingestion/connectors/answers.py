"""The bytes of an HTTP answer as values: unpacked within a bound, strict JSON, JSON Lines line by line."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Never

from tillmill.errors import RefusedError

GZIP = b"\x1f\x8b"
CHUNK = 1 << 20
PACKED = {"gzip": 31, "x-gzip": 31, "deflate": 47}
LINES = ("jsonl", "ndjson", "jsonlines", "json-seq", "x-json-stream")


@dataclass(frozen=True)
class Unreadable:
    """A record that cannot be read: as it stood, and why."""

    raw: str
    why: str


def unpacked(parts: Iterable[bytes], encoding: str, most_bytes: int, where: str) -> Iterator[bytes]:
    """The parts out of the `Content-Encoding` they came in, or out of gzip they show themselves.

    Raises RefusedError beyond `most_bytes`, ValueError for a stream that is broken or ends early: what it held by then
    looks whole, and is not.
    """
    wbits = PACKED.get(encoding)
    if wbits is None and encoding not in ("", "identity"):
        raise ValueError(f"packed as {encoding!r}, which was not asked for")
    size, stream, is_first = 0, None, True
    try:
        for part in _with_its_head(parts):
            if is_first and wbits is None and part.startswith(GZIP):
                wbits = PACKED["gzip"]
            is_first, pending = False, part
            while pending:
                if wbits is None:
                    piece, pending = pending, b""
                else:
                    if stream is None or stream.eof:
                        # A gzip file may have several members, one after the other.
                        stream = zlib.decompressobj(wbits)
                    # A bounded piece at a time: a bomb is met before it is in memory.
                    piece = stream.decompress(pending, CHUNK)
                    pending = stream.unused_data if stream.eof else stream.unconsumed_tail
                size += len(piece)
                if size > most_bytes:
                    raise RefusedError(f"{where}: an answer of more than {most_bytes:,} bytes; ask for smaller pages")
                yield piece
    except zlib.error as error:
        raise ValueError(f"no valid {encoding or 'gzip'} after {size:,} bytes: {error}") from None
    if stream is not None and not stream.eof:
        raise ValueError(f"the packed answer ends early, after {size:,} bytes")


def _with_its_head(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts, of which the first is long enough to show what the answer is packed in."""
    head = b""
    for part in parts:
        if len(head) < len(GZIP):
            head += part
            if len(head) < len(GZIP):
                continue
            part, head = head, head[: len(GZIP)]
        yield part
    if len(head) < len(GZIP):
        yield head


def strict_json(body: bytes) -> Any:
    """The parsed body, numbers as the text they were. Raises ValueError for what is not JSON, NaN and Infinity too."""

    def refuse(name: str) -> Never:
        raise ValueError(f"{name} is no number")

    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=str, parse_int=str, parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def json_lines(body: bytes) -> list[Any]:
    """One value a line; a line that is no JSON is Unreadable, and the lines after it are not lost with it.

    Raises ValueError where the last line has no end and is no JSON: an answer cut off, to be asked for again.
    """
    found: list[Any] = []
    lines = body.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append(strict_json(line))
        except ValueError as error:
            if number == len(lines):
                raise ValueError(f"line {number:,} is cut off: {error}") from None
            found.append(Unreadable(line.decode("utf-8", "backslashreplace"), f"line {number:,} is no JSON: {error}"))
    return found


def is_lines(content_type: str) -> bool:
    """Whether an answer says of itself that it is one value a line."""
    return any(name in content_type.lower() for name in LINES)
