"""JSON-RPC sources, Odoo and Tryton: log-in, records of a model by id or offset, values in their types."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, Literal, Protocol, Self

from pydantic import Field, field_validator, model_validator

from ingestion.connectors.changes import Changes, Span, asked_for, changed_pages, written
from ingestion.connectors.connector import Connector, Window
from ingestion.connectors.page import Page
from ingestion.connectors.paging import Paging, Turn, turns
from ingestion.connectors.records import dig
from ingestion.connectors.signing import Value
from ingestion.connectors.web import Connection as WebConnection
from ingestion.connectors.web import Patience, StatusError, Web, open_web, stopped
from tillmill.errors import SettingsError
from tillmill.workspace import Workspace

AFTER, SKIP, TAKE = "after", "skip", "take"


class Connection(Patience):
    """Where the server answers, in which dialect, and who we are there; `password` is a reference."""

    base_url: str
    dialect: Literal["odoo", "tryton"]
    database: str
    user: str
    password: str


class Pull(Changes):
    """Which records of which model: `fields` (dotted ones follow a reference in Tryton), a `domain` in the server's own
    words, and `since_field` for what changed (`instead_field` where it is null until the first change).

    `paging` is by id (`keyset`), which nothing can slide under, or by `offset` for models without one.
    """

    model: str
    fields: list[str] = Field(min_length=1)
    domain: list[Any] = Field(default_factory=list)
    context: dict[str, Any] = Field(default_factory=dict)
    paging: Literal["keyset", "offset"] = "keyset"
    size: int = Field(default=500, ge=1)
    time_format: str = "%Y-%m-%d %H:%M:%S"
    since: datetime | None = Field(default=None, description="only what changed at this time or later")
    until: datetime | None = Field(default=None, description="only what changed earlier")

    @model_validator(mode="before")
    @classmethod
    def _by_field(cls, told: Any) -> Any:
        if isinstance(told, dict) and told.get("since_field"):
            return {"since_param": told["since_field"], **told}
        return told

    @field_validator("since", "until")
    @classmethod
    def _in_utc(cls, at: datetime | None) -> datetime | None:
        return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at

    @model_validator(mode="after")
    def _told(self) -> Self:
        if (self.since or self.until) and not self.since_field:
            raise ValueError("since and until need since_field")
        return self

    @property
    def ends(self) -> list[tuple[str, datetime]]:
        """The ends of the time that is asked for, each with the sign that keeps to it."""
        return [(sign, at) for sign, at in ((">=", self.since), ("<", self.until)) if at is not None]


def narrowed(pull: Pull, window: Window) -> Pull:
    """The pull of what changed in that time. Raises SettingsError where the source was not told by which field."""
    if not pull.since_field:
        raise SettingsError("pull: a back-fill needs since_field: the field that says when a record changed")
    return pull.model_copy(update={"since": window.since, "until": window.until})


def pages(workspace: Workspace, connection: Connection, pull: Pull, cursor: dict[str, Any] | None) -> Iterator[Page]:
    """Pages of records; `cursor` is that of `changes.changed_pages`.

    Raises SourceError for a refused log-in and for every error told inside a 200, in the server's words.
    """
    patience = {name: getattr(connection, name) for name in Patience.model_fields}
    plain = WebConnection(base_url=workspace.resolve(connection.base_url), **patience)
    paging = (
        Paging(keyset_param=AFTER, keyset_field="id", size_param=TAKE, size=pull.size)
        if pull.paging == "keyset"
        else Paging(offset_param=SKIP, size_param=TAKE, size=pull.size)
    )
    with open_web(workspace, plain) as web:
        rpc = Rpc(web, web.shown.secret(connection.password))
        server = (Odoo if connection.dialect == "odoo" else Tryton)(rpc, connection, pull)

        def walk(span: Span, after: str | None) -> Iterator[Turn]:
            return turns(paging, partial(_ask, server, asked_for(pull, span)), after, pull.model)

        yield from changed_pages(pull, cursor, walk, pull.model)


class Server(Protocol):
    """One dialect: the records of a page, in plain values."""

    def read(self, asked: Mapping[str, Value], more: Mapping[str, Value]) -> list[Any]: ...


def _ask(server: Server, asked: Mapping[str, Value], more: Mapping[str, Value], link: str) -> Turn:
    return Turn(0, server.read(asked, more))


@dataclass
class Rpc:
    """Calls, numbered; `password` goes into bodies alone."""

    web: Web
    password: str = field(repr=False)
    _number: int = 0

    def call(self, path: str, method: str, params: Any) -> Any:
        """The call's result. Raises SourceError with the server's words for an error, StatusError for a status."""
        self.web.start_page()
        self._number += 1
        body = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        return self.web.read(path, method="POST", body=body, judge=self._judge).body["result"]

    def _judge(self, body: Any) -> None:
        error = dig(body, "error")
        if error:
            # Odoo's `data.debug` is a traceback with the server's inside: its message is enough.
            words = dig(error, "data.message") or dig(error, "message") or error
            text = words if isinstance(words, str) else json.dumps(words, ensure_ascii=False)
            raise stopped(f"the answer reports an error of the source: {self.web.shown.clean(text)}")
        if not isinstance(body, dict) or "result" not in body:
            raise stopped("an answer with neither result nor error")


class Odoo:
    """`/jsonrpc` with `common.login` and `object.execute_kw`; false stands for null in all but booleans."""

    def __init__(self, rpc: Rpc, connection: Connection, pull: Pull) -> None:
        self._rpc, self._connection, self._pull = rpc, connection, pull
        self._user = ""
        self._kinds: dict[str, str] = {}

    def read(self, asked: Mapping[str, Value], more: Mapping[str, Value]) -> list[Any]:
        """One page of `search_read`."""
        pull = self._pull
        if not self._kinds:
            told = self._execute("fields_get", [pull.fields], {"attributes": ["type"]})
            self._kinds = {name: str(dig(kind, "type")) for name, kind in told.items()}
        domain = list(pull.domain)
        if pull.since_field and (since := asked.get(pull.since_field)):
            term: list[Any] = [[pull.since_field, ">=", since]]
            if pull.instead_field:
                term = ["|", *term, "&", [pull.since_field, "=", False], [pull.instead_field, ">=", since]]
            domain += term
        domain += self._within()
        if AFTER in more:
            domain.append(["id", ">", int(more[AFTER])])
        wanted = list(dict.fromkeys([*pull.fields, *filter(None, (pull.since_field, pull.instead_field))]))
        options: dict[str, Any] = {
            "fields": wanted,
            "limit": more[TAKE],
            "offset": more.get(SKIP, 0),
            "order": "id asc",
        }
        options |= {"context": pull.context} if pull.context else {}
        found = self._execute("search_read", [domain], options)
        if not isinstance(found, list):
            raise stopped(f"{pull.model}: search_read gave no list of records")
        return [self._plain(item) if isinstance(item, dict) else item for item in found]

    def _within(self) -> list[Any]:
        """The time that is asked for, as terms of a domain; a record that never changed is of when it was made."""
        pull = self._pull
        if not pull.ends:
            return []
        changed = [[pull.since_field, sign, written(at, pull)] for sign, at in pull.ends]
        if not pull.instead_field:
            return changed
        made = [[pull.since_field, "=", False], *([pull.instead_field, *term[1:]] for term in changed)]
        return ["|", *["&"] * (len(changed) - 1), *changed, *["&"] * (len(made) - 1), *made]

    def _execute(self, method: str, args: list[Any], options: dict[str, Any]) -> Any:
        told = self._connection
        if not self._user:
            who = [told.database, told.user, self._rpc.password]
            answer = self._rpc.call("jsonrpc", "call", {"service": "common", "method": "login", "args": who})
            if not str(answer).isdigit():
                raise stopped(f"{told.database}: the server refused the log-in of {told.user}")
            self._user = str(answer)
        call = [told.database, int(self._user), self._rpc.password, self._pull.model, method, args, options]
        return self._rpc.call("jsonrpc", "call", {"service": "object", "method": "execute_kw", "args": call})

    def _plain(self, item: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in item.items():
            kind = self._kinds.get(name, "")
            if value is False and kind != "boolean":
                found[name] = None
            elif kind == "many2one" and isinstance(value, list) and len(value) == 2:
                found[name], found[f"{name}.name"] = value
            else:
                found[name] = value
        return found


class Tryton:
    """`/<database>/` with a session; typed values come as objects with `__class__`."""

    def __init__(self, rpc: Rpc, connection: Connection, pull: Pull) -> None:
        self._rpc, self._connection, self._pull = rpc, connection, pull
        self._is_in = False

    def read(self, asked: Mapping[str, Value], more: Mapping[str, Value]) -> list[Any]:
        """One page of `search_read`."""
        pull = self._pull
        domain = list(pull.domain)
        if pull.since_field and (since := asked.get(pull.since_field)):
            at = _typed_time(datetime.strptime(str(since), pull.time_format))  # noqa: DTZ007 - Tryton's times are UTC
            terms = [[name, ">=", at] for name in (pull.since_field, pull.instead_field) if name]
            domain.append(["OR", *terms] if len(terms) > 1 else terms[0])
        if pull.ends:
            changed = [[pull.since_field, sign, _typed_time(at.astimezone(UTC))] for sign, at in pull.ends]
            made = [[pull.since_field, "=", None], *([pull.instead_field, *term[1:]] for term in changed)]
            domain.append(["OR", changed, made] if pull.instead_field else changed)
        if AFTER in more:
            domain.append(["id", ">", int(more[AFTER])])
        wanted = list(dict.fromkeys(["id", *pull.fields, *filter(None, (pull.since_field, pull.instead_field))]))
        params = [domain, int(more.get(SKIP, 0)), more[TAKE], [["id", "ASC"]], wanted, pull.context]
        found = self._call(f"model.{pull.model}.search_read", params)
        if not isinstance(found, list):
            raise stopped(f"{pull.model}: search_read gave no list of records")
        return [_untyped(item) for item in found]

    def _call(self, method: str, params: Any) -> Any:
        path = f"{self._connection.database}/"
        if self._is_in:
            try:
                return self._rpc.call(path, method, params)
            except StatusError as error:
                # The session has ended: once more with a new one.
                if error.status != 401:
                    raise
        self._log_in(path)
        return self._rpc.call(path, method, params)

    def _log_in(self, path: str) -> None:
        user = self._connection.user
        headers = self._rpc.web.transport.headers
        headers.pop("Authorization", None)
        found = self._rpc.call(path, "common.db.login", [user, {"password": self._rpc.password}, "en"])
        if not isinstance(found, list) or len(found) < 2:
            raise stopped(f"{self._connection.database}: the server refused the log-in of {user}")
        session = f"{user}:{found[0]}:{found[1]}"
        self._rpc.web.shown.secrets.add(str(found[1]))
        headers["Authorization"] = f"Session {base64.b64encode(session.encode()).decode()}"
        self._is_in = True


def _typed_time(at: datetime) -> dict[str, Any]:
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime"} | {name: getattr(at, name) for name in parts}


def _untyped(value: Any) -> Any:
    """A value of Tryton's JSON as a plain one: decimals as their digits, times as ISO text."""
    if isinstance(value, list):
        return [_untyped(element) for element in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("__class__")
    if kind is None:
        found: dict[str, Any] = {}
        for name, element in value.items():
            plain = _untyped(element)
            # `party.` holds what was read through the reference `party`, whose own name holds the id.
            if name.endswith(".") and isinstance(plain, dict):
                found |= {f"{name}{inner}": inside for inner, inside in plain.items()}
            else:
                found[name] = plain
        return found
    numbers: dict[str, Any] = {
        name: int(part) for name, part in value.items() if name != "__class__" and str(part).isdigit()
    }
    if kind == "Decimal":
        return str(value.get("decimal"))
    if kind == "datetime":
        return datetime(**numbers).isoformat()  # noqa: DTZ001 - Tryton's times are UTC
    if kind == "date":
        return date(**numbers).isoformat()
    if kind == "time":
        return time(**numbers).isoformat()
    if kind == "timedelta":
        return str(timedelta(seconds=float(str(value.get("seconds")))).total_seconds())
    return {name: element for name, element in value.items() if name != "__class__"}


CONNECTOR = Connector(Connection, Pull, pages, window=narrowed)
