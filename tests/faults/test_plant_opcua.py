"""Fault 17: values whose status is not good, a session that is lost, a server that is started anew."""

from __future__ import annotations

import socket
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from asyncua import ua
from asyncua.ua.status_codes import StatusCodes

from ingestion.pulling import StreamResult
from tests.faults.plant import plant, pull, rows
from tests.faults.test_plant_modbus import count_up
from tests.ingestion.connectors.opcua_server import START, Plant
from tests.ingestion.connectors.servers import serving
from tillmill.workspace import Workspace

SOURCE = """
[[sources]]
name = "mes"
connector = "opcua"
[sources.connection]
url = "opc.tcp://127.0.0.1:{port}/mill"
timeout_seconds = 3
reconnects = 8
first_wait_seconds = 0.2
[[sources.streams]]
stream = "scada.readings"
[sources.streams.pull]
name = "L1"
mode = "{mode}"
seconds = {seconds}
interval_ms = 50
nodes = [{{ node = "ns=2;s=L1.Counters.Good", tag = "good", counter_bits = 16 }}]
"""
NODE = "L1/Counters/Good"


def workspace_for(root: Path, port: int, mode: str = "read", seconds: float = 1) -> Workspace:
    return plant(root, SOURCE.format(port=port, mode=mode, seconds=seconds))


def count(server: Plant, value: int, minute: int, status: int = 0) -> None:
    server.set(NODE, value, minute, status, ua.VariantType.UInt16)


@pytest.fixture
def port() -> int:
    """A port that a server can take, give up and take again."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        found: int = free.getsockname()[1]
    return found


def test_17_a_value_is_kept_with_its_status_and_only_good_ones_are_counted(tmp_path: Path) -> None:
    server = Plant()
    with serving(server.serve()) as port:
        workspace = workspace_for(tmp_path, port)
        for minute, (value, status) in enumerate(
            [
                (10, 0),
                (20, 0),
                (9_999, StatusCodes.UncertainLastUsableValue),
                (0, StatusCodes.BadSensorFailure),
                (30, 0),
            ]
        ):
            count(server, value, minute, status)
            assert pull(workspace).landed == 1
    found = rows(workspace)
    assert found.select("value", "quality").rows() == [
        (10.0, "good"),
        (20.0, "good"),
        (9_999.0, "uncertain_last_usable_value"),
        (None, "bad_sensor_failure"),
        (30.0, "good"),
    ]
    assert found["read_at"].to_list() == [START + timedelta(minutes=minute) for minute in range(5)]
    assert count_up(found)["counted_units"].to_list() == [0, 10, 20], "what is not good makes nothing"


@pytest.mark.slow
def test_17_a_server_started_anew_in_the_middle_is_listened_to_again(tmp_path: Path, port: int) -> None:
    workspace = workspace_for(tmp_path, port, "subscribe", 12)
    results: list[StreamResult] = []
    pulling = threading.Thread(target=lambda: results.append(pull(workspace)))
    first, second = Plant(), Plant()
    with serving(first.serve(port)):
        count(first, 1, 1)
        pulling.start()
        wait_for_subscriber(first)
        for number in (2, 3):
            count(first, number, number)
            time.sleep(0.2)
    with serving(second.serve(port)):
        count(second, 4, 4)
        wait_for_subscriber(second)
        count(second, 5, 5)
        pulling.join()
    assert results[0].error is None
    values = rows(workspace)["value"].to_list()
    assert [value for value in values if value] == [1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.slow
def test_17_history_goes_on_where_it_was_when_the_server_was_away(tmp_path: Path, port: int) -> None:
    workspace = workspace_for(tmp_path, port, "history")
    server = Plant()
    with serving(server.serve(port)):
        server.run(server.server.historize_node_data_change(server.nodes[NODE], period=None, count=100))
        for minute in range(1, 6):
            count(server, minute, minute)
        time.sleep(0.3)
        assert pull(workspace).error is None
        before = rows(workspace).height
    again = Plant()
    with serving(again.serve(port)):
        again.run(again.server.historize_node_data_change(again.nodes[NODE], period=None, count=100))
        # What it had before it was started anew, and what came since.
        for minute in range(1, 9):
            count(again, minute, minute)
        time.sleep(0.3)
        assert pull(workspace).landed == 3
    found = rows(workspace)
    assert found.height == before + 3
    assert found["value"].to_list()[-8:] == [float(minute) for minute in range(1, 9)]


def test_17_a_server_that_is_away_stops_the_stream_with_its_cursor_unmoved(tmp_path: Path, port: int) -> None:
    workspace = plant(
        tmp_path, SOURCE.format(port=port, mode="read", seconds=1).replace("reconnects = 8", "reconnects = 1")
    )
    result = pull(workspace)
    assert result.error is not None
    assert "no session, or lost, 2 times over" in result.error
    with serving(Plant().serve(port)):
        assert pull(workspace).landed == 1


def wait_for_subscriber(server: Plant) -> None:
    """Until someone watches the server."""
    for _ in range(200):
        if server.server.iserver.subscription_service.subscriptions:
            time.sleep(0.3)
            return
        time.sleep(0.05)
    raise AssertionError("nobody came")
