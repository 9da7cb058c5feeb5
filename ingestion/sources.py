"""Binds the workspace file: connector + mapping + contract = a stream; only this module knows both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from ingestion import contracts
from ingestion.connectors import files, graphql, jsonrpc, modbus, mqtt, opcua, own, rest, soap, sql, tcp
from ingestion.connectors.connector import THIS_STREAM, Connector, Window, start
from ingestion.connectors.page import Page
from ingestion.contracts.contract import Contract
from ingestion.mapping import FieldRule, read_rules, reads
from ingestion.privacy.normalise import calling_code_of
from tillmill.errors import SettingsError, TillmillError
from tillmill.refusals import in_words, nearest
from tillmill.workspace import SETTINGS_FILE, Snapshot, SourceSettings, StreamSettings, Workspace

Pages = Callable[[dict[str, Any] | None], Iterator[Page]]
WindowPages = Callable[[Window, dict[str, Any] | None], Iterator[Page]]


CONNECTORS: dict[str, Connector] = {
    "files": files.CONNECTOR,
    "rest": rest.CONNECTOR,
    "graphql": graphql.CONNECTOR,
    "jsonrpc": jsonrpc.CONNECTOR,
    "sql": sql.CONNECTOR,
    "soap": soap.CONNECTOR,
    "modbus": modbus.CONNECTOR,
    "opcua": opcua.CONNECTOR,
    "mqtt": mqtt.CONNECTOR,
    "tcp": tcp.CONNECTOR,
}


def connector(name: str) -> Connector:
    """The connector of this name, ours or an installed own one. Raises SettingsError naming the nearest there is."""
    if name in CONNECTORS:
        return CONNECTORS[name]
    if name in own.installed():
        return own.load(own.installed()[name])
    names = connector_names()
    raise SettingsError(
        f"no connector is called {name!r}{nearest(name, names) or '; there are ' + ', '.join(names)}",
        next_command="tillmill sources list",
    )


def connector_names() -> list[str]:
    """Every connector there is, installed own ones included."""
    return sorted({*CONNECTORS, *own.installed()})


@dataclass(frozen=True)
class Stream:
    """One stream of one source, ready to be pulled and checked.

    `pages(cursor)` yields what the source has after `cursor` (None: from the start); nothing is opened before it is
    iterated. `where` names the stream's place in the workspace file, for messages. `states_every_field`: a mapped field
    that no row of a first load has is mistyped. `window_pages(window, cursor)` yields what the source has of a stretch
    of time, None where it cannot be asked so; `cursor_name` says which of the stream's cursors a pull moves. `drop`
    are raw fields that are never kept; `may_carry` says whether people stand in unmapped fields (None: those that look
    so), `carries` which have done so before.
    `is_afresh`: the next pull begins at `from_start(cursor)`, not at the cursor. `is_live`: there is no start.
    """

    source: str
    name: str
    contract: Contract
    max_quarantined_rate: float
    rules: Mapping[str, FieldRule]
    timezone: str
    deletes: str | None
    currency: str
    calling_code: str
    where: str
    states_every_field: bool = False
    hands_over_files: bool = False
    unused: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()
    may_carry: bool | None = None
    carries: frozenset[str] = frozenset()
    snapshot: Snapshot | None = None
    cursor_name: str = ""
    is_live: bool = False
    is_afresh: bool = False
    from_start: Callable[[dict[str, Any] | None], dict[str, Any] | None] = field(default=start, repr=False)
    pages: Pages = field(repr=False, compare=False, kw_only=True)
    window_pages: WindowPages | None = field(default=None, repr=False, compare=False)

    @property
    def context(self) -> str:
        """What sealed rows of this stream are bound to."""
        return f"{self.source}/{self.name}"

    @property
    def is_sealed(self) -> bool:
        """True where all unmapped fields are encrypted, whatever they look like."""
        return self.contract.is_sealed or self.may_carry is True

    @property
    def versioned_by(self) -> frozenset[str]:
        """The raw fields that say which of two rows is newer, unless the mapping has them for optional."""
        rule = self.rules.get(self.contract.version)
        return frozenset() if rule is None or rule.optional else frozenset(reads({self.contract.version: rule}))

    def carrying(self, fields: Iterable[str]) -> Stream:
        """The stream, known to have had people in these unmapped fields."""
        found = self.carries.union(fields)
        return self if found == self.carries else replace(self, carries=found)


def bind(workspace: Workspace) -> list[Stream]:
    """The workspace's streams in the order of its file. Raises SettingsError naming file, source, stream and key."""
    streams = [
        _bind_stream(workspace, source, settings)
        for source in workspace.settings.sources
        for settings in source.streams
    ]
    seen: set[tuple[str, str]] = set()
    for stream in streams:
        if (stream.source, stream.name) in seen:
            raise SettingsError(f"{stream.where}: the source has this stream twice")
        seen.add((stream.source, stream.name))
    return streams


