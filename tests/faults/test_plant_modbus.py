"""Faults 15 and 16: a device that refuses, is silent, cuts its answers short or starts its counters again."""

from __future__ import annotations

import asyncio
import itertools
import json
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import polars as pl
import pytest
from jinja2.nativetypes import NativeEnvironment
from typer.testing import CliRunner

from tests.faults.plant import plant, pull, rows
from tests.ingestion.connectors.servers import serving
from tillmill.cli import app
from tillmill.workspace import Workspace, open_workspace

SOURCE = """
[[sources]]
name = "line"
connector = "modbus"
connection = {{ host = "127.0.0.1", port = {port}, timeout_seconds = 0.3, retries = 0 }}
[[sources.streams]]
stream = "scada.readings"
max_quarantined_rate = 0
[sources.streams.pull]
name = "L1"
clock = {{ address = 0 }}
registers = [
  {{ tag = "good_count", address = 10, counter_bits = 16, unit = "units" }},
  {{ tag = "warmth", address = 20, type = "f32", low = -40, high = 150 }},
]
"""
READ_HOLDING = 3
PROJECT = Path(__file__).parents[2] / "dbt_project"
COUNTERS = PROJECT / "models" / "intermediate" / "production" / "int_line_counters.sql"
MACROS = [PROJECT / "macros" / f"{name}.sql" for name in ("portable", "time", "reference")]


