"""Serves every system of one workspace until its parent goes: `python -m demo.systems WORKSPACE`.

Prints `ready` once all of them answer. Ends when its standard input does, and on Linux when its parent dies.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from demo import extracts, factory, scheduler
from demo.systems import (
    broker,
    crm,
    erp,
    ftp,
    gateway,
    graphql_shop,
    mes,
    modbus,
    opcua,
    purchasing,
    scheduling,
    sftp,
    shops,
    social,
    wms,
)
from demo.systems.lifetime import die_with_parent, until_orphaned
from tillmill.workspace import now, open_workspace

Addresses = dict[str, dict[str, str | int]]
Words = dict[str, dict[str, str]]
Server = TypeVar("Server")


def main(root: Path) -> None:
    """Serves the workspace in `root`."""
    die_with_parent()
    open_workspace(root)
    asyncio.run(_serve(root))


async def _serve(root: Path) -> None:
    orphaned = asyncio.create_task(until_orphaned())
    words = _secrets(root)
    addresses: Addresses = {}
    # At once: what one of them waits for, another can use.
    for answers in await asyncio.gather(*(start(root, words) for start in SERVERS)):
        addresses |= answers
    _write(root / "run" / "demo.secrets.json", words)
    _write(root / "run" / "demo.json", {"pid": os.getpid()} | addresses)
    print("ready", flush=True)
    await orphaned
    # Nothing here is worth a slow goodbye: clients are gone, and no server writes.
    os._exit(0)


async def _database(root: Path, words: Words) -> Addresses:
    """The ERP's PostgreSQL."""
    server, url = await erp.start(root, words["erp"]["password"])
    _kept(server)
    return {"erp": {"url": url}}


async def _files(root: Path, words: Words) -> Addresses:
    """The file servers of the nightly extracts, written up to the clock."""
    extracts.publish(root, now())
    key = sftp.host_key(root / "run" / "demo.hostkey")
    server = _kept(await sftp.start(extracts.folder(root), key, words["sftp"]["password"]))
    shown: dict[str, str | int] = {
        "url": f"sftp://{sftp.USER}@127.0.0.1:{server.get_port()}/",
        "host_key": key.export_public_key().decode().strip(),
    }
    warehouse, port = ftp.start(extracts.warehouse_folder(root), words["ftp"]["password"])
    _kept(warehouse)
    return {"sftp": shown, "ftp": {"url": f"ftp://{ftp.USER}@127.0.0.1:{port}/"}}


async def _lines(root: Path, _: Words) -> Addresses:
    """The counters of the mill's lines, a device each."""
    addresses: Addresses = {}
    for line_id in factory.LINES:
        server, port = await modbus.start(root, line_id)
        _kept(server)
        addresses[f"line_{line_id[1:]}"] = {"host": "127.0.0.1", "port": port}
    return addresses


async def _floor(root: Path, words: Words) -> Addresses:
    """What else speaks at the lines: the MES's variables, the alarm gateway, the sensors' broker."""
    # Started first, for it takes longest; it has a process of its own.
    variables, url = await opcua.start(root, words["mes_lines"]["password"])
    gate, gate_port = await gateway.start(root, _port_before(root, "alarms"))
    keeps, broker_port = await broker.start(root, words["sensors"]["password"])
    for server in (gate, keeps, variables):
        _kept(server)
    return {
        "mes_lines": {"url": url},
        "alarms": {"host": "127.0.0.1", "port": gate_port},
        "sensors": {"host": "127.0.0.1", "port": broker_port},
    }


def _port_before(root: Path, name: str) -> int:
    """Where a system answered the last time: a device keeps its address, where it can."""
    path = root / "run" / "demo.json"
    told = json.loads(path.read_text()).get(name, {}) if path.exists() else {}
    return int(told.get("port", 0))


async def _web(root: Path, words: Words) -> Addresses:
    """All that speaks HTTP behind one port, each under its own path with its own token or password."""
    mounts = [Mount("/shop_a", routes=shops.routes(root, "shop_a", words["shop_a"]["token"]))]
    mounts.append(Mount("/shop_b", routes=graphql_shop.routes(root, "shop_b", words["shop_b"]["token"])))
    mounts.append(Mount("/crm", routes=crm.routes(root, words["crm"]["token"])))
    mounts.append(Mount("/mes", routes=mes.routes(root, words["mes"]["token"])))
    mounts.append(Mount("/social", routes=social.routes(root, words["social"]["token"])))
    mounts.append(Mount("/purchasing", routes=purchasing.routes(root, words["purchasing"]["password"])))
    mounts.append(Mount("/scheduling", routes=scheduling.routes(root, words["scheduling"]["token"])))
    scheduler.take_in(root, now())
    warehouse = Mount("/wms", routes=wms.routes(root, words["wms"]["password"]))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=[*mounts, warehouse]), log_level="error", access_log=False, lifespan="off")
    )
    _kept(asyncio.create_task(server.serve(sockets=[listening])))
    while not server.started:
        await asyncio.sleep(0.01)
    host = f"http://127.0.0.1:{listening.getsockname()[1]}"
    addresses: Addresses = {mount.path.strip("/"): {"base_url": host + mount.path} for mount in mounts}
    addresses["shop_b"] = {"base_url": f"{host}/shop_b/admin-api"}
    return addresses | {"wms": {"wsdl": f"{host}/wms/soap?wsdl"}}


# Each starts one family of systems and says where they answer; those that wait for a process of their own come first.
SERVERS: tuple[Callable[[Path, Words], Awaitable[Addresses]], ...] = (_database, _floor, _files, _lines, _web)
PASSWORDS = ("sftp", "ftp", "erp", "purchasing", "wms", "mes_lines", "sensors")
TOKENS = ("shop_a", "shop_b", "crm", "mes", "social", "scheduling")
SECRETS = dict.fromkeys(PASSWORDS, "password") | dict.fromkeys(TOKENS, "token")
_running: list[object] = []


def _kept(server: Server) -> Server:
    """Held for as long as the process lives: a server nobody refers to is collected."""
    _running.append(server)
    return server


def _secrets(root: Path) -> Words:
    """The password and tokens of this workspace's systems, each made when it is first needed."""
    path = root / "run" / "demo.secrets.json"
    known: Words = json.loads(path.read_text()) if path.exists() else {}
    return {name: known.get(name, {kind: secrets.token_urlsafe(24)}) for name, kind in SECRETS.items()}


def _write(path: Path, content: object) -> None:
    """A file that is whole or not there, and readable by its owner alone."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(content, indent=1))
    fresh.replace(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
