"""MQTT packets as bytes, as far as a broker of QoS 1 has to read and write them (versions 3.1.1 and 5)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

# How many unacknowledged messages a client takes that names no number: as Mosquitto has it, and as version 5 says.
WINDOW = {4: 20, 5: 65_535}
MOST_BYTES = 1 << 20
RECEIVE_MAXIMUM = 0x21
# How long the values of version 5's properties of a CONNECT are; the others are strings, or pairs of them.
FIXED = {0x11: 4, 0x17: 1, 0x19: 1, RECEIVE_MAXIMUM: 2, 0x22: 2, 0x27: 4}
PAIR = 0x26


class Reader:
    """Reads a packet's body from its start. Raises ValueError where it ends too soon."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    @property
    def is_empty(self) -> bool:
        """Whether all has been read."""
        return self._at >= len(self._body)

    def take(self, count: int) -> bytes:
        """The next bytes."""
        found = self._body[self._at : self._at + count]
        if len(found) < count:
            raise ValueError("a packet that ends too soon")
        self._at += count
        return found

    def number(self, count: int) -> int:
        """The next bytes as a number."""
        return int.from_bytes(self.take(count), "big")

    def binary(self) -> bytes:
        """The next bytes, as many as the two before them say."""
        return self.take(self.number(2))

    def text(self) -> str:
        """The next bytes as text, likewise."""
        return self.binary().decode()

    def variable(self) -> int:
        """A number of one to four bytes."""
        value = 0
        for shift in range(0, 28, 7):
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
        raise ValueError("a length of more than four bytes")


@dataclass(frozen=True)
class Connect:
    """Who calls, and how much may be on its way to him unacknowledged."""

    version: int
    is_clean: bool
    client_id: str
    user: str
    password: bytes
    window: int

    @classmethod
    def read(cls, body: bytes) -> Self:
        """The body of a CONNECT. Raises ValueError for another protocol."""
        reader = Reader(body)
        protocol, version = reader.text(), reader.number(1)
        if protocol != "MQTT" or version not in WINDOW:
            raise ValueError(f"no protocol of ours: {protocol} {version}")
        flags = reader.number(1)
        reader.take(2)  # how often it will say that it is alive
        window = _window(reader) if version == 5 else WINDOW[4]
        client_id = reader.text()
        if flags & 0x04:
            if version == 5:
                reader.take(reader.variable())
            reader.binary()
            reader.binary()
        user = reader.text() if flags & 0x80 else ""
        return cls(version, bool(flags & 0x02), client_id, user, reader.binary() if flags & 0x40 else b"", window)


def _window(reader: Reader) -> int:
    """The properties of a CONNECT of version 5, of which one matters."""
    properties = Reader(reader.take(reader.variable()))
    window = WINDOW[5]
    while not properties.is_empty:
        name = properties.number(1)
        if name == RECEIVE_MAXIMUM:
            window = properties.number(2)
            if not window:
                raise ValueError("a client that takes nothing")
        elif name in FIXED:
            properties.take(FIXED[name])
        else:
            properties.binary()
            if name == PAIR:
                properties.binary()
    return window


class Packets:
    """Cuts what comes over a connection into packets."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The whole packets there are by now: kind and body. Raises ValueError for one that is too large."""
        data, at = self._rest + data, 0
        while (head := _head(data, at)) is not None:
            start, length = head
            if length > MOST_BYTES:
                raise ValueError(f"a packet of {length:,} bytes")
            if len(data) < start + length:
                break
            yield data[at] >> 4, data[start : start + length]
            at = start + length
        self._rest = data[at:]


def _head(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the body of the packet at `at` begins and how long it is; None where that has not yet come."""
    length = 0
    for place in range(4):
        if len(data) <= at + 1 + place:
            return None
        byte = data[at + 1 + place]
        length |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            return at + 2 + place, length
    raise ValueError("a length of more than four bytes")


def packet(head: int, body: bytes) -> bytes:
    """A packet with its length."""
    length, size = len(body), bytearray()
    while True:
        length, low = divmod(length, 0x80)
        size.append(low | 0x80 if length else low)
        if not length:
            return bytes([head]) + bytes(size) + body


def text(value: str) -> bytes:
    """Text with its length before it."""
    told = value.encode()
    return struct.pack(">H", len(told)) + told


def publish(packet_id: int, topic: str, payload: bytes, *, is_again: bool, version: int) -> bytes:
    """A message at QoS 1, marked where it may have been sent before."""
    properties = b"\0" if version == 5 else b""
    body = text(topic) + struct.pack(">H", packet_id) + properties + payload
    return packet(0x32 | (0x08 if is_again else 0), body)
