"""The mill's MQTT broker (3.1.1 and 5): what the sensors publish, kept for each subscriber until he acknowledges.

Sensors publish `mill/<line>/<tag>` with a JSON payload {"ts": milliseconds since 1970, "v": value, "u": unit}. Sessions
outlive connections and the broker itself (`run/broker.json`), and never end but by a clean start. The mill's people
have set one up for Tillmill, so that the broker keeps for it what was published since `signals.RECORDED_FROM`; any
other client is told what is published after it has subscribed.

Every message goes out at QoS 1: its packet id stays its own, and where it may have been sent before it is marked so.
Nobody but the sensors may publish.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from bisect import bisect_right
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from paho.mqtt.client import topic_matches_sub

from demo import signals, world
from demo.systems.mqtt_packets import Connect, Packets, Reader, packet, publish
from tillmill.workspace import now

USER = "tillmill"
CLIENT, TOPICS = "tillmill-sensors", ["mill/#"]
WATCH_SECONDS = 0.05
PACKET_IDS = 65_535
CONNECT, PUBLISH, PUBACK, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 4, 8, 10, 12, 14
BAD_LOGIN = {4: 4, 5: 0x86}
TAKEN_OVER, NOT_AUTHORISED, NO_SUCH_SUBSCRIPTION = 0x8E, 0x87, 0x11
REFUSED = 0x80
Place = tuple[datetime, str]


class Published:
    """All that the sensors publish in the year, in its order: places (moment and topic), values, units."""

    def __init__(self, root: Path) -> None:
        topic = pl.format("mill/{}/{}", "line_id", "tag")
        rows = world.table(root, "scada.hall").with_columns(topic=topic).sort("at", "topic").collect()
        self.places: list[Place] = list(zip(rows["at"].to_list(), rows["topic"].to_list(), strict=True))
        self.topics: list[str] = rows["topic"].unique().to_list()
        self._values, self._units = rows["value"].to_list(), rows["unit"].to_list()

    def payload(self, number: int) -> bytes:
        """What message `number` says."""
        at, _ = self.places[number]
        told = {"ts": int(at.timestamp() * 1000), "v": self._values[number], "u": self._units[number]}
        return json.dumps(told, ensure_ascii=False).encode()


class Session:
    """What one client has subscribed to, and how far it has come: `own` are its messages, `taken` of them are
    acknowledged without a gap, `sent` of them have been sent at least once."""

    def __init__(self, published: Published, told: dict[str, Any]) -> None:
        self._published = published
        self.topics: list[str] = told["topics"]
        self.since = datetime.fromisoformat(told["since"])
        self.link: Link | None = None
        self._gather(told.get("taken"), told.get("sent"))

    def told(self) -> dict[str, Any]:
        """The session as it is kept; `Session(published, told)` is the same again."""
        found: dict[str, Any] = {"topics": self.topics, "since": self.since.isoformat()}
        for name, count in (("taken", self.taken), ("sent", self.sent)):
            at, topic = self._place(count - 1) if count else (self.since, "")
            found[name] = [at.isoformat(), topic]
        return found

    def subscribe(self, topics: list[str]) -> None:
        """From now on these; what was kept of the earlier ones stays where they are still asked for."""
        told = self.told()
        if not self.topics:
            # Nobody asked for what came meanwhile.
            self.since = now()
        self.topics = topics
        self._gather(told["taken"], told["sent"])

    def known(self) -> int:
        """How many of its messages have been published at the clock."""
        return bisect_right(self.own, (now(), "\uffff"), key=self._published.places.__getitem__)

    def acknowledge(self, packet_id: int) -> None:
        """A message was taken; those before it may not have been."""
        number = self.taken + (packet_id - 1 - self.taken) % PACKET_IDS
        self._ahead.add(number)
        while self.taken in self._ahead:
            self._ahead.remove(self.taken)
            self.taken += 1

    def message(self, number: int) -> tuple[int, str, bytes]:
        """Packet id, topic and payload of its message `number`."""
        place = self.own[number]
        return number % PACKET_IDS + 1, self._published.places[place][1], self._published.payload(place)

    def _gather(self, taken: list[str] | None, sent: list[str] | None) -> None:
        wanted = {
            topic for topic in self._published.topics if any(topic_matches_sub(one, topic) for one in self.topics)
        }
        places = self._published.places
        self.own = [number for number, (at, topic) in enumerate(places) if topic in wanted and at > self.since]
        self.taken, self.sent = (self._count(place) for place in (taken, sent))
        self._ahead: set[int] = set()

    def _count(self, place: list[str] | None) -> int:
        """How many of its messages are not behind a place."""
        if place is None:
            return 0
        return bisect_right(
            self.own, (datetime.fromisoformat(place[0]), place[1]), key=self._published.places.__getitem__
        )

    def _place(self, number: int) -> Place:
        return self._published.places[self.own[number]]


class Broker:
    """All sessions, kept on disk before anything that depends on them is said."""

    def __init__(self, root: Path, password: str) -> None:
        self._root, self._path, self._password = root, root / "run" / "broker.json", password
        self._published: Published | None = None
        self._sessions: dict[str, Session] = {}

    def is_welcome(self, asked: Connect) -> bool:
        """Whether the client knows the password."""
        return asked.user == USER and secrets.compare_digest(asked.password, self._password.encode())

    def open(self, asked: Connect) -> tuple[Session, bool]:
        """The client's session, and whether it was there before."""
        if self._published is None:
            # Read when the first client comes; the table is large.
            self._published = Published(self._root)
            published = self._published
            kept = {CLIENT: {"topics": TOPICS, "since": (signals.RECORDED_FROM - timedelta(seconds=1)).isoformat()}}
            if self._path.exists():
                kept = json.loads(self._path.read_text())
            self._sessions = {name: Session(published, told) for name, told in kept.items()}
        known = self._sessions.get(asked.client_id)
        if known is not None and not asked.is_clean:
            return known, True
        fresh = Session(self._published, {"topics": [], "since": now().isoformat()})
        self._sessions[asked.client_id] = fresh
        if known is not None and known.link is not None:
            known.link.leave(TAKEN_OVER)
        return fresh, False

    def keep(self) -> None:
        """Write the sessions down."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({name: session.told() for name, session in self._sessions.items()}))
        fresh.replace(self._path)

    async def watch(self) -> None:
        """Tell those who are there what the sensors publish as the clock moves."""
        shown = now()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            clock = now()
            if clock != shown:
                shown = clock
                for session in list(self._sessions.values()):
                    if session.link is not None:
                        session.link.send()


class Link(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, broker: Broker) -> None:
        self._broker, self._packets = broker, Packets()
        self._session: Session | None = None
        self._version, self._window, self._next = 4, 0, 0
        self._answers, self._is_over = bytearray(), False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._session is not None and self._session.link is self:
            self._session.link = None

    def data_received(self, data: bytes) -> None:
        has_changed = False
        try:
            for kind, body in self._packets.feed(data):
                has_changed |= self._answer(kind, body)
        except (ValueError, IndexError):
            # What is no MQTT gets no answer.
            self._transport.close()
            return
        if has_changed:
            # Before anything is answered: who hears that his messages were taken may forget them.
            self._broker.keep()
        if self._answers and not self._transport.is_closing():
            self._transport.write(bytes(self._answers))
        self._answers.clear()
        if self._is_over:
            self._transport.close()
        self.send()

    def send(self) -> None:
        """What is known and not yet on its way, as much as may be on its way."""
        session = self._session
        if session is None or self._transport.is_closing():
            return
        upto = min(session.known(), session.taken + self._window)
        if self._next >= upto:
            return
        marked, first, self._next = session.sent, self._next, upto
        if upto > session.sent:
            # Kept first: what may have gone out before a crash must come again as a repetition.
            session.sent = upto
            self._broker.keep()
        for number in range(first, upto):
            self._transport.write(publish(*session.message(number), is_again=number < marked, version=self._version))

    def leave(self, reason: int) -> None:
        """Say why, where the version has words for it, and hang up."""
        if self._version == 5:
            self._transport.write(packet(0xE0, bytes([reason, 0])))
        self._transport.close()

    def _answer(self, kind: int, body: bytes) -> bool:
        """Answers one packet; whether the session has changed. Raises ValueError where it comes at the wrong time."""
        if (kind == CONNECT) == (self._session is not None):
            raise ValueError("one CONNECT, and first of all")
        if kind == CONNECT:
            return self._connect(Connect.read(body))
        assert self._session is not None
        if kind == PUBACK:
            self._session.acknowledge(Reader(body).number(2))
            return True
        if kind in (SUBSCRIBE, UNSUBSCRIBE):
            self._subscribe(kind, Reader(body))
            return True
        if kind == PINGREQ:
            self._answers.extend(packet(0xD0, b""))
        elif kind == PUBLISH:
            self.leave(NOT_AUTHORISED)
        elif kind == DISCONNECT:
            self._is_over = True
        else:
            raise ValueError(f"packet {kind} is not for a broker of QoS 1")
        return False

    def _connect(self, asked: Connect) -> bool:
        self._version, self._window = asked.version, asked.window
        properties = b"\0" if asked.version == 5 else b""
        if not self._broker.is_welcome(asked):
            self._answers.extend(packet(0x20, bytes([0, BAD_LOGIN[asked.version]]) + properties))
            self._is_over = True
            return False
        session, is_known = self._broker.open(asked)
        if session.link is not None:
            session.link.leave(TAKEN_OVER)
        session.link, self._session, self._next = self, session, session.taken
        self._answers.extend(packet(0x20, bytes([is_known, 0]) + properties))
        return True

    def _subscribe(self, kind: int, asked: Reader) -> None:
        """Adds or removes topics and says of each what became of it."""
        session = self._session
        assert session is not None
        packet_id = asked.take(2)
        if self._version == 5:
            asked.take(asked.variable())
        topics, said = list(session.topics), bytearray()
        while not asked.is_empty:
            topic = asked.text()
            if kind == UNSUBSCRIBE:
                said.append(0 if topic in topics else NO_SUCH_SUBSCRIPTION)
                topics = [one for one in topics if one != topic]
            elif asked.number(1) & 3:
                said.append(1)
                topics = [*topics, topic] if topic not in topics else topics
            else:
                said.append(REFUSED)
        if topics != session.topics:
            session.subscribe(topics)
            self._next = session.taken
        properties = b"\0" if self._version == 5 else b""
        if kind == SUBSCRIBE:
            self._answers.extend(packet(0x90, packet_id + properties + said))
        else:
            self._answers.extend(packet(0xB0, packet_id + properties + (said if self._version == 5 else b"")))


async def start(root: Path, password: str) -> tuple[object, int]:
    """The broker on a free port of loopback; returns what to keep and the port."""
    broker = Broker(root, password)
    server = await asyncio.get_running_loop().create_server(lambda: Link(broker), "127.0.0.1", 0)
    return (server, asyncio.create_task(broker.watch())), server.sockets[0].getsockname()[1]
