"""MQTT brokers: what they kept for us since the last pull, each message once, acknowledged when it has landed."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator, Sequence
from typing import Any, Literal, Self

import polars as pl
from pydantic import Field, field_validator, model_validator

from ingestion.connectors.connector import Connector, Settings
from ingestion.connectors.messages import Format, Record, parse, raw, to_frame
from ingestion.connectors.mqtt_session import MARK, Message, Session, open_session
from ingestion.connectors.page import FAULT, RAW, Page, field_name
from tillmill.errors import SourceError
from tillmill.workspace import Workspace, now


class Connection(Settings):
    """Where the broker answers; host and port may be references, `password` is one.

    With `tls`, `ca_file` and `certificate` (ours) are files of the workspace, `private_key` is a reference to one.
    """

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
        if self.private_key and not self.private_key.startswith("file:"):
            raise ValueError("private_key is a reference to a file: file:state/mqtt.key")
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
        with open_session(workspace, connection, pull) as session:
            if not session.is_lost:
                told = yield from _drain(session, pull, told, ends_at)
            if not session.is_lost:
                return
    raise SourceError(
        f"{session.where}: no connection, or lost, {connection.reconnects + 1} times over{session.trouble}",
        state="What has landed stays; the broker keeps the rest.",
        next_command="tillmill run",
    )


def _drain(session: Session, pull: Pull, told: dict[str, Any], ends_at: float) -> Generator[Page, None, dict[str, Any]]:
    """What the broker has until it falls silent or `ends_at`; each load is acknowledged when it has landed."""
    is_forgotten = bool(told) and (not session.is_known or not told["topics"])
    if is_forgotten and told["topics"]:
        # Written down first: a process that is killed before it has subscribed would otherwise never do so.
        told = told | {"topics": []}
        yield Page(pl.DataFrame(), told, now(), f"{session.where}: forgotten", lands_at_once=True)
    if told.get("topics") != list(pull.topics):
        session.subscribe(pull.topics, told.get("topics", ()))
        if session.is_lost:
            return told
        told = {"topics": list(pull.topics), "marks": told.get("marks", "")}
        yield Page(pl.DataFrame(), told, now(), f"{session.where}: subscribed")
    while messages := session.receive(ends_at):
        known = [told["marks"][at : at + MARK] for at in range(0, len(told["marks"]), MARK)]
        landed = set(known)
        fresh = [message for message in messages if not (message.is_again and message.mark in landed)]
        if fresh:
            # What the last session could not acknowledge may yet come again, in whatever order.
            marks = [message.mark for message in messages if message.qos]
            marks = marks if session.has_acknowledged else [*marks, *sorted(landed - set(marks))]
            told = told | {"marks": "".join(marks)}
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


CONNECTOR = Connector(Connection, Pull, pages, is_live=True)
