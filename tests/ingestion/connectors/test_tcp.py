from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ingestion.connectors.page import FAULT, RAW, Page
from ingestion.connectors.tcp import Connection, Pull, pages
from tests.ingestion.connectors.fixtures import make_workspace
from tests.ingestion.connectors.servers import serving
from tillmill.errors import SourceError
from tillmill.workspace import Workspace

FORMAT: dict[str, Any] = {"delimiter": "\r\n", "format": "delimited", "names": ["tag", "value"]}


def scale(*parts: bytes, hangs_up: bool = True) -> Callable[[], AbstractAsyncContextManager[int]]:
    """A device that says its parts to whoever calls, each in a packet of its own."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.01)
            if not hangs_up:
                await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def run() -> AsyncIterator[int]:
        server = await asyncio.start_server(say, "127.0.0.1", 0)
        yield server.sockets[0].getsockname()[1]
        server.close()

    return run


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path)


def read(
    workspace: Workspace, port: int, cursor: dict[str, Any] | None = None, mode: str = "connect", **pull: Any
) -> Iterator[Page]:
    connection = Connection(host="127.0.0.1", port=port, mode=mode, timeout_seconds=1)
    told = Pull(**({"name": "scale-1", "idle_seconds": 0.3} | FORMAT | pull))
    return pages(workspace, connection, told, cursor, folder=workspace.root / "state" / "tcp" / "scales.scada.readings")


def values(found: list[Page]) -> list[str]:
    return [value for page in found if "value" in page.records.columns for value in page.records["value"]]


def files(workspace: Workspace) -> list[Path]:
    return sorted((workspace.root / "state" / "tcp").rglob("*.spool"))


def test_messages_are_read_however_they_are_cut_until_the_device_hangs_up(workspace: Workspace) -> None:
    with serving(scale(b"net,1", b"2\r", b"\nnet,13\r\nnet,14\r\n")) as port:
        found = list(read(workspace, port))
        assert values(found) == ["12", "13", "14"]
        row = found[0].records.to_dicts()[0]
        assert (row["device_id"], row["tag"], row["peer"]) == ("scale-1", "net", "127.0.0.1")
        assert row["received_at"].endswith("Z")
        assert values(list(read(workspace, port, found[-1].cursor))) == ["12", "13", "14"], "a new call, new messages"
    assert len(files(workspace)) == 1, "what has landed is deleted by the next pull"


def test_a_device_that_stays_silent_is_left_after_a_while_and_leaves_nothing(workspace: Workspace) -> None:
    with serving(scale(hangs_up=False)) as port:
        assert list(read(workspace, port)) == []
    assert files(workspace) == []


def test_a_device_that_never_stops_is_left_between_two_messages(workspace: Workspace) -> None:
    with serving(scale(*[b"net,", b"1\r\n"] * 200)) as port:
        found = list(read(workspace, port, most_seconds=0.6))
    assert 10 < len(values(found)) < 200
    assert all(FAULT not in page.records.columns for page in found)


def test_what_was_received_and_could_not_land_is_read_from_disk_even_if_the_device_is_gone(
    workspace: Workspace,
) -> None:
    with serving(scale(b"net,12\r\nnet,13\r\nnet")) as port:
        pulling = read(workspace, port)
        first = next(pulling)
        pulling.close()  # killed: nothing of it has landed
    again = read(workspace, port)
    page = next(again)
    assert page.records.drop("received_at").equals(first.records.drop("received_at"))
    assert page.records["received_at"].to_list() == first.records["received_at"].to_list()
    assert page.lands_at_once
    rest = next(again)
    assert rest.records.select(FAULT, RAW, "peer").row(0) == (
        "message cut off by the end of the connection",
        "net",
        "127.0.0.1",
    )
    with pytest.raises(SourceError, match=r"scale-1 .*refused"):
        next(again)
    with pytest.raises(SourceError):
        list(read(workspace, port, rest.cursor))
    assert files(workspace) == []


def test_a_message_that_cannot_be_read_is_kept_with_its_reason(workspace: Workspace) -> None:
    with serving(scale(b"net,12\r\nnet\r\n\xff,1\r\n")) as port:
        [page, _] = read(workspace, port)
    assert page.records["value"].to_list() == ["12", None, None]
    assert page.records[RAW].to_list() == [None, "net", "base64:/ywx"]
    assert [(why or "")[:24] for why in page.records[FAULT]] == [
        "",
        "message has 1 values, no",
        "message 'utf-8' codec ca",
    ]


def test_a_stream_that_has_lost_its_frame_is_kept_and_left(workspace: Workspace) -> None:
    with serving(scale(b"\x00\x01a", b"\xff\xff" + b"x" * 50, b"y" * 50)) as port:
        found = list(read(workspace, port, delimiter="", length_bytes=2, format="text", most_bytes=100))
    assert values(found)[0] == "a"
    raw = [text for page in found if RAW in page.records.columns for text in page.records[RAW] if text]
    assert raw[0].startswith("base64:")
    assert found[0].records[FAULT][1] == "message a message cannot be 65,535 bytes long"


def test_devices_that_call_are_listened_to_each_by_itself(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def call(first: bytes, then: bytes) -> None:
        for _ in range(100):
            try:
                caller = socket.create_connection(("127.0.0.1", port))
                break
            except ConnectionRefusedError:
                time.sleep(0.02)
        with caller:
            caller.sendall(first)
            time.sleep(0.1)
            caller.sendall(then)

    callers = [
        threading.Thread(target=call, args=(b"a,1\r\na,", b"2\r\n")),
        threading.Thread(target=call, args=(b"b,3\r", b"\n")),
    ]
    for caller in callers:
        caller.start()
    found = list(read(workspace, port, mode="listen", idle_seconds=0.6))
    for caller in callers:
        caller.join()
    assert sorted(values(found)) == ["1", "2", "3"]
    assert found[-1].cursor["open"] == {}


def test_an_acknowledgement_is_sent_for_each_message_when_it_has_landed(workspace: Workspace) -> None:
    got: list[tuple[bytes, int]] = []
    landed: list[str] = []

    async def stop_and_wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for number in range(3):
                writer.write(b"net,%d\r\n" % number)
                got.append((await reader.readexactly(1), len(landed)))
        finally:
            writer.close()

    @asynccontextmanager
    async def run() -> AsyncIterator[int]:
        server = await asyncio.start_server(stop_and_wait, "127.0.0.1", 0)
        yield server.sockets[0].getsockname()[1]
        server.close()

    with serving(run) as port:
        for page in read(workspace, port, ack="\x06"):
            assert page.lands_at_once
            landed += values([page])
    assert landed == ["0", "1", "2"]
    assert got == [(b"\x06", 1), (b"\x06", 2), (b"\x06", 3)]
