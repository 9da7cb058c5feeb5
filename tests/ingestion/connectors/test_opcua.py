from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua
from asyncua.ua.status_codes import StatusCodes
from pydantic import ValidationError

from ingestion.connectors.opcua import Connection, Pull, pages
from ingestion.connectors.opcua_values import reading
from ingestion.connectors.page import Page
from ingestion.prepare import prepare
from tests.ingestion.connectors.fixtures import make_workspace
from tests.ingestion.connectors.opcua_server import Plant
from tests.ingestion.connectors.servers import serving
from tests.ingestion.streams import KEYS, make_stream
from tillmill.errors import SettingsError, SourceError
from tillmill.workspace import Workspace


@pytest.fixture(scope="module")
def plant() -> Iterator[Plant]:
    plant = Plant()
    with serving(plant.serve()):
        yield plant


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path)


def read(workspace: Workspace, plant: Plant, cursor: dict[str, Any] | None = None, **pull: Any) -> list[Page]:
    connection = Connection(url=f"opc.tcp://127.0.0.1:{plant.port}/mill", timeout_seconds=5, reconnects=0)
    return list(pages(workspace, connection, Pull(name="mill", **pull), cursor))


def test_named_variables_are_read_with_status_and_both_times(workspace: Workspace, plant: Plant) -> None:
    plant.set("L1/Counters/Good", 65_530, 1, kind=ua.VariantType.UInt16)
    plant.set("L1/Counters/Speed", 12.5, 2, StatusCodes.UncertainLastUsableValue)
    plant.set("L2/Counters/Speed", 7.5, 3, StatusCodes.BadSensorFailure)
    nodes = [
        {"node": "ns=2;s=L1.Counters.Good", "tag": "good", "unit": "pcs", "counter_bits": 16},
        {"node": "ns=2;s=L1.Counters.Speed", "tag": "speed", "scale": 2},
        {"node": "ns=2;s=L2.Counters.Speed", "tag": "other"},
        {"node": "ns=2;s=L1.State", "tag": "state"},
        {"node": "ns=2;s=Nowhere", "tag": "nowhere"},
    ]
    [page] = read(workspace, plant, nodes=nodes)
    assert page.records.select("tag", "value", "text", "quality", "counter_raw").rows() == [
        ("good", "65530.0", None, "good", "65530"),
        ("speed", "25.0", None, "uncertain_last_usable_value", None),
        ("other", None, None, "bad_sensor_failure", None),
        ("state", None, "running", "good", None),
        ("nowhere", None, None, "bad_node_id_unknown", None),
    ]
    assert page.records["read_at"][:2].to_list() == ["2017-12-02T19:01:00.000000Z", "2017-12-02T19:02:00.000000Z"]
    assert page.records["server_at"].null_count() <= 1
    found = prepare(make_stream("scada.readings"), Page(page.records, {}, page.extracted_at, "x"), KEYS)
    assert found.bad.is_empty()
    assert found.good.select("device_id", "counter_raw", "counter_bits", "unit").row(0) == ("mill", 65_530, 16, "pcs")


def test_a_bad_value_is_no_value_but_what_came_with_it_is_kept() -> None:
    at = datetime(2017, 12, 2, tzinfo=UTC)

    def told(value: Any, status: int = 0) -> dict[str, str | None]:
        return reading(ua.DataValue(ua.Variant(value), ua.StatusCode(status), at), 1, True, at)

    bad = told(7, StatusCodes.BadSensorFailure)
    assert (bad["value"], bad["counter_raw"], bad["last_value"], bad["quality"]) == (
        None,
        None,
        "7.0",
        "bad_sensor_failure",
    )
    doubtful = told(7, StatusCodes.UncertainLastUsableValue)
    assert (doubtful["value"], doubtful["quality"]) == ("7.0", "uncertain_last_usable_value")
    assert (told(7, StatusCodes.GoodClamped)["quality"], told(7, StatusCodes.GoodClamped)["status"]) == (
        "good",
        "GoodClamped",
    )
    assert (told(float("nan"))["value"], told(float("nan"))["quality"]) == (None, "not_a_number")
    assert (told(None)["value"], told(None)["quality"]) == (None, "no_value")
    assert (told(True)["value"], told(True)["counter_raw"]) == ("1.0", "1")
    assert told([1, 2])["text"] == "[1, 2]"
    assert told(datetime(2017, 12, 2, 19, tzinfo=UTC))["text"] == "2017-12-02T19:00:00.000000Z"
    assert told(ua.LocalizedText("läuft"))["text"] == "läuft"
    assert told(b"\x01\xff")["text"] == "01ff"


def test_what_lies_below_a_node_is_found_by_the_pattern_of_its_path(workspace: Workspace, plant: Plant) -> None:
    [page] = read(workspace, plant, browse={"paths": ["*/Counters/*"]})
    assert sorted(page.records["tag"]) == [
        f"{line}/Counters/{name}" for line in ("L1", "L2") for name in ("Good", "Speed")
    ]
    [one] = read(workspace, plant, browse={"start": "ns=2;i=1", "paths": ["Counters/Good"]})
    assert one.records["path"].to_list() == ["Counters/Good"]
    with pytest.raises(SourceError, match=r"nothing below i=85 fits L9/\*; there is "):
        read(workspace, plant, browse={"paths": ["L9/*"], "depth": 3})


