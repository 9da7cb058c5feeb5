"""An OPC UA server on loopback: two lines with counters, a work order, an alarm on demand, kept history."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from asyncua import Server, ua
from asyncua.common.node import Node

START = datetime(2017, 12, 2, 19, tzinfo=UTC)
NAMESPACE = "urn:mill"


@dataclass
class Plant:
    """A server's nodes by name, and the means to change them from a test's own thread."""

    port: int = 0
    loop: asyncio.AbstractEventLoop | None = None
    server: Any = None
    nodes: dict[str, Node] = field(default_factory=dict)
    secure: Callable[[Any], Any] | None = None

    def run(self, coroutine: Any) -> Any:
        """Do something in the server's thread."""
        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def set(self, name: str, value: Any, minute: int = 0, status: int = 0, kind: Any = None) -> None:
        """Give a variable a value with a time of its own."""
        data = ua.DataValue(
            Value=ua.Variant(value, kind) if kind else ua.Variant(value),
            StatusCode=ua.StatusCode(status),
            SourceTimestamp=START + timedelta(minutes=minute),
        )
        self.run(self.nodes[name].write_value(data))

    def serve(self, port: int = 0) -> Callable[[], AbstractAsyncContextManager[int]]:
        """The server, for `serving`."""

        @asynccontextmanager
        async def run() -> AsyncIterator[int]:
            self.loop = asyncio.get_running_loop()
            self.server = Server()
            await self.server.init()
            self.server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/mill")
            self.server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
            if self.secure is not None:
                await self.secure(self.server)
            await self._fill()
            await self.server.start()
            self.port = self.server.bserver._server.sockets[0].getsockname()[1]
            yield self.port
            await self.server.stop()

        return run

    async def _fill(self) -> None:
        index = await self.server.register_namespace(NAMESPACE)
        for line in ("L1", "L2"):
            place = await self.server.nodes.objects.add_object(index, line)
            counters = await place.add_object(index, "Counters")
            for name, value in (("Good", ua.Variant(0, ua.VariantType.UInt16)), ("Speed", ua.Variant(0.0))):
                await self._variable(counters, index, f"{line}/Counters/{name}", value)
            await self._variable(place, index, f"{line}/State", ua.Variant("running"))
            order = await (await place.add_object(index, "Orders")).add_object(index, f"WO-{line}")
            await self._variable(order, index, f"{line}/Orders/Sku", ua.Variant("0012"))
            await self._variable(order, index, f"{line}/Orders/Units", ua.Variant(40, ua.VariantType.Int32))

    async def _variable(self, parent: Node, index: int, name: str, value: ua.Variant) -> None:
        last = name.rpartition("/")[2]
        node = await parent.add_variable(ua.NodeId(name.replace("/", "."), index), f"{index}:{last}", value)
        await node.write_value(ua.DataValue(Value=value, SourceTimestamp=START))
        self.nodes[name] = node
