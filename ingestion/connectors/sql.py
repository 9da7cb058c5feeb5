"""SQL databases: what changed since the last pull, page by page by key; or a whole table against its last reading."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

import polars as pl
from pydantic import Field, field_validator, model_validator

from ingestion.connectors.access import STATE, Access, options_of
from ingestion.connectors.connector import Connector, Settings, Window
from ingestion.connectors.databases import open_database
from ingestion.connectors.fullread import FullRead, open_full_read
from ingestion.connectors.page import OP, Page, field_name
from ingestion.connectors.relation import Relation, describe, kind_of
from ingestion.connectors.sqlcursor import Progress, Scale
from ingestion.connectors.sqltext import DIALECTS, DialectName, Sql, between, join
from ingestion.privacy.keyfiles import SourceKeys, source_keys
from ingestion.privacy.seal import seal, unseal
from tillmill.errors import RefusedError, SettingsError, SourceError
from tillmill.workspace import Workspace, now

# Fewer vanished rows than this say nothing about a table: one of three is no drift.
JUDGED_FROM_ROWS = 100


class Connection(Settings):
    """One of `url` (postgresql://user@host:port/database) and `odbc` (a connection string); neither holds a password.

    `password` is a reference. `dialect` says what answers behind ODBC. `tls` is for `url`: what to demand of the
    server; `tls_root` a file of certificates to trust, relative to the workspace.
    """

    url: str = ""
    odbc: str = ""
    dialect: DialectName = "postgresql"
    password: str = ""
    tls: Literal["disable", "require", "verify-ca", "verify-full"] = "require"
    tls_root: str = ""
    timeout_seconds: int = Field(default=30, ge=1, description="of connecting, and of a server that has gone silent")
    statement_seconds: int = Field(default=600, ge=1, description="of one page's query, where the database can")
    attempts: int = Field(default=4, ge=1, le=20)
    first_wait_seconds: float = Field(default=0.5, ge=0)
    most_text: int = Field(default=1 << 20, ge=1 << 14, description="bytes of the longest text or binary, ODBC only")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if bool(self.url) == bool(self.odbc):
            raise ValueError("give one of url and odbc")
        if "@" in self.url.partition("://")[2] and ":" in self.url.partition("://")[2].rpartition("@")[0]:
            raise ValueError("url holds a password; give it as password = a reference")
        if {"pwd", "password"} & options_of(self.odbc).keys() or "password=" in self.url:
            raise ValueError("the connection holds a password; give it as password = a reference")
        if self.url and not self.url.startswith(("postgresql://", "postgres://", "env:", "file:")):
            raise ValueError("url is postgresql://...; any other database is reached by odbc")
        if self.url and self.dialect != "postgresql":
            raise ValueError("dialect is for odbc")
        return self


class Pull(Settings):
    """What to read: a `table` (schema.table) or a `query`, of it `columns` (none named: all).

    `key` names columns that tell any two rows apart. `cursor` names the column that grows when a row changes; of
    several, the first that is not null counts. Each pull starts `lag` before the highest value seen (seconds of a time,
    units of a number) and leaves out rows it has brought before. Without `cursor` every pull reads the whole table and
    brings what differs from the last reading; with `snapshot` also a tombstone for each row that is gone, unless more
    than `most_vanished` of them are. `since` and `until` keep to what changed in that time, by `cursor`.
    """

    table: str = ""
    query: str = ""
    columns: list[str] = Field(default_factory=list)
    key: list[str] = Field(min_length=1)
    cursor: list[str] = Field(default_factory=list)
    lag: float = Field(default=300, ge=0)
    since: datetime | None = Field(default=None, description="only rows whose cursor is of this time or later")
    until: datetime | None = Field(default=None, description="only rows whose cursor is of an earlier time")
    page_rows: int = Field(default=20_000, ge=1, le=1_000_000)
    snapshot: bool = False
    most_vanished: float = Field(default=0.2, ge=0, le=1)

    @field_validator("since", "until")
    @classmethod
    def _in_utc(cls, at: datetime | None) -> datetime | None:
        return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at

    @field_validator("cursor", "key", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if bool(self.table) == bool(self.query):
            raise ValueError("give one of table and query")
        if self.snapshot and self.cursor:
            raise ValueError("snapshot reads the whole table and excludes cursor")
        ordering = dict.fromkeys([*self.cursor, *self.key])
        if self.columns and (unread := [name for name in ordering if name not in self.columns]):
            # A row is known by what is read of it: without them two rows, or two states of one, are the same.
            needed = json.dumps([*self.columns, *unread], ensure_ascii=False)
            raise ValueError(
                f"cursor and key need {', '.join(unread)}, which columns leaves out; write columns = {needed}"
            )
        if self.is_bounded and not self.cursor:
            raise ValueError("since and until need cursor")
        return self

    @property
    def is_bounded(self) -> bool:
        """Whether only the changes of a certain time are wanted."""
        return self.since is not None or self.until is not None


@dataclass(frozen=True)
class _Source:
    """What one pull reads, and where its full reads are remembered."""

    pull: Pull
    relation: Relation
    folder: Path
    keys: SourceKeys
    key: list[tuple[Sql, str]]

    def sealed(self, place: list[str]) -> str:
        """A place between two pages as the cursor keeps it: a key may be a person's number."""
        return seal([json.dumps(place)], self.keys.sealing, self.relation.label, [""])[0] or ""

    def opened(self, place: str | None) -> list[str] | None:
        """The place again; None where there is none, or its key is gone: the pull then starts over, and rows meet by
        key."""
        try:
            return None if place is None else json.loads(unseal(place, self.keys.sealing, self.relation.label))
        except RefusedError:
            return None


@dataclass(frozen=True)
class _Part:
    """Records with the state after them, before it is known whether they are the pull's last."""

    records: pl.DataFrame
    cursor: dict[str, Any]


def pages(workspace: Workspace, connection: Connection, pull: Pull, cursor: dict[str, Any] | None) -> Iterator[Page]:
    """Pages of at most `page_rows` records, every value as exact text; no page where nothing is new.

    `cursor` holds `since` (the highest cursor value), `seen` (digests of the rows an overlap would repeat), `full` (the
    file that remembers the last full read) and, in the middle of a pull, the place in it. Raises SourceError with the
    database's own words, for a key that is null or not one, and where too many rows are gone.
    """
    keys = source_keys(workspace)
    dialect = DIALECTS[connection.dialect]
    label = pull.table or "query"
    with open_database(_access(workspace, connection)) as database:
        source = dialect.table(pull.table) if pull.table else join("(", pull.query.strip().rstrip(";"), ")")
        order = [*pull.cursor, *pull.key]
        relation = describe(database, dialect, f"{database.access.where} {label}", source, pull.columns, order)
        reading = _Source(
            pull,
            relation,
            workspace.ledger.parent / "reads",
            keys,
            [(relation.column(name), kind_of(relation, relation.column(name), name)) for name in pull.key],
        )
        state = dict(cursor or {})
        parts = _changed(reading, state) if pull.cursor else _full(reading, state, [], pull.snapshot)
        yield from _paged(parts, lambda: dict(state), label)


def narrowed(pull: Pull, window: Window) -> Pull:
    """The pull of what changed in that time. Raises SettingsError where no column says when a row changed."""
    if not pull.cursor:
        raise SettingsError("pull: a back-fill needs cursor: the column of times that grows when a row changes")
    return pull.model_copy(update={"since": window.since, "until": window.until})


def from_start(cursor: dict[str, Any] | None) -> dict[str, Any] | None:
    """The cursor from which every row comes again; of full reads the last one stays, which tells what is gone."""
    old = (cursor or {}).get("full", {}).get("file")
    return {"full": {"file": old, "again": True}} if old else None


def _paged(parts: Iterator[_Part], final: Callable[[], dict[str, Any]], label: str) -> Iterator[Page]:
    """The parts as pages; one is held back, so that the last one carries the state at the end."""
    held: Page | None = None
    for number, part in enumerate(parts, start=1):
        if held is not None:
            yield held
        records = part.records.rename({name: field_name(name) for name in part.records.columns if name != OP})
        held = Page(records, part.cursor, now(), f"{label}, page {number}")
    if held is not None:
        yield replace(held, cursor=final())


def _access(workspace: Workspace, connection: Connection) -> Access:
    root = workspace.resolve(connection.tls_root)
    return Access(
        target=workspace.resolve(connection.url or connection.odbc),
        dialect=DIALECTS[connection.dialect],
        password=workspace.secret(connection.password) if connection.password else "",
        tls=connection.tls,
        tls_root=str(workspace.root / root) if root else "",
        timeout_seconds=connection.timeout_seconds,
        statement_seconds=connection.statement_seconds,
        attempts=connection.attempts,
        first_wait_seconds=connection.first_wait_seconds,
        most_text=connection.most_text,
    )


def _no_null_keys(reading: _Source, where: list[Sql]) -> None:
    """A row whose key is null stands in no order, and would be missed in silence."""
    nulls = between("or", (join(column, "is null") for column, _ in reading.key))
    if bad := reading.relation.count(between("and", [*where, join("(", nulls, ")")])):
        raise SourceError(
            f"{reading.relation.label}: {bad:,} rows have no {' or '.join(reading.pull.key)}",
            state=STATE,
            next_command="name key columns that are never null, or give them a value in pull.query, then: tillmill run",
        )


def _changed(reading: _Source, state: dict[str, Any]) -> Iterator[_Part]:
    """What has changed, in the order of the cursor; first the rows that have no cursor value yet."""
    relation, pull = reading.relation, reading.pull
    columns = [relation.column(name) for name in pull.cursor]
    column = columns[0] if len(columns) == 1 else join("coalesce(", between(",", columns), ")")
    kind = kind_of(relation, column, pull.cursor[0])
    never = join(column, "is null")
    # A row that has no time yet is of no stretch of time.
    if not pull.is_bounded and ("full" in state or relation.count(never)):
        yield from _full(reading, state, [never], keep_keys=False)
    at = reading.opened(state.get("at"))
    progress = Progress.after(state, at, Scale(kind, relation.label, pull.lag), reading.keys.marking)
    start = progress.scale.start(progress.since) if progress.since else ""
    where = [join(column, ">=", relation.dialect.bound(start, kind)) if start else join(column, "is not null")]
    where += _bounds(reading, column, progress.scale)
    _no_null_keys(reading, where)
    for rows in relation.ordered([(column, kind), *reading.key], where, at, pull.page_rows):
        fresh = progress.take(rows.records, rows.order.to_series(0).to_list())
        state["at"], state["seen"] = reading.sealed(rows.last), progress.remembered()
        if fresh.any():
            yield _Part(rows.records.filter(fresh), dict(state))
    state.pop("at", None)
    if progress.since:
        state["since"], state["seen"] = progress.since, progress.remembered()


def _bounds(reading: _Source, column: Sql, scale: Scale) -> list[Sql]:
    """What keeps a pull to the time that is asked for. Raises SourceError where the cursor tells no times."""
    pull, relation = reading.pull, reading.relation
    like = relation.highest(column, scale.kind) if pull.is_bounded else ""
    if not like:
        return []
    if not scale.is_of_times(like):
        raise SourceError(
            f"{relation.label}: {' '.join(pull.cursor)} holds {like!r}, which is no time: the database cannot be asked "
            "for what changed between two",
            state=STATE,
            next_command="name in pull.cursor a column that says when a row changed, then the same command again",
        )
    since, until = (at and scale.written(at, like, is_end=at is pull.until) for at in (pull.since, pull.until))
    ends = ((sign, at) for sign, at in ((">=", since), ("<", until)) if at)
    return [join(column, sign, relation.dialect.bound(at, scale.kind)) for sign, at in ends]


def _full(reading: _Source, state: dict[str, Any], where: list[Sql], keep_keys: bool) -> Iterator[_Part]:
    """Every row that meets `where` and differs from the last full read; with `keep_keys` the ones that are gone."""
    _no_null_keys(reading, where)
    told = dict(state.get("full", {}))
    old, new = told.get("file", ""), told.get("new", "")
    after = reading.opened(told.get("after"))
    again = {"again": True} if told.get("again") else {}
    if new and (after is None or not (reading.folder / new).exists()):
        told, new, after = {"file": old}, "", None
    is_same = True
    with open_full_read(reading.folder, old, new, reading.keys) as full:
        first = int(told.get("page", 0)) + 1
        full.forget_from(first)
        found = reading.relation.ordered(reading.key, where, after, reading.pull.page_rows)
        for page, rows in enumerate(found, start=first):
            fresh = full.changed(page, rows.order, rows.records, keep_keys)
            fresh = fresh | bool(again)
            state["full"] = {"file": old, "new": full.name, "page": page, "after": reading.sealed(rows.last)} | again
            if fresh.any():
                is_same = False
                yield _Part(rows.records.filter(fresh), dict(state))
        held, gone = full.counts()
        if gone and keep_keys:
            _judge(reading, full, held, gone)
            for keys in full.gone(reading.pull.page_rows):
                yield _Part(_tombstones(reading, keys), dict(state))
    state["full"] = {"file": full.name}
    if is_same and not gone and not new:
        # Nothing differs: the last reading stands, and the pull lands nothing.
        (reading.folder / full.name).unlink()
        state["full"] = {"file": old}


def _judge(reading: _Source, full: FullRead, held: int, gone: int) -> None:
    if gone <= reading.pull.most_vanished * held or (held < JUDGED_FROM_ROWS and gone < held):
        return
    # The next pull reads the whole table again, rather than believe this reading.
    (full.folder / full.name).unlink()
    raise SourceError(
        f"{reading.relation.label}: {gone:,} of {held:,} rows are gone since the last full read "
        f"(at most {reading.pull.most_vanished:.0%} may)",
        state="No row was marked as deleted.",
        next_command="if the rows were deleted indeed, raise pull.most_vanished for one run, then: tillmill run",
    )


def _tombstones(reading: _Source, keys: list[list[str]]) -> pl.DataFrame:
    names = list(reading.relation.kinds)
    frame = pl.DataFrame(keys, schema=dict.fromkeys(reading.pull.key, pl.String), orient="row")
    nulls = (pl.lit(None, dtype=pl.String).alias(name) for name in names if name not in reading.pull.key)
    return frame.with_columns(nulls).select(names).with_columns(pl.lit("delete").alias(OP))


# A row has every column of its table or query, null or not.
CONNECTOR = Connector(Connection, Pull, pages, states_every_field=True, window=narrowed, from_start=from_start)