def test_an_object_is_a_record_of_its_variables(workspace: Workspace, plant: Plant) -> None:
    plant.set("L2/Orders/Units", 41, 5, StatusCodes.BadWaitingForInitialData, kind=ua.VariantType.Int32)
    [page] = read(workspace, plant, mode="records", browse={"paths": ["*/Orders/WO-*"]})
    assert page.records.select("path", "Sku", "Units", "quality", "read_at").rows() == [
        ("L1/Orders/WO-L1", "0012", "40", "good", "2017-12-02T19:00:00.000000Z"),
        ("L2/Orders/WO-L2", "0012", None, "bad_waiting_for_initial_data", "2017-12-02T19:05:00.000000Z"),
    ]


def test_every_change_comes_while_subscribed_and_a_known_value_is_no_news(workspace: Workspace, plant: Plant) -> None:
    pull = {"mode": "subscribe", "seconds": 2, "interval_ms": 50, "nodes": [{"node": "ns=2;s=L2.Counters.Good"}]}
    plant.set("L2/Counters/Good", 1, 10, kind=ua.VariantType.UInt16)

    def change() -> None:
        time.sleep(1)
        for number in range(2, 12):
            plant.set("L2/Counters/Good", number, 10 + number, kind=ua.VariantType.UInt16)
            time.sleep(0.02)

    changing = threading.Thread(target=change)
    changing.start()
    found = read(workspace, plant, **pull)
    changing.join()
    values = [value for page in found for value in page.records["value"]]
    assert values == [f"{number}.0" for number in range(1, 12)]
    assert read(workspace, plant, found[-1].cursor, **(pull | {"seconds": 0.5})) == []


def test_what_the_server_has_kept_is_read_in_parts_and_only_what_is_new(
    workspace: Workspace, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingestion.connectors import opcua_session

    monkeypatch.setattr(opcua_session, "HISTORY_VALUES", 7)
    node = plant.nodes["L1/Counters/Good"]
    plant.run(plant.server.historize_node_data_change(node, period=None, count=1000))
    for minute in range(30):
        plant.set("L1/Counters/Good", minute, 100 + minute, kind=ua.VariantType.UInt16)
    time.sleep(0.3)
    pull = {"mode": "history", "nodes": [{"node": "ns=2;s=L1.Counters.Good", "counter_bits": 16}]}
    found = read(workspace, plant, **pull)
    counts = [int(raw) for page in found for raw in page.records["counter_raw"]]
    assert counts[-30:] == list(range(30))
    assert len(found) >= 30 // 7
    assert read(workspace, plant, found[-1].cursor, **pull) == []
    plant.set("L1/Counters/Good", 99, 200, kind=ua.VariantType.UInt16)
    time.sleep(0.3)
    [page] = read(workspace, plant, found[-1].cursor, **pull)
    assert page.records["counter_raw"].to_list() == ["99"]
    with pytest.raises(SourceError, match=r"L1.State: the server keeps no history of it"):
        read(workspace, plant, mode="history", nodes=[{"node": "ns=2;s=L1.State"}])


def test_events_are_records(workspace: Workspace, plant: Plant) -> None:
    def raise_alarm() -> None:
        time.sleep(1)
        generator = plant.run(plant.server.get_event_generator())
        generator.event.Severity = 700
        plant.run(generator.trigger(message="door open"))

    raising = threading.Thread(target=raise_alarm)
    raising.start()
    [page] = read(workspace, plant, mode="events", seconds=2.5, interval_ms=50)
    raising.join()
    event = page.records.to_dicts()[0]
    assert (event["Message"], event["Severity"], event["device_id"]) == ("door open", "700", "mill")
    assert len(event["EventId"]) >= 16
    assert event["Time"].endswith("Z")


def test_nobody_at_the_address_stops_the_source(workspace: Workspace) -> None:
    with pytest.raises(SourceError, match="no session, or lost, 1 times over"):
        read(workspace, Plant(port=1), nodes=[{"node": "i=2258"}])


def test_a_node_that_is_not_written_as_one_is_named(workspace: Workspace, plant: Plant) -> None:
    with pytest.raises(SettingsError, match="a node is written like"):
        read(workspace, plant, nodes=[{"node": "Line1.Good"}])


def test_a_run_without_such_a_source_does_not_pay_for_the_library() -> None:
    code = "import sys, ingestion.sources; sys.exit('asyncua' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (Connection, {"url": "x", "policy": "Basic256Sha256"}, "a policy needs certificate"),
        (Connection, {"url": "x", "certificate": "c.der"}, "certificates need a policy"),
        (Connection, {"url": "x", "username": "u", "password": "env:P"}, "a password needs a policy"),
        (Pull, {"name": "x"}, "give nodes, browse or both"),
        (Pull, {"name": "x", "mode": "records"}, "mode records needs browse"),
        (Pull, {"name": "x", "mode": "events", "nodes": [{"node": "i=1"}]}, "mode events has an event_source"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(model: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        model(**settings)
