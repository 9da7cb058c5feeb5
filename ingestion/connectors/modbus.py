"""Modbus TCP devices: registers read as they stand, or a block of samples the device keeps; reads only."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

import polars as pl
from pydantic import Field, model_validator
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from ingestion.connectors.connector import Connector, Settings
from ingestion.connectors.page import Page
from tillmill.errors import SourceError
from tillmill.workspace import Workspace, now

# The protocol allows 125 registers an answer; some gateways allow a few less.
MOST_REGISTERS = 120
TYPES = {
    "u16": AsyncModbusTcpClient.DATATYPE.UINT16,
    "i16": AsyncModbusTcpClient.DATATYPE.INT16,
    "u32": AsyncModbusTcpClient.DATATYPE.UINT32,
    "i32": AsyncModbusTcpClient.DATATYPE.INT32,
    "f32": AsyncModbusTcpClient.DATATYPE.FLOAT32,
    "u64": AsyncModbusTcpClient.DATATYPE.UINT64,
}
FIELDS = ("device_id", "tag", "read_at", "value", "text", "unit", "quality", "counter_raw", "counter_bits")
GOOD = "good"


class Connection(Settings):
    """Where the device or its gateway answers; host and port may be references."""

    host: str
    port: int | str = 502
    timeout_seconds: float = Field(default=3, gt=0)
    retries: int = Field(default=2, ge=0, le=10)


class Register(Settings):
    """One value: where it stands (in history: within its sample), how it is written, what it means."""

    address: int = Field(ge=0, le=65535)
    type: Literal["u16", "i16", "u32", "i32", "f32", "u64"] = "u16"
    word_order: Literal["big", "little"] = "big"

    @property
    def size(self) -> int:
        """Registers it takes."""
        return int(TYPES[self.type].value[1])


class Tag(Register):
    """A register with a name. `scale` makes the value from the raw one; outside `low` to `high` it is implausible.

    A counter names the width at which it starts again from zero: it lands raw, and differences are taken modulo that.
    """

    tag: str
    unit: str = ""
    scale: float = 1.0
    counter_bits: Literal[0, 16, 32, 64] = 0
    low: float | None = None
    high: float | None = None


class Clock(Register):
    """The device's own clock, in seconds since 1970 (UTC)."""

    type: Literal["u16", "i16", "u32", "i32", "f32", "u64"] = "u32"


class History(Settings):
    """Samples the device keeps: `capacity` blocks of `stride` registers from `start`, of which `count` are filled.

    The order does not matter (a ring buffer starts anywhere): each sample has its own clock, and zero means empty.
    """

    start: int = Field(ge=0, le=65535)
    stride: int = Field(ge=1, le=MOST_REGISTERS)
    capacity: int = Field(ge=1)
    count: Register | None = None


class Pull(Settings):
    """One device behind the connection; `name` lands as device_id, `device_id` is the Modbus unit."""

    name: str
    device_id: int = Field(default=1, ge=0, le=255)
    function: Literal["holding", "input"] = "holding"
    clock: Clock | None = None
    history: History | None = None
    registers: list[Tag] = Field(min_length=1)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.history:
            if self.clock is None:
                raise ValueError("history needs clock: each sample tells its own time")
            wide = max(register.address + register.size for register in (*self.registers, self.clock))
            if wide > self.history.stride:
                raise ValueError(f"history.stride is {self.history.stride}, a register reaches to {wide}")
            if self.history.start + self.history.stride * self.history.capacity > 65536:
                raise ValueError("history reaches beyond register 65535")
        return self


def pages(workspace: Workspace, connection: Connection, pull: Pull, cursor: dict[str, Any] | None) -> Iterator[Page]:
    """One page: a record per tag and sample newer than `cursor` ({"read_at": ISO time}), fields FIELDS, all text.

    A tag that cannot be read has quality `exception_<code>`, `silent`, `not_a_number` or `implausible` and no value,
    never zero. Raises SourceError where nobody answers at the address.
    """
    host, port = workspace.resolve(connection.host), workspace.resolve(str(connection.port))
    if not port.isdigit():
        raise SourceError(f"{host}: {port!r} is no port")
    after = datetime.fromisoformat(cursor["read_at"]) if cursor and cursor.get("read_at") else None
    readings, newest = asyncio.run(_read(connection, host, int(port), pull, after))
    if readings:
        records = pl.DataFrame(readings, schema=dict.fromkeys(FIELDS, pl.String), orient="row")
        told = {"read_at": newest.isoformat()} if newest else dict(cursor or {})
        yield Page(records, told, now(), f"{pull.name} ({host}:{port}, unit {pull.device_id})")


Row = tuple[str | None, ...]


