from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from amqtt.broker import Broker
from paho.mqtt import publish
from pydantic import ValidationError

from ingestion.connectors.mqtt import Connection, Pull, pages
from ingestion.connectors.page import FAULT, RAW, Page
from tests.ingestion.connectors.fixtures import make_workspace, write_secret
from tests.ingestion.connectors.servers import serving
from tillmill.errors import SettingsError, SourceError
from tillmill.workspace import Workspace


@asynccontextmanager
async def broker() -> AsyncIterator[int]:
    config = {
        "listeners": {"default": {"type": "tcp", "bind": "127.0.0.1:0"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": False}},
    }
    server = Broker(config)
    await server.start()
    [listening] = server._servers.values()
    yield listening.instance.sockets[0].getsockname()[1]
    await server.shutdown()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    logging.getLogger("transitions").setLevel(logging.ERROR)
    with serving(broker) as found:
        yield found


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path)


def read(workspace: Workspace, port: int, client: str, cursor: dict[str, Any] | None = None, **pull: Any) -> list[Page]:
    # The broker keeps nothing for a client that does not log in.
    password = write_secret(workspace.root / "mqtt.pass", "s3cret")
    connection = Connection(
        host="127.0.0.1", port=port, version="3.1.1", username="mill", password=password, reconnects=0
    )
    settings = Pull(**({"client_id": client, "topics": [f"{client}/#"], "idle_seconds": 0.3} | pull))
    return list(pages(workspace, connection, settings, cursor))


def say(port: int, *messages: tuple[str, Any]) -> None:
    told = [
        (topic, json.dumps(value) if not isinstance(value, bytes) else value, 1, False) for topic, value in messages
    ]
    publish.multiple(told, hostname="127.0.0.1", port=port, auth={"username": "line", "password": "x"})


def test_what_was_said_between_two_pulls_is_taken_once(workspace: Workspace, port: int) -> None:
    [subscribed] = read(workspace, port, "once")
    assert subscribed.records.is_empty()
    assert subscribed.cursor == {"topics": ["once/#"], "marks": ""}
    say(port, *((f"once/{number}", {"count": number}) for number in range(30)))
    found = read(workspace, port, "once", subscribed.cursor)
    assert sorted(int(count) for page in found for count in page.records["count"]) == list(range(30))
    assert all(page.lands_at_once for page in found)
    assert read(workspace, port, "once", found[-1].cursor) == []


def test_parts_of_the_topic_are_fields_beside_those_of_the_payload(workspace: Workspace, port: int) -> None:
    pull = {"topic": "fields/{line_id}/{tag}"}
    [subscribed] = read(workspace, port, "fields", **pull)
    say(port, ("fields/L1/speed", {"v": 12.50, "at": {"ms": 1512241200000}}), ("fields/L1", {"v": 1}))
    [page] = read(workspace, port, "fields", subscribed.cursor, **pull)
    speed, other = page.records.to_dicts()
    assert (speed["line_id"], speed["tag"], speed["v"], speed["at.ms"]) == ("L1", "speed", "12.5", "1512241200000")
    assert speed["received_at"].endswith("Z")
    assert (other[FAULT], other[RAW]) == ("topic does not fit fields/{line_id}/{tag}", 'fields/L1 {"v": 1}')


def test_a_payload_that_cannot_be_read_is_kept_with_its_reason(workspace: Workspace, port: int) -> None:
    [subscribed] = read(workspace, port, "bad")
    say(port, ("bad/1", b"{"), ("bad/2", b"\xff\xfe"), ("bad/3", b'{"v": NaN}'), ("bad/4", {"v": 1}))
    [page] = read(workspace, port, "bad", subscribed.cursor)
    assert page.records["v"].to_list() == [None, None, None, "1"]
    assert page.records[RAW].to_list() == ["bad/1 {", "bad/2 base64://4=", 'bad/3 {"v": NaN}', None]
    assert [(why or "")[:16] for why in page.records[FAULT]] == [
        "payload is no JS",
        "payload 'utf-8' ",
        "payload is no JS",
        "",
    ]


def test_a_window_of_messages_makes_a_page(workspace: Workspace, port: int) -> None:
    [subscribed] = read(workspace, port, "window")
    say(port, *((f"window/{number}", {"count": number}) for number in range(7)))
    found = read(workspace, port, "window", subscribed.cursor, window=3)
    assert [page.records.height for page in found] == [3, 3, 1]


def test_other_topics_are_subscribed_and_old_ones_given_up(workspace: Workspace, port: int) -> None:
    [first] = read(workspace, port, "other", topics=["other/a"])
    [second] = read(workspace, port, "other", first.cursor, topics=["other/b"])
    assert second.cursor["topics"] == ["other/b"]
    say(port, ("other/a", {"v": 1}), ("other/b", {"v": 2}))
    [page] = read(workspace, port, "other", second.cursor, topics=["other/b"])
    assert page.records["v"].to_list() == ["2"]


def test_a_broker_that_has_forgotten_us_is_told_after_what_it_has_was_taken(workspace: Workspace, port: int) -> None:
    with pytest.raises(SourceError, match="the broker had forgotten us"):
        read(workspace, port, "forgotten", {"topics": ["forgotten/#"], "marks": ""})
    assert read(workspace, port, "forgotten", {"topics": ["forgotten/#"], "marks": ""}) == []


def test_nobody_at_the_address_and_a_broker_of_another_version_stop_the_source(workspace: Workspace, port: int) -> None:
    with pytest.raises(SourceError, match=r"no connection, or lost, 1 times over: .*refused"):
        read(workspace, 1, "nobody")
    connection = Connection(host="127.0.0.1", port=port, version="5", reconnects=0, timeout_seconds=2)
    with pytest.raises(SourceError, match=r"log-in \(version 5\)"):
        list(pages(workspace, connection, Pull(client_id="five", topics=["#"]), None))


def test_a_password_is_given_by_reference(workspace: Workspace, port: int) -> None:
    connection = Connection(host="127.0.0.1", port=port, version="3.1.1", username="mill", password="s3cret")
    with pytest.raises(SettingsError, match="never written out"):
        list(pages(workspace, connection, Pull(client_id="pass", topics=["#"]), None))


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (Connection, {"host": "x", "ca_file": "ca.pem"}, "certificates need tls"),
        (Connection, {"host": "x", "tls": True, "certificate": "c.pem"}, "belong together"),
        (Pull, {"client_id": "x", "topics": []}, "topics"),
        (Pull, {"client_id": "x", "topics": ["a"], "topic": "a/{b c}"}, "is no field's name"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(model: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        model(**settings)
