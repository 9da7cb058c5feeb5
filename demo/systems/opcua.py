"""The MES's OPC UA server: each line's state, work order, speed and process temperature, as they stand and as it has
kept them.

Below Objects stands `Mill`, below it a line each (`Mill/L1/State`, node `ns=2;s=L1/State`): State and WorkOrder (text,
empty where there is none), Speed (units an hour), ProcessTemperature (°C). All have a history from
`signals.RECORDED_FROM` to the clock. A probe that fails or is not yet warm says so in the status of its value.

A process of its own, `python -m demo.systems.opcua WORKSPACE` with the password on standard input: the library takes
two seconds to lay out its address space, in which the others are long ready. Prints the port. Nothing can be written.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import subprocess
import sys
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.systems.lifetime import die_with_parent, until_orphaned
from tillmill.errors import TillmillError

if TYPE_CHECKING:
    from asyncua import Server
    from asyncua.common.node import Node

USER = "tillmill"
NAMESPACE = "urn:harvest-lane:mes"
WATCH_SECONDS = 0.05


async def start(root: Path, password: str) -> tuple[object, str]:
    """The running server, to be kept, and the address at which user `tillmill` reads. Raises TillmillError where it
    does not start."""
    words = [sys.executable, "-m", "demo.systems.opcua", str(root)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own words
    assert process.stdin is not None
    assert process.stdout is not None
    print(password, file=process.stdin, flush=True)
    port = (await asyncio.to_thread(process.stdout.readline)).strip()
    if not port:
        raise TillmillError("the OPC UA server did not start", next_command="see the messages above")
    return process, f"opc.tcp://127.0.0.1:{port}/mill"


@dataclass(frozen=True)
class Kept:
    """What was recorded of one variable: moments, values, names of their statuses."""

    moments: list[datetime]
    values: list[Any]
    statuses: list[str]


def kept(root: Path) -> dict[str, Kept]:
    """The year's history of each variable by its name, such as `L1/State`."""
    import polars as pl

    from demo import world

    rows = world.table(root, "scada.kept").collect()
    found = {}
    for (node,), part in rows.partition_by("node", as_dict=True, maintain_order=True).items():
        values = part["text"] if part["number"].null_count() == part.height else part["number"]
        found[str(node)] = Kept(part["at"].to_list(), values.to_list(), part["status"].cast(pl.String).to_list())
    return dict(sorted(found.items()))


async def _serve(root: Path, password: str) -> None:
    from asyncua import Server, ua
    from asyncua.crypto.permission_rules import User, UserRole
    from asyncua.server.history import HistoryStorageInterface

    from tillmill.workspace import now

    # The library warns of what is meant to be so on loopback: no certificate, nothing encrypted.
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    orphaned = asyncio.create_task(until_orphaned())
    recorded = kept(root)

    def data_value(one: Kept, at: int) -> ua.DataValue:
        moment, value = one.moments[at], one.values[at]
        kind = ua.VariantType.String if isinstance(value, str) else ua.VariantType.Double
        return ua.DataValue(
            Value=ua.Variant(value, kind),
            StatusCode=ua.StatusCode(getattr(ua.StatusCodes, one.statuses[at])),
            SourceTimestamp=moment,
            ServerTimestamp=moment,
        )

    class Doorkeeper:
        """Lets one user in, by password."""

        def get_user(
            self, iserver: Any, username: str | None = None, password: str | None = None, certificate: Any = None
        ) -> User | None:
            is_known = username == USER and secrets.compare_digest((password or "").encode(), words)
            return User(role=UserRole.User, name=USER) if is_known else None

    class History(HistoryStorageInterface):
        """Reads what is recorded, up to the clock."""

        async def init(self) -> None:
            pass

        async def stop(self) -> None:
            pass

        async def read_node_history(
            self, node_id: ua.NodeId, start: datetime | None, end: datetime | None, nb_values: int
        ) -> tuple[list[ua.DataValue], datetime | None]:
            one = recorded[str(node_id.Identifier)]
            first = bisect_left(one.moments, _aware(start)) if start else 0
            last = bisect_right(one.moments, min(_aware(end), now()) if end else now())
            most = min(nb_values or self.max_history_data_response_size, self.max_history_data_response_size)
            more = one.moments[first + most] if first + most < last else None
            return [data_value(one, at) for at in range(first, min(first + most, last))], more

    words = password.encode()
    server = Server(user_manager=Doorkeeper())
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/mill")
    server.set_server_name("Harvest Lane MES")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    server.set_identity_tokens([ua.UserNameIdentityToken])
    server.iserver.history_manager.set_storage(History())
    nodes = await _nodes(server, recorded)

    async def show() -> None:
        """Each variable as it stands at the clock."""
        clock = now()
        for name, node in nodes.items():
            at = bisect_right(recorded[name].moments, clock) - 1
            waiting = ua.DataValue(StatusCode=ua.StatusCode(ua.UInt32(ua.StatusCodes.BadWaitingForInitialData)))
            await node.write_value(data_value(recorded[name], at) if at >= 0 else waiting)

    await show()
    async with server:
        # Which port it was given, the library does not say.
        print(server.bserver._server.sockets[0].getsockname()[1], flush=True)
        shown = now()
        while not orphaned.done():
            await asyncio.sleep(WATCH_SECONDS)
            if now() != shown:
                shown = now()
                await show()
        os._exit(0)


async def _nodes(server: Server, recorded: dict[str, Kept]) -> dict[str, Node]:
    """The variables by name, each with a history to be read."""
    from asyncua import ua

    index = await server.register_namespace(NAMESPACE)
    mill = await server.nodes.objects.add_object(index, "Mill")
    lines: dict[str, Node] = {}
    nodes: dict[str, Node] = {}
    for name, one in recorded.items():
        line, _, variable = name.partition("/")
        if line not in lines:
            lines[line] = await mill.add_object(ua.NodeId(line, index), f"{index}:{line}")
        empty: Any = "" if isinstance(one.values[0], str) else 0.0
        node = await lines[line].add_variable(ua.NodeId(name, index), f"{index}:{variable}", empty)
        for attribute in (ua.AttributeIds.AccessLevel, ua.AttributeIds.UserAccessLevel):
            await node.set_attr_bit(attribute, ua.AccessLevel.HistoryRead)
        await node.write_attribute(ua.AttributeIds.Historizing, ua.DataValue(Value=ua.Variant(True)))
        nodes[name] = node
    return nodes


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def main(root: Path) -> None:
    """Serves the workspace in `root`; the password is the first line of standard input."""
    from tillmill.workspace import open_workspace

    die_with_parent()
    open_workspace(root)
    # Unbuffered: what follows the password is for whoever waits for the end.
    password = bytearray()
    while (byte := os.read(sys.stdin.fileno(), 1)) not in (b"\n", b""):
        password += byte
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(root, password.decode()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
