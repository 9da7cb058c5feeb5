"""A conversation with an OPC UA server: browse, read, history, subscriptions; nothing is ever written or called.

Imported only when a source of this kind is pulled: the library behind it takes seconds to load.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from ingestion.connectors.messages import Record
from ingestion.connectors.opcua_values import GOOD, event_fields, reading, text_of
from tillmill.errors import SettingsError, SourceError
from tillmill.workspace import Workspace, now

if TYPE_CHECKING:
    from ingestion.connectors.opcua import Connection, Pull

# What may be the matter when a connection is lost in the midst of a request, or a server starts anew.
LOST = (ConnectionError, OSError, asyncio.TimeoutError, UaError)
# What servers grant; a pull that is suspended for longer opens a new session.
SESSION_MS = 600_000
REQUEST_NODES = 500
HISTORY_VALUES = 5_000
MOST_NODES = 100_000
QUEUE = 1_000
OWN = ("path", "node", "quality", "read_at", "device_id")
HIERARCHY = ua.NodeId(ua.Int32(ObjectIds.HierarchicalReferences))
PROPERTY = ua.NodeId(ua.Int32(ObjectIds.HasProperty))
SERVER = ua.NodeId(ua.Int32(ObjectIds.Server))
BAD_LOGIN = (
    StatusCodes.BadIdentityTokenRejected,
    StatusCodes.BadIdentityTokenInvalid,
    StatusCodes.BadUserAccessDenied,
    StatusCodes.BadCertificateUntrusted,
    StatusCodes.BadSecurityChecksFailed,
    StatusCodes.BadSecurityPolicyRejected,
    StatusCodes.BadCertificateInvalid,
)


@dataclass(frozen=True)
class Point:
    """A variable that is read: its node, its place below where browsing began, and what its reading is called."""

    node: Node
    path: str
    tag: str
    unit: str = ""
    scale: float = 1.0
    counter_bits: int = 0
    max_per_second: float | None = None

    @property
    def id(self) -> str:
        """The node's id as text."""
        return str(self.node.nodeid.to_string())


@asynccontextmanager
async def open_session(workspace: Workspace, connection: Connection) -> AsyncIterator[Client]:
    """A session with the server. Raises SourceError where it refuses us, and one of LOST where it is not there."""
    client = Client(workspace.resolve(connection.url), timeout=connection.timeout_seconds, auto_reconnect=False)
    client.application_uri = connection.application_uri
    client.session_timeout = SESSION_MS
    if connection.username:
        client.set_user(connection.username)
        client.set_password(workspace.secret(connection.password))
        if connection.policy == "none":
            # The workspace allows it in so many words; it is not said anew with every run.
            logging.getLogger("asyncua.client.client").setLevel(logging.ERROR)
    try:
        if connection.policy != "none":
            await _secure(client, workspace, connection)
        await client.connect()
    except UaStatusCodeError as error:
        if error.code in BAD_LOGIN:
            raise SourceError(f"the server refuses us: {type(error).__name__}") from error
        raise
    try:
        yield client
    finally:
        try:
            await asyncio.wait_for(client.disconnect(), connection.timeout_seconds)
        except LOST:
            client.disconnect_socket()


async def _secure(client: Client, workspace: Workspace, connection: Connection) -> None:
    """Sign and encrypt with our certificate, towards the one certificate that is pinned."""
    paths = [workspace.root / name for name in (connection.certificate, connection.server_certificate)]
    if missing := [path for path in paths if not path.is_file()]:
        raise SettingsError(f"no certificate at {missing[0]}")
    await client.set_security(
        getattr(security_policies, f"SecurityPolicy{connection.policy}"),
        certificate=paths[0],
        private_key=CertProperties(workspace.secret(connection.private_key).encode(), extension="pem"),
        server_certificate=str(paths[1]),
        mode=ua.MessageSecurityMode[connection.mode],
    )


async def find_points(client: Client, pull: Pull) -> list[Point]:
    """The nodes that are named, then the variables below `browse.start` whose path fits a pattern."""
    try:
        points = [
            Point(
                client.get_node(one.node),
                one.node,
                one.tag or one.node,
                one.unit,
                one.scale,
                one.counter_bits,
                one.max_per_second,
            )
            for one in pull.nodes
        ]
    except UaError as error:
        raise SettingsError(f"nodes: {error}; a node is written like ns=2;s=Line1.Good or ns=2;i=1001") from error
    if pull.browse is not None:
        found = await browse(client, pull.browse.start, pull.browse.depth, pull.browse.properties)
        named = [(node, path) for node, path, kind in found if kind == ua.NodeClass.Variable]
        points += [Point(node, path, path) for node, path in named if _fits(path, pull.browse.paths)]
        if not points:
            there = ", ".join(path for _, path in named[:5]) or "no variable"
            raise SourceError(
                f"nothing below {pull.browse.start} fits {', '.join(pull.browse.paths)}; there is {there}"
            )
    return points


