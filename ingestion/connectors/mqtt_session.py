"""A conversation with an MQTT broker in which nothing is acknowledged that has not landed.

paho-mqtt is used bare, not through aiomqtt, which acknowledges a message before its caller has seen it. Its network
loop is turned here, in the thread that yields the pages: nothing arrives, and nothing is acknowledged, behind our back.
"""

from __future__ import annotations

import base64
import hashlib
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from tillmill.errors import SettingsError, SourceError
from tillmill.workspace import Workspace, now

if TYPE_CHECKING:
    from ingestion.connectors.mqtt import Connection, Pull

# What a broker of version 3.1.1 sends before the first acknowledgement is its own affair; Mosquitto sends this many.
WINDOW_311 = 20
WINDOW_5 = 5_000
# Fewer messages make a load where they are large.
MOST_BYTES = 64 << 20
# A mark is so many characters, of six bytes.
MARK = 8
STEP_SECONDS = 0.1
# Packet ids begin with 1.
LOGIN = 0
NOBODYS_TOPIC = "tillmill/acknowledged"


@dataclass(frozen=True)
class Message:
    """One message as it came: `mark` names it among those the broker may send again (`is_again`)."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    is_again: bool
    received_at: datetime

    @property
    def mark(self) -> str:
        """Eight characters for packet id, topic and payload."""
        told = f"{self.mid} {self.topic} ".encode() + self.payload
        return base64.b64encode(hashlib.blake2b(told, digest_size=MARK * 6 // 8).digest()).decode("ascii")


@dataclass
class Session:
    """An open conversation; `is_known` where the broker still knew us, `is_lost` once it is over."""

    client: Client
    pull: Pull
    where: str
    window: int
    is_known: bool = False
    is_lost: bool = False
    has_acknowledged: bool = False
    refused: str = ""
    trouble: str = ""
    waiting: list[Message] = field(default_factory=list)
    size: int = 0
    answered: set[int] = field(default_factory=set)

    def turn(self, seconds: float) -> None:
        """Let the network do what it has to."""
        if not self.is_lost and self.client.loop(seconds) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.is_lost = True

    def wait_for(self, mid: int | None, what: str) -> None:
        """Until the broker has answered a request; if it does not, or none could be made (None), we are lost.

        Raises SourceError where the broker refuses what is asked.
        """
        ends_at = time.monotonic() + self.client.connect_timeout
        self.is_lost = self.is_lost or mid is None
        while mid not in self.answered and not self.refused and not self.is_lost and time.monotonic() < ends_at:
            self.turn(STEP_SECONDS)
        if self.refused:
            raise SourceError(
                f"{self.where}: {what}: {self.refused}", state="The cursor has not moved; the broker keeps the rest."
            )
        if mid not in self.answered:
            self.trouble = f": {what}: {'it closed the connection' if self.is_lost else 'no answer'}"
            self.is_lost = True

    def subscribe(self, topics: Sequence[str], before: Sequence[str]) -> None:
        """Tell the broker what it is to keep for us from now on, at QoS 1."""
        if gone := sorted(set(before) - set(topics)):
            self.wait_for(self.client.unsubscribe(gone)[1], "unsubscribe")
        is_5 = self.client.protocol == MQTTProtocolVersion.MQTTv5
        wanted: list[Any] = [(topic, SubscribeOptions(qos=1) if is_5 else 1) for topic in topics]
        self.wait_for(self.client.subscribe(wanted)[1], "subscribe")

    def receive(self, ends_at: float) -> list[Message]:
        """The next messages: a window full, or what came until the broker fell silent, or the time was over."""
        quiet_at = time.monotonic() + self.pull.idle_seconds
        seen = len(self.waiting)
        while len(self.waiting) < self.window and self.size < MOST_BYTES and not self.is_lost:
            left = min(quiet_at, ends_at) - time.monotonic()
            if left <= 0:
                break
            self.turn(min(left, STEP_SECONDS))
            if len(self.waiting) > seen:
                seen, quiet_at = len(self.waiting), time.monotonic() + self.pull.idle_seconds
        messages, self.waiting = self.waiting[: self.window], self.waiting[self.window :]
        self.size = sum(len(message.payload) for message in self.waiting)
        return messages

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Let the broker forget them, and wait until it has; where the connection is lost it sends them again.

        It answers in order: that it answers a request made after the acknowledgements (to give up a topic nobody has)
        says that it has them. Only then may the marks of these messages be given up for those of the next.
        """
        for message in messages:
            if message.qos and not self.is_lost:
                self.client.ack(message.mid, message.qos)
        if not self.is_lost:
            self.wait_for(self.client.unsubscribe(NOBODYS_TOPIC)[1], "acknowledgement")
        self.has_acknowledged = not self.is_lost


