"""Readings per second from a Modbus device and an OPC UA server, by our connectors and by the bare client libraries."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from ingestion.connectors import modbus, opcua
from ingestion.connectors.page import Page
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

SETTINGS = '[brand]\nname = "Mill"\ncurrency = "EUR"\ntimezone = "Europe/Paris"\n'
REGISTERS = 1_000
VARIABLES = 1_000


def modbus_readings(pulls: int = 20) -> tuple[int, float]:
    """Readings and seconds of `pulls` pulls of a device with 1,000 adjoining registers."""
    tags = [{"tag": f"t{number}", "address": number} for number in range(REGISTERS)]
    pull = modbus.Pull(name="L1", registers=tags)
    with _server(_serve_modbus) as port, _workspace() as workspace:
        connection = modbus.Connection(host="127.0.0.1", port=port)
        return _timed(lambda: modbus.pages(workspace, connection, pull, None), pulls)


def bare_modbus_readings(pulls: int = 20) -> tuple[int, float]:
    """The same by pymodbus alone: connect, read every register, close."""
    from pymodbus.client import AsyncModbusTcpClient

    async def read(port: int) -> int:
        async with AsyncModbusTcpClient("127.0.0.1", port=port) as client:
            found = 0
            for start in range(0, REGISTERS, 125):
                answer = await client.read_holding_registers(start, count=min(125, REGISTERS - start), device_id=1)
                found += len(answer.registers)
            return found

    with _server(_serve_modbus) as port:
        return _bare(lambda: read(port), pulls)


def bare_opcua_readings(pulls: int = 20) -> tuple[int, float]:
    """The same by asyncua alone: a session, one read of every variable with its status and time, an end."""
    from asyncua import Client

    logging.getLogger("asyncua").setLevel(logging.ERROR)

    async def read(port: int) -> int:
        async with Client(f"opc.tcp://127.0.0.1:{port}") as client:
            nodes = [client.get_node(f"ns=2;s=t{number}") for number in range(VARIABLES)]
            return len(await client.read_values(nodes))

    with _server(_serve_opcua) as port:
        return _bare(lambda: read(port), pulls)


def _bare(read: Callable[[], Coroutine[Any, Any, int]], pulls: int) -> tuple[int, float]:
    asyncio.run(read())
    started = time.perf_counter()
    return sum(asyncio.run(read()) for _ in range(pulls)), time.perf_counter() - started


def opcua_readings(pulls: int = 20) -> tuple[int, float]:
    """Readings and seconds of `pulls` pulls of a server with 1,000 variables, its session opened anew for each."""
    nodes = [{"node": f"ns=2;s=t{number}"} for number in range(VARIABLES)]
    pull = opcua.Pull(name="L1", nodes=nodes)
    with _server(_serve_opcua) as port, _workspace() as workspace:
        connection = opcua.Connection(url=f"opc.tcp://127.0.0.1:{port}")
        return _timed(lambda: opcua.pages(workspace, connection, pull, None), pulls)


def _timed(pages: Callable[[], Iterator[Page]], pulls: int) -> tuple[int, float]:
    """The first pull, which loads the libraries, is not counted."""
    list(pages())
    started = time.perf_counter()
    readings = 0
    for _ in range(pulls):
        for page in pages():
            assert set(page.records["quality"]) == {"good"}
            readings += page.records.height
    return readings, time.perf_counter() - started


@contextmanager
def _workspace() -> Iterator[Workspace]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / SETTINGS_FILE).write_text(SETTINGS)
        yield open_workspace(Path(folder))


@contextmanager
def _server(serve: Callable[[Pipe], Any]) -> Iterator[int]:
    """The port of a server that runs in another process until the block ends."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(serve, theirs), daemon=True)
    process.start()
    try:
        if not ours.poll(60):
            raise RuntimeError("the server did not start within 60 seconds")
        yield ours.recv()
    finally:
        process.kill()
        process.join()


def _run(serve: Callable[[Pipe], Any], pipe: Pipe) -> None:
    asyncio.run(serve(pipe))


async def _serve_modbus(pipe: Pipe) -> None:
    from pymodbus.server import ModbusTcpServer
    from pymodbus.simulator import DataType, SimData, SimDevice

    registers = SimData(0, values=[number % 65_536 for number in range(REGISTERS)], datatype=DataType.REGISTERS)
    server = ModbusTcpServer([SimDevice(id=1, simdata=[registers])], address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    pipe.send(server.transport.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


async def _serve_opcua(pipe: Pipe) -> None:
    from asyncua import Server, ua

    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace("urn:mill")
    for number in range(VARIABLES):
        await server.nodes.objects.add_variable(ua.NodeId(f"t{number}", index), f"{index}:t{number}", float(number))
    await server.start()
    pipe.send(server.bserver._server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


if __name__ == "__main__":
    measures = {"Modbus": modbus_readings, "pymodbus": bare_modbus_readings}
    measures |= {"OPC UA": opcua_readings, "asyncua": bare_opcua_readings}
    for name, measure in measures.items():
        readings, seconds = measure()
        print(f"{name}: {readings:,} readings in {seconds:.2f} s, {readings / seconds:,.0f} a second")
