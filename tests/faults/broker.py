"""A scripted MQTT 3.1.1 broker for one subscriber: it keeps what is unacknowledged and misbehaves on demand."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT = 1, 3, 4, 8, 10, 14


@dataclass
class Broker:
    """Messages by packet id until they are acknowledged; `refuse` decides whether an acknowledgement gets lost.

    A lost acknowledgement takes the connection with it. `sent` are the packet ids sent so far, `again` those with DUP.
    """

    refuse: Callable[[int], bool] = lambda mid: False
    cut_after: int = 0
    is_known: bool = False
    unacknowledged: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    sent: set[int] = field(default_factory=set)
    again: list[int] = field(default_factory=list)

    def keep(self, topic: str, payload: bytes) -> None:
        mid = max(self.sent | set(self.unacknowledged), default=0) + 1
        self.unacknowledged[mid] = (topic, payload)

    def server(self, port: int = 0) -> Callable[[], AbstractAsyncContextManager[int]]:
        @asynccontextmanager
        async def run() -> AsyncIterator[int]:
            server = await asyncio.start_server(self._listen, "127.0.0.1", port)
            yield server.sockets[0].getsockname()[1]
            server.close()

        return run

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer(*await _packet(reader), writer):
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, kind: int, body: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer one packet; whether to go on."""
        if kind == CONNECT:
            writer.write(bytes([0x20, 2, self.is_known, 0]))
            self.is_known = True
            return self._send_all(writer)
        if kind == SUBSCRIBE:
            writer.write(bytes([0x90, 3, *body[:2], 1]))
        elif kind == UNSUBSCRIBE:
            writer.write(bytes([0xB0, 2, *body[:2]]))
        elif kind == PUBACK:
            [mid] = struct.unpack(">H", body[:2])
            if self.refuse(mid):
                return False
            self.unacknowledged.pop(mid, None)
        return kind != DISCONNECT

    def _send_all(self, writer: asyncio.StreamWriter) -> bool:
        for number, (mid, (topic, payload)) in enumerate(self.unacknowledged.items(), start=1):
            is_again = mid in self.sent
            self.sent.add(mid)
            if is_again:
                self.again.append(mid)
            body = struct.pack(">H", len(topic)) + topic.encode() + struct.pack(">H", mid) + payload
            assert len(body) < 128, "one byte tells the length"
            writer.write(bytes([0x30 | 0x02 | (0x08 if is_again else 0), len(body)]) + body)
            if number == self.cut_after:
                self.cut_after = 0
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
