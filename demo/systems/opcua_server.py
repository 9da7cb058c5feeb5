"""The MES's OPC UA server: each line's state, work order, speed and process temperature, now and as they were.

Below Objects stands `Mill`, below it a line each (`Mill/L1/State`, node `ns=2;s=L1/State`): State and WorkOrder (text,
empty where there is none), Speed (units an hour), ProcessTemperature (°C). All have a history from
`signals.RECORDED_FROM` to the clock. A probe that fails or is not yet warm says so in the status of its value.

`python -m demo.systems.opcua_server WORKSPACE`, the password on standard input, prints the port. Nothing is written.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.common.node import Node
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.history import HistoryStorageInterface
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes

from demo import world
from demo.systems.lifetime import die_with_parent, until_orphaned
from tillmill.workspace import now, open_workspace

USER = "tillmill"
NAMESPACE = "urn:harvest-lane:mes"
WATCH_SECONDS = 0.05


@dataclass(frozen=True)
class Kept:
    """What was recorded of one variable in the year: moments, values, names of their statuses."""

    moments: list[datetime]
    values: list[Any]
    statuses: list[str]

    def value(self, at: int) -> ua.DataValue:
        """The recorded value number `at` with its status and time."""
        value, moment = self.values[at], ua.DateTime.fromtimestamp(self.moments[at].timestamp(), UTC)
        return ua.DataValue(
            Value=ua.Variant(value, ua.VariantType.String if isinstance(value, str) else ua.VariantType.Double),
            StatusCode=ua.StatusCode(getattr(StatusCodes, self.statuses[at])),
            SourceTimestamp=moment,
            ServerTimestamp=moment,
        )

    def now(self) -> ua.DataValue:
        """As it stands at the clock."""
        at = bisect_right(self.moments, now()) - 1
        nothing = ua.DataValue(StatusCode=ua.StatusCode(ua.UInt32(StatusCodes.BadWaitingForInitialData)))
        return self.value(at) if at >= 0 else nothing


def kept(root: Path) -> dict[str, Kept]:
    """What is recorded of each variable, by its name, such as `L1/State`."""
    rows = world.table(root, "scada.kept").collect()
    found = {}
    for (name,), part in rows.partition_by("node", as_dict=True, maintain_order=True).items():
        values = part["text"] if part["number"].null_count() == part.height else part["number"]
        found[str(name)] = Kept(part["at"].to_list(), values.to_list(), part["status"].to_list())
    return dict(sorted(found.items()))


class Doorkeeper(UserManager):
    """Lets one user in, by password."""

    def __init__(self, password: str) -> None:
        self._password = password.encode()

    def get_user(
        self, iserver: object, username: str | None = None, password: str | None = None, certificate: object = None
    ) -> User | None:
        is_known = username == USER and secrets.compare_digest((password or "").encode(), self._password)
        return User(role=UserRole.User, name=USER) if is_known else None


class History(HistoryStorageInterface):
    """What is recorded, as far as the clock has come."""

    def __init__(self, recorded: dict[str, Kept]) -> None:
        super().__init__()
        self._recorded = recorded

    async def init(self) -> None:
        """There is nothing to make ready."""

    async def stop(self) -> None:
        """There is nothing to close."""

    async def read_node_history(
        self, node_id: ua.NodeId, start: datetime | None, end: datetime | None, nb_values: int
    ) -> tuple[list[ua.DataValue], datetime | None]:
        one = self._recorded[str(node_id.Identifier)]
        first = bisect_left(one.moments, _aware(start)) if start else 0
        last = bisect_right(one.moments, min(_aware(end), now()) if end else now())
        most = min(nb_values or self.max_history_data_response_size, self.max_history_data_response_size)
        more = one.moments[first + most] if first + most < last else None
        return [one.value(at) for at in range(first, min(first + most, last))], more


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def serve(root: Path, password: str) -> None:
    """Answers until standard input ends."""
    # The library warns of what is meant to be so on loopback: no certificate, nothing encrypted.
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    orphaned = asyncio.create_task(until_orphaned())
    recorded = kept(root)
    server = Server(user_manager=Doorkeeper(password))
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/mill")
    server.set_server_name("Harvest Lane MES")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    server.set_identity_tokens([ua.UserNameIdentityToken])
    server.iserver.history_manager.set_storage(History(recorded))
    nodes = await _variables(server, recorded)
    async with server:
        # The library does not say which port it was given.
        listening: Any = server.bserver
        print(listening._server.sockets[0].getsockname()[1], flush=True)
        shown = None
        while not orphaned.done():
            if (clock := now()) != shown:
                shown = clock
                for name, node in nodes.items():
                    await node.write_value(recorded[name].now())
            await asyncio.sleep(WATCH_SECONDS)
        os._exit(0)


async def _variables(server: Server, recorded: dict[str, Kept]) -> dict[str, Node]:
    """The variables by name, each with a history that can be read."""
    index = await server.register_namespace(NAMESPACE)
    mill = await server.nodes.objects.add_object(index, "Mill")
    lines: dict[str, Node] = {}
    nodes: dict[str, Node] = {}
    for name, one in recorded.items():
        line, _, variable = name.partition("/")
        if line not in lines:
            lines[line] = await mill.add_object(ua.NodeId.from_string(f"ns={index};s={line}"), f"{index}:{line}")
        empty: Any = "" if isinstance(one.values[0], str) else 0.0
        place = ua.NodeId.from_string(f"ns={index};s={name}")
        node = await lines[line].add_variable(place, f"{index}:{variable}", empty)
        for attribute in (AttributeIds.AccessLevel, AttributeIds.UserAccessLevel):
            await node.set_attr_bit(attribute, ua.AccessLevel.HistoryRead)
        await node.write_attribute(AttributeIds.Historizing, ua.DataValue(Value=ua.Variant(True)))
        await node.write_value(one.now())
        nodes[name] = node
    return nodes


def main(root: Path) -> None:
    """Serves the workspace in `root`; the password is the first line of standard input."""
    die_with_parent()
    open_workspace(root)
    # Byte by byte: what follows the line is for whoever waits for the end.
    password = bytearray()
    while (byte := os.read(sys.stdin.fileno(), 1)) not in (b"\n", b""):
        password += byte
    asyncio.run(serve(root, password.decode()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
