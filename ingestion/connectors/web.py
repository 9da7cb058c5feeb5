"""Speaking HTTP: authenticated or signed, retried within a deadline, paced, never with a secret in a message."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any

import stamina
from pydantic import Field

from ingestion.connectors.answers import is_lines, json_lines, strict_json
from ingestion.connectors.connector import Settings
from ingestion.connectors.credentials import Credentials, NoTokenError, Pass
from ingestion.connectors.records import dig, text_of
from ingestion.connectors.retries import at
from ingestion.connectors.signing import SIGNERS, Call, Value
from ingestion.connectors.transport import URL, BrokenError, Request, Response, Transport
from tillmill.errors import RefusedError, SourceError
from tillmill.workspace import Workspace

# An answer of these is the server's trouble of the moment; any other from 400 on will be the same tomorrow.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
MOVED = frozenset({301, 302, 303, 307, 308})
STATE = "The cursor stands behind what has landed; other streams go on."
MOST_BYTES = 256 << 20
MOST_MOVES = 5


class Patience(Settings):
    """How long a source is waited for, how often it is asked again, and how fast at most."""

    timeout_seconds: float = Field(default=30, gt=0, description="of connecting, and of each silence while reading")
    deadline_seconds: float = Field(default=300, gt=0, description="of one page, retries, waits and details included")
    attempts: int = Field(default=5, ge=1, le=20)
    first_wait_seconds: float = Field(default=0.5, ge=0)
    most_wait_seconds: float = Field(default=60, ge=0, description="the longest wait a server may ask for")
    requests_per_second: float = Field(default=0, ge=0, description="0: as fast as the source answers")


class Connection(Credentials, Patience):
    """Where a source answers over HTTP and how it is asked; references may stand for any secret and for `base_url`.

    `status_field` names the field by which a 200 tells an error (there, and none of `ok_values`); `busy_values` of it
    are tried again, `expired_values` renew the token or the session once, `message_field` has the source's words.
    """

    base_url: str
    headers: dict[str, str] = Field(default_factory=dict)
    status_field: str = ""
    ok_values: list[str] = Field(default_factory=list)
    busy_values: list[str] = Field(default_factory=list)
    expired_values: list[str] = Field(default_factory=list)
    message_field: str = ""


class PassingError(Exception):
    """The server's trouble of the moment; `wait` is what it asked for, in seconds."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


class ExpiredError(Exception):
    """The token or session has ended; its message is what the source said of it, `generation` which one it was."""

    def __init__(self, what: str, generation: int) -> None:
        super().__init__(what)
        self.generation = generation


@dataclass(frozen=True)
class Answer:
    """What came back: the parsed body (a list for JSON Lines), its headers, and whether it was JSON Lines."""

    body: Any
    headers: Mapping[str, str]
    is_lines: bool = False


Judge = Callable[[Any], None]