def _fits(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


async def browse(client: Client, start: str, depth: int, properties: bool) -> list[tuple[Node, str, ua.NodeClass]]:
    """Objects and variables below a node as (node, path of names, class), each once. Raises SourceError beyond a limit.

    A node that cannot be looked into (it is not there, or not for us) stops the stream with its id. The server's own
    object is passed by: hundreds of nodes about itself.
    """
    level: list[tuple[Node, str]] = [(client.get_node(start), "")]
    seen = {level[0][0].nodeid, SERVER}
    found: list[tuple[Node, str, ua.NodeClass]] = []
    for _ in range(depth):
        below: list[tuple[Node, str]] = []
        for at in range(0, len(level), REQUEST_NODES):
            part = level[at : at + REQUEST_NODES]
            for (_, path), references in zip(part, await _references(client, [node for node, _ in part]), strict=True):
                for reference in references:
                    node_id = reference.NodeId
                    if node_id in seen or (reference.ReferenceTypeId == PROPERTY and not properties):
                        continue
                    seen.add(node_id)
                    name = f"{path}/{reference.BrowseName.Name}" if path else str(reference.BrowseName.Name)
                    below.append((client.get_node(node_id), name))
                    found.append((below[-1][0], name, reference.NodeClass))
        if len(found) > MOST_NODES:
            raise SourceError(f"more than {MOST_NODES:,} nodes below {start}; browse from further down")
        level = below
    return found


async def _references(client: Client, nodes: Sequence[Node]) -> list[list[ua.ReferenceDescription]]:
    asked = ua.BrowseParameters()
    for node in nodes:
        asked.NodesToBrowse.append(
            ua.BrowseDescription(
                NodeId=node.nodeid,
                BrowseDirection=ua.BrowseDirection.Forward,
                ReferenceTypeId=HIERARCHY,
                IncludeSubtypes=True,
                NodeClassMask=ua.NodeClass.Object | ua.NodeClass.Variable,
                ResultMask=ua.BrowseResultMask.All,
            )
        )
    answers = []
    for node, result in zip(nodes, await client.uaclient.browse(asked), strict=True):
        if result.StatusCode.is_bad():
            raise SourceError(f"node {node.nodeid.to_string()} cannot be browsed: {result.StatusCode.name}")
        references, more = list(result.References), result.ContinuationPoint
        while more:
            [following] = await client.uaclient.browse_next(ua.BrowseNextParameters(False, [more]))
            references, more = references + list(following.References), following.ContinuationPoint
        answers.append(references)
    return answers


async def read(client: Client, points: Sequence[Point]) -> list[Record]:
    """A reading of each point as it stands."""
    values = await _values(client, points)
    return [to_record(point, value) for point, value in zip(points, values, strict=True)]


async def check_history(client: Client, points: Sequence[Point]) -> None:
    """Raises SourceError naming a variable whose history the server does not keep: it might answer with nothing."""
    for point, level in zip(points, await _values(client, points, AttributeIds.AccessLevel), strict=True):
        bits = level.Value.Value if level.Value is not None else None
        if not isinstance(bits, int) or not bits & 1 << ua.AccessLevel.HistoryRead:
            raise SourceError(f"{point.path}: the server keeps no history of it; use mode read or subscribe")


async def _values(
    client: Client, points: Sequence[Point], attribute: AttributeIds = AttributeIds.Value
) -> list[ua.DataValue]:
    """Their values (or another attribute's) with status and times, in as few requests as the limit of nodes allows."""
    values: list[ua.DataValue] = []
    for at in range(0, len(points), REQUEST_NODES):
        nodes = [point.node for point in points[at : at + REQUEST_NODES]]
        values += await client.read_attributes(nodes, attribute)
    return values


def to_record(point: Point, value: ua.DataValue) -> Record:
    """A reading with its names."""
    return {
        "tag": point.tag,
        "unit": point.unit or None,
        "counter_bits": str(point.counter_bits) if point.counter_bits else None,
        "max_per_second": repr(point.max_per_second) if point.max_per_second else None,
        "node": point.id,
        "path": point.path,
        **reading(value, point.scale, bool(point.counter_bits), now()),
    }


async def history(client: Client, point: Point, start: datetime, end: datetime) -> AsyncIterator[list[Record]]:
    """The point's kept readings from `start` to `end`, oldest first, part by part.

    A server that has more says so by a continuation point, or by a full part alone: then it is asked for what follows
    the last time. Raises SourceError where it keeps none, or so many of one time that it cannot be asked past them.
    """
    newest, more = "", None
    while True:
        details = ua.ReadRawModifiedDetails(
            IsReadModified=False, StartTime=start, EndTime=end, NumValuesPerNode=HISTORY_VALUES, ReturnBounds=False
        )
        result = await point.node.history_read(details, more)
        if result.StatusCode.is_bad():
            raise SourceError(f"{point.path}: the server gives no history: {result.StatusCode.name}")
        values = result.HistoryData.DataValues if result.HistoryData is not None else []
        records = [to_record(point, value) for value in values]
        fresh = records if more else [record for record in records if (record["read_at"] or "") > newest]
        if fresh:
            yield fresh
            newest = max(record["read_at"] or "" for record in fresh)
        if not result.ContinuationPoint or result.ContinuationPoint == more:
            if len(values) < HISTORY_VALUES:
                return
            if not fresh:
                raise SourceError(f"{point.path}: more than {HISTORY_VALUES:,} values of one time, {newest}")
            start = datetime.fromisoformat(newest)
        more = result.ContinuationPoint or None


async def read_objects(client: Client, pull: Pull) -> list[Record]:
    """A record per object whose path fits: its variables' values by name, and path, node, read_at, quality.

    `read_at` is the latest of the values' times, `quality` is `good` or the status of one that is not so; a bad value
    is null.
    """
    assert pull.browse is not None
    found = await browse(client, pull.browse.start, pull.browse.depth + 1, True)
    records: dict[str, Record] = {
        path: {"path": path, "node": str(node.nodeid.to_string()), "quality": GOOD, "read_at": ""}
        for node, path, kind in found
        if kind == ua.NodeClass.Object and _fits(path, pull.browse.paths)
    }
    points = [
        Point(node, path, path)
        for node, path, kind in found
        if kind == ua.NodeClass.Variable and path.rpartition("/")[0] in records
    ]
    for point, value in zip(points, await _values(client, points), strict=True):
        path, _, name = point.path.rpartition("/")
        record, told = records[path], reading(value, 1, False, now())
        is_bad = value.StatusCode is not None and value.StatusCode.is_bad()
        record[f"{name}_" if name in OWN else name] = (
            None if is_bad or value.Value is None else text_of(value.Value.Value)
        )
        record["read_at"] = max(record["read_at"] or "", told["read_at"] or "")
        record["quality"] = told["quality"] if record["quality"] == GOOD else record["quality"]
    return list(records.values())


class Listener:
    """Gathers what a subscription brings."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.points = {point.node.nodeid: point for point in points}
        self.records: list[Record] = []
        self.is_lost = False

    def datachange_notification(self, node: Node, _: Any, data: Any) -> None:
        self.records.append(to_record(self.points[node.nodeid], data.monitored_item.Value))

    def event_notification(self, event: Any) -> None:
        self.records.append(event_fields(event))

    def status_change_notification(self, _: Any) -> None:
        self.is_lost = True

    def take(self) -> list[Record]:
        """What has come since the last time."""
        taken, self.records = self.records, []
        return taken


async def subscribe(client: Client, pull: Pull, points: Sequence[Point]) -> Listener:
    """Be told every change of the points, or every event of `pull.event_source`, from now on."""
    listener = Listener(points)

    async def lost(_: Exception) -> None:
        listener.is_lost = True

    client.connection_lost_callback = lost
    subscription = await client.create_subscription(pull.interval_ms, listener)
    if pull.mode == "events":
        await subscription.subscribe_events(pull.event_source, pull.event_type, queuesize=QUEUE)
        return listener
    for at in range(0, len(points), REQUEST_NODES):
        part = points[at : at + REQUEST_NODES]
        answers = await subscription.subscribe_data_change(
            [point.node for point in part], queuesize=QUEUE, sampling_interval=ua.Double(pull.interval_ms)
        )
        for point, answer in zip(part, answers, strict=True):
            if isinstance(answer, ua.StatusCode):
                # It cannot be watched: that is its reading.
                listener.records.append(to_record(point, ua.DataValue(StatusCode=answer)))
    return listener
