"""From a connection in the workspace file to an open place; references are resolved here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from ingestion.connectors.connector import Settings
from ingestion.connectors.places.folder import Folder
from ingestion.connectors.places.ftp import open_ftp
from ingestion.connectors.places.objects import SCHEMES, open_objects
from ingestion.connectors.places.patient import Patient
from ingestion.connectors.places.place import Place
from ingestion.connectors.places.sftp import open_sftp
from tillmill.errors import SettingsError
from tillmill.workspace import Workspace

KNOWN = ("a folder", "sftp://", "ftp://", "ftps://", *(f"{scheme}://" for scheme in SCHEMES))
# Words in an option's name that make its value a secret, which is never written out.
SECRET_WORDS = (
    "secret",
    "token",
    "password",
    "private",
    "credential",
    "account_key",
    "master_key",
    "sas",
    "service_account",
)


class Connection(Settings):
    """Where the files lie, and how we are let in.

    `url` is a folder (relative to the workspace), `sftp://`, `ftp://` or `ftps://user@host:port/folder`, `s3://`,
    `gs://` or `az://bucket/prefix`. `password`, `private_key` and the secret ones of `options` are references (`file:`,
    `env:`). `host_key` (SFTP) and `certificate` (FTPS, PEM) pin the server. `options` are the object store's own. After
    `attempts` without progress, `first_wait_seconds` and then twice as long apart, the stream stops.
    """

    url: str
    password: str = ""
    private_key: str = ""
    host_key: str = ""
    certificate: str = ""
    name_encoding: str = "utf-8"
    options: dict[str, str] = Field(default_factory=dict)
    attempts: int = Field(default=5, ge=1, le=20)
    first_wait_seconds: float = Field(default=0.5, ge=0)

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            "".encode(self.name_encoding)
        except LookupError as error:
            raise ValueError(f"no encoding is called {self.name_encoding!r}") from error
        return self


@contextmanager
def open_place(workspace: Workspace, connection: Connection) -> Iterator[Place]:
    """The place, open until the end of the block; on a server, asked again after trouble of the moment.

    Raises SettingsError, RefusedError, SourceError as the place does.
    """
    url = workspace.resolve(connection.url)
    scheme = urlsplit(url).scheme
    if scheme not in {"sftp", "ftp", "ftps", *SCHEMES}:
        if "://" in url and scheme != "file":
            raise SettingsError(f"connection.url: files are not read from {scheme}://; there are {', '.join(KNOWN)}")
        yield Folder(workspace.root / url.removeprefix("file://"))
        return
    place = Patient(
        lambda: _on_server(workspace, connection, url, scheme), connection.attempts, connection.first_wait_seconds
    )
    try:
        yield place
    finally:
        place.close()


@contextmanager
def _on_server(workspace: Workspace, connection: Connection, url: str, scheme: str) -> Iterator[Place]:
    password = workspace.secret(connection.password) if connection.password else ""
    if scheme == "sftp":
        private_key = workspace.secret(connection.private_key) if connection.private_key else ""
        with open_sftp(url, password, private_key, workspace.resolve(connection.host_key)) as place:
            yield place
    elif scheme in {"ftp", "ftps"}:
        with open_ftp(url, password, workspace.resolve(connection.certificate), connection.name_encoding) as found:
            yield found
    else:
        options = {
            name: workspace.secret(value) if _is_secret(name) else workspace.resolve(value)
            for name, value in connection.options.items()
        }
        yield open_objects(url, options)


def _is_secret(option: str) -> bool:
    return any(word in option.lower() for word in SECRET_WORDS)
