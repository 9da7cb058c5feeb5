"""Modbus devices: registers read as they stand, a block of samples the device keeps, or SunSpec models; reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

import polars as pl
from pydantic import Field, model_validator
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from ingestion.connectors import sunspec
from ingestion.connectors.connector import Connector, Settings
from ingestion.connectors.page import Page
from ingestion.connectors.registers import (
    BITS,
    FIELDS,
    GOOD,
    Register,
    Row,
    Span,
    Table,
    Tag,
    Type,
    decode,
    reading,
    spans,
)
from ingestion.connectors.sunspec import BASES
from tillmill.errors import SourceError
from tillmill.workspace import Workspace, now

# The protocol allows 125 registers an answer; some gateways allow a few less. A single bit takes a place of its own.
MOST_REGISTERS = 120
# The year 2100, as seconds since 1970.
LAST_SECOND = 4_102_444_800
FRAMERS = {"tcp": FramerType.SOCKET, "rtu": FramerType.RTU}


class Connection(Settings):
    """Where the device or its gateway answers; host and port may be references.

    `framing` is `tcp`, or `rtu` for a serial line behind a gateway that passes its frames through unchanged.
    """

    host: str
    port: int | str = 502
    framing: Literal["tcp", "rtu"] = "tcp"
    timeout_seconds: float = Field(default=3, gt=0)
    retries: int = Field(default=2, ge=0, le=10)


class Clock(Register):
    """The device's own clock, in seconds since 1970 (UTC)."""

    type: Type = "u32"


class History(Settings):
    """Samples the device keeps: `capacity` blocks of `stride` registers from `start`, of which `count` are filled.

    The order does not matter (a ring buffer starts anywhere): each sample has its own clock, and zero means empty.
    """

    start: int = Field(ge=0, le=65535)
    stride: int = Field(ge=1, le=MOST_REGISTERS)
    capacity: int = Field(ge=1)
    count: Register | None = None


class Pull(Settings):
    """One device behind the connection; `name` lands as device_id, `device_id` is the Modbus unit.

    Either `registers`, or `sunspec`: a SunSpec model file or a folder of them (relative to the workspace), whose points
    that fit `only` are read from the blocks the device says it has.
    """

    name: str
    device_id: int = Field(default=1, ge=0, le=255)
    table: Table = "holding"
    clock: Clock | None = None
    history: History | None = None
    registers: list[Tag] = Field(default_factory=list)
    most_gap: int = Field(default=0, ge=0, le=100, description="unnamed registers read along to save a request")
    sunspec: str = ""
    sunspec_bases: tuple[int, ...] = BASES
    only: tuple[str, ...] = ("*",)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if bool(self.registers) == bool(self.sunspec):
            raise ValueError("give either registers or sunspec")
        if self.sunspec and self.history:
            raise ValueError("sunspec excludes history")
        tags = [tag.tag for tag in self.registers]
        if doubled := {tag for tag in tags if tags.count(tag) > 1}:
            raise ValueError(f"two registers are called {min(doubled)!r}")
        if wrong := [tag.tag for tag in self.registers if (tag.table or self.table) in BITS and tag.type != "bit"]:
            raise ValueError(f"{wrong[0]}: a coil or discrete input is of type bit")
        if self.history:
            if self.clock is None:
                raise ValueError("history needs clock: each sample tells its own time")
            wide = max(register.address + register.size for register in (*self.registers, self.clock))
            if wide > self.history.stride:
                raise ValueError(f"history.stride is {self.history.stride}, a register reaches to {wide}")
            if self.history.start + self.history.stride * self.history.capacity > 65536:
                raise ValueError("history reaches beyond register 65535")
            if self.table in BITS or any(tag.table for tag in self.registers):
                raise ValueError("history stands in one table of registers")
        return self


def pages(workspace: Workspace, connection: Connection, pull: Pull, cursor: dict[str, Any] | None) -> Iterator[Page]:
    """One page: a record per tag and sample newer than `cursor` ({"read_at": ISO time}), fields FIELDS, all text.

    A tag that cannot be read has quality `exception_<code>`, `silent`, `short`, `not_a_number`, `implausible` or (of
    SunSpec) `not_implemented`, `no_scale_factor` and no value, never zero. Raises SourceError where nobody answers at
    the address or SunSpec's marker is nowhere, SettingsError for a model file that is none.
    """
    host, port = workspace.resolve(connection.host), workspace.resolve(str(connection.port))
    if not port.isdigit():
        raise SourceError(f"{host}: {port!r} is no port")
    models = sunspec.load_models(workspace.root / pull.sunspec) if pull.sunspec else {}
    after = datetime.fromisoformat(cursor["read_at"]) if cursor and cursor.get("read_at") else None
    where = f"{pull.name} ({host}:{port}, unit {pull.device_id})"
    try:
        readings, newest = asyncio.run(_read(connection, host, int(port), pull, models, after))
    except SourceError as error:
        raise SourceError(f"{where}: {error.what}", state="The cursor has not moved.") from error
    if readings:
        records = pl.DataFrame(readings, schema=dict.fromkeys(FIELDS, pl.String), orient="row")
        told = {"read_at": newest.isoformat()} if newest else dict(cursor or {})
        yield Page(records, told, now(), where)


