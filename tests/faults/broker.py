"""A scripted MQTT broker (3.1.1 and 5) for one subscriber: it keeps what is unacknowledged and misbehaves on demand."""

from __future__ import annotations

import asyncio
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT = 1, 3, 4, 8, 10, 14


@dataclass
class Broker:
    """Messages by packet id until they are acknowledged; `refuse` decides whether an acknowledgement gets lost.

    A lost acknowledgement takes the connection with it, and so do the first `cut_after` messages sent. At most
    `in_flight` are sent unacknowledged; with version 5 as many as the client says.
    """

    refuse: Callable[[int], bool] = lambda mid: False
    cut_after: int = 0
    in_flight: int = 20
    is_known: bool = False
    is_5: bool = False
    kept: int = 0
    sent_something: threading.Event = field(default_factory=threading.Event)
    unacknowledged: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    sent: set[int] = field(default_factory=set)
    again: list[int] = field(default_factory=list)
    on_the_way: set[int] = field(default_factory=set)

    def keep(self, topic: str, payload: bytes) -> None:
        """A message for the client."""
        self.kept += 1
        self.unacknowledged[self.kept] = (topic, payload)

    def server(self, tls: ssl.SSLContext | None = None) -> Callable[[], AbstractAsyncContextManager[int]]:
        """The broker, for `serving`."""

        @asynccontextmanager
        async def run() -> AsyncIterator[int]:
            server = await asyncio.start_server(self._listen, "127.0.0.1", 0, ssl=tls)
            yield server.sockets[0].getsockname()[1]
            server.close()

        return run

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while self._answer(*await _packet(reader), writer):
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, kind: int, body: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer one packet; whether to go on."""
        if kind == CONNECT:
            self._connect(body, writer)
        elif kind == SUBSCRIBE:
            writer.write(bytes([0x90, 4, *body[:2], 0, 1]) if self.is_5 else bytes([0x90, 3, *body[:2], 1]))
        elif kind == UNSUBSCRIBE:
            writer.write(bytes([0xB0, 4, *body[:2], 0, 0x11]) if self.is_5 else bytes([0xB0, 2, *body[:2]]))
        elif kind == PUBACK:
            [mid] = struct.unpack(">H", body[:2])
            if self.refuse(mid):
                return False
            self.unacknowledged.pop(mid, None)
            self.on_the_way.discard(mid)
        return kind != DISCONNECT and self._send(writer)

    def _connect(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.is_5 = body[6] == 5
        if self.is_5:
            properties = body[11 : 11 + body[10]]
            assert (properties[0], properties[5]) == (0x11, 0x21), "how long to keep the session, how much to send"
            [self.in_flight] = struct.unpack(">H", properties[6:8])
        writer.write(bytes([0x20, 3, self.is_known, 0, 0]) if self.is_5 else bytes([0x20, 2, self.is_known, 0]))
        self.is_known = True
        self.on_the_way.clear()

    def _send(self, writer: asyncio.StreamWriter) -> bool:
        """What may be on the way and is not yet; whether the connection stands."""
        for mid, (topic, payload) in self.unacknowledged.items():
            if mid in self.on_the_way or len(self.on_the_way) >= self.in_flight:
                continue
            is_again = mid in self.sent
            self.sent.add(mid)
            self.on_the_way.add(mid)
            self.sent_something.set()
            if is_again:
                self.again.append(mid)
            properties = b"\0" if self.is_5 else b""
            body = struct.pack(">H", len(topic)) + topic.encode() + struct.pack(">H", mid) + properties + payload
            assert len(body) < 128, "one byte tells the length"
            writer.write(bytes([0x30 | 0x02 | (0x08 if is_again else 0), len(body)]) + body)
            if len(self.sent) == self.cut_after and not is_again:
                return False
        return True


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    [head] = await reader.readexactly(1)
    length = shift = 0
    while True:
        [byte] = await reader.readexactly(1)
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return head >> 4, await reader.readexactly(length)
