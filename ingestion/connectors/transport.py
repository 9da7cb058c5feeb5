"""The one module that knows the HTTP library: a request, its answer, and whatever breaks on the way told in one way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import IO, Any, Self

import httpx

from ingestion.connectors.answers import unpacked

URL = httpx.URL


class BrokenError(Exception):
    """The connection failed, or the answer came broken: trouble of the moment."""


@dataclass(frozen=True)
class Request:
    """What is sent: a body as `json`, as a `form` or as it is (`content`), or none."""

    method: str
    url: URL
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, Any] | None = None
    content: bytes = b""


@dataclass(frozen=True)
class Response:
    """What came back, unpacked; the names of `headers` are found in any case."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""


class Transport:
    """A client with its cookies and what it shows with every request; follows no redirect, asks no proxy."""

    def __init__(self, headers: Mapping[str, str], timeout_seconds: float) -> None:
        # gzip alone: it is unpacked here, where a stream that ends early is noticed.
        told = {"Accept-Encoding": "gzip", "User-Agent": "tillmill", **headers}
        self._client = httpx.Client(headers=told, timeout=timeout_seconds, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def headers(self) -> MutableMapping[str, str]:
        """What goes with every request from now on."""
        return self._client.headers

    def show_password(self, username: str, password: str) -> None:
        """Basic authentication with every request from now on."""
        self._client.auth = httpx.BasicAuth(username, password)

    def exchange(self, request: Request, most_bytes: int, look: Callable[[], object] = lambda: None) -> Response:
        """The answer; `look` is called with each part that comes, and ends a body that drips by raising.

        Raises BrokenError, and RefusedError beyond `most_bytes`.
        """
        parts: list[bytes] = []

        def take(part: bytes) -> None:
            parts.append(part)
            look()

        status, headers = self._parts(request, most_bytes, take)
        return Response(status, headers, b"".join(parts))

    def save(self, request: Request, most_bytes: int, file: IO[bytes]) -> int:
        """The answer's body into `file`, part by part; its status. Raises as `exchange` does."""
        return self._parts(request, most_bytes, file.write)[0]

    def _parts(
        self, request: Request, most_bytes: int, take: Callable[[bytes], object]
    ) -> tuple[int, Mapping[str, str]]:
        built = self._client.build_request(
            request.method,
            request.url,
            headers=dict(request.headers),
            json=request.json,
            data=dict(request.form) if request.form is not None else None,
            content=request.content or None,
        )
        try:
            response = self._client.send(built, stream=True)
            try:
                encoding = response.headers.get("Content-Encoding", "").strip().lower()
                for part in unpacked(
                    response.iter_raw(), encoding, most_bytes, f"{request.url.host}{request.url.path}"
                ):
                    take(part)
                return response.status_code, response.headers
            finally:
                response.close()
        except httpx.TransportError as error:
            raise BrokenError(f"{type(error).__name__} while reading") from None
        except ValueError as error:
            raise BrokenError(str(error)) from None


class _NoQuery(logging.Filter):
    """The library logs each request's whole address; a key or token in its query is nobody's to read."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(arg.copy_with(query=None) if isinstance(arg, httpx.URL) else arg for arg in record.args)
        return True


logging.getLogger("httpx").addFilter(_NoQuery())
# Its DEBUG tells headers, and with them session cookies.
logging.getLogger("httpcore").setLevel(logging.INFO)
