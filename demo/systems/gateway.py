"""The alarm gateway over raw TCP: it says each alarm until somebody has acknowledged it, and forgets none meanwhile.

A message is a line that ends with CR LF, its values separated by semicolons, times in UTC:
event; device; line; class; severity; raised; acknowledged; cleared; changed; text. An alarm is told when it is raised,
when it is acknowledged (by a person at the line) and when it is over. Whoever calls is told what is not yet taken; for
each message that has been taken, he sends one ACK byte, in their order. When all is taken, the gateway hangs up.

How far it was heard is kept in `run/gateway.json`: a gateway that is started anew goes on from there.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from datetime import datetime
from pathlib import Path

from demo import floor, world
from tillmill.workspace import now

ACK = b"\x06"
END = "\r\n"
QUIET_SECONDS = 30.0


class Journal:
    """The messages of the year, and up to which of them (moment and event) somebody has taken them."""

    def __init__(self, root: Path) -> None:
        self._root, self._path = root, root / "run" / "gateway.json"
        self._lines: list[tuple[datetime, str, str]] | None = None

    @property
    def taken(self) -> tuple[str, str]:
        """The last message that was taken: its moment and event; empty texts where none was."""
        if not self._path.exists():
            return "", ""
        told = json.loads(self._path.read_text())
        return told["at"], told["event"]

    def waiting(self) -> deque[tuple[datetime, str, str]]:
        """The messages known at the clock that nobody has taken, oldest first: moment, event, text."""
        if self._lines is None:
            self._lines = _lines(self._root)
        at, event = self.taken
        behind = (datetime.fromisoformat(at), event) if at else None
        clock = now()
        return deque(line for line in self._lines if line[0] <= clock and (behind is None or line[:2] > behind))

    def take(self, moment: datetime, event: str) -> None:
        """All up to this message have been taken."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"at": moment.isoformat(), "event": event}))
        fresh.replace(self._path)


def _lines(root: Path) -> list[tuple[datetime, str, str]]:
    table = world.table(root, "scada.alarms").sort("known_at", "event").collect()
    rows = table.select("known_at", *floor.MESSAGE, "text").iter_rows()
    return [(moment, values[0], ";".join(_text(value) for value in values)) for moment, *values in rows]


def _text(value: str | datetime | None) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value or ""


class Call(asyncio.Protocol):
    """One caller, who is told everything that waits."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._told: deque[tuple[datetime, str, str]] = deque()
        self._quiet: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._say()

    def data_received(self, data: bytes) -> None:
        last = None
        for _ in range(min(data.count(ACK), len(self._told))):
            last = self._told.popleft()
        if last is not None:
            self._journal.take(*last[:2])
            self._wait()
        if not self._told:
            self._say()

    def connection_lost(self, error: Exception | None) -> None:
        if self._quiet is not None:
            self._quiet.cancel()

    def _say(self) -> None:
        """What waits now; nothing more, and the call is over."""
        self._told = self._journal.waiting()
        if not self._told:
            self._transport.close()
            return
        self._transport.write("".join(text + END for *_, text in self._told).encode())
        self._wait()

    def _wait(self) -> None:
        """A caller who says nothing for long is hung up on."""
        if self._quiet is not None:
            self._quiet.cancel()
        self._quiet = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._transport.close)


async def start(root: Path, port: int = 0) -> tuple[asyncio.Server, int]:
    """The gateway on loopback, at `port` if that is free; returns the server and its port."""
    journal = Journal(root)
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(lambda: Call(journal), "127.0.0.1", port)
    except OSError:
        server = await loop.create_server(lambda: Call(journal), "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]