@dataclass
class _Device:
    """One unit behind an open connection."""

    client: AsyncModbusTcpClient
    pull: Pull

    async def read(self, table: Table, address: int, count: int) -> list[int] | str:
        """The registers or bits, or the quality of there being none; more than one answer holds in several."""
        found: list[int] = []
        for start in range(address, address + count, MOST_REGISTERS):
            part = await self._once(table, start, min(MOST_REGISTERS, address + count - start))
            if isinstance(part, str):
                return part
            found += part
        return found

    async def _once(self, table: Table, address: int, count: int) -> list[int] | str:
        if address + count > 65536:
            return "exception_2"
        ask = {
            "holding": self.client.read_holding_registers,
            "input": self.client.read_input_registers,
            "coil": self.client.read_coils,
            "discrete": self.client.read_discrete_inputs,
        }[table]
        try:
            answer = await ask(address, count=count, device_id=self.pull.device_id)
        except ModbusException:
            return "silent"
        if answer.isError():
            return f"exception_{getattr(answer, 'exception_code', 0)}"
        # Bits come in whole bytes: what stands behind the last one asked for is filling.
        found = [int(bit) for bit in answer.bits[:count]] if table in BITS else list(answer.registers)
        return found if len(found) == count else "short"


async def _read(
    connection: Connection, host: str, port: int, pull: Pull, models: sunspec.Models, after: datetime | None
) -> tuple[list[Row], datetime | None]:
    client = AsyncModbusTcpClient(
        host,
        port=port,
        framer=FRAMERS[connection.framing],
        timeout=connection.timeout_seconds,
        retries=connection.retries,
        reconnect_delay=0,
    )
    try:
        if not await client.connect():
            raise SourceError("no Modbus device answers")
        device = _Device(client, pull)
        return await (_history(device, pull.history, after) if pull.history else _present(device, models, after))
    finally:
        client.close()


async def _present(
    device: _Device, models: sunspec.Models, after: datetime | None
) -> tuple[list[Row], datetime | None]:
    """Every tag once, at the device's own time; nothing where that time has been read before."""
    pull = device.pull
    at: datetime | None = None
    if pull.clock:
        found = await device.read(pull.table, pull.clock.address, pull.clock.size)
        at = _clock(pull.clock, found) if isinstance(found, list) else None
    if at is not None and after is not None and at == after:
        return [], after
    if models:

        async def holding(address: int, count: int) -> list[int] | str:
            return await device.read("holding", address, count)

        blocks = await sunspec.find_blocks(holding, models, pull.sunspec_bases)
        return [
            row for block in blocks for row in sunspec.readings(pull.name, block, models, at or now(), pull.only)
        ], at or after
    found_by_tag: dict[str, list[int] | str] = {}
    for span in spans(pull.registers, pull.table, MOST_REGISTERS, pull.most_gap):
        found_by_tag |= await _span(device, span)
        if "silent" in found_by_tag.values():
            # A unit that is silent once is silent for all its tags; waiting out each would take minutes.
            break
    rows = [reading(pull.name, tag, at or now(), found_by_tag.get(tag.tag, "silent")) for tag in pull.registers]
    return rows, at or after


async def _span(device: _Device, span: Span) -> dict[str, list[int] | str]:
    """What stands at each tag of the span; where it cannot be read as a whole, each tag is asked for by itself."""
    found = await device.read(span.table, span.start, span.count)
    if isinstance(found, list):
        return {tag.tag: found[tag.address - span.start :][: tag.size] for tag in span.tags}
    if found == "silent" or len(span.tags) == 1:
        return dict.fromkeys((tag.tag for tag in span.tags), found)
    return {tag.tag: await device.read(span.table, tag.address, tag.size) for tag in span.tags}


async def _history(device: _Device, history: History, after: datetime | None) -> tuple[list[Row], datetime | None]:
    """Every sample newer than `after`, oldest first; where blocks cannot be read, one bad row per tag says so."""
    pull, clock = device.pull, device.pull.clock
    assert clock is not None
    filled = history.capacity
    if history.count:
        told = await device.read(pull.table, history.count.address, history.count.size)
        if isinstance(told, str):
            return [reading(pull.name, tag, now(), told) for tag in pull.registers], after
        counted = decode(history.count, told)
        filled = min(history.capacity, int(counted)) if isinstance(counted, (int, float)) else 0
    per_read = MOST_REGISTERS // history.stride
    samples: list[tuple[datetime, list[int]]] = []
    trouble = ""
    for first in range(0, filled, per_read):
        blocks = min(per_read, filled - first)
        found = await device.read(pull.table, history.start + first * history.stride, blocks * history.stride)
        if isinstance(found, str):
            trouble = found
            if found == "silent":
                break
            continue
        for start in range(0, len(found), history.stride):
            block = found[start : start + history.stride]
            at = _clock(clock, block[clock.address : clock.address + clock.size])
            if at is not None:
                samples.append((at, block))
    newest = max((at for at, _ in samples), default=None)
    # A device whose clock was set back would never again be newer: everything it has is taken, its clock in doubt.
    is_set_back = newest is not None and after is not None and newest < after - timedelta(hours=1)
    quality = "clock_set_back" if is_set_back else GOOD
    rows = [
        reading(pull.name, tag, at, block[tag.address : tag.address + tag.size], quality)
        for at, block in sorted(samples, key=lambda sample: sample[0])
        if after is None or at > after or is_set_back
        for tag in pull.registers
    ]
    if trouble:
        # The cursor stays where it is: the blocks that could not be read may hold what lies between.
        return [*rows, *(reading(pull.name, tag, now(), trouble) for tag in pull.registers)], after
    return rows, newest if newest and (is_set_back or after is None or newest > after) else after


def _clock(clock: Clock, registers: list[int]) -> datetime | None:
    """The device's time; None where it tells none, or one that no clock of ours can show."""
    seconds = decode(clock, registers)
    if isinstance(seconds, str) or not seconds or not 0 < seconds < LAST_SECOND:
        return None
    return datetime.fromtimestamp(seconds, UTC)


CONNECTOR = Connector(Connection, Pull, pages)
