from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pymodbus.simulator import DataType, SimData, SimDevice

from ingestion.connectors.modbus import Connection, Pull, pages
from ingestion.connectors.sunspec import load_models
from tests.ingestion.connectors.fixtures import make_workspace
from tests.ingestion.connectors.servers import modbus_server, serving
from tillmill.errors import SettingsError, SourceError

PUBLIC = Path(__file__).parents[4] / "shared" / "data" / "messages" / "sunspec" / "json"
BASE = 40000
ABSENT = {"uint16": 0xFFFF, "enum16": 0xFFFF, "int16": 0x8000, "sunssf": 0x8000, "acc32": 0}
# A model of our own, with what the public ones have: scale factors, symbols, a counter, text, repeated groups.
MODEL: dict[str, Any] = {
    "id": 64999,
    "group": {
        "name": "mill",
        "points": [
            {"name": "ID", "type": "uint16", "size": 1},
            {"name": "L", "type": "uint16", "size": 1},
            {"name": "W", "type": "int16", "size": 1, "sf": "W_SF", "units": "W"},
            {"name": "W_SF", "type": "sunssf", "size": 1},
            {"name": "Hz", "type": "uint16", "size": 1, "sf": -2, "units": "Hz"},
            {"name": "WH", "type": "acc32", "size": 2, "units": "Wh"},
            {"name": "St", "type": "enum16", "size": 1, "symbols": [{"name": "RUN", "value": 4}]},
            {
                "name": "Evt",
                "type": "bitfield16",
                "size": 1,
                "symbols": [{"name": "HOT", "value": 0}, {"name": "DOOR", "value": 3}],
            },
            {"name": "Md", "type": "string", "size": 4},
            {"name": "A", "type": "uint16", "size": 1, "sf": "A_SF"},
            {"name": "A_SF", "type": "sunssf", "size": 1},
            {"name": "T", "type": "float32", "size": 2},
            {"name": "N", "type": "count", "size": 1},
            {"name": "pad", "type": "pad", "size": 1},
        ],
        "groups": [
            {"name": "string", "count": "N", "points": [{"name": "W", "type": "int16", "size": 1, "sf": "W_SF"}]}
        ],
    },
}
BLOCK = [
    *[0xFFFF & -1234, 0xFFFF & -1, 4998, 0x0001, 0x0002, 4, 0b1001, *struct.unpack(">4H", b"MILL-7\0\0"), 12, 0x8000],
    *[*struct.unpack(">2H", struct.pack(">f", float("nan"))), 2, 0x8000, 100, 0x8000],
]


def device(blocks: list[tuple[int, list[int]]], base: int = BASE) -> SimDevice:
    """A device whose chain of blocks starts at `base`."""
    words = [0x5375, 0x6E53]
    for model, body in blocks:
        words += [model, len(body), *body]
    return SimDevice(id=1, simdata=[SimData(base, values=[*words, 0xFFFF, 0], datatype=DataType.REGISTERS)])


def read(root: Path, models: str, server: SimDevice, **pull: Any) -> pl.DataFrame:
    workspace = make_workspace(root)
    with serving(modbus_server([server])) as port:
        connection = Connection(host="127.0.0.1", port=port, timeout_seconds=1, retries=0)
        [page] = pages(workspace, connection, Pull(name="PV1", sunspec=models, **pull), None)
    return page.records


@pytest.fixture
def models(tmp_path: Path) -> str:
    (tmp_path / "model_64999.json").write_text(json.dumps(MODEL))
    return "model_64999.json"


def test_points_are_scaled_named_and_null_where_the_device_does_not_implement_them(tmp_path: Path, models: str) -> None:
    records = read(tmp_path, models, device([(1, [0] * 66), (64999, BLOCK)]))
    assert records.select("tag", "value", "text", "unit", "quality", "counter_raw", "counter_bits").rows() == [
        ("64999.W", "-123.4", None, "W", "good", None, None),
        ("64999.Hz", "49.98", None, "Hz", "good", None, None),
        ("64999.WH", "65538.0", None, "Wh", "good", "65538", "32"),
        ("64999.St", "4.0", "RUN", None, "good", None, None),
        ("64999.Evt", "9.0", "HOT DOOR", None, "good", None, None),
        ("64999.Md", None, "MILL-7", None, "good", None, None),
        ("64999.A", None, None, None, "no_scale_factor", None, None),
        ("64999.T", None, None, None, "not_implemented", None, None),
        ("64999.N", "2.0", None, None, "good", None, None),
        ("64999.string.1.W", "10.0", None, None, "good", None, None),
        ("64999.string.2.W", None, None, None, "not_implemented", None, None),
    ]