@contextmanager
def open_session(workspace: Workspace, connection: Connection, pull: Pull) -> Iterator[Session]:
    """A session that outlives its connection; where nobody answers it is lost from the start.

    Raises SourceError where the broker refuses us, SettingsError for a secret or certificate that cannot be used.
    """
    host, port = workspace.resolve(connection.host), workspace.resolve(str(connection.port))
    if not port.isdigit():
        raise SourceError(f"{host}: {port!r} is no port")
    is_5 = connection.version == "5"
    window = pull.window or (WINDOW_5 if is_5 else WINDOW_311)
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=pull.client_id,
        clean_session=None if is_5 else False,
        protocol=MQTTProtocolVersion.MQTTv5 if is_5 else MQTTProtocolVersion.MQTTv311,
        manual_ack=True,
    )
    client.connect_timeout = connection.timeout_seconds
    if connection.username:
        client.username_pw_set(connection.username, workspace.secret(connection.password))
    if connection.tls:
        client.tls_set_context(_tls(workspace, connection))
    session = Session(client, pull, f"{host}:{port}, client {pull.client_id}", window)

    def connected(_: Client, __: Any, flags: ConnectFlags, reason: ReasonCode, ___: Properties | None) -> None:
        session.is_known = flags.session_present
        session.refused = str(reason) if reason.is_failure else ""
        session.answered.add(LOGIN)

    def opened(_: Client, __: Any, opened_socket: Any) -> None:
        # Acknowledgements are small; gathered by the network, each load would wait for the next.
        opened_socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)

    def arrived(_: Client, __: Any, message: MQTTMessage) -> None:
        told = Message(message.topic, bytes(message.payload), message.mid, message.qos, message.dup, now())
        session.waiting.append(told)
        session.size += len(told.payload)

    def granted(_: Client, __: Any, mid: int, reasons: list[ReasonCode], ___: Properties | None) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        session.refused = refused[0] if refused else ""
        session.answered.add(mid)

    def released(_: Client, __: Any, mid: int, ___: list[ReasonCode], ____: Properties | None) -> None:
        session.answered.add(mid)

    client.on_socket_open, client.on_connect, client.on_message = opened, connected, arrived
    client.on_subscribe, client.on_unsubscribe = granted, released
    try:
        if is_5:
            client.connect(host, int(port), clean_start=False, properties=_properties(connection, window))
        else:
            client.connect(host, int(port))
        session.wait_for(LOGIN, f"log-in (version {connection.version})")
    except OSError as error:
        session.is_lost, session.trouble = True, f": {error}"
    try:
        yield session
    finally:
        client.disconnect()


def _properties(connection: Connection, window: int) -> Properties:
    """What a broker of version 5 is asked: to keep our messages, and to send so many unacknowledged."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = connection.keep_days * 86_400
    properties.ReceiveMaximum = window
    return properties


def _tls(workspace: Workspace, connection: Connection) -> ssl.SSLContext:
    """The broker's certificate is always checked: against `ca_file`, or what the system trusts."""
    try:
        authority = str(workspace.root / connection.ca_file) if connection.ca_file else None
        context = ssl.create_default_context(cafile=authority)
        if connection.certificate:
            workspace.secret(connection.private_key)  # refuses a key that others can read
            key = workspace.root / connection.private_key.removeprefix("file:")
            context.load_cert_chain(workspace.root / connection.certificate, key)
    except OSError as error:
        raise SettingsError(f"{connection.ca_file or connection.certificate}: cannot be used: {error}") from error
    return context
