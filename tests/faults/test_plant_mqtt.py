"""Fault 18: a broker that sends again, a connection cut anywhere, and a process killed before it could acknowledge."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.broker import Broker
from tests.faults.plant import plant, pull, rows
from tests.ingestion.connectors.servers import serving
from tests.ingestion.folder import quarantined
from tests.kill.shares import share
from tillmill.workspace import Workspace

SOURCE = """
[[sources]]
name = "broker"
connector = "mqtt"
connection = {{ host = "127.0.0.1", port = {port}, version = "{version}", first_wait_seconds = 0 }}
[[sources.streams]]
stream = "scada.readings"
[sources.streams.pull]
client_id = "mill"
topics = ["plant/#"]
topic = "plant/{{line_id}}/{{name}}"
idle_seconds = 0.3
window = 10
[sources.streams.fields]
device_id = "line_id"
tag = "name"
read_at = {{ field = "ms", format = "epoch_ms" }}
value = "v"
quality = {{ const = "good" }}
"""
MESSAGES = 25
KILLS = share("mqtt")


@pytest.fixture
def broker() -> Broker:
    broker = Broker()
    for _ in range(MESSAGES):
        keep(broker)
    return broker


def keep(broker: Broker) -> None:
    """One more message, numbered on."""
    number = broker.kept
    broker.keep("plant/L1/count", b'{"ms": %d, "v": %d}' % (1_512_241_200_000 + number, number))


@pytest.fixture(params=["3.1.1", "5"])
def workspace(tmp_path: Path, broker: Broker, request: pytest.FixtureRequest) -> Iterator[Workspace]:
    with serving(broker.server()) as port:
        yield plant(tmp_path, SOURCE.format(port=port, version=request.param))


def values(workspace: Workspace) -> list[float]:
    return rows(workspace)["value"].to_list()


def test_18_each_message_lands_once_and_is_then_forgotten_by_the_broker(workspace: Workspace, broker: Broker) -> None:
    result = pull(workspace)
    assert (result.landed, result.error) == (MESSAGES, None)
    assert values(workspace) == list(range(MESSAGES))
    assert broker.unacknowledged == {}
    assert pull(workspace).pulled == 0


@pytest.mark.parametrize("cut_after", [1, 10, 17])
def test_18_a_connection_cut_between_two_messages_loses_and_doubles_none(
    workspace: Workspace, broker: Broker, cut_after: int
) -> None:
    broker.cut_after = cut_after
    result = pull(workspace)
    assert (result.error, broker.unacknowledged) == (None, {})
    assert len(broker.again) == min(cut_after, broker.in_flight)
    assert values(workspace) == list(range(MESSAGES))


def test_18_an_acknowledgement_that_gets_lost_doubles_nothing(workspace: Workspace, broker: Broker) -> None:
    lost = {3, 14}

    def refuse(mid: int) -> bool:
        was_lost = mid in lost
        lost.discard(mid)
        return was_lost

    broker.refuse = refuse
    result = pull(workspace)
    assert (result.error, broker.unacknowledged) == (None, {})
    assert {3, 14} <= set(broker.again)
    assert values(workspace) == list(range(MESSAGES))


@pytest.mark.parametrize("at", [1, 17])
def test_18_a_process_killed_between_the_commit_and_the_acknowledgement_doubles_nothing(
    workspace: Workspace, broker: Broker, at: int
) -> None:
    killed: list[int] = []

    def kill(mid: int) -> bool:
        if mid == at and not killed:
            killed.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)
            return True
        return False

    broker.refuse = kill
    with subprocess.Popen([sys.executable, "-m", "tests.faults.pull_once", str(workspace.root)]) as process:
        assert process.wait(60) == -signal.SIGKILL
    assert len(broker.unacknowledged) == MESSAGES - at + 1
    assert values(workspace) == list(range(10 if at <= 10 else 20)), "what was being acknowledged had landed"
    result = pull(workspace)
    assert (result.error, broker.unacknowledged) == (None, {})
    assert values(workspace) == list(range(MESSAGES))


@pytest.mark.slow
@pytest.mark.timeout(600 + 30 * KILLS)
def test_18_processes_killed_at_random_moments_lose_and_double_nothing(workspace: Workspace, broker: Broker) -> None:
    moments = random.Random(KILLS)
    for _ in range(KILLS):
        broker.sent_something.clear()
        for _ in range(MESSAGES):
            keep(broker)
        with subprocess.Popen([sys.executable, "-m", "tests.faults.pull_once", str(workspace.root)]) as process:
            assert broker.sent_something.wait(60)
            time.sleep(moments.uniform(0, 0.4))
            process.kill()
    result = pull(workspace)
    assert (result.error, broker.unacknowledged) == (None, {})
    assert values(workspace) == list(range(MESSAGES * (KILLS + 1)))


def test_18_a_message_that_cannot_be_read_is_quarantined_once_and_acknowledged(
    workspace: Workspace, broker: Broker
) -> None:
    broker.keep("plant/L1/count", b"\xff{")
    broker.keep("plant", b"{}")
    result = pull(workspace)
    assert (result.landed, result.quarantined, broker.unacknowledged) == (MESSAGES, 2, {})
    assert quarantined(workspace)["raw"].to_list() == ["plant/L1/count base64:/3s=", "plant {}"]


def test_18_messages_that_could_not_land_are_not_acknowledged(workspace: Workspace, broker: Broker) -> None:
    (workspace.landing / "scada.readings").mkdir(parents=True)
    (workspace.landing / "scada.readings" / "broker").write_text("in the way of the folder")
    result = pull(workspace)
    assert result.error is not None
    assert len(broker.unacknowledged) == MESSAGES
    (workspace.landing / "scada.readings" / "broker").unlink()
    assert pull(workspace).landed == MESSAGES
    assert values(workspace) == list(range(MESSAGES))