@pytest.mark.parametrize("base", [0, 40000, 50000])
def test_the_marker_is_found_where_devices_put_it(tmp_path: Path, models: str, base: int) -> None:
    assert read(tmp_path, models, device([(64999, BLOCK)], base), only=["64999.W"]).height == 1


def test_two_blocks_of_one_model_are_told_apart(tmp_path: Path, models: str) -> None:
    other = [5, *BLOCK[1:]]
    records = read(tmp_path, models, device([(64999, BLOCK), (64999, other)]), only=["*.W"])
    assert records.filter(~pl.col("tag").str.contains("string"))["tag"].to_list() == ["64999.W", "64999#2.W"]


def test_a_device_of_an_older_shorter_model_gives_what_it_has(tmp_path: Path, models: str) -> None:
    records = read(tmp_path, models, device([(64999, BLOCK[:3])]))
    assert records["tag"].to_list() == ["64999.W", "64999.Hz"]


def test_a_device_without_the_marker_stops_with_what_was_found(tmp_path: Path, models: str) -> None:
    other = SimDevice(id=1, simdata=[SimData(40000, values=[1, 2], datatype=DataType.REGISTERS)])
    with pytest.raises(SourceError, match=r"no SunSpec marker \(40000: something else, 50000: exception_2"):
        read(tmp_path, models, other)


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"id": 1, "group": {"points": [{"name": "x", "size": 1, "type": "odd"}]}}']
)
def test_a_file_that_is_no_model_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "model_9.json").write_text(text)
    with pytest.raises(SettingsError, match=r"model_9\.json: is no SunSpec model"):
        load_models(tmp_path)


@pytest.mark.skipif(not PUBLIC.exists(), reason="needs the public SunSpec models of ../shared/data/messages/sunspec")
class TestPublicModels:
    def test_every_public_model_is_understood(self) -> None:
        assert len(load_models(PUBLIC)) == len(list(PUBLIC.glob("model_*.json")))

    def test_a_three_phase_inverter_is_read_by_the_public_model(self, tmp_path: Path) -> None:
        told = {"A": 1234, "A_SF": 0xFFFE, "W": 0xFFFF & -50, "W_SF": 1, "WH": 70_000, "WH_SF": 0, "St": 4}
        points = json.loads((PUBLIC / "model_103.json").read_text())["group"]["points"][2:]
        body = [word for point in points for word in encoded(point, told)]
        models = tmp_path / "models"
        models.mkdir()
        for number in (1, 103):
            name = f"model_{number}.json"
            (models / name).write_bytes((PUBLIC / name).read_bytes())
        records = read(tmp_path, "models", device([(103, body)]))
        by_tag = {row[0]: row[1:] for row in records.select("tag", "value", "text", "unit", "quality").rows()}
        assert len(by_tag) == sum(point["type"] not in ("sunssf", "pad") for point in points)
        assert by_tag["103.A"] == ("12.34", None, "A", "good")
        assert by_tag["103.W"] == ("-500.0", None, "W", "good")
        assert by_tag["103.WH"] == ("70000.0", None, "Wh", "good")
        assert by_tag["103.St"] == ("4.0", "MPPT", None, "good")
        assert by_tag["103.AphA"] == (None, None, "A", "not_implemented")
        assert by_tag["103.PhVphA"] == (None, None, "V", "not_implemented")


def encoded(point: dict[str, Any], told: dict[str, int]) -> list[int]:
    """The registers of a point, not implemented where nothing is told."""
    value = told.get(point["name"])
    if point["size"] == 2:
        return [value >> 16, value & 0xFFFF] if value is not None else [0xFFFF * (point["type"] != "acc32")] * 2
    return [ABSENT[point["type"]] if value is None else value] * point["size"]
