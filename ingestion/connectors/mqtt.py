"""MQTT brokers: what they kept for us since the last pull, each message once, acknowledged when it has landed.

paho-mqtt is used bare, not through aiomqtt, which acknowledges a message before its caller has seen it. Its network
loop is turned here, in the thread that yields the pages: nothing arrives, and nothing is acknowledged, behind our back.
"""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self

import polars as pl
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions
from pydantic import Field, field_validator, model_validator

from ingestion.connectors.connector import Connector, Settings
from ingestion.connectors.messages import Format, Record, parse, raw, to_frame
from ingestion.connectors.page import FAULT, RAW, Page, field_name
from tillmill.errors import SourceError
from tillmill.workspace import Workspace, now

# What a broker of version 3.1.1 sends before the first acknowledgement is its own affair; Mosquitto sends this many.
WINDOW_311 = 20
WINDOW_5 = 5_000
# A mark is so many characters, of six bytes.
MARK = 8
STEP_SECONDS = 0.1
NOBODYS_TOPIC = "tillmill/acknowledged"


class Connection(Settings):
    """Where the broker answers; host and port may be references, `password` is one. Certificates are files' paths."""

    host: str
    port: int | str = 1883
    version: Literal["3.1.1", "5"] = "5"
    username: str = ""
    password: str = ""
    tls: bool = False
    ca_file: str = ""
    certificate: str = ""
    private_key: str = ""
    timeout_seconds: float = Field(default=10, gt=0)
    reconnects: int = Field(default=3, ge=0, le=20, description="in one pull")
    first_wait_seconds: float = Field(default=1, ge=0, description="before the first of them; doubled with each")
    keep_days: int = Field(default=30, ge=1, description="how long a broker of version 5 keeps messages for us")

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.ca_file or self.certificate) and not self.tls:
            raise ValueError("certificates need tls = true")
        if bool(self.certificate) != bool(self.private_key):
            raise ValueError("certificate and private_key belong together")
        return self


class Pull(Format):
    """What to subscribe to, and the name under which the broker keeps it between two pulls.

    `client_id` is this stream's alone. `topic` is a template such as `plant/{line_id}/{tag}` whose parts become fields.
    A pull ends when nothing has come for `idle_seconds`, or after `most_seconds`. `window` messages make a load: 5000,
    or with version 3.1.1 the broker's own limit of unacknowledged messages, for which 20 is taken.
    """

    client_id: str = Field(min_length=1, max_length=64)
    topics: tuple[str, ...] = Field(min_length=1)
    topic: str = ""
    idle_seconds: float = Field(default=2, gt=0)
    most_seconds: float = Field(default=300, gt=0)
    window: int = Field(default=0, ge=0, le=65_535)

    @field_validator("topic")
    @classmethod
    def _template(cls, value: str) -> str:
        _pattern(value)
        return value


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


def pages(workspace: Workspace, connection: Connection, pull: Pull, cursor: dict[str, Any] | None) -> Iterator[Page]:
    """Pages of what the broker has, a record per message or more (`Format`), with the fields topic and received_at.

    `cursor` is {"topics": [...], "marks": text}: what the broker keeps for us, and the messages of the last load, which
    it sends again when an acknowledgement did not reach it. Raises SourceError where the broker cannot be reached or
    refuses us, and, after what it has was taken, where it has forgotten us since the last pull.
    """
    told = dict(cursor or {})
    ends_at = time.monotonic() + pull.most_seconds
    for attempt in range(connection.reconnects + 1):
        time.sleep(connection.first_wait_seconds * 2 ** (attempt - 1) if attempt else 0)
        with _session(workspace, connection, pull) as session:
            if not session.is_lost:
                told = yield from _drain(session, pull, told, ends_at)
            if not session.is_lost:
                return
    raise SourceError(
        f"{session.where}: no connection, or lost, {connection.reconnects + 1} times over{session.trouble}",
        state="What has landed stays; the broker keeps the rest.",
        next_command="tillmill run",
    )


def _drain(
    session: _Session, pull: Pull, told: dict[str, Any], ends_at: float
) -> Generator[Page, None, dict[str, Any]]:
    """What the broker has until it falls silent or `ends_at`; each load is acknowledged when it has landed."""
    is_forgotten = bool(told) and not session.is_known
    if not session.is_known or told.get("topics") != list(pull.topics):
        session.subscribe(pull.topics, told.get("topics", ()))
        if session.is_lost:
            return told
        told = {"topics": list(pull.topics), "marks": told.get("marks", "")}
        yield Page(pl.DataFrame(), told, now(), f"{session.where}: subscribed")
    while messages := session.receive(ends_at):
        marks = told["marks"]
        known = {marks[at : at + MARK] for at in range(0, len(marks), MARK)}
        fresh = [message for message in messages if not (message.is_again and message.mark in known)]
        if fresh:
            told = told | {"marks": "".join(message.mark for message in messages if message.qos)}
        yield _page(session.where, fresh, pull, told)
        session.acknowledge(messages)
        if session.is_lost or time.monotonic() >= ends_at:
            break
    if is_forgotten:
        raise SourceError(
            f"{session.where}: the broker had forgotten us; what was published since the last pull may be lost",
            state="It knows us again, and what it has now has landed.",
            next_command="tillmill run",
        )
    return told