@dataclass
class Web:
    """One pull's conversation with a server: its transport, what it shows, the deadline of the page at hand."""

    connection: Connection
    transport: Transport
    shown: Pass
    base_url: str
    ends_at: float
    _next_at: float = 0.0
    _pace: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def start_page(self) -> None:
        """The deadline counts from here."""
        self.ends_at = time.monotonic() + self.connection.deadline_seconds

    def read(
        self,
        path: str,
        params: Mapping[str, Value] | None = None,
        *,
        method: str = "GET",
        body: Any = None,
        is_form: bool = False,
        is_link: bool = False,
        judge: Judge | None = None,
    ) -> Answer:
        """The answer behind a path under `base_url`, or (`is_link`) behind a link the server gave; numbers as text.

        `body` is sent as JSON, or with `is_form` as a form. `judge` is given each body and may raise PassingError or
        SourceError. Raises SourceError when the server keeps failing, refuses, or does not answer JSON, naming the path
        alone; RefusedError for a link or a redirect to another server.
        """
        base = URL(self.base_url.rstrip("/") + "/")
        url = base.join(path if is_link else path.lstrip("/")) if path else URL(self.base_url)
        self._is_ours(url, "the next page lies")
        where = f"{url.host}{url.path}"
        call = Call(method, str(url), dict(params or {}))
        try:
            for attempt in stamina.retry_context(
                on=self._how_long,
                attempts=self.connection.attempts,
                timeout=self.left(where),
                wait_initial=self.connection.first_wait_seconds,
                wait_max=self.connection.most_wait_seconds,
                wait_jitter=self.connection.first_wait_seconds,
            ):
                with attempt, at(where):
                    return self._once(call, body, is_form, where, judge)
        except PassingError as error:
            raise stopped(f"{where}: {error}, after {self.connection.attempts} attempts") from None
        raise SourceError(f"{where}: no attempt was made")

    def left(self, where: str) -> float:
        """Seconds until the page's deadline. Raises SourceError where there are none."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise stopped(f"{where}: not done within {self.connection.deadline_seconds:,.0f} seconds")
        return left

    def _how_long(self, error: Exception) -> bool | float:
        """Whether to try again: not for what will not pass; after as long as the server asks, within reason."""
        if not isinstance(error, PassingError):
            return False
        if error.wait is None:
            return True
        return min(error.wait, self.connection.most_wait_seconds, max(0.0, self.ends_at - time.monotonic()))

    def _is_ours(self, url: URL, what: str) -> None:
        own = URL(self.base_url)
        if (url.scheme, url.host, url.port) != (own.scheme, own.host, own.port):
            raise RefusedError(f"{own.host}: {what} on another server ({url.host}); the token stays here")

    def _once(self, call: Call, body: Any, is_form: bool, where: str, judge: Judge | None) -> Answer:
        """One attempt, and a second one with a new token where the first says that the old one has ended."""
        try:
            return self._judged(call, body, is_form, where, judge)
        except ExpiredError as first:
            if not self.shown.can_renew:
                raise StatusError(f"{where}: {first}", 401) from None
            self.shown.renew(first.generation)
        try:
            return self._judged(call, body, is_form, where, judge)
        except ExpiredError as again:
            raise StatusError(f"{where}: {again}", 401) from None

    def _judged(self, call: Call, body: Any, is_form: bool, where: str, judge: Judge | None) -> Answer:
        try:
            shown, generation = self.shown.params()
        except BrokenError as error:
            raise PassingError(f"asking for a token or a session: {error}") from None
        except NoTokenError as error:
            if error.status in PASSING:
                raise PassingError(str(error), _asked_wait(error.headers)) from None
            raise stopped(str(error)) from None
        response = self._exchange(self._request(call, shown, body, is_form), where)
        status, headers = response.status, response.headers
        if status in PASSING:
            raise PassingError(f"the server answered {status}", _asked_wait(headers))
        if status == 401:
            raise ExpiredError("the server refused us (401); the token or password in use is not accepted", generation)
        if status == 403:
            raise stopped(f"{where}: the server refused us (403); the token or password in use is not accepted")
        if status >= 300:
            raise StatusError(f"{where}: the server answered {status}", status)
        as_lines = is_lines(headers.get("Content-Type", ""))
        try:
            answer = Answer(
                json_lines(response.content) if as_lines else strict_json(response.content), headers, as_lines
            )
        except ValueError as error:
            raise PassingError(f"the answer is no JSON: {error}") from None
        self._said(answer.body, where, generation)
        if judge is not None:
            judge(answer.body)
        return answer

    def _request(self, call: Call, shown: Mapping[str, str], body: Any, is_form: bool) -> Request:
        """The request to send: signed anew for each attempt."""
        if sign := self.connection.sign:
            # The platform compares the time with its own: a pinned or demo clock would be refused there.
            call = SIGNERS[sign](call, self.shown.keys, datetime.fromtimestamp(time.time(), UTC))
            if call.method == "POST" and body is None and not call.content:
                return Request("POST", URL(call.url), call.headers, form=call.params)
        params = {**call.params, **shown}
        # An empty mapping would drop the query that a link carries.
        url = URL(call.url).copy_merge_params(params) if params else URL(call.url)
        form, json = (body, None) if is_form else (None, body)
        return Request(call.method, url, call.headers, json, form, call.content)

    def _exchange(self, request: Request, where: str) -> Response:
        """The answer; a body that drips is cut off by the deadline, not by each drop's own patience."""
        for _ in range(MOST_MOVES):
            self._wait_turn(where)
            try:
                response = self.transport.exchange(request, MOST_BYTES, lambda: self.left(where))
            except BrokenError as error:
                raise PassingError(str(error)) from None
            to = response.headers.get("Location", "")
            if response.status not in MOVED or request.method != "GET" or not to:
                return response
            url = request.url.join(to)
            self._is_ours(url, "we are sent on, and the answer lies")
            if self.connection.sign:
                raise stopped(f"{where}: sent on to {url.host}{url.path}, and a signed request is good for one address")
            request = Request("GET", url)
        raise stopped(f"{where}: sent on more than {MOST_MOVES} times")

    def download(self, address: str, hosts: list[str], file: IO[bytes], most_bytes: int) -> None:
        """A file that the server points to, into `file`, by a client that shows nothing of ours.

        Raises RefusedError for a host that is neither the server's own nor named, SourceError as `read` does.
        """
        url, own = URL(address), URL(self.base_url)
        is_own = (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port)
        if not is_own and (url.scheme != "https" or url.host not in hosts):
            raise RefusedError(f"{own.host}: the result lies on {url.host}, which is not among the hosts allowed")
        told = self.connection
        try:
            for attempt in stamina.retry_context(
                on=(BrokenError, PassingError),
                attempts=told.attempts,
                timeout=None,
                wait_initial=told.first_wait_seconds,
                wait_jitter=told.first_wait_seconds,
            ):
                with attempt, at(url.host):
                    file.seek(0)
                    file.truncate()
                    with Transport({}, told.timeout_seconds) as plain:
                        status = plain.save(Request("GET", url), most_bytes, file)
                    if status in PASSING:
                        raise PassingError(f"the server answered {status}")
        except (BrokenError, PassingError) as error:
            raise stopped(f"{url.host}: the result could not be fetched: {error}") from None
        if status != 200:
            raise stopped(f"{url.host}: the result could not be fetched (status {status})")
        file.seek(0)

    def _said(self, body: Any, where: str, generation: int) -> None:
        """Raises what an error told inside a 200 amounts to."""
        told = self.connection
        status = text_of(dig(body, told.status_field)) if told.status_field else None
        if status is None or status in told.ok_values:
            return
        words = text_of(dig(body, told.message_field)) if told.message_field else ""
        said = self.shown.clean(f"{status} {words or ''}".rstrip())
        what = f"the answer reports an error of the source: {said}"
        if status in told.busy_values:
            raise PassingError(what)
        if status in told.expired_values:
            raise ExpiredError(what, generation)
        raise stopped(f"{where}: {what}")

    def _wait_turn(self, where: str) -> None:
        """Keeps the pace the source allows, across the threads that fetch details."""
        if not self.connection.requests_per_second:
            return
        with self._pace:
            at = max(self._next_at, time.monotonic())
            self._next_at = at + 1 / self.connection.requests_per_second
        if (wait := at - time.monotonic()) > 0:
            time.sleep(min(wait, self.left(where)))


@contextmanager
def open_web(workspace: Workspace, connection: Connection) -> Iterator[Web]:
    """A conversation with the source's server; references are resolved here."""
    with Transport({"Accept": "application/json", **connection.headers}, connection.timeout_seconds) as transport:
        base_url = workspace.resolve(connection.base_url)
        shown = Pass(connection, workspace, transport, base_url, connection.timeout_seconds)
        shown.open()
        yield Web(connection, transport, shown, base_url, time.monotonic() + connection.deadline_seconds)


def _asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header, given as a number or as a date; None without one."""
    text = headers.get("Retry-After", "").strip()
    try:
        if text.replace(".", "", 1).isdecimal():
            return float(text)
        # The server's own clock, where it tells it: ours may be pinned or wrong.
        said = headers.get("Date")
        start = parsedate_to_datetime(said) if said else datetime.fromtimestamp(time.time(), UTC)
        return max(0.0, (parsedate_to_datetime(text) - start).total_seconds()) if text else None
    except (ValueError, TypeError):
        return None


class StatusError(SourceError):
    """The server answered with a status that will be the same tomorrow."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(what, state=STATE)
        self.status = status


def stopped(what: str) -> SourceError:
    """What ends the pull of this stream."""
    return SourceError(what, state=STATE)
