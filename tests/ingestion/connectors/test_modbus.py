from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pymodbus.simulator import DataType, SimData, SimDevice

from ingestion.connectors.modbus import Connection, Pull, pages
from ingestion.connectors.page import Page
from ingestion.prepare import prepare
from tests.ingestion.connectors.fixtures import make_workspace
from tests.ingestion.connectors.servers import modbus_server, serving, silent_server
from tests.ingestion.streams import KEYS, make_stream
from tillmill.errors import SourceError
from tillmill.workspace import Workspace

START = int(datetime(2017, 12, 2, 19, tzinfo=UTC).timestamp())
FIRST, STRIDE, SAMPLES = 100, 4, 100


def high_low(value: int) -> list[int]:
    return [value >> 16, value & 0xFFFF]


def shift_registers() -> list[int]:
    """A clock and single values, then a ring of samples that starts in its middle and rolls its counter over."""
    header = [*high_low(START), 65_000, *high_low(70_000)[::-1], *struct.unpack(">HH", struct.pack(">f", 21.5)), 0xFFFE]
    header += [*struct.unpack(">HH", struct.pack(">f", float("nan"))), SAMPLES]
    samples = [[*high_low(START + 60 * number), (65_500 + number) % 65_536, number % 2] for number in range(SAMPLES)]
    ring = samples[40:] + samples[:40]
    return header + [0] * (FIRST - len(header)) + [value for sample in ring for value in sample]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    device = SimDevice(id=1, simdata=[SimData(0, values=shift_registers(), datatype=DataType.REGISTERS)])
    with serving(modbus_server([device])) as found:
        yield found


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path)


def read(workspace: Workspace, port: int, pull: dict[str, Any], cursor: dict[str, Any] | None = None) -> list[Page]:
    connection = Connection(host="127.0.0.1", port=port, timeout_seconds=0.3, retries=0)
    return list(pages(workspace, connection, Pull(name="L1", **pull), cursor))


PRESENT: dict[str, Any] = {
    "clock": {"address": 0},
    "registers": [
        {"tag": "count", "address": 2, "counter_bits": 16, "unit": "pcs"},
        {"tag": "total", "address": 3, "type": "u32", "word_order": "little"},
        {"tag": "warmth", "address": 5, "type": "f32", "unit": "°C", "low": -40, "high": 150},
        {"tag": "twisted", "address": 5, "type": "f32", "word_order": "little", "low": 1},
        {"tag": "cold", "address": 7, "type": "i16", "scale": 0.1},
        {"tag": "broken", "address": 8, "type": "f32"},
        {"tag": "nowhere", "address": 9_000},
    ],
}
HISTORY: dict[str, Any] = {
    "clock": {"address": 0},
    "history": {"start": FIRST, "stride": STRIDE, "capacity": SAMPLES, "count": {"address": 10}},
    "registers": [{"tag": "count", "address": 2, "counter_bits": 16}, {"tag": "state", "address": 3}],
}


def test_every_kind_of_register_is_read_and_what_cannot_be_is_never_zero(workspace: Workspace, port: int) -> None:
    [page] = read(workspace, port, PRESENT)
    assert page.records.select("tag", "value", "quality", "counter_raw").rows() == [
        ("count", "65000.0", "good", "65000"),
        ("total", "70000.0", "good", None),
        ("warmth", "21.5", "good", None),
        ("twisted", None, "implausible", None),
        ("cold", "-0.2", "good", None),
        ("broken", None, "not_a_number", None),
        ("nowhere", None, "exception_2", None),
    ]
    assert set(page.records["read_at"]) == {"2017-12-02T19:00:00.000000Z"}
    assert read(workspace, port, PRESENT, page.cursor) == [], "the device's clock has not moved"


def test_readings_land_by_the_contract_without_any_mapping(workspace: Workspace, port: int) -> None:
    [page] = read(workspace, port, PRESENT)
    found = prepare(make_stream("scada.readings"), Page(page.records, {}, page.extracted_at, "x"), KEYS)
    assert found.bad.is_empty()
    assert found.extra_fields == []
    assert found.good.select("device_id", "counter_raw", "counter_bits", "unit").row(0) == ("L1", 65_000, 16, "pcs")
    assert found.good["read_at"][0] == datetime(2017, 12, 2, 19, tzinfo=UTC)


def test_the_kept_samples_come_in_order_across_the_ring_and_the_rollover(workspace: Workspace, port: int) -> None:
    [page] = read(workspace, port, HISTORY)
    counts = [int(raw) for raw in page.records.filter(tag="count")["counter_raw"]]
    assert counts == [(65_500 + number) % 65_536 for number in range(SAMPLES)]
    made = sum((after - before) % 65_536 for before, after in itertools.pairwise(counts))
    assert made == SAMPLES - 1
    times = page.records.filter(tag="count")["read_at"].to_list()
    assert times == sorted(times)
    assert page.cursor == {"read_at": datetime.fromtimestamp(START + 60 * (SAMPLES - 1), UTC).isoformat()}


def test_only_samples_after_the_cursor_are_taken(workspace: Workspace, port: int) -> None:
    cursor = {"read_at": datetime.fromtimestamp(START + 60 * 89, UTC).isoformat()}
    [page] = read(workspace, port, HISTORY, cursor)
    assert page.records.filter(tag="count").height == 10
    assert read(workspace, port, HISTORY, page.cursor) == []


def test_a_device_whose_clock_was_set_back_is_read_with_its_clock_in_doubt(workspace: Workspace, port: int) -> None:
    cursor = {"read_at": (datetime.fromtimestamp(START, UTC) + timedelta(days=30)).isoformat()}
    [page] = read(workspace, port, HISTORY, cursor)
    assert set(page.records["quality"]) == {"clock_set_back"}
    assert page.records.filter(tag="count").height == SAMPLES


def test_blocks_that_cannot_be_read_say_so_and_hold_the_cursor(workspace: Workspace, port: int) -> None:
    too_long = HISTORY | {"history": HISTORY["history"] | {"capacity": SAMPLES + 60, "count": None}}
    [page] = read(workspace, port, too_long)
    assert page.cursor == {}
    good = page.records.filter(tag="count", quality="good")
    assert 0 < good.height <= SAMPLES
    assert page.records.filter(quality="exception_2")["value"].to_list() == [None, None]


def test_a_unit_that_is_silent_gives_bad_readings_not_zeros(workspace: Workspace) -> None:
    with serving(silent_server) as port:
        [page] = read(workspace, port, {"registers": PRESENT["registers"]})
    assert set(page.records["quality"]) == {"silent"}
    assert page.records["value"].null_count() == len(PRESENT["registers"])


def test_nobody_at_the_address_stops_the_source(workspace: Workspace) -> None:
    with pytest.raises(SourceError, match="no Modbus device answers"):
        read(workspace, 1, PRESENT)


def test_a_register_outside_its_sample_is_refused() -> None:
    with pytest.raises(ValidationError, match="a register reaches to 5"):
        Pull(name="L1", **(HISTORY | {"registers": [{"tag": "x", "address": 4}]}))
    with pytest.raises(ValidationError, match="history needs clock"):
        Pull(name="L1", history={"start": 0, "stride": 2, "capacity": 1}, registers=[{"tag": "x", "address": 0}])


def test_no_write_function_code_is_used_anywhere_in_the_connectors() -> None:
    folder = Path(__file__).resolve().parents[3] / "ingestion" / "connectors"
    for path in folder.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "write_register" not in text, path.name
        assert "write_coil" not in text, path.name
