"""The factory's systems over their real protocols: what they show, to whom, and that they neither lose nor double."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import polars as pl
import pytest
from asyncua import ua
from asyncua.client.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties

from demo import days, signals, world
from demo.cli import systems
from demo.systems import broker, gateway, mes, opcua_server
from ingestion.runner import StreamResult, ingest
from tests.demo.conftest import addresses, advance, secrets_of
from tests.demo.test_systems import read_all
from tillmill.workspace import open_workspace

FACTORY = {
    "alarms": {"scada.events"},
    "sensors": {"scada.readings"},
    "mes_lines": {"scada.readings"},
    "mes": {
        "mes.work_orders", "mes.results", "mes.consumption", "mes.quality", "mes.routings", "mes.changeovers",
        "mes.calendars", "mes.controls", "maintenance.orders",
    },
}  # fmt: skip


def known(root: Path, table: str) -> pl.DataFrame:
    return world.table(root, table).filter(pl.col("known_at") <= days.CLOCK_AT_START).collect()


@pytest.mark.parametrize(("path", "table", "key"), mes.RECORDS)
def test_the_mes_tells_each_record_as_it_stands_at_the_clock(
    running: Path, path: str, table: str, key: list[str] | None
) -> None:
    versions = known(running, table)
    expected = versions.unique(key, keep="last", maintain_order=True) if key else versions
    told = read_all(running, "mes", path)
    assert len(told) == expected.height > 0
    stamps = expected["known_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ").to_list()
    assert [record["recorded_at"] for record in told] == stamps
    for record in told[:50]:
        # Wall clocks of the mill are told in UTC.
        assert all(value.endswith("Z") for name, value in record.items() if name.endswith("_at") and value)
    since = read_all(running, "mes", path, updated_since="2017-12-02T00:00:00Z")
    assert [record for record in told if record["recorded_at"] >= "2017-12-02T00:00:00Z"] == since


def lines_client(root: Path, password: str | None = None) -> Client:
    client = Client(addresses(root)["mes_lines"]["url"])
    client.set_user(opcua_server.USER)
    client.set_password(password or secrets_of(root)["mes_lines"]["password"])
    return client


async def _history(root: Path) -> tuple[list[ua.DataValue], ua.DataValue]:
    async with lines_client(root) as client:
        node = client.get_node("ns=2;s=L1/ProcessTemperature")
        with pytest.raises(ua.UaStatusCodeError):
            await node.write_value(ua.DataValue(Value=ua.Variant(1.0)))
        kept = await node.read_raw_history(signals.RECORDED_FROM, datetime(2018, 6, 1, tzinfo=UTC))
        return kept, await node.read_data_value(raise_on_bad_status=False)


async def _knock(root: Path, client: Client) -> None:
    async with client:
        raise AssertionError("was let in")


def test_the_opcua_server_has_a_history_with_statuses_up_to_the_clock_for_who_knows_the_password(running: Path) -> None:
    kept, current = asyncio.run(_history(running))
    recorded = known(running, "scada.kept").filter(pl.col("node") == "L1/ProcessTemperature")
    assert [value.Value.Value for value in kept if value.Value] == recorded["number"].to_list()
    assert [value.StatusCode.name for value in kept if value.StatusCode] == recorded["status"].to_list()
    assert recorded["status"].n_unique() == 3
    assert current.SourceTimestamp == kept[-1].SourceTimestamp
    for client in (lines_client(running, "guess"), Client(addresses(running)["mes_lines"]["url"])):
        with pytest.raises(ua.UaError):
            asyncio.run(_knock(running, client))


def call(root: Path, take: int | None = None, of: int = 0) -> list[str]:
    """What the gateway says until it hangs up; or, with `take`, its first `of` messages, so many acknowledged."""
    place = addresses(root)["alarms"]
    end = gateway.END.encode()
    with socket.create_connection((place["host"], place["port"]), timeout=60) as line:
        data, answered = b"", 0
        while (take is None or data.count(end) < of) and (part := line.recv(1 << 20)):
            data += part
            if take is None:
                whole = data.count(end)
                line.sendall(gateway.ACK * (whole - answered))
                answered = whole
        told = data.decode().split(gateway.END)[:-1]
        if take is not None:
            line.sendall(gateway.ACK * take)
            ends_at = time.monotonic() + 60
            while gateway.Journal(root).taken[1] != told[take - 1].split(";")[0]:
                assert time.monotonic() < ends_at, "the gateway did not hear us"
                time.sleep(0.02)
        return told


def test_the_gateway_repeats_what_was_not_taken_even_after_a_restart(workspace: Path) -> None:
    alarms = known(workspace, "scada.alarms").sort("known_at", "event")
    with systems(workspace):
        port = addresses(workspace)["alarms"]["port"]
        first = call(workspace, 100, alarms.height)
        assert len(first) == alarms.height > 150
        assert call(workspace, 50, alarms.height - 100) == first[100:]
    with systems(workspace):
        assert addresses(workspace)["alarms"]["port"] == port, "a device keeps its address"
        assert call(workspace) == first[150:]
        assert call(workspace) == []
        advance(workspace, 1)
        new = call(workspace)
        assert new
        assert all("2017-12-04T04:01:20Z" < message.split(";")[8] <= "2017-12-05T04:01:20Z" for message in new)


class Subscriber:
    """A client of the broker that acknowledges only when told."""

    def __init__(self, root: Path, name: str = broker.CLIENT, password: str = "", *, version: int = 5) -> None:
        self.messages: list[mqtt.MQTTMessage] = []
        self.answers: list[tuple[bool, bool]] = []
        self.granted: list[bool] = []
        is_5 = version == 5
        protocol = MQTTProtocolVersion.MQTTv5 if is_5 else MQTTProtocolVersion.MQTTv311
        clean = None if is_5 else False
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, name, clean, protocol=protocol, manual_ack=True)
        self.client.username_pw_set(broker.USER, password or secrets_of(root)["sensors"]["password"])
        self.client.on_message = lambda _, __, message: self.messages.append(message)
        self.client.on_connect = lambda _, __, flags, reason, ___: self.answers.append(
            (bool(flags.session_present), bool(reason.is_failure))
        )
        self.client.on_subscribe = lambda _, __, ___, reasons, ____: self.granted.extend(
            not reason.is_failure for reason in reasons
        )
        place = addresses(root)["sensors"]
        properties = Properties(mqtt.PacketTypes.CONNECT) if is_5 else None  # type: ignore[attr-defined,no-untyped-call]
        if properties is not None:
            properties.SessionExpiryInterval, properties.ReceiveMaximum = 86_400, 500
            self.client.connect(place["host"], place["port"], clean_start=False, properties=properties)
        else:
            self.client.connect(place["host"], place["port"])
        self.until(lambda: bool(self.answers))

    def until(self, is_done: Any, seconds: float = 60) -> None:
        ends_at = time.monotonic() + seconds
        while not is_done() and time.monotonic() < ends_at:
            self.client.loop(0.05)

    def take(self, count: int) -> None:
        for message in self.messages[:count]:
            self.client.ack(message.mid, message.qos)
        # The broker answers in order: behind this answer, it has them.
        answered: list[bool] = []
        self.client.on_unsubscribe = lambda *_: answered.append(True)
        self.client.unsubscribe("nobody/publishes/this")
        self.until(lambda: bool(answered))
        assert answered

    def leave(self) -> None:
        self.client.disconnect()
        self.until(lambda: False, 0.1)


def said(message: mqtt.MQTTMessage) -> tuple[int, str, bytes]:
    return message.mid, message.topic, message.payload


def test_the_broker_keeps_what_is_not_acknowledged_and_marks_what_it_sends_again(workspace: Path) -> None:
    with systems(workspace):
        first = Subscriber(workspace)
        assert first.answers == [(True, False)]
        first.until(lambda: len(first.messages) >= 500)
        assert len(first.messages) == 500, "as many as the client takes unacknowledged"
        assert not any(message.dup for message in first.messages)
        seen = [said(message) for message in first.messages]
        first.take(200)
        first.leave()
    with systems(workspace):
        again = Subscriber(workspace)
        again.until(lambda: len(again.messages) >= 500)
        repeated = [message for message in again.messages if message.dup]
        assert [said(message) for message in repeated][:300] == seen[200:]
        again.leave()
    told = json.loads(seen[0][2])
    assert datetime.fromtimestamp(told["ts"] / 1000, UTC) == signals.RECORDED_FROM


def test_other_clients_are_told_what_is_published_after_they_subscribed(moving: Path) -> None:
    client = Subscriber(moving, "somebody", version=4)
    assert client.answers == [(False, False)]
    client.client.subscribe([("mill/L2/+", 1), ("mill/L1/air_pressure", 1), ("mill/L3/#", 0)])
    client.until(lambda: len(client.granted) == 3)
    assert client.granted == [True, True, False]
    client.until(lambda: False, 0.3)
    assert client.messages == []
    advance(moving, 1)
    taken = 0
    expected = world.table(moving, "scada.hall").filter(
        (pl.col("at") > days.CLOCK_AT_START) & (pl.col("at") <= days.CLOCK_AT_START.replace(day=5))
    )
    mine = (pl.col("line_id") == "L2") | ((pl.col("line_id") == "L1") & (pl.col("tag") == "air_pressure"))
    wanted = expected.filter(mine).collect()
    while taken < wanted.height:
        client.until(lambda taken=taken: len(client.messages) > taken)
        assert len(client.messages) - taken <= 20
        for message in client.messages[taken:]:
            client.client.ack(message.mid, message.qos)
        taken = len(client.messages)
    assert {(m.topic, json.loads(m.payload)["ts"]) for m in client.messages} == {
        (f"mill/{row['line_id']}/{row['tag']}", int(row["at"].timestamp() * 1000)) for row in wanted.to_dicts()
    }
    client.leave()


def test_the_broker_lets_nobody_in_without_the_password_and_nobody_publish(running: Path) -> None:
    assert Subscriber(running, "stranger", "guess").answers == [(False, True)]
    writer = Subscriber(running, "writer")
    lost: list[bool] = []
    writer.client.on_disconnect = lambda *_: lost.append(True)
    writer.client.publish("mill/L1/air_pressure", b"{}", qos=1)
    writer.until(lambda: bool(lost))
    assert lost


def pull(root: Path) -> dict[tuple[str, str], StreamResult]:
    """Every stream of the factory, pulled once."""
    results = [result for source in FACTORY for result in ingest(open_workspace(root), source=source)]
    assert {(result.source, result.stream): result.error for result in results} == {
        (source, stream): None for source, streams in FACTORY.items() for stream in streams
    }
    assert all(result.pulled == result.landed and result.quarantined == 0 for result in results)
    return {(result.source, result.stream): result for result in results}


def test_every_row_of_the_factory_lands_once_whatever_is_restarted_between_the_pulls(workspace: Path) -> None:
    with systems(workspace):
        first = pull(workspace)
    tables = {"alarms": "scada.alarms", "sensors": "scada.hall", "mes_lines": "scada.kept"}
    for source, table in tables.items():
        [stream] = FACTORY[source]
        assert first[source, stream].landed == known(workspace, table).height > 0, source
    with systems(workspace):
        assert sum(result.pulled for result in pull(workspace).values()) == 0
        advance(workspace, 1)
    with systems(workspace):
        later = pull(workspace)
    clock = pl.lit(days.CLOCK_AT_START)
    for source, table in tables.items():
        new = world.table(workspace, table).filter(
            (pl.col("known_at") > clock) & (pl.col("known_at") <= clock + pl.duration(days=1))
        )
        [stream] = FACTORY[source]
        assert later[source, stream].landed == new.collect().height > 0, source
    landed = pl.read_parquet(workspace / "lake" / "landing" / "scada.readings" / "**" / "*.parquet")
    assert not landed.select("_source", "device_id", "tag", "read_at").is_duplicated().any()
    bad = landed.filter(pl.col("quality") != "good")
    assert set(bad["quality"]) == {"uncertain_sensor_not_accurate", "bad_sensor_failure"}
    assert bad.filter((pl.col("quality") == "bad_sensor_failure") & pl.col("value").is_not_null()).is_empty()
