"""Reading JSON over HTTP: authenticated, retried within a deadline, never with a secret in a message."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Never

import httpx
import stamina
from pydantic import Field, model_validator

from ingestion.connectors.connector import Settings
from tillmill.errors import RefusedError, SourceError
from tillmill.workspace import Workspace

# An answer of these is the server's trouble of the moment; any other from 400 on will be the same tomorrow.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
MOST_BYTES = 256 << 20


class Connection(Settings):
    """Where a REST source answers and how it is asked; `token`, `password`, `client_secret` are references."""

    base_url: str
    token: str = ""
    username: str = ""
    password: str = ""
    token_url: str = Field(default="", description="OAuth2 client credentials; a 401 fetches a new token once")
    client_id: str = ""
    client_secret: str = ""
    timeout_seconds: float = Field(default=30, gt=0, description="of connecting, and of each silence while reading")
    deadline_seconds: float = Field(default=900, gt=0, description="of one pull, retries and waits included")
    attempts: int = Field(default=5, ge=1, le=20)
    first_wait_seconds: float = Field(default=0.5, ge=0)
    most_wait_seconds: float = Field(default=60, ge=0, description="the longest wait a server may ask for")

    @model_validator(mode="after")
    def _one_way_in(self) -> Connection:
        ways = [bool(self.token), bool(self.username), bool(self.token_url)]
        if sum(ways) > 1:
            raise ValueError("give one of token, username and password, or token_url")
        return self


class PassingError(Exception):
    """The server's trouble of the moment; `wait` is what it asked for, in seconds."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


@dataclass
class Web:
    """One pull's conversation with a server: its client, its token, its deadline."""

    connection: Connection
    client: httpx.Client
    workspace: Workspace
    base_url: str
    ends_at: float

    def read(self, path: str, params: dict[str, str], is_link: bool = False) -> Any:
        """The JSON behind a path under `base_url`, or (`is_link`) behind a link the server gave; numbers as text.

        Raises SourceError when the server keeps failing, refuses, or does not answer JSON, naming the path alone.
        """
        url = httpx.URL(self.base_url.rstrip("/") + "/").join(path if is_link else path.lstrip("/"))
        own = httpx.URL(self.base_url)
        if (url.scheme, url.host, url.port) != (own.scheme, own.host, own.port):
            raise RefusedError(f"{own.host}: the next page lies on another server ({url.host}); the token stays here")
        where = f"{url.host}{url.path}"
        try:
            for attempt in stamina.retry_context(
                on=self._how_long,
                attempts=self.connection.attempts,
                timeout=self._left(where),
                wait_initial=self.connection.first_wait_seconds,
                wait_max=self.connection.most_wait_seconds,
                wait_jitter=self.connection.first_wait_seconds,
            ):
                with attempt:
                    return self._once(url, params, where)
        except PassingError as error:
            raise SourceError(
                f"{where}: {error}, after {self.connection.attempts} attempts",
                state="The cursor has not moved; other streams go on.",
            ) from None
        raise SourceError(f"{where}: no attempt was made")

    def _how_long(self, error: Exception) -> bool | float:
        """Whether to try again: not for what will not pass; after as long as the server asks, within reason."""
        if not isinstance(error, PassingError):
            return False
        return True if error.wait is None else min(error.wait, self.connection.most_wait_seconds)

    def _left(self, where: str) -> float:
        left = self.ends_at - time.monotonic()
        if left <= 0:
            _stop(f"{where}: not done within {self.connection.deadline_seconds:,.0f} seconds")
        return left

    def _once(self, url: httpx.URL, params: dict[str, str], where: str) -> Any:
        status, headers, body = self._exchange(url, params, where)
        if status == 401 and self.connection.token_url:
            self.client.headers["Authorization"] = f"Bearer {self.fetch_token()}"
            status, headers, body = self._exchange(url, params, where)
        if status in PASSING:
            raise PassingError(f"the server answered {status}", _asked_wait(headers))
        if status in {401, 403}:
            _stop(f"{where}: the server refused us ({status}); the token or password in use is not accepted")
        if status >= 300:
            _stop(f"{where}: the server answered {status}")
        try:
            return strict_json(body)
        except ValueError as error:
            raise PassingError(f"the answer is no JSON: {error}") from None

    def _exchange(self, url: httpx.URL, params: dict[str, str], where: str) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers, body; a body that drips is cut off by the deadline, not by each drop's own patience."""
        merged = url.copy_merge_params(params) if params else url
        try:
            with self.client.stream("GET", merged) as response:
                parts: list[bytes] = []
                size = 0
                for part in response.iter_bytes():
                    size += len(part)
                    if size > MOST_BYTES:
                        raise RefusedError(
                            f"{where}: an answer of more than {MOST_BYTES:,} bytes; ask for smaller pages"
                        )
                    parts.append(part)
                    self._left(where)
                return response.status_code, response.headers, b"".join(parts)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise PassingError(f"{type(error).__name__} while reading") from None

    def fetch_token(self) -> str:
        """A new token by OAuth2 client credentials (RFC 6749, 4.4)."""
        secret = self.workspace.secret(self.connection.client_secret)
        form = {"grant_type": "client_credentials", "client_id": self.connection.client_id, "client_secret": secret}
        try:
            answer = self.client.post(
                self.workspace.resolve(self.connection.token_url), data=form, headers={"Authorization": ""}
            )
        except httpx.TransportError as error:
            raise PassingError(f"{type(error).__name__} while fetching a token") from None
        if answer.status_code in PASSING:
            raise PassingError(f"the token server answered {answer.status_code}", _asked_wait(answer.headers))
        try:
            token = answer.json()["access_token"] if answer.is_success else None
        except (ValueError, KeyError, TypeError):
            token = None
        if not isinstance(token, str):
            _stop(f"{answer.url.host}{answer.url.path}: gave no token (status {answer.status_code})")
        return token


@contextmanager
def open_web(workspace: Workspace, connection: Connection) -> Iterator[Web]:
    """A conversation with the source's server; references are resolved here."""
    auth = (connection.username, workspace.secret(connection.password)) if connection.username else None
    headers = {"Accept": "application/json", "User-Agent": "tillmill"}
    if connection.token:
        headers["Authorization"] = f"Bearer {workspace.secret(connection.token)}"
    with httpx.Client(auth=auth, headers=headers, timeout=connection.timeout_seconds, trust_env=False) as client:
        ends_at = time.monotonic() + connection.deadline_seconds
        yield Web(connection, client, workspace, workspace.resolve(connection.base_url), ends_at)


def strict_json(body: bytes) -> Any:
    """The parsed body, numbers as the text they were. Raises ValueError for what is not JSON, NaN and Infinity too."""

    def refuse(name: str) -> Never:
        raise ValueError(f"{name} is no number")

    return json.loads(body.decode("utf-8"), parse_float=str, parse_int=str, parse_constant=refuse)


def _asked_wait(headers: httpx.Headers) -> float | None:
    """Seconds of a Retry-After header, given as a number or as a date; None without one."""
    text = headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        # The server's own clock, where it tells it: ours may be pinned or wrong.
        said = headers.get("Date")
        start = parsedate_to_datetime(said) if said else datetime.fromtimestamp(time.time(), UTC)
        return max(0.0, (parsedate_to_datetime(text) - start).total_seconds()) if text else None
    except (ValueError, TypeError):
        return None


def _stop(what: str) -> Never:
    raise SourceError(what, state="The cursor has not moved; other streams go on.")
