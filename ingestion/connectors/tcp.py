"""Raw TCP: devices that send messages without being asked, reached by us or reaching us; each message once.

Nothing is ever sent to a device, save the acknowledgement that a protocol of its own may want (`ack`).
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import Field

from ingestion.connectors.connector import Connector, Settings
from ingestion.connectors.framing import Framing
from ingestion.connectors.messages import Record, parse, to_frame, unreadable
from ingestion.connectors.page import Page
from ingestion.connectors.spool import Frame, Reader, Spool, Writer, adopt, open_spool
from tillmill.errors import SourceError
from tillmill.workspace import Workspace, now

PAGE_MESSAGES = 20_000
ARRIVAL_BYTES = 65_536
# How long arrivals are gathered before they are written through to the disk and looked at.
GATHER_SECONDS = 0.5
ACK_GATHER_SECONDS = 0.02
MOST_CONNECTIONS = 200


class Connection(Settings):
    """`connect` to the device at `host` and `port`, or `listen` there for devices that call; both may be references."""

    host: str
    port: int | str
    mode: Literal["connect", "listen"] = "connect"
    timeout_seconds: float = Field(default=10, gt=0)


class Pull(Framing):
    """How messages are cut and written (`Framing`, `Format`), and how long to listen.

    `name` lands as device_id. A pull ends when the device hangs up (connect), when nothing has come for `idle_seconds`,
    or after `most_seconds`. `ack` is sent for each message, once it has landed.
    """

    name: str = Field(min_length=1)
    ack: str = ""
    idle_seconds: float = Field(default=5, gt=0)
    most_seconds: float = Field(default=300, gt=0)


def pages(
    workspace: Workspace, connection: Connection, pull: Pull, cursor: dict[str, Any] | None, *, folder: Path
) -> Iterator[Page]:
    """Pages of messages: first those that an earlier pull received but could not land, then what comes now.

    Fields are those of the message, `device_id`, `peer` (the other side's address) and `received_at`. `cursor` says how
    far each connection's file (`ingestion.connectors.spool`, in `folder`) has been taken. Raises SourceError where
    nobody answers.
    """
    host, port = workspace.resolve(connection.host), workspace.resolve(str(connection.port))
    if not port.isdigit():
        raise SourceError(f"{host}: {port!r} is no port")
    adopt(folder, pull.name, f"{host}-{port}")
    spool = open_spool(folder, cursor)
    where = f"{pull.name} ({host}:{port})"
    for number in sorted(spool.open):
        line = _Line(number, Reader(spool.path(number), pull, spool.open[number]))
        yield from _taken(spool, pull, line, where, is_ended=True)
    with contextlib.closing(_Lines(spool, pull, where)) as lines:
        try:
            lines.open(host, int(port), connection)
        except OSError as error:
            raise SourceError(f"{where}: {error}", state="The cursor has not moved.") from error
        ends_at = time.monotonic() + pull.most_seconds
        quiet_at = time.monotonic() + pull.idle_seconds
        while True:
            at = time.monotonic()
            is_over = not lines.is_open or at >= min(quiet_at, ends_at)
            if is_over and (at >= ends_at + connection.timeout_seconds or at >= quiet_at or lines.are_between_messages):
                break
            if lines.gather(min(quiet_at, max(ends_at, at + GATHER_SECONDS))):
                quiet_at = time.monotonic() + pull.idle_seconds
            for line in list(lines.all):
                yield from _taken(spool, pull, line, where, is_ended=line.is_ended)
                if line.is_ended or line.reader.is_lost:
                    lines.close_one(line)
        for line in list(lines.all):
            lines.close_one(line)
            yield from _taken(spool, pull, line, where, is_ended=True)


@dataclass(eq=False)
class _Line:
    """One connection: its file, and its socket as long as it is open."""

    number: int
    reader: Reader
    socket: socket.socket | None = None
    writer: Writer | None = None
    is_ended: bool = False


def _taken(spool: Spool, pull: Pull, line: _Line, where: str, *, is_ended: bool) -> Iterator[Page]:
    """The line's new messages, each page with the cursor behind it; behind a page that has landed, they are acked.

    What an earlier pull left lands before the device is asked: it may not be there.
    """
    lands_at_once = bool(pull.ack) or line.socket is None
    while frames := line.reader.read(PAGE_MESSAGES):
        spool.open[line.number] = line.reader.taken
        yield Page(_records(frames, pull, line.reader.peer), spool.cursor, now(), where, lands_at_once=lands_at_once)
        if pull.ack and line.socket is not None and not line.is_ended:
            with contextlib.suppress(OSError):
                line.socket.sendall(pull.ack.encode() * sum(not frame.fault for frame in frames))
    if is_ended or line.reader.is_lost:
        frames = line.reader.end()
        del spool.open[line.number]
        if line.reader.is_empty:
            line.reader.path.unlink()
            return
        yield Page(_records(frames, pull, line.reader.peer), spool.cursor, now(), where, lands_at_once=lands_at_once)


def _records(frames: Sequence[Frame], pull: Pull, peer: str) -> pl.DataFrame:
    records: list[Record] = []
    for frame in frames:
        about: Record = {
            "device_id": pull.name,
            "peer": peer or None,
            "received_at": frame.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        try:
            if frame.fault:
                raise ValueError(frame.fault)
            records += [about | record for record in parse(frame.data, pull)]
        except ValueError as error:
            records.append(about | unreadable(frame.data, f"message {error}", pull.encoding))
    return to_frame(records)


@dataclass
class _Lines:
    """The connections open in this pull."""

    spool: Spool
    pull: Pull
    where: str
    all: list[_Line] = field(default_factory=list)
    _listener: socket.socket | None = None
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    @property
    def is_open(self) -> bool:
        """Whether anything can still come."""
        return bool(self.all) or self._listener is not None

    @property
    def are_between_messages(self) -> bool:
        return all(line.reader.is_between_messages for line in self.all)

    def open(self, host: str, port: int, connection: Connection) -> None:
        """Call the device, or be there for those that call."""
        if connection.mode == "connect":
            self._add(socket.create_connection((host, port), connection.timeout_seconds), host)
            return
        self._listener = socket.create_server((host, port))
        self._selector.register(self._listener, selectors.EVENT_READ)

    def gather(self, until: float) -> bool:
        """Write what comes to the files, for a moment, and through to the disk; whether anything came."""
        written: set[_Line] = set()
        moment = ACK_GATHER_SECONDS if self.pull.ack else GATHER_SECONDS
        ends_at = until
        size = 0
        while (left := ends_at - time.monotonic()) > 0 and size < ARRIVAL_BYTES * 64 and self.is_open:
            for key, _ in self._selector.select(left):
                if key.fileobj is self._listener:
                    self._accept()
                    continue
                line = key.data
                data = self._receive(line)
                size += len(data)
                written.add(line)
                ends_at = min(ends_at, time.monotonic() + moment)
                if line.is_ended:
                    self._selector.unregister(key.fileobj)
        for line in written:
            assert line.writer is not None
            line.writer.sync()
        return bool(written)

    def close_one(self, line: _Line) -> None:
        """Hang up; what has come over the line stays in its file."""
        if line.socket is not None and line.writer is not None:
            with contextlib.suppress(KeyError):
                self._selector.unregister(line.socket)
            line.socket.close()
            line.writer.file.close()
        self.all.remove(line)

    def close(self) -> None:
        """Hang up on all."""
        for line in list(self.all):
            self.close_one(line)
        if self._listener is not None:
            self._listener.close()
        self._selector.close()

    def _receive(self, line: _Line) -> bytes:
        assert line.socket is not None
        assert line.writer is not None
        try:
            data = line.socket.recv(ARRIVAL_BYTES)
        except OSError:
            data = b""
        if data:
            line.writer.append(data, now())
        else:
            line.is_ended = True
        return data

    def _accept(self) -> None:
        assert self._listener is not None
        caller, address = self._listener.accept()
        if len(self.all) >= MOST_CONNECTIONS:
            caller.close()
            return
        self._add(caller, str(address[0]))

    def _add(self, opened: socket.socket, peer: str) -> None:
        number, self.spool.next = self.spool.next, self.spool.next + 1
        self.spool.open[number] = 0
        path = self.spool.path(number)
        writer = Writer.create(path, peer)
        line = _Line(number, Reader(path, self.pull, 0), opened, writer)
        self.all.append(line)
        self._selector.register(opened, selectors.EVENT_READ, line)


CONNECTOR = Connector(Connection, Pull, pages, keeps_files=True, is_live=True)