@dataclass
class Device:
    """A scripted Modbus device: its registers, and how it misbehaves."""

    clock: int = int(datetime(2017, 12, 2, 19, tzinfo=UTC).timestamp())
    count: int = 65_530
    warmth: float = 21.5
    fault: str = ""
    asked: list[int] = field(default_factory=list)

    def registers(self) -> dict[int, int]:
        warm = struct.unpack(">HH", struct.pack(">f", self.warmth))
        if self.fault == "wrong word order":
            warm = (warm[1], warm[0])
        return {0: self.clock >> 16, 1: self.clock & 0xFFFF, 10: self.count, 20: warm[0], 21: warm[1]}

    def answer(self, request: bytes) -> bytes:
        """The answer to a read request (after the header), in the way the fault wants it."""
        function, start, count = struct.unpack(">BHH", request)
        self.asked.append(function)
        if self.fault == "exception" and start:
            return bytes([function | 0x80, 4])
        registers = self.registers()
        words = [registers[place] for place in range(start, start + count)]
        if self.fault == "short" and start:
            words = words[:-1]
        return bytes([function, 2 * len(words)]) + b"".join(struct.pack(">H", word) for word in words)

    def server(self) -> Callable[[], AbstractAsyncContextManager[int]]:
        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    transaction, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                    answer = self.answer(await reader.readexactly(length - 1))
                    if self.fault == "silent":
                        continue
                    writer.write(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

        @asynccontextmanager
        async def run() -> AsyncIterator[int]:
            server = await asyncio.start_server(listen, "127.0.0.1", 0)
            yield server.sockets[0].getsockname()[1]
            server.close()

        return run


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def workspace(tmp_path: Path, device: Device) -> Iterator[Workspace]:
    with serving(device.server()) as port:
        yield plant(tmp_path, SOURCE.format(port=port))


@pytest.mark.parametrize(
    ("fault", "quality"),
    [
        ("exception", {"good_count": "exception_4", "warmth": "exception_4"}),
        ("silent", {"good_count": "silent", "warmth": "silent"}),
        ("wrong word order", {"good_count": "good", "warmth": "implausible"}),
    ],
)
def test_15_what_cannot_be_read_lands_with_its_reason_and_never_as_zero(
    workspace: Workspace, device: Device, fault: str, quality: dict[str, str]
) -> None:
    device.fault = fault
    assert pull(workspace).landed == 2
    found = rows(workspace)
    assert dict(found.select("tag", "quality").rows()) == quality
    bad = found.filter(pl.col("quality") != "good")
    assert bad["value"].null_count() == bad["counter_raw"].null_count() == bad.height
    assert set(device.asked) == {READ_HOLDING}, "nothing but reads is ever asked of a device"


def test_15_a_wrong_word_order_is_seen_at_set_up_before_anything_lands(workspace: Workspace, device: Device) -> None:
    device.fault = "wrong word order"
    shown = CliRunner().invoke(app, ["sources", "check", "line", "--json", "--workspace", str(workspace.root)])
    [trial] = json.loads(shown.output)["streams"]
    [quality] = [field for field in trial["fields"] if field["name"] == "quality"]
    assert quality["samples"] == ["good", "implausible"]
    assert rows(workspace).is_empty()


def test_15_an_answer_cut_short_is_no_value(workspace: Workspace, device: Device) -> None:
    device.fault = "short"
    assert pull(workspace).landed == 2
    found = rows(workspace)
    assert found["value"].null_count() == 2
    assert set(found["quality"]) <= {"short", "silent"}


def test_15_a_device_that_is_well_again_gives_values_again(workspace: Workspace, device: Device) -> None:
    device.fault = "silent"
    pull(workspace)
    device.fault = ""
    pull(workspace)
    assert rows(workspace)["value"].to_list() == [None, None, 65_530.0, 21.5]


def test_16_production_is_counted_over_the_rollover_and_not_invented_by_a_reset(
    workspace: Workspace, device: Device
) -> None:
    # Ten made across the rollover; then the device is started anew and makes four more.
    counts = [65_530, 4, 30_000, 30_010, 0, 4]
    for count in counts:
        device.count = count
        device.clock += 60
        assert pull(workspace).landed == 2
    landed = rows(workspace).filter(tag="good_count")
    assert landed["counter_raw"].to_list() == counts, "a counter lands as it stood"
    counted = count_up(landed)
    assert [after - before for before, after in itertools.pairwise(counted["counted_units"])] == [10, 29_996, 10, 0, 4]
    assert counted["is_reset"].to_list() == [False, False, False, False, True, False]


@pytest.mark.parametrize("bits", [16, 32])
def test_16_a_counter_of_any_width_counts_on_across_its_end(bits: int) -> None:
    end = 2**bits
    counted = count_up(counter([end - 10, end - 1, 4, 5], bits))
    assert counted["counted_units"].to_list() == [0, 9, 14, 15]
    assert not counted["is_reset"].any()


@pytest.mark.parametrize("bits", [16, 32, 64])
def test_16_a_counter_of_any_width_that_starts_again_from_zero_is_a_reset(bits: int) -> None:
    counted = count_up(counter([100, 120, 0, 7], bits))
    assert counted["counted_units"].to_list() == [0, 20, 20, 27]
    assert counted["is_reset"].to_list() == [False, False, True, False]


def counter(raw: list[int], bits: int) -> pl.DataFrame:
    """A counter's readings, one a minute."""
    at = datetime(2017, 12, 2, tzinfo=UTC)
    return pl.DataFrame(
        {
            "_source": "line",
            "device_id": "L1",
            "tag": "good_count",
            "read_at": [at + timedelta(minutes=minute) for minute in range(len(raw))],
            "quality": "good",
            "counter_raw": raw,
            "counter_bits": bits,
            "max_per_second": pl.Series([None] * len(raw), dtype=pl.Float64),
        }
    )


@pytest.mark.parametrize(
    ("most", "counts", "made", "resets"),
    [
        # 200 units to the end of the register in a minute: a rollover at 5 a second, a reset at 1 a second.
        (5.0, [65_400, 64, 100], [200, 36], [False, False]),
        (1.0, [65_400, 64, 100], [0, 36], [True, False]),
        (None, [65_400, 64, 100], [200, 36], [False, False]),
        # Reset from above half the width: at the known pace nobody makes 5,540 in a minute.
        (5.0, [60_000, 4, 10], [0, 6], [True, False]),
        # Another device in its place: a jump upwards is no production either.
        (5.0, [100, 40_000, 40_010], [0, 10], [True, False]),
    ],
)
def test_16_a_counter_whose_pace_is_known_is_reset_where_a_rollover_is_not_possible(
    workspace: Workspace, device: Device, most: float | None, counts: list[int], made: list[int], resets: list[bool]
) -> None:
    if most:
        settings = workspace.root / "tillmill.toml"
        given = 'tag = "good_count", address = 10, '
        settings.write_text(settings.read_text().replace(given, f"{given}max_per_second = {most}, "))
    for count in counts:
        device.count = count
        device.clock += 60
        assert pull(open_workspace(workspace.root)).landed == 2
    landed = rows(workspace).filter(tag="good_count")
    assert landed["max_per_second"].to_list() == [most] * 3
    counted = count_up(landed)
    assert [after - before for before, after in itertools.pairwise(counted["counted_units"])] == made
    assert counted["is_reset"].to_list() == [False, *resets]


def count_up(readings: pl.DataFrame) -> pl.DataFrame:
    """What the warehouse's own model makes of the readings."""
    text = "".join(file.read_text() for file in [*MACROS, COUNTERS])
    sql = NativeEnvironment(extensions=["jinja2.ext.do"]).from_string(text)
    known = {
        "target": SimpleNamespace(type="duckdb"),
        "config": lambda **_: "",
        "ref": str,
        "return": lambda value: value,
    }
    query = sql.render(known)
    connection = duckdb.connect()
    connection.execute(
        "create table code_crosswalk (kind varchar, old_code varchar, valid_from date, new_code varchar, valid_to date)"
    )
    connection.execute("create table int_workspace as select 'UTC' as timezone, 0 as day_starts_minutes")
    connection.register("stg_scada__readings", readings.to_arrow())
    return connection.sql(f"select * from ({query}) order by read_at").pl()