@dataclass
class _Device:
    """One unit behind an open connection."""

    client: AsyncModbusTcpClient
    pull: Pull

    async def read(self, address: int, count: int) -> list[int] | str:
        """The registers, or the quality of there being none."""
        ask = (
            self.client.read_holding_registers if self.pull.function == "holding" else self.client.read_input_registers
        )
        try:
            answer = await ask(address, count=count, device_id=self.pull.device_id)
        except ModbusException:
            return "silent"
        if answer.isError():
            return f"exception_{getattr(answer, 'exception_code', 0)}"
        return list(answer.registers) if len(answer.registers) == count else "short"


async def _read(
    connection: Connection, host: str, port: int, pull: Pull, after: datetime | None
) -> tuple[list[Row], datetime | None]:
    client = AsyncModbusTcpClient(
        host, port=port, timeout=connection.timeout_seconds, retries=connection.retries, reconnect_delay=0
    )
    try:
        if not await client.connect():
            raise SourceError(f"{host}:{port}: no Modbus device answers", state="The cursor has not moved.")
        device = _Device(client, pull)
        return await (_history(device, pull.history, after) if pull.history else _present(device, after))
    finally:
        client.close()


async def _present(device: _Device, after: datetime | None) -> tuple[list[Row], datetime | None]:
    """Every tag once, at the device's own time; nothing where that time has been read before."""
    pull = device.pull
    at: datetime | None = None
    if pull.clock:
        found = await device.read(pull.clock.address, pull.clock.size)
        at = _clock(pull.clock, found) if isinstance(found, list) else None
    if at is not None and after is not None and at == after:
        return [], after
    rows: list[Row] = []
    for tag in pull.registers:
        rows.append(_row(pull, tag, at or now(), await device.read(tag.address, tag.size)))
        if rows[-1][6] == "silent":
            # A unit that is silent once is silent for all its tags; waiting out each would take minutes.
            rows = [_row(pull, tag, at or now(), "silent") for tag in pull.registers]
            break
    return rows, at or after


async def _history(device: _Device, history: History, after: datetime | None) -> tuple[list[Row], datetime | None]:
    """Every sample newer than `after`, oldest first; where blocks cannot be read, one bad row per tag says so."""
    pull, clock = device.pull, device.pull.clock
    assert clock is not None
    filled = history.capacity
    if history.count:
        told = await device.read(history.count.address, history.count.size)
        if isinstance(told, str):
            return [_row(pull, tag, now(), told) for tag in pull.registers], after
        filled = min(history.capacity, int(_number(history.count, told) or 0))
    per_read = MOST_REGISTERS // history.stride
    samples: list[tuple[datetime, list[int]]] = []
    trouble = ""
    for first in range(0, filled, per_read):
        blocks = min(per_read, filled - first)
        found = await device.read(history.start + first * history.stride, blocks * history.stride)
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
    rows = [
        _row(pull, tag, at, block[tag.address : tag.address + tag.size], "clock_set_back" if is_set_back else GOOD)
        for at, block in sorted(samples, key=lambda sample: sample[0])
        if after is None or at > after or is_set_back
        for tag in pull.registers
    ]
    if trouble:
        # The cursor stays where it is: the blocks that could not be read may hold what lies between.
        return [*rows, *(_row(pull, tag, now(), trouble) for tag in pull.registers)], after
    return rows, newest if newest and (is_set_back or after is None or newest > after) else after


def _clock(clock: Clock, registers: list[int]) -> datetime | None:
    seconds = _number(clock, registers)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _number(register: Register, registers: list[int]) -> float | int | None:
    """The value as written in the registers; None for NaN."""
    found = AsyncModbusTcpClient.convert_from_registers(registers, TYPES[register.type], register.word_order)
    return found if isinstance(found, (int, float)) and math.isfinite(found) else None


def _row(pull: Pull, tag: Tag, at: datetime, found: list[int] | str, quality: str = GOOD) -> Row:
    raw = _number(tag, found) if isinstance(found, list) else None
    if isinstance(found, str):
        quality = found
    elif raw is None:
        quality = "not_a_number"
    value = None if raw is None else raw * tag.scale
    is_implausible = value is not None and (
        (tag.low is not None and value < tag.low) or (tag.high is not None and value > tag.high)
    )
    if is_implausible:
        value, quality = None, "implausible"
    return (
        pull.name,
        tag.tag,
        at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        None if value is None else repr(float(value)),
        None,
        tag.unit or None,
        quality,
        str(raw) if tag.counter_bits and raw is not None else None,
        str(tag.counter_bits) if tag.counter_bits else None,
    )


CONNECTOR = Connector(Connection, Pull, pages)
