"""Real servers on loopback, each in a thread with a loop of its own, ended with the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import uvicorn
from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import SimDevice


@contextmanager
def serving(server: Callable[[], AbstractAsyncContextManager[int]]) -> Iterator[int]:
    """The port of a server that runs in another thread."""
    started, ports, errors = threading.Event(), list[int](), list[BaseException]()
    stop: list[Callable[[], Any]] = []

    async def main() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        try:
            async with server() as port:
                ports.append(port)
                stop.append(lambda: loop.call_soon_threadsafe(ended.set))
                started.set()
                await ended.wait()
        except BaseException as error:
            errors.append(error)
            raise
        finally:
            started.set()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert started.wait(20), "the server did not start"
    assert not errors, errors
    try:
        yield ports[0]
    finally:
        stop[0]()
        thread.join(20)


def web_server(app: Any) -> Callable[[], AbstractAsyncContextManager[int]]:
    @asynccontextmanager
    async def run() -> AsyncIterator[int]:
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none"))
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
        server.should_exit = True
        await task

    return run


class Doorkeeper(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("mill", "s3cret")


def sftp_server(folder: Path, key: asyncssh.SSHKey) -> Callable[[], AbstractAsyncContextManager[int]]:
    @asynccontextmanager
    async def run() -> AsyncIterator[int]:
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[key],
            server_factory=Doorkeeper,
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(folder).encode()),
        )
        yield server.get_port()
        server.close()
        await server.wait_closed()

    return run


def modbus_server(
    devices: list[SimDevice], framer: FramerType = FramerType.SOCKET
) -> Callable[[], AbstractAsyncContextManager[int]]:
    @asynccontextmanager
    async def run() -> AsyncIterator[int]:
        server = ModbusTcpServer(devices, framer=framer, address=("127.0.0.1", 0), ignore_missing_devices=True)
        await server.serve_forever(background=True)
        yield server.transport.sockets[0].getsockname()[1]
        await server.shutdown()

    return run


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """A gateway behind which no unit has the number asked for: it takes every request and never answers."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(256):
            pass
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
