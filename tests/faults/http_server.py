"""An HTTP server that fails as told: well-behaved by its `answer`, save for the faults of its script, one a request."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What was asked, and when (monotonic seconds)."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer, whole or broken: cut off or reset after `only` bytes of its body, dripping, or never coming."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    only: int | None = None
    resets: bool = False
    drip_seconds: float = 0
    is_silent: bool = False


def told(value: Any, status: int = 200, **headers: str) -> Reply:
    """JSON, as a well-behaved server gives it."""
    return Reply(json.dumps(value).encode(), status, {"Content-Type": "application/json", **headers})


def lines(*values: Any) -> Reply:
    """JSON Lines; text stands for itself."""
    texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
    return Reply("\n".join(texts).encode() + b"\n", headers={"Content-Type": "application/x-ndjson"})


def packed(reply: Reply, cut: int = 0) -> Reply:
    """The reply in gzip, without its last `cut` bytes."""
    body = gzip.compress(reply.body)
    return Reply(body[: len(body) - cut], reply.status, {**reply.headers, "Content-Encoding": "gzip"})


def failing(status: int, **headers: str) -> Reply:
    return Reply(b"", status, {name.replace("_", "-"): value for name, value in headers.items()})


SILENCE = Reply(is_silent=True)
RESET = Reply(resets=True, only=0)


@dataclass
class FaultServer:
    """`answer` is asked when the script is empty; `faults` are given first, in order, for paths that start as told."""

    answer: Callable[[Request], Reply]
    faults: list[Reply] = field(default_factory=list)
    only_path: str = ""
    asked: list[Request] = field(default_factory=list)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        tasks = asyncio.all_tasks()
        yield server.sockets[0].getsockname()[1]
        server.close()
        for task in asyncio.all_tasks() - tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            request = await self._read(reader)
            self.asked.append(request)
            is_due = self.faults and request.path.startswith(self.only_path)
            await self._write(writer, self.faults.pop(0) if is_due else self.answer(request))
        writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        url = urlsplit(target)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        return Request(method, url.path, query, headers, body, time.monotonic())

    async def _write(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        if reply.is_silent:
            await asyncio.sleep(60)
        headers = {"Content-Length": str(len(reply.body)), "Connection": "close", **reply.headers}
        if reply.only != 0:
            head = f"HTTP/1.1 {reply.status} Told\r\n" + "".join(
                f"{name}: {value}\r\n" for name, value in headers.items()
            )
            writer.write(head.encode() + b"\r\n")
        for start in range(0, len(reply.body), 1) if reply.drip_seconds else ():
            writer.write(reply.body[start : start + 1])
            await writer.drain()
            await asyncio.sleep(reply.drip_seconds)
        if not reply.drip_seconds:
            writer.write(reply.body[: reply.only])
            await writer.drain()
        if reply.resets:
            # A close with nothing lingering is sent as a reset.
            found: socket.socket = writer.get_extra_info("socket")
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
