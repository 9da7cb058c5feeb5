from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pymodbus import FramerType
from pymodbus.simulator import DataType, SimData, SimDevice

from ingestion.connectors.modbus import MOST_REGISTERS, Connection, Pull, pages
from ingestion.connectors.page import Page
from ingestion.connectors.registers import Tag, decode, spans
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


def test_the_four_tables_are_read_each_with_its_own_function(workspace: Workspace) -> None:
    coils = SimData(0, values=[True, False, True, True, False, False, False, False], datatype=DataType.BITS)
    discrete = SimData(0, values=[False, True, False, False, False, False, False, False], datatype=DataType.BITS)
    holding = SimData(0, values=[7, 0b1000], datatype=DataType.REGISTERS)
    inputs = SimData(0, values=[9], datatype=DataType.REGISTERS)
    device = SimDevice(id=1, simdata=([coils], [discrete], [holding], [inputs]))
    registers = [
        {"tag": "running", "table": "coil", "address": 0, "type": "bit"},
        {"tag": "stopped", "table": "coil", "address": 1, "type": "bit"},
        {"tag": "door", "table": "discrete", "address": 1, "type": "bit"},
        {"tag": "set", "address": 0},
        {"tag": "fault", "address": 1, "type": "bit", "bit": 3},
        {"tag": "fine", "address": 1, "type": "bit", "bit": 2},
        {"tag": "is", "table": "input", "address": 0},
    ]
    with serving(modbus_server([device])) as port:
        [page] = read(workspace, port, {"registers": registers})
    values = dict(page.records.select("tag", "value").rows())
    assert values == {
        "running": "1.0",
        "stopped": "0.0",
        "door": "1.0",
        "set": "7.0",
        "fault": "1.0",
        "fine": "0.0",
        "is": "9.0",
    }


def test_rtu_frames_over_tcp_are_read_like_any_other(workspace: Workspace) -> None:
    device = SimDevice(id=1, simdata=[SimData(0, values=shift_registers(), datatype=DataType.REGISTERS)])
    with serving(modbus_server([device], framer=FramerType.RTU)) as port:
        connection = Connection(host="127.0.0.1", port=port, framing="rtu", timeout_seconds=1, retries=0)
        [page] = pages(workspace, connection, Pull(name="L1", **PRESENT), None)
    assert page.records["quality"].to_list() == [
        *["good"] * 3,
        "implausible",
        "good",
        "not_a_number",
        "exception_2",
    ]


WRITTEN = struct.unpack(">4H", struct.pack(">d", 1234.5))


@pytest.mark.parametrize(
    ("words", "settings", "value"),
    [
        ([0x0001, 0x0002], {"type": "u32"}, 0x00010002),
        ([0x0001, 0x0002], {"type": "u32", "word_order": "little"}, 0x00020001),
        ([0x0100, 0x0200], {"type": "u32", "byte_order": "little"}, 0x00010002),
        ([0x0100, 0x0200], {"type": "u32", "byte_order": "little", "word_order": "little"}, 0x00020001),
        ([0xFFFF], {"type": "i16"}, -1),
        ([0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE], {"type": "i64"}, -2),
        ([0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE], {"type": "u64"}, 0xFFFFFFFFFFFFFFFE),
        (WRITTEN, {"type": "f64"}, 1234.5),
        (WRITTEN[::-1], {"type": "f64", "word_order": "little"}, 1234.5),
        ([0x7F80, 0], {"type": "f32"}, None),
        ([0x4D69, 0x6C6C, 0x2000], {"type": "text", "length": 3}, "Mill"),
        ([0x694D, 0x6C6C], {"type": "text", "length": 2, "byte_order": "little"}, "Mill"),
        ([0xFFFE], {"type": "text"}, None),
    ],
)
def test_a_value_is_read_in_every_type_and_order(words: list[int], settings: dict[str, Any], value: object) -> None:
    assert decode(Tag(tag="x", address=0, **settings), words) == value


def test_a_float_in_the_wrong_word_order_fails_its_tag_without_any_bound_being_set(workspace: Workspace) -> None:
    turned = list(struct.unpack(">HH", struct.pack(">f", 21.5)))[::-1]
    assert 0 < struct.unpack(">f", struct.pack(">HH", *turned))[0] < 1e-40, "what a wrong order looks like"
    device = SimDevice(id=1, simdata=[SimData(0, values=[*turned, 0, 0], datatype=DataType.REGISTERS)])
    registers = [{"tag": "warmth", "address": 0, "type": "f32"}, {"tag": "cold", "address": 2, "type": "f32"}]
    with serving(modbus_server([device])) as port:
        [page] = read(workspace, port, {"registers": registers})
    assert page.records.select("value", "quality").rows() == [(None, "implausible"), ("0.0", "good")]


def test_adjoining_tags_share_a_request_and_no_request_is_too_long() -> None:
    tags = [Tag(tag=f"t{number}", address=number) for number in range(300)]
    assert [(span.start, span.count) for span in spans(tags, "holding", MOST_REGISTERS, 0)] == [
        (0, 120),
        (120, 120),
        (240, 60),
    ]
    apart = [
        Tag(tag="a", address=0, type="u32"),
        Tag(tag="b", address=4),
        Tag(tag="c", address=1),
        Tag(tag="d", table="input", address=5),
    ]
    found = [
        (span.table, span.start, span.count, [tag.tag for tag in span.tags]) for span in spans(apart, "holding", 120, 0)
    ]
    assert found == [("holding", 0, 2, ["a", "c"]), ("holding", 4, 1, ["b"]), ("input", 5, 1, ["d"])]
    assert [span.count for span in spans(apart, "holding", 120, 2)] == [5, 1]


def test_a_hole_between_two_tags_costs_neither_of_them(workspace: Workspace) -> None:
    simdata = [SimData(address, values=[address], datatype=DataType.REGISTERS) for address in (10, 12)]
    registers = [{"tag": "left", "address": 10}, {"tag": "right", "address": 12}]
    with serving(modbus_server([SimDevice(id=1, simdata=simdata)])) as port:
        [page] = read(workspace, port, {"registers": registers, "most_gap": 5})
    assert page.records.select("tag", "value").rows() == [("left", "10.0"), ("right", "12.0")]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"registers": []}, "either registers or sunspec"),
        ({"registers": [{"tag": "a", "address": 0}], "sunspec": "x.json"}, "either registers or sunspec"),
        ({"registers": [{"tag": "a", "address": 0}, {"tag": "a", "address": 1}]}, "two registers are called 'a'"),
        ({"registers": [{"tag": "a", "address": 0}], "table": "coil"}, "a: a coil or discrete input is of type bit"),
        ({"registers": [{"tag": "a", "address": 0, "counter_bits": 32}]}, "32 bits does not fit type u16"),
        ({"registers": [{"tag": "a", "address": 0, "type": "f32", "counter_bits": 16}]}, "a counter is of type u16"),
    ],
)
def test_a_map_that_cannot_be_meant_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Pull(name="L1", **settings)


def test_nothing_that_writes_to_a_plant_is_used_anywhere_in_the_connectors() -> None:
    folder = Path(__file__).resolve().parents[3] / "ingestion" / "connectors"
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for write in ("write_register", "write_coil", "write_value", "write_attribute", "call_method", ".publish("):
            assert write not in text, path.name
