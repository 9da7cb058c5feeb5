"""Fault 18: frames cut or merged anywhere, a pull that cannot land, and a process killed while messages come in."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.plant import plant, pull, rows
from tests.ingestion.connectors.servers import serving
from tests.kill.shares import share
from tillmill.workspace import Workspace

SOURCE = """
[[sources]]
name = "scales"
connector = "tcp"
connection = {{ host = "127.0.0.1", port = {port} }}
[[sources.streams]]
stream = "scada.readings"
[sources.streams.pull]
name = "scale-1"
length_bytes = 2
format = "delimited"
names = ["name", "second", "v"]
idle_seconds = 0.5
[sources.streams.fields]
tag = "name"
read_at = {{ field = "second", format = "epoch_s" }}
value = "v"
quality = {{ const = "good" }}
"""
MESSAGES = 40
KILLS = share("tcp")
EXPECTED = [float(number) for number in range(MESSAGES)]


def messages() -> list[bytes]:
    said = [b"net,%d,%d" % (1_512_241_200 + number, number) for number in range(MESSAGES)]
    return [len(message).to_bytes(2, "big") + message for message in said]


def device(
    parts: list[bytes], behind: Callable[[int], None] = lambda part: None
) -> Callable[[], AbstractAsyncContextManager[int]]:
    """Says its parts to the first caller, and to later ones nothing; `behind` is told each part that was said."""
    left = list(parts)

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while left:
                writer.write(left.pop(0))
                await writer.drain()
                await asyncio.sleep(0)
                behind(len(parts) - len(left))
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


def values(workspace: Workspace) -> list[float]:
    return rows(workspace)["value"].to_list()


@pytest.mark.parametrize("size", [1, 3, 17, 1_000_000])
def test_18_the_same_rows_land_however_the_stream_is_cut(tmp_path: Path, size: int) -> None:
    said = b"".join(messages())
    parts = [said[at : at + size] for at in range(0, len(said), size)]
    with serving(device(parts)) as port:
        workspace = plant(tmp_path, SOURCE.format(port=port))
        assert pull(workspace).landed == MESSAGES
        assert values(workspace) == EXPECTED
        assert pull(workspace).pulled == 0


def test_18_what_could_not_land_lands_next_time_though_the_device_is_gone(tmp_path: Path) -> None:
    with serving(device(messages())) as port:
        workspace = plant(tmp_path, SOURCE.format(port=port))
        blocked = workspace.landing / "scada.readings" / "scales"
        blocked.parent.mkdir(parents=True)
        blocked.write_text("in the way of the folder")
        assert pull(workspace).error is not None
    blocked.unlink()
    result = pull(workspace)
    assert (result.landed, "refused" in (result.error or "")) == (MESSAGES, True)
    assert values(workspace) == EXPECTED
    assert pull(workspace).landed == 0


@pytest.mark.parametrize("moves", [False, True], ids=["same port", "another port"])
def test_18_what_an_older_tillmill_received_lands_though_its_folder_has_another_name(
    tmp_path: Path, moves: bool
) -> None:
    """Folders were called by device, host and port; a new port made nothing of the messages that had not landed."""
    with serving(device(messages())) as port:
        workspace = plant(tmp_path, SOURCE.format(port=port))
        blocked = workspace.landing / "scada.readings" / "scales"
        blocked.parent.mkdir(parents=True)
        blocked.write_text("in the way of the folder")
        assert pull(workspace).error is not None
    blocked.unlink()
    own = workspace.root / "state" / "tcp" / "scales.scada.readings"
    own.rename(own.with_name(f"scale-1-127.0.0.1-{port}"))
    if moves:
        own.with_name("other-127.0.0.1-4001").mkdir()
        workspace = plant(tmp_path, SOURCE.format(port=1))
    result = pull(workspace)
    assert (result.landed, "refused" in (result.error or "")) == (MESSAGES, True)
    assert values(workspace) == EXPECTED
    assert own.is_dir()
    assert pull(workspace).landed == 0


def test_18_a_new_port_reads_on_from_the_same_folder(tmp_path: Path) -> None:
    with serving(device(messages())) as port:
        workspace = plant(tmp_path, SOURCE.format(port=port))
        blocked = workspace.landing / "scada.readings" / "scales"
        blocked.parent.mkdir(parents=True)
        blocked.write_text("in the way of the folder")
        assert pull(workspace).error is not None
    blocked.unlink()
    workspace = plant(tmp_path, SOURCE.format(port=1))
    assert pull(workspace).landed == MESSAGES
    assert values(workspace) == EXPECTED


def test_18_folders_that_may_be_anybodys_stop_the_stream(tmp_path: Path) -> None:
    workspace = plant(tmp_path, SOURCE.format(port=1))
    for name in ("scale-1-10.0.0.1-4001", "scale-1-10.0.0.2-4001"):
        (workspace.root / "state" / "tcp" / name).mkdir(parents=True)
    error = pull(workspace).error or ""
    assert "scale-1-10.0.0.1-4001, scale-1-10.0.0.2-4001 may each have messages of scale-1" in error
    assert f"mv {workspace.root / 'state' / 'tcp' / 'scale-1-10.0.0.1-4001'}" in error


def test_18_a_process_killed_while_messages_come_loses_none_that_reached_the_disk(tmp_path: Path) -> None:
    """A device that waits for nobody goes on after the kill where it was: every message, each once."""
    killed: list[int] = []

    def behind(part: int) -> None:
        if part == MESSAGES // 2:
            # What has come is written through twice a second.
            time.sleep(1)
            killed.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)
            raise ConnectionResetError("the line is dead")

    with serving(device(messages(), behind)) as port:
        workspace = plant(tmp_path, SOURCE.format(port=port))
        with subprocess.Popen([sys.executable, "-m", "tests.faults.pull_once", str(tmp_path)]) as process:
            assert process.wait(60) == -signal.SIGKILL
        assert killed
        assert rows(workspace).is_empty(), "nothing had landed"
        assert pull(workspace).error is None
    assert values(workspace) == EXPECTED


@pytest.mark.slow
@pytest.mark.timeout(600 + 30 * KILLS)
def test_18_a_device_that_waits_for_its_acknowledgement_loses_nothing_to_kills(tmp_path: Path) -> None:
    """What it repeats, because its acknowledgement was lost with the process, meets the first by its key."""
    left, called = messages(), threading.Event()

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()
        try:
            while left:
                writer.write(left[0])
                assert await reader.readexactly(1) == b"\x06"
                left.pop(0)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def run() -> AsyncIterator[int]:
        server = await asyncio.start_server(say, "127.0.0.1", 0)
        yield server.sockets[0].getsockname()[1]
        server.close()

    moments = random.Random(KILLS)
    with serving(run) as port:
        settings = SOURCE.format(port=port).replace('name = "scale-1"', 'name = "scale-1"\nack = "\\u0006"')
        workspace = plant(tmp_path, settings)
        for _ in range(KILLS):
            called.clear()
            with subprocess.Popen([sys.executable, "-m", "tests.faults.pull_once", str(tmp_path)]) as process:
                assert called.wait(60)
                time.sleep(moments.uniform(0, 0.4))
                process.kill()
        assert pull(workspace).error is None
        while left:  # a pull ends where the device is silent for long, as on a busy machine; the next one goes on
            assert pull(workspace).error is None
    landed = values(workspace)
    assert sorted(set(landed)) == EXPECTED
    assert len(landed) <= MESSAGES + KILLS
