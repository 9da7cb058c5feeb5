"""Calls of a SOAP service by its WSDL: signed in, retried within a deadline, answered with an element or a Stop."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Never, Self

import httpx
import stamina
from lxml import etree
from pydantic import Field, model_validator

from ingestion.connectors.connector import Settings
from ingestion.connectors.retries import at
from ingestion.connectors.web import MOST_BYTES, PASSING, PassingError
from tillmill.errors import RefusedError, SettingsError, SourceError
from tillmill.workspace import Workspace

ENVELOPES = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")
STATE = "The cursor has not moved; other streams go on."
MOST_WORDS = 500


class Connection(Settings):
    """A service by its `wsdl`, a URL or a file of the workspace; `password` is a reference.

    `security` says how user and password travel: a WS-Security UsernameToken in plain text or as a digest, or HTTP's
    basic scheme. `address` is where the service answers, where that is another than its WSDL says.
    """

    wsdl: str
    address: str = ""
    service: str = ""
    port: str = ""
    username: str = ""
    password: str = ""
    security: Literal["token", "digest", "basic"] = "token"
    timeout_seconds: float = Field(default=30, gt=0, description="of connecting, and of each silence while reading")
    deadline_seconds: float = Field(default=900, gt=0, description="of one pull, retries and waits included")
    attempts: int = Field(default=5, ge=1, le=20)
    first_wait_seconds: float = Field(default=0.5, ge=0)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password belong together")
        return self


@dataclass(frozen=True)
class Answer:
    """What the server sent, before anyone believes it."""

    status: int
    content: bytes


@dataclass
class Transport:
    """What zeep asks for documents and answers: HTTP with a deadline, from the service's own host and nowhere else."""

    client: httpx.Client
    folder: Path
    hosts: frozenset[tuple[str, str, int | None]]
    ends_at: float

    def load(self, url: str) -> bytes:
        """A WSDL or schema: from an allowed host, or a file beside the workspace's."""
        if "://" in url:
            status, content = self._exchange("GET", url, b"", {})
            if status != 200:
                _stop(f"{_short(url)}: the server answered {status} to the request for its WSDL")
            return content
        path = Path(url).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise RefusedError(f"the WSDL refers to {url}, outside the workspace; it was not read")
        return path.read_bytes()

    def post_xml(self, address: str, envelope: Any, headers: dict[str, str]) -> Answer:
        return Answer(*self._exchange("POST", address, etree.tostring(envelope, encoding="utf-8"), headers))

    def _exchange(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        if origin(url) not in self.hosts:
            raise RefusedError(
                f"{_short(url)} is another server than the WSDL's; nothing was sent there",
                next_command="if it is the right one, name it as address in tillmill.toml, then: tillmill run",
            )
        try:
            with self.client.stream(method, url, content=body or None, headers=headers) as response:
                content = bytearray()
                for part in response.iter_bytes():
                    content += part
                    if len(content) > MOST_BYTES:
                        raise RefusedError(f"{_short(url)}: an answer of more than {MOST_BYTES:,} bytes")
                    self.left(_short(url))
                return response.status_code, bytes(content)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise PassingError(f"{type(error).__name__} while reading") from None

    def left(self, where: str) -> float:
        left = self.ends_at - time.monotonic()
        if left <= 0:
            _stop(f"{where}: not done within its deadline")
        return left


@dataclass
class Service:
    """A service whose operations can be called."""

    connection: Connection
    transport: Transport
    proxy: Any
    where: str
    secret: str = ""

    def call(self, operation: str, arguments: dict[str, Any]) -> Any:
        """The element inside the answer's body. Raises SourceError with the server's words, SettingsError."""
        where = f"{self.where}, {operation}"
        return _tried(self.connection, self.transport, where, lambda: self._once(operation, arguments, where))

    def _once(self, operation: str, arguments: dict[str, Any], where: str) -> Any:
        from zeep import exceptions

        try:
            answer = self.proxy[operation](**arguments)
        except AttributeError as error:
            there = ", ".join(sorted(name for name in dir(self.proxy) if not name.startswith("_")))
            raise SettingsError(f"{where}: the service has no operation {operation}; it has {there}") from error
        except (exceptions.ValidationError, TypeError, ValueError) as error:
            raise SettingsError(f"{where}: the WSDL does not take these arguments: {error}") from None
        return read_answer(answer, where, self.secret)


def _tried(connection: Connection, transport: Transport, where: str, what: Any) -> Any:
    try:
        for attempt in stamina.retry_context(
            on=PassingError,
            attempts=connection.attempts,
            timeout=transport.left(where),
            wait_initial=connection.first_wait_seconds,
            wait_jitter=connection.first_wait_seconds,
        ):
            with attempt, at(where):
                return what()
    except PassingError as error:
        _stop(f"{where}: {error}, after {connection.attempts} attempts")
    raise AssertionError("no attempt was made")


def read_answer(answer: Answer, where: str, secret: str = "") -> Any:
    """The first element of the body. Raises PassingError for what is no SOAP, SourceError for a fault."""
    if answer.status in {401, 403}:
        _stop(f"{where}: the server refused us ({answer.status}); the user or password in use is not accepted")
    try:
        root = parse(answer.content)
    except etree.XMLSyntaxError as error:
        raise PassingError(
            f"the server answered {answer.status} and no SOAP ({error.msg}): {_words(answer.content, secret)}"
        ) from None
    namespace = next((name for name in ENVELOPES if root.tag == f"{{{name}}}Envelope"), None)
    body = root.find(f"{{{namespace}}}Body") if namespace else None
    if body is None:
        raise PassingError(f"the server answered {answer.status} and no SOAP: {_words(answer.content, secret)}")
    fault = body.find(f"{{{namespace}}}Fault")
    if fault is not None:
        told = " ".join(_words(etree.tostring(fault, encoding="utf-8"), secret).split())
        _stop(f"{where}: the server reports a fault: {told or 'without a word'}")
    if answer.status in PASSING or answer.status >= 300:
        raise PassingError(f"the server answered {answer.status}")
    if len(body) == 0:
        _stop(f"{where}: the answer's body is empty")
    return body[0]


def parse(content: bytes) -> Any:
    """The root element, read without DTD, entities or network. Raises XMLSyntaxError, RefusedError for a DTD."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True, huge_tree=False
    )
    root = etree.fromstring(content, parser)
    if root.getroottree().docinfo.doctype:
        raise RefusedError("an answer with a document type (DTD) is not read")
    return root


@contextmanager
def open_service(workspace: Workspace, connection: Connection) -> Iterator[Service]:
    """The service behind the WSDL; references are resolved here. Raises SourceError, RefusedError, SettingsError."""
    wsdl, address = workspace.resolve(connection.wsdl), workspace.resolve(connection.address)
    is_remote = wsdl.startswith(("http://", "https://"))
    if not is_remote:
        wsdl = str(workspace.root / wsdl)
    user, secret = connection.username, workspace.secret(connection.password) if connection.password else ""
    auth = (user, secret) if user and connection.security == "basic" else None
    with httpx.Client(auth=auth, timeout=connection.timeout_seconds, trust_env=False) as client:
        hosts = frozenset(origin(url) for url in (wsdl if is_remote else "", address) if url)
        transport = Transport(client, workspace.root, hosts, time.monotonic() + connection.deadline_seconds)
        where = _short(address or wsdl)
        proxy = _tried(
            connection, transport, where, lambda: _proxy(connection, transport, wsdl, address, (user, secret))
        )
        yield Service(connection, transport, proxy, where, secret)


def _proxy(connection: Connection, transport: Transport, wsdl: str, address: str, signing: tuple[str, str]) -> Any:
    """zeep's callable operations; it writes the requests, and hands over the answers unread."""
    # Imported where it is used: it costs half a second that no other source should pay.
    import zeep
    from zeep.wsse.username import UsernameToken

    settings = zeep.Settings(raw_response=True, forbid_dtd=True, forbid_entities=True, force_https=False)
    signed = signing[0] and connection.security != "basic"
    is_digest = connection.security == "digest"
    token = UsernameToken(*signing, use_digest=is_digest) if signed else None  # type: ignore[no-untyped-call]
    try:
        client: Any = zeep.Client(wsdl, wsse=token, transport=transport, settings=settings)  # type: ignore[no-untyped-call]
        proxy = client.bind(connection.service or None, connection.port or None)
        if address:
            proxy = client.create_service(str(proxy._binding.name), address)
    except (zeep.exceptions.Error, etree.XMLSyntaxError, ValueError, OSError) as error:
        _stop(f"{_short(wsdl)}: no usable WSDL: {type(error).__name__}: {' '.join(str(error).split())[:MOST_WORDS]}")
    if not address and not transport.hosts:
        raise SettingsError(
            f"{_short(wsdl)} is a file; name in address where the service answers",
            next_command="add address to the source's connection in tillmill.toml, then: tillmill run",
        )
    return proxy


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what makes a server the same one."""
    parts = httpx.URL(url)
    return parts.scheme, parts.host, parts.port


def _short(url: str) -> str:
    """A URL without its query, where some servers want their keys; of a file its name."""
    if "://" not in url:
        return Path(url).name
    parts = httpx.URL(url)
    return f"{parts.host}:{parts.port}{parts.path}" if parts.port else f"{parts.host}{parts.path}"


def _words(content: bytes, secret: str) -> str:
    """What a person can read of an answer: its text without tags, and without the password some servers echo."""
    text = re.sub(r"<[^>]*>", " ", content.decode("utf-8", "backslashreplace"))
    if secret:
        text = text.replace(secret, "***")
    return " ".join(text.split())[:MOST_WORDS] or "not a word"


def _stop(what: str) -> Never:
    raise SourceError(what, state=STATE)
