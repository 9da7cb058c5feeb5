"""OPC UA servers: their variables as they stand, as they change, or as the server has kept them; objects, and events.

Reads and subscriptions only: no value is written and no method is called.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from ingestion.connectors.connector import Connector, Settings
from ingestion.connectors.messages import Record, to_frame
from ingestion.connectors.page import Page
from tillmill.errors import SourceError
from tillmill.workspace import Workspace, now

if TYPE_CHECKING:
    from asyncua.client.client import Client

PAGE_ROWS = 20_000
GATHER_SECONDS = 1.0
# A server that has kept nothing from before it is asked for all it has.
FIRST = datetime(1980, 1, 1, tzinfo=UTC)


class Connection(Settings):
    """`url` is `opc.tcp://host:port/path`, or a reference to it; `password` and `private_key` (PEM) are references.

    With a `policy`, `certificate` (ours) and `server_certificate` (the server's, pinned) are files of the workspace.
    Without one everything can be read on the way, so a password is sent only with `allow_clear_password`.
    """

    url: str
    username: str = ""
    password: str = ""
    allow_clear_password: bool = False
    policy: Literal["none", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"] = "none"
    mode: Literal["Sign", "SignAndEncrypt"] = "SignAndEncrypt"
    certificate: str = ""
    private_key: str = ""
    server_certificate: str = ""
    application_uri: str = Field(default="urn:tillmill:client", description="as our certificate names us")
    timeout_seconds: float = Field(default=10, gt=0)
    reconnects: int = Field(default=3, ge=0, le=20, description="in one pull")
    first_wait_seconds: float = Field(default=1, ge=0, description="before the first of them; doubled with each")

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        files = (self.certificate, self.private_key, self.server_certificate)
        if self.policy != "none" and not all(files):
            raise ValueError("a policy needs certificate, private_key and server_certificate")
        if self.policy == "none" and any(files):
            raise ValueError("certificates need a policy, such as Basic256Sha256")
        if self.username and self.policy == "none" and not self.allow_clear_password:
            raise ValueError("a password needs a policy, such as Basic256Sha256, or allow_clear_password = true")
        return self


class Variable(Settings):
    """One variable by its node id (`ns=2;s=Line1.Good`); a counter names the width at which it starts again.

    `max_per_second` is the most it can count in a second: by it a reset is told from a rollover.
    """

    node: str
    tag: str = ""
    unit: str = ""
    scale: float = 1.0
    counter_bits: Literal[0, 16, 32, 64] = 0
    max_per_second: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.max_per_second and not self.counter_bits:
            raise ValueError("max_per_second is that of a counter: give its counter_bits")
        return self


class Browse(Settings):
    """Everything below `start` to a `depth` whose path of names (`Line1/Counters/Good`) fits one of `paths`."""

    start: str = "i=85"
    depth: int = Field(default=10, ge=1, le=50)
    paths: tuple[str, ...] = ("*",)
    properties: bool = False


class Pull(Settings):
    """What to take; `name` lands as device_id.

    `read`: each variable as it stands. `history`: what the server has kept since the last pull. `subscribe`: every
    change for `seconds`. `records`: an object whose path fits `browse.paths` is a record, its variables the fields.
    `events`: for `seconds`, every event of `event_source` that is of `event_type`.
    """

    name: str = Field(min_length=1)
    mode: Literal["read", "history", "subscribe", "records", "events"] = "read"
    nodes: tuple[Variable, ...] = ()
    browse: Browse | None = None
    seconds: float = Field(default=60, gt=0)
    interval_ms: float = Field(default=500, gt=0)
    overlap_seconds: float = Field(default=0, ge=0, description="of history that is read again, for late values")
    event_source: str = "i=2253"
    event_type: str = "i=2041"

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.mode == "records" and (self.nodes or self.browse is None):
            raise ValueError("mode records needs browse, and no nodes")
        if self.mode == "events" and (self.nodes or self.browse):
            raise ValueError("mode events has an event_source, no nodes and no browse")
        if self.mode in ("read", "history", "subscribe") and not (self.nodes or self.browse):
            raise ValueError("give nodes, browse or both")
        return self


def pages(workspace: Workspace, connection: Connection, pull: Pull, cursor: dict[str, Any] | None) -> Iterator[Page]:
    """Pages of readings (device_id, tag, read_at, value, text, unit, quality, counter_raw, counter_bits,
    max_per_second; node, path, server_at, status, last_value), of objects, or of events, all text.

    `cursor` is {"at": {node: time of its last reading}}. A session that is lost is opened anew and goes on from there.
    Raises SourceError where the server cannot be reached, refuses us, or has no such node or history.
    """
    from ingestion.connectors import opcua_session as ua

    where = workspace.resolve(connection.url)
    at: dict[str, str] = dict((cursor or {}).get("at", {}))
    ends_at = time.monotonic() + pull.seconds
    trouble: BaseException | None = None
    for attempt in range(connection.reconnects + 1):
        time.sleep(connection.first_wait_seconds * 2 ** (attempt - 1) if attempt else 0)
        try:
            with asyncio.Runner() as runner, _session(runner, workspace, connection) as client:
                for records in _parts(runner, client, pull, at, ends_at):
                    named = [{"device_id": pull.name, **record} for record in records]
                    yield Page(to_frame(named), {"at": dict(at)} if at else dict(cursor or {}), now(), where)
            return
        except SourceError as error:
            raise SourceError(
                f"{where}: {error.what}", state="What has landed stays; the cursor is behind it."
            ) from error
        except ua.LOST as error:
            trouble = error
    raise SourceError(
        f"{where}: no session, or lost, {connection.reconnects + 1} times over: {type(trouble).__name__}: {trouble}",
        state="What has landed stays; the next run goes on behind it.",
        next_command="tillmill run",
    ) from trouble


@contextmanager
def _session(runner: asyncio.Runner, workspace: Workspace, connection: Connection) -> Iterator[Client]:
    from ingestion.connectors import opcua_session as ua

    session = ua.open_session(workspace, connection)
    client = runner.run(session.__aenter__())
    try:
        yield client
    finally:
        runner.run(session.__aexit__(None, None, None))


def _parts(
    runner: asyncio.Runner, client: Client, pull: Pull, at: dict[str, str], ends_at: float
) -> Iterator[list[Record]]:
    """The records of each page; `at` is moved behind them."""
    from ingestion.connectors import opcua_session as ua

    if pull.mode == "records":
        yield runner.run(ua.read_objects(client, pull))
        return
    points = runner.run(ua.find_points(client, pull))
    if pull.mode == "read":
        records = runner.run(ua.read(client, points))
        for start in range(0, len(records), PAGE_ROWS):
            yield records[start : start + PAGE_ROWS]
    elif pull.mode == "history":
        runner.run(ua.check_history(client, points))
        until = now()
        for point in points:
            last = at.get(point.id, "")
            since = datetime.fromisoformat(last) - timedelta(seconds=pull.overlap_seconds) if last else FIRST
            kept = ua.history(client, point, since, until)
            while (part := runner.run(_next(kept))) is not None:
                fresh = [record for record in part if pull.overlap_seconds or (record["read_at"] or "") > last]
                at[point.id] = max([at.get(point.id, ""), *(record["read_at"] or "" for record in part)])
                if fresh:
                    yield fresh
    else:
        listener = runner.run(ua.subscribe(client, pull, points))
        while True:
            left = ends_at - time.monotonic()
            runner.run(asyncio.sleep(max(0.0, min(GATHER_SECONDS, left))))
            # A subscription begins with the values as they stand: those that have been told before are not news.
            fresh = [record for record in listener.take() if not _is_known(record, at)]
            if fresh:
                yield fresh
            if listener.is_lost:
                raise ConnectionError("the subscription ended")
            if left <= 0:
                return


async def _next(parts: Any) -> list[Record] | None:
    found: list[Record] | None = await anext(parts, None)
    return found


def _is_known(record: Record, at: dict[str, str]) -> bool:
    """Whether the reading is the last one known of its node; if not, it is now."""
    node, told = record.get("node"), record.get("read_at")
    if node is None or told is None:
        return False
    is_known = at.get(node) == told
    at[node] = told
    return is_known


CONNECTOR = Connector(Connection, Pull, pages)
