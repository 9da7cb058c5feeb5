from __future__ import annotations

import json
import logging
import ssl
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from amqtt.broker import Broker
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from paho.mqtt import publish
from pydantic import ValidationError

from ingestion.connectors.mqtt import Connection, Pull, pages
from ingestion.connectors.page import FAULT, RAW, Page
from tests.faults.broker import Broker as ScriptedBroker
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
    return list(open_pages(workspace, port, client, cursor, **pull))


def open_pages(
    workspace: Workspace, port: int, client: str, cursor: dict[str, Any] | None = None, **pull: Any
) -> Generator[Page]:
    # The broker keeps nothing for a client that does not log in.
    password = write_secret(workspace.root / "mqtt.pass", "s3cret")
    connection = Connection(
        host="127.0.0.1", port=port, version="3.1.1", username="mill", password=password, reconnects=0
    )
    # It also answers nothing else while messages are unacknowledged: a window takes them all.
    settings = Pull(**({"client_id": client, "topics": [f"{client}/#"], "idle_seconds": 0.3, "window": 100} | pull))
    yield from pages(workspace, connection, settings, cursor)


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


def test_a_window_of_messages_makes_a_page(workspace: Workspace) -> None:
    broker = ScriptedBroker()
    for number in range(7):
        broker.keep("window/a", b'{"count": %d}' % number)
    with serving(broker.server()) as port:
        connection = Connection(host="127.0.0.1", port=port)
        pull = Pull(client_id="window", topics=["window/#"], idle_seconds=0.3, window=3)
        found = list(pages(workspace, connection, pull, None))
    assert [page.records.height for page in found] == [0, 3, 3, 1]
    assert broker.unacknowledged == {}


def test_other_topics_are_subscribed_and_old_ones_given_up(workspace: Workspace, port: int) -> None:
    [first] = read(workspace, port, "other", topics=["other/a"])
    [second] = read(workspace, port, "other", first.cursor, topics=["other/b"])
    assert second.cursor["topics"] == ["other/b"]
    say(port, ("other/a", {"v": 1}), ("other/b", {"v": 2}))
    [page] = read(workspace, port, "other", second.cursor, topics=["other/b"])
    assert page.records["v"].to_list() == ["2"]


def test_a_broker_that_has_forgotten_us_is_told_after_what_it_has_was_taken(workspace: Workspace, port: int) -> None:
    cursor = {"topics": ["forgotten/#"], "marks": ""}
    pulling = open_pages(workspace, port, "forgotten", cursor)
    written_down = next(pulling)
    assert (written_down.cursor["topics"], written_down.lands_at_once) == ([], True)
    pulling.close()  # killed before it has subscribed: the next pull still knows that it must
    with pytest.raises(SourceError, match="the broker had forgotten us"):
        read(workspace, port, "forgotten", written_down.cursor)
    assert read(workspace, port, "forgotten", cursor) == []


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


# paho leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_a_broker_is_spoken_to_encrypted_and_only_with_a_certificate_that_is_trusted(workspace: Workspace) -> None:
    broker = ScriptedBroker()
    broker.keep("tls/a", b'{"v": 1}')
    ca, key = make_certificate(workspace.root)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca, key)
    pull = Pull(client_id="tls", topics=["tls/#"], idle_seconds=0.3)
    with serving(broker.server(tls=context)) as port:
        encrypted = Connection(host="127.0.0.1", port=port, tls=True, ca_file=ca.name, reconnects=0)
        found = list(pages(workspace, encrypted, pull, None))
        assert found[-1].records["v"].to_list() == ["1"]
        strange = encrypted.model_copy(update={"ca_file": ""})
        with pytest.raises(SourceError, match="certificate verify failed"):
            list(pages(workspace, strange, pull, None))
        with pytest.raises(SettingsError, match=r"none\.pem: cannot be used"):
            list(pages(workspace, encrypted.model_copy(update={"ca_file": "none.pem"}), pull, None))


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mill")])
    start = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), start, start + timedelta(9))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "ca.pem", folder / "server.key"
    pem.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return pem, secret


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (Connection, {"host": "x", "ca_file": "ca.pem"}, "certificates need tls"),
        (Connection, {"host": "x", "tls": True, "certificate": "c.pem"}, "belong together"),
        (Connection, {"host": "x", "tls": True, "certificate": "c", "private_key": "k"}, "is a reference to a file"),
        (Pull, {"client_id": "x", "topics": []}, "topics"),
        (Pull, {"client_id": "x", "topics": ["a"], "topic": "a/{b c}"}, "is no field's name"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(model: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        model(**settings)