def _page(where: str, messages: Sequence[Message], pull: Pull, cursor: dict[str, Any]) -> Page:
    """The messages' records; one that cannot be read is a record that says why."""
    template = _pattern(pull.topic)
    records: list[Record] = []
    for message in messages:
        stamp = message.received_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        about: Record = {"topic": message.topic, "received_at": stamp}
        parts = template.fullmatch(message.topic) if pull.topic else None
        if pull.topic and parts is None:
            records.append(about | {FAULT: f"topic does not fit {pull.topic}", RAW: _raw(message, pull)})
            continue
        if parts is not None:
            about |= {field_name(name): value for name, value in parts.groupdict().items()}
        try:
            records += [about | record for record in parse(message.payload, pull)]
        except ValueError as error:
            records.append(about | {FAULT: f"payload {error}", RAW: _raw(message, pull)})
    return Page(to_frame(records), cursor, now(), where, lands_at_once=True)


def _raw(message: Message, pull: Pull) -> str:
    return f"{message.topic} {raw(message.payload, pull.encoding)}"


def _pattern(template: str) -> re.Pattern[str]:
    """A topic template as a regular expression. Raises ValueError for names that are none."""
    parts = re.split(r"\{([^{}]*)\}", template)
    if wrong := [name for name in parts[1::2] if not name.isidentifier()]:
        raise ValueError(f"{{{wrong[0]}}} is no field's name")
    named = [re.escape(part) if number % 2 == 0 else f"(?P<{part}>[^/]+)" for number, part in enumerate(parts)]
    return re.compile("".join(named))


@dataclass
class _Session:
    """An open conversation with the broker."""

    client: Client
    pull: Pull
    where: str
    window: int
    is_known: bool = False
    is_lost: bool = False
    refused: str = ""
    trouble: str = ""
    waiting: list[Message] = field(default_factory=list)
    answered: set[int | None] = field(default_factory=set)

    def turn(self, seconds: float) -> None:
        """Let the network do what it has to."""
        if not self.is_lost and self.client.loop(seconds) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.is_lost = True

    def wait_for(self, mid: int | None, what: str) -> None:
        """Until the broker has answered a request (None: the log-in); if it does not, the connection counts as lost.

        Raises SourceError where the broker refuses what is asked.
        """
        ends_at = time.monotonic() + self.client.connect_timeout
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
        while len(self.waiting) < self.window and not self.is_lost:
            left = min(quiet_at, ends_at) - time.monotonic()
            if left <= 0:
                break
            self.turn(min(left, STEP_SECONDS))
            if len(self.waiting) > seen:
                seen, quiet_at = len(self.waiting), time.monotonic() + self.pull.idle_seconds
        messages, self.waiting = self.waiting[: self.window], self.waiting[self.window :]
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


@contextmanager
def _session(workspace: Workspace, connection: Connection, pull: Pull) -> Iterator[_Session]:
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
    session = _Session(client, pull, f"{host}:{port}, client {pull.client_id}", window)

    def connected(_: Client, __: Any, flags: ConnectFlags, reason: ReasonCode, ___: Properties | None) -> None:
        session.is_known = flags.session_present
        session.refused = str(reason) if reason.is_failure else ""
        session.answered.add(None)

    def arrived(_: Client, __: Any, message: MQTTMessage) -> None:
        session.waiting.append(
            Message(message.topic, bytes(message.payload), message.mid, message.qos, message.dup, now())
        )

    def granted(_: Client, __: Any, mid: int, reasons: list[ReasonCode], ___: Properties | None) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        session.refused = refused[0] if refused else ""
        session.answered.add(mid)

    def released(_: Client, __: Any, mid: int, ___: list[ReasonCode], ____: Properties | None) -> None:
        session.answered.add(mid)

    client.on_connect, client.on_message = connected, arrived
    client.on_subscribe, client.on_unsubscribe = granted, released
    try:
        if is_5:
            client.connect(host, int(port), clean_start=False, properties=_properties(connection, window))
        else:
            client.connect(host, int(port))
        session.wait_for(None, f"log-in (version {connection.version})")
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
    context = ssl.create_default_context(
        cafile=str(workspace.root / connection.ca_file) if connection.ca_file else None
    )
    if connection.certificate:
        context.load_cert_chain(workspace.root / connection.certificate, workspace.root / connection.private_key)
    return context


CONNECTOR = Connector(Connection, Pull, pages)
