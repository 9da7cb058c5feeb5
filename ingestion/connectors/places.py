"""Where files lie: a local folder or an SFTP server, each looked at and read without ever writing to it."""

from __future__ import annotations

import asyncio
import fnmatch
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

import asyncssh

from tillmill.errors import RefusedError, SettingsError, SourceError

Answer = TypeVar("Answer")
IN_FLIGHT = 8
CONNECT_SECONDS = 20
READ_SECONDS = 120
# AES-GCM is one call into OpenSSL per packet; asyncssh's first choice costs five times as much.
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr")


@dataclass(frozen=True, order=True)
class Seen:
    """A file as it was when looked at; `modified` is in nanoseconds since 1970, as exact as the place tells it."""

    name: str
    size: int
    modified: int


class Place(Protocol):
    """A place that holds files."""

    def look(self, pattern: str) -> list[Seen]:
        """The files whose path, from the place's root, fits the pattern; ordered by name."""

    def read(self, files: list[Seen]) -> list[bytes | None]:
        """Their bytes, in order; None for one that has gone."""


@contextmanager
def open_place(url: str, password: str, private_key: str, host_key: str, root: Path) -> Iterator[Place]:
    """The place behind `sftp://user@host:port/folder` or a folder's path (relative to `root`, the workspace)."""
    if not url.startswith("sftp://"):
        yield Folder(root / url.removeprefix("file://"))
        return
    if not host_key:
        raise SettingsError("connection.host_key: an SFTP server's key must be pinned, or anybody could answer for it")
    with asyncio.Runner() as runner:
        server = runner.run(_connect(url, password, private_key, host_key))
        try:
            yield Sftp(runner, server, unquote(urlsplit(url).path).strip("/"))
        finally:
            server.close()
            runner.run(server.wait_closed())


def check_pattern(pattern: str) -> str:
    """The pattern, relative and inside its place. Raises RefusedError for one that climbs out."""
    if pattern.startswith("/") or ".." in pattern.split("/"):
        raise RefusedError(f"pull.path: {pattern!r} leaves the source's folder")
    return pattern


class Folder:
    """A local folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def look(self, pattern: str) -> list[Seen]:
        if not self.root.is_dir():
            raise SourceError(f"{self.root} is no folder that can be read")
        found: list[Seen] = []
        for path in self.root.glob(check_pattern(pattern)):
            if path.is_file():
                told = path.stat()
                found.append(Seen(path.relative_to(self.root).as_posix(), told.st_size, told.st_mtime_ns))
        return sorted(found)

    def read(self, files: list[Seen]) -> list[bytes | None]:
        return [self._read(self.root / file.name) for file in files]

    @staticmethod
    def _read(path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}") from error


class Sftp:
    """A folder on an SFTP server; wildcards stand in the last part of a pattern."""

    def __init__(self, runner: asyncio.Runner, server: asyncssh.SSHClientConnection, root: str) -> None:
        self._runner = runner
        self._server = server
        self._root = root
        self._client: asyncssh.SFTPClient | None = None

    def look(self, pattern: str) -> list[Seen]:
        folder, _, name = check_pattern(pattern).rpartition("/")
        if any(sign in folder for sign in "*?["):
            raise SettingsError(f"pull.path: {pattern!r}: over SFTP only the last part may have wildcards")
        return self._runner.run(_in_words(self._look(folder, name), f"{folder or '.'}"))

    def read(self, files: list[Seen]) -> list[bytes | None]:
        return self._runner.run(_in_words(self._read_all(files), files[0].name if files else ""))

    async def _open(self) -> asyncssh.SFTPClient:
        if self._client is None:
            self._client = await self._server.start_sftp_client()
        return self._client

    def _path(self, name: str) -> str:
        return "/".join(part for part in (self._root, name) if part) or "."

    async def _look(self, folder: str, pattern: str) -> list[Seen]:
        client = await self._open()
        found: list[Seen] = []
        for entry in await client.readdir(self._path(folder)):
            name = str(entry.filename)
            if fnmatch.fnmatchcase(name, pattern) and entry.attrs.type in {
                asyncssh.FILEXFER_TYPE_REGULAR,
                asyncssh.FILEXFER_TYPE_UNKNOWN,
            }:
                modified = int(entry.attrs.mtime or 0) * 1_000_000_000 + int(entry.attrs.mtime_ns or 0)
                found.append(Seen(f"{folder}/{name}" if folder else name, int(entry.attrs.size or 0), modified))
        return sorted(found)

    async def _read_all(self, files: list[Seen]) -> list[bytes | None]:
        client = await self._open()
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def read(file: Seen) -> bytes | None:
            async with gate:
                try:
                    async with client.open(self._path(file.name), "rb", encoding=None) as handle:
                        return bytes(await handle.read(file.size, 0))  # type: ignore[arg-type]  # encoding=None reads bytes
                except asyncssh.SFTPNoSuchFile:
                    return None

        return list(await asyncio.gather(*(read(file) for file in files)))


async def _connect(url: str, password: str, private_key: str, host_key: str) -> asyncssh.SSHClientConnection:
    parts = urlsplit(url)
    where = f"sftp://{parts.hostname}:{parts.port or 22}"
    known = f"[{parts.hostname}]:{parts.port or 22} {host_key}"
    given: dict[str, Any] = {"password": password} if password else {}
    try:
        return await asyncssh.connect(
            parts.hostname or "",
            port=parts.port or 22,
            username=unquote(parts.username or ""),
            known_hosts=asyncssh.import_known_hosts(f"{known}\n"),
            client_keys=[asyncssh.import_private_key(private_key)] if private_key else None,
            encryption_algs=CIPHERS,
            compression_algs=["none"],
            agent_path=None,
            config=None,
            connect_timeout=CONNECT_SECONDS,
            login_timeout=CONNECT_SECONDS,
            **given,
        )
    except asyncssh.HostKeyNotVerifiable as error:
        raise RefusedError(
            f"{where} shows another host key than the pinned one",
            state="Nothing was sent to it.",
            next_command="find out why before you change connection.host_key",
        ) from error
    except asyncssh.PermissionDenied as error:
        raise SourceError(f"{where} refused the log-in of {parts.username!r}") from error
    except (OSError, asyncssh.Error, TimeoutError) as error:
        raise SourceError(f"{where} cannot be reached: {error or type(error).__name__}") from error


async def _in_words(work: Coroutine[Any, Any, Answer], what: str) -> Answer:
    try:
        return await asyncio.wait_for(work, READ_SECONDS)
    except asyncssh.SFTPNoSuchFile as error:
        raise SourceError(f"{what}: no such folder on the SFTP server") from error
    except (asyncssh.Error, OSError, TimeoutError) as error:
        raise SourceError(f"{what}: the SFTP server failed: {error or type(error).__name__}") from error
