"""`kill -9` at random moments of a pull over SOAP, from an OPC UA server's history or from Modbus devices' samples."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua
from pymodbus.simulator import DataType, SimData, SimDevice
from starlette.requests import Request
from starlette.responses import Response

from ingestion.landing.ledger import Ledger
from tests.faults.plant import plant, rows
from tests.ingestion.connectors.fixtures import write_secret
from tests.ingestion.connectors.opcua_server import START, Plant
from tests.ingestion.connectors.servers import modbus_server, serving, web_server
from tests.ingestion.connectors.soapserver import PASSWORD, Warehouse, row
from tests.kill.ingest_once import pull
from tests.kill.process import left_behind
from tests.kill.shares import share
from tillmill.workspace import Workspace, open_workspace

FEW = 2
Key = tuple[Any, ...]
STORES = ["store_id"]
READINGS = ["device_id", "tag", "read_at"]

SOAP = """
[[sources]]
name = "wms"
connector = "soap"
connection = {{ wsdl = "http://127.0.0.1:{port}/wms?wsdl", username = "mill", password = "file:password" }}
[[sources.streams]]
stream = "pos.stores"
pull = {{ operation = "GetStock", items = "Result.Items.Item", size_argument = "Query.Size", size = 4, {how} }}
fields = {{ store_id = "LotNo", updated_at = "Changed" }}
"""
LOTS = [f"{number:03d}" for number in range(100)]
LAST_RECORD = 'last_argument = "Query.After", last_field = "LotNo", first_last = ""'
CHANGES = 'page_argument = "Query.Page", since_argument = "Query.Since", since_field = "Changed"'

HISTORY = """
[[sources]]
name = "mes"
connector = "opcua"
connection = {{ url = "opc.tcp://127.0.0.1:{port}/mill", timeout_seconds = 20 }}
[[sources.streams]]
stream = "scada.readings"
pull = {{ name = "mill", mode = "history", browse = {{ paths = ["L?/Counters/*"] }} }}
"""
NODES = [f"{line}/{name}" for line in ("L1", "L2") for name in ("Counters/Good", "Counters/Speed")]
MINUTES = 40

LINE = """
[[sources]]
name = "line{unit}"
connector = "modbus"
connection = {{ host = "127.0.0.1", port = {port}, timeout_seconds = 20 }}
[[sources.streams]]
stream = "scada.readings"
[sources.streams.pull]
name = "L{unit}"
device_id = {unit}
clock = {{ address = 0 }}
history = {{ start = 10, stride = 4, capacity = 200 }}
registers = [{{ tag = "good", address = 2, counter_bits = 16 }}, {{ tag = "warmth", address = 3 }}]
"""
UNITS, SAMPLES = range(1, 7), 200


@dataclass(frozen=True)
class Way:
    """One way in: the server's source as TOML, the keys it holds, and in loads of how many rows it is pulled."""

    source: str
    key: list[str]
    keys: set[Key]
    stream: str = "scada.readings"
    load_rows: int = 8


class SlowWarehouse(Warehouse):
    """One that takes its time, so that a kill finds a pull at work."""

    async def answer(self, request: Request) -> Response:
        await asyncio.sleep(0.002)
        return await super().answer(request)


@contextmanager
def soap(how: str, load_rows: int) -> Iterator[Way]:
    warehouse = SlowWarehouse({lot: row(lot, f"2026-01-01T00:{int(lot) // 3:02d}:00Z") for lot in LOTS})
    with serving(web_server(warehouse.app())) as port:
        yield Way(SOAP.format(port=port, how=how), STORES, {(lot,) for lot in LOTS}, "pos.stores", load_rows)


@contextmanager
def opcua() -> Iterator[Way]:
    server = Plant()
    with serving(server.serve()) as port:
        for name in NODES:
            server.run(server.server.historize_node_data_change(server.nodes[name], period=None, count=1_000))
            kind = ua.VariantType.UInt16 if name.endswith("Good") else ua.VariantType.Double
            for minute in range(1, MINUTES + 1):
                server.set(name, minute if name.endswith("Good") else float(minute), minute, kind=kind)
        keys = {("mill", name, START + timedelta(minutes=minute)) for name in NODES for minute in range(MINUTES + 1)}
        yield Way(HISTORY.format(port=port), READINGS, keys)


@contextmanager
def modbus() -> Iterator[Way]:
    start = int(START.timestamp())
    blocks = [[(start + 60 * at) >> 16, (start + 60 * at) & 0xFFFF, at, 20] for at in range(SAMPLES)]
    words = [0] * 10 + [word for block in blocks for word in block]
    devices = [SimDevice(unit, simdata=[SimData(0, values=words, datatype=DataType.REGISTERS)]) for unit in UNITS]
    with serving(modbus_server(devices)) as port:
        keys = {
            (f"L{unit}", tag, datetime.fromtimestamp(start + 60 * at, UTC))
            for unit in UNITS
            for tag in ("good", "warmth")
            for at in range(SAMPLES)
        }
        yield Way("".join(LINE.format(port=port, unit=unit) for unit in UNITS), READINGS, keys)


WAYS: dict[str, Callable[[], Any]] = {
    "soap last record": lambda: soap(LAST_RECORD, 8),
    # The cursor moves at the end alone: what a kill cuts short begins again, so it lands whole or not at all.
    "soap changes": lambda: soap(CHANGES, 100_000),
    "opcua": opcua,
    "modbus": modbus,
}


def make(root: Path, way: Way) -> Workspace:
    root.mkdir()
    write_secret(root / "password", PASSWORD)
    return plant(root, way.source)


def check(workspace: Workspace, way: Way) -> None:
    """None lost, none doubled, counts true, no file but those of the loads that are visible."""
    found = rows(workspace, way.stream).select(way.key).rows()
    assert len(found) == len(way.keys)
    assert set(found) == way.keys
    with Ledger(workspace.ledger) as ledger:
        visible = [load for load in ledger.loads() if load.state == "visible"]
    assert all(load.pulled == load.landed + load.quarantined for load in visible)
    assert sum(load.pulled for load in visible) == len(way.keys)
    lake = (workspace.landing, workspace.quarantine)
    on_disk = {path.relative_to(workspace.root) for folder in lake for path in folder.rglob("*.parquet")}
    assert on_disk == {load.file for load in visible if load.file is not None}


def killed_and_repaired(root: Path, name: str, kills: int) -> None:
    with WAYS[name]() as way:
        for left in left_behind("ingest_once", lambda name: (make(root / name, way).root, way.load_rows), kills):
            workspace = open_workspace(left)
            assert {result.error for result in pull(workspace, way.load_rows)} == {None}
            check(workspace, way)
            assert {result.loads for result in pull(workspace, way.load_rows)} == {()}
            shutil.rmtree(workspace.root)


@pytest.mark.parametrize("name", WAYS)
def test_a_pull_of_the_plant_killed_at_random_moments_loses_nothing_and_doubles_nothing(
    tmp_path: Path, name: str
) -> None:
    killed_and_repaired(tmp_path, name, min(share(name), FEW))


@pytest.mark.slow
@pytest.mark.timeout(600 + 20 * share("opcua"))
@pytest.mark.parametrize("name", WAYS)
def test_many_kills_of_pulls_of_the_plant_lose_nothing_and_double_nothing(tmp_path: Path, name: str) -> None:
    killed_and_repaired(tmp_path, name, share(name))