def _bind_stream(workspace: Workspace, source: SourceSettings, settings: StreamSettings) -> Stream:
    where = f"{SETTINGS_FILE}: source {source.name!r}, stream {settings.stream!r}"
    try:
        protocol = connector(source.connector)
    except SettingsError as error:
        raise SettingsError(f"{where}: {error.what}", next_command=error.next_command) from error
    try:
        contract = contracts.contract(settings.stream)
    except SettingsError as error:
        raise SettingsError(f"{SETTINGS_FILE}: source {source.name!r}: {error.what}") from error
    connection = _settings(protocol.connection, source.connection, f"{where}: connection")
    pull = _settings(protocol.pull, settings.pull, f"{where}: pull")
    timezone = settings.timezone or source.timezone
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError) as error:
        raise SettingsError(f"{where}: timezone: no zone is called {timezone!r}") from error

    rules = read_rules(settings.fields, contract, where)
    if mapped := sorted({*settings.drop} & {*reads(rules), settings.deletes}):
        raise SettingsError(f"{where}: drop: {', '.join(mapped)} is mapped; what is dropped cannot be read")

    own = {}
    if protocol.keeps_files:
        own["folder"] = workspace.root / "state" / source.connector / f"{source.name}.{settings.stream}"

    def pages(cursor: dict[str, Any] | None) -> Iterator[Page]:
        return _by_name(protocol.pages(workspace, connection, pull, cursor, **own), source.name, settings.stream)

    narrow = protocol.window

    def window_pages(window: Window, cursor: dict[str, Any] | None) -> Iterator[Page]:
        assert narrow is not None
        # A source that writes times without zone is asked in its own.
        zone = ZoneInfo(timezone)
        try:
            narrowed = narrow(pull, Window(window.since.astimezone(zone), window.until.astimezone(zone)))
        except SettingsError as error:
            raise SettingsError(f"{where}: {error.what}") from error
        return _by_name(protocol.pages(workspace, connection, narrowed, cursor), source.name, settings.stream)

    return Stream(
        source=source.name,
        name=settings.stream,
        contract=contract,
        max_quarantined_rate=settings.max_quarantined_rate,
        rules=rules,
        timezone=timezone,
        deletes=settings.deletes if isinstance(settings.deletes, str) else None,
        currency=workspace.settings.brand.currency,
        calling_code=calling_code_of(workspace.settings.brand),
        where=where,
        states_every_field=protocol.states_every_field,
        hands_over_files=protocol.hands_over_files,
        unused=frozenset(settings.unused),
        drop=frozenset(settings.drop),
        may_carry=settings.may_carry,
        snapshot=settings.deletes if isinstance(settings.deletes, Snapshot) else None,
        is_live=protocol.is_live,
        from_start=protocol.from_start,
        pages=pages,
        window_pages=None if narrow is None else window_pages,
    )


def _by_name(pages: Iterator[Page], source: str, stream: str) -> Iterator[Page]:
    """The pages; what they and their error say of the next command names the stream."""
    named = f"--source {source} --stream {stream}"
    try:
        for page in pages:
            yield replace(page, news=page.news.replace(THIS_STREAM, named)) if page.news else page
    except TillmillError as error:
        error.next_command = error.next_command.replace(THIS_STREAM, named)
        raise
    finally:
        # Whoever ends early ends the connection with it.
        if (close := getattr(pages, "close", None)) is not None:
            close()


def _settings(model: type[BaseModel], given: dict[str, Any], where: str) -> BaseModel:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise SettingsError(in_words(error, model, given, where)) from error
