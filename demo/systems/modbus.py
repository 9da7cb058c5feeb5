"""The lines' counters over Modbus TCP: each device keeps the samples of the last shift that ended before the clock.

Holding registers of device 1, numbers unsigned, high word first:

| register | content |
|---|---|
| 0 | layout version (1) |
| 1 | number of samples |
| 2 | registers per sample (6) |
| 3 | register of the first sample (100) |
| 4 | pulses per unit (1) |
| 5 | seconds between samples (60) |
| 10..15 | the latest sample |
| 100.. | the samples, oldest first |

A sample: device clock (two registers, seconds since 1970-01-01 UTC), good pulses (runs on from shift to shift and
starts again from zero at 65,536), rejected units (likewise), state (0 idle, 1 running), speed (units per hour × 10).

A shift is laid out when the header is read, so that one read of header and samples sees one shift. Nothing can be
written.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from demo import days, factory, world
from tillmill.workspace import now

DEVICE_ID = 1
LAYOUT = 1
LATEST, FIRST_SAMPLE, SAMPLE_WIDTH = 10, 100, 6
PULSES_PER_UNIT = 1
SECONDS = 60
WIDTH = 1 << 16
SAMPLES = factory.SHIFT_MINUTES * 60 // SECONDS + 1
REGISTERS = FIRST_SAMPLE + SAMPLES * SAMPLE_WIDTH

Words = npt.NDArray[np.int64]


class Line:
    """One line's year of shifts and results, and the registers its device shows."""

    def __init__(self, root: Path, line_id: str) -> None:
        own = pl.col("line_id") == line_id
        self._shifts = world.table(root, "scada.shifts").filter(own).sort("ended_at").collect()
        self._runs = world.table(root, "scada.runs").filter(own & (pl.col("good") > 0)).sort("runs_from").collect()
        self._start = _start_of_counter(self._shifts, self._runs)
        self._laid_out: datetime | None = None

    def registers(self, clock: datetime) -> list[int]:
        """All registers as they stand at `clock`."""
        values = np.zeros(REGISTERS, dtype=np.int64)
        shift = _last_shift(self._shifts, clock)
        samples = self._samples(shift) if shift is not None else np.zeros((0, SAMPLE_WIDTH), dtype=np.int64)
        values[:6] = [LAYOUT, len(samples), SAMPLE_WIDTH, FIRST_SAMPLE, PULSES_PER_UNIT, SECONDS]
        values[FIRST_SAMPLE : FIRST_SAMPLE + samples.size] = samples.ravel()
        if len(samples):
            values[LATEST : LATEST + SAMPLE_WIDTH] = samples[-1]
        return [int(value) for value in values]

    def _samples(self, shift: datetime) -> Words:
        """The samples of the shift that starts at `shift`, one row each."""
        moments = int(shift.timestamp()) + np.arange(SAMPLES, dtype=np.int64) * SECONDS
        begin, end, stops = (
            self._runs[name].dt.epoch("s").to_numpy() for name in ("runs_from", "ended_at", "stops_at")
        )
        stopped = self._runs["stop_seconds"].to_numpy()
        running = np.maximum(end - begin - stopped, 1)
        good, scrap = self._runs["good"].to_numpy(), self._runs["scrap"].to_numpy()
        # Runs follow each other: those before the one under way are done, and that one has gone its share of the way.
        # While a line is set up, or stands, it counts nothing.
        last = np.searchsorted(begin, moments, side="right") - 1
        at = np.clip(last, 0, None)
        standing = np.clip(moments - stops[at], 0, stopped[at])
        share = np.where(last < 0, 0.0, np.clip((moments - begin[at] - standing) / running[at], 0, 1))
        share = np.where((last >= 0) & (moments >= end[at]), 1.0, share)
        is_running = (share > 0) & (share < 1) & ((standing == 0) | (standing == stopped[at]))
        done_good = np.where(last < 0, 0, good.cumsum()[at] - good[at])
        done_scrap = np.where(last < 0, 0, scrap.cumsum()[at] - scrap[at])
        pulses = done_good * PULSES_PER_UNIT + np.floor(good[at] * PULSES_PER_UNIT * share + 1e-6).astype(np.int64)
        rejects = done_scrap + np.floor(scrap[at] * share + 1e-6).astype(np.int64)
        speed = np.where(is_running, good[at] * 36_000 / running[at], 0).astype(np.int64)
        return np.stack(
            [
                moments // WIDTH,
                moments % WIDTH,
                (pulses + self._start) % WIDTH,
                rejects % WIDTH,
                is_running.astype(np.int64),
                np.minimum(speed, WIDTH - 1),
            ],
            axis=1,
        )

    async def answer(
        self,
        _function: int,
        _start: int,
        address: int,
        _count: int,
        current: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Lays the shift out anew when the header is read after the clock has moved; refuses to be written."""
        if values is not None:
            return ExcCodes.ILLEGAL_FUNCTION
        clock = now()
        if address < FIRST_SAMPLE and clock != self._laid_out:
            current[:] = self.registers(clock)
            self._laid_out = clock
        return None


def _last_shift(shifts: pl.DataFrame, clock: datetime) -> datetime | None:
    """The start of the last shift that made something and ended before `clock`."""
    ended = shifts.filter((pl.col("ended_at") <= clock) & (pl.col("good") > 0))
    return ended["started_at"][-1] if ended.height else None


def _start_of_counter(shifts: pl.DataFrame, runs: pl.DataFrame) -> int:
    """Where the counter stood at the year's start: such that the first shift the demo replays sees it roll over."""
    shift = _last_shift(shifts, days.CLOCK_AT_START)
    if shift is None:
        return 0
    before = int(runs.filter(pl.col("started_at") < shift)["good"].sum())
    ends = shift + timedelta(minutes=factory.SHIFT_MINUTES)
    during = int(runs.filter((pl.col("started_at") >= shift) & (pl.col("started_at") < ends))["good"].sum())
    return -(before * PULSES_PER_UNIT + during * PULSES_PER_UNIT // 2) % WIDTH


async def start(root: Path, line_id: str) -> tuple[ModbusTcpServer, int]:
    """The device of one line on a free port of loopback; returns the server and the port."""
    line = Line(root, line_id)
    device = SimDevice(
        id=DEVICE_ID,
        simdata=[SimData(0, values=line.registers(now()), datatype=DataType.REGISTERS)],
        action=partial(line.answer),
    )
    server = ModbusTcpServer(device, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    listening: asyncio.Server = server.transport  # type: ignore[assignment]  # what pymodbus keeps of a listener
    return server, listening.sockets[0].getsockname()[1]
