"""How a source is told who asks: a bearer token, a password, an API key, OAuth2 or a log-in; secrets by reference."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from ingestion.connectors.answers import strict_json
from ingestion.connectors.connector import Settings
from ingestion.connectors.records import dig
from ingestion.connectors.signing import Keys
from ingestion.connectors.transport import URL, Request, Response, Transport
from tillmill.workspace import Workspace

# A token is fetched anew this long before its end: what takes a while to travel must not expire on the way.
MARGIN_SECONDS = 30.0
MOST_BYTES = 1 << 20
SHORTEST_SECRET = 4


class Login(Settings):
    """A request that opens a session kept by cookie; values of `body` may be references."""

    path: str
    body: dict[str, Any]
    is_form: bool = False
    ok_field: str = Field(default="", description="field of the answer that tells success")
    ok_values: list[str] = Field(default_factory=list)


class Credentials(Settings):
    """One way in: `token`, `username`, `api_key`, `token_url` or `login`; or `sign`, the platform's own.

    `token`, `password`, `api_key`, `client_secret`, `app_secret`, `access_token` are references (`env:`, `file:`).
    """

    token: str = ""
    username: str = ""
    password: str = ""
    api_key: str = ""
    api_key_header: str = ""
    api_key_param: str = ""
    token_url: str = Field(default="", description="OAuth2 client credentials; a 401 fetches a new token once")
    client_id: str = ""
    client_secret: str = ""
    scope: str = ""
    token_query: dict[str, str] = Field(
        default_factory=dict, description="ask token_url by GET with these (references allowed) instead"
    )
    token_param: str = Field(default="", description="send the fetched token in this query parameter, not as bearer")
    login: Login | None = None
    sign: Literal["", "shopify", "woocommerce", "taobao", "jd", "douyin", "wangdiantong"] = ""
    app_key: str = ""
    app_secret: str = ""
    access_token: str = ""
    sign_method: Literal["", "md5", "hmac", "hmac-sha256"] = ""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        ways = [self.token, self.username, self.api_key, self.token_url, self.login, self.sign]
        if sum(bool(way) for way in ways) > 1:
            raise ValueError("give one of token, username, api_key, token_url, login and sign")
        if bool(self.api_key) != (bool(self.api_key_header) != bool(self.api_key_param)):
            raise ValueError("api_key needs one of api_key_header and api_key_param")
        if self.token_url and not (self.client_secret or self.token_query):
            raise ValueError("token_url needs client_id and client_secret, or token_query")
        if self.sign and not (self.access_token or self.app_secret):
            raise ValueError("sign needs app_key and app_secret, access_token, or all of them")
        return self


class NoTokenError(Exception):
    """The token server or the log-in refused; `status` is the answer's."""

    def __init__(self, what: str, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(what)
        self.status = status
        self.headers = headers


@dataclass
class Pass:
    """What is shown with each request of one pull: resolved secrets, the token of the moment, whether to renew it."""

    credentials: Credentials
    workspace: Workspace
    transport: Transport
    base_url: str
    timeout_seconds: float
    secrets: set[str] = field(default_factory=set, repr=False)
    _token: str = field(default="", repr=False)
    _ends_at: float = 0.0
    _is_in: bool = False
    _generation: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def secret(self, reference: str) -> str:
        """The secret behind a reference, remembered so that no message shows it."""
        value = self.workspace.secret(reference) if reference else ""
        if len(value) >= SHORTEST_SECRET:
            self.secrets.add(value)
        return value

    def clean(self, text: str) -> str:
        """A server's words without our secrets, should it repeat them, and not too many of them."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text if len(text) <= 300 else f"{text[:300]}…"

    def open(self) -> None:
        """Puts what does not change during a pull into the client."""
        told = self.credentials
        if told.token:
            self.transport.headers["Authorization"] = f"Bearer {self.secret(told.token)}"
        if told.username:
            self.transport.show_password(told.username, self.secret(told.password))
        if told.api_key_header:
            self.transport.headers[told.api_key_header] = self.secret(told.api_key)

    @property
    def keys(self) -> Keys:
        """What a signer needs."""
        told = self.credentials
        key = self.workspace.resolve(told.app_key)
        return Keys(key, self.secret(told.app_secret), self.secret(told.access_token), told.sign_method)

    def params(self) -> tuple[dict[str, str], int]:
        """What goes into the query of every request, and the how-manieth token or session that is.

        A token that is about to end is renewed first.
        """
        told = self.credentials
        with self._lock:
            if told.token_url and time.monotonic() >= self._ends_at:
                self._fetch_token()
            if told.login and not self._is_in:
                self._log_in(told.login)
            token, generation = self._token, self._generation
        if told.api_key_param:
            return {told.api_key_param: self.secret(told.api_key)}, generation
        return ({told.token_param: token} if told.token_url and told.token_param else {}), generation

    @property
    def can_renew(self) -> bool:
        """Whether a refusal may be a session or token that has ended."""
        return bool(self.credentials.token_url or self.credentials.login)

    def renew(self, generation: int) -> None:
        """The next request fetches a new token, or logs in again, unless another thread has seen to it already."""
        with self._lock:
            if generation == self._generation:
                self._ends_at, self._is_in = 0.0, False

    def _fetch_token(self) -> None:
        """A new token by OAuth2 client credentials (RFC 6749, 4.4), or by GET where the platform has it so."""
        told = self.credentials
        url = URL(self.workspace.resolve(told.token_url))
        query = {name: self._value(value) for name, value in told.token_query.items()}
        form = {"grant_type": "client_credentials", "client_id": self.workspace.resolve(told.client_id)}
        form |= {"client_secret": self.secret(told.client_secret)} | ({"scope": told.scope} if told.scope else {})
        request = (
            Request("GET", url.copy_merge_params(query))
            if query
            else Request("POST", url, {"Accept": "application/json"}, form=form)
        )
        # A client of its own: the token server may be another, and is shown nothing that is the source's.
        with Transport({}, self.timeout_seconds) as plain:
            answer = plain.exchange(request, MOST_BYTES)
        body = self._body(answer)
        token, lasts = dig(body, "access_token"), str(dig(body, "expires_in") or "")
        if not isinstance(token, str) or not token:
            raise self._refused(url, answer, "gave no token")
        self.secrets.add(token)
        self._token, self._generation = token, self._generation + 1
        seconds = float(lasts) if lasts.replace(".", "", 1).isdecimal() else float("inf")
        self._ends_at = time.monotonic() + max(seconds - MARGIN_SECONDS, seconds / 2)
        if not told.token_param:
            self.transport.headers["Authorization"] = f"Bearer {token}"

    def _log_in(self, login: Login) -> None:
        body = {name: self._value(value) if isinstance(value, str) else value for name, value in login.body.items()}
        url = URL(self.base_url.rstrip("/") + "/").join(login.path.lstrip("/"))
        form, json = (body, None) if login.is_form else (None, body)
        answer = self.transport.exchange(Request("POST", url, json=json, form=form), MOST_BYTES)
        told = str(dig(self._body(answer), login.ok_field)) if login.ok_field else ""
        if answer.status >= 300 or (login.ok_field and told not in login.ok_values):
            raise self._refused(url, answer, "refused the log-in")
        self._is_in, self._generation = True, self._generation + 1

    def _value(self, text: str) -> str:
        return self.secret(text) if text.startswith(("env:", "file:")) else text

    def _body(self, answer: Response) -> Any:
        try:
            return strict_json(answer.content) if answer.status < 300 else None
        except ValueError:
            return None

    def _refused(self, url: URL, answer: Response, what: str) -> NoTokenError:
        words = f"{url.host}{url.path}: {what} (status {answer.status})"
        return NoTokenError(words, answer.status, answer.headers)
