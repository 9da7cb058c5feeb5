"""A folder on an SFTP server whose key is pinned."""

from __future__ import annotations

import asyncio
import fnmatch
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, TypeVar
from urllib.parse import unquote, urlsplit

import asyncssh

from ingestion.connectors.places.place import PassingError, Seen, joined, split_pattern
from tillmill.errors import RefusedError, SettingsError, SourceError

Answer = TypeVar("Answer")
IN_FLIGHT = 8
CONNECT_SECONDS = 20
READ_SECONDS = 120
PIECE = 8 << 20
PASSING: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncssh.ConnectionLost,
    asyncssh.ChannelOpenError,
    asyncssh.SFTPConnectionLost,
    asyncssh.SFTPNoConnection,
)
# AES-GCM is one call into OpenSSL per packet; asyncssh's first choice costs five times as much.
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr")


@contextmanager
def open_sftp(url: str, password: str, private_key: str, host_key: str) -> Iterator[Sftp]:
    """The folder behind `sftp://user@host:port/folder`.

    Raises SettingsError without a pinned key, RefusedError for another one, SourceError where the log-in fails.
    """
    if not host_key:
        raise SettingsError("connection.host_key: an SFTP server's key must be pinned, or anybody could answer for it")
    with asyncio.Runner() as runner:
        server = runner.run(_connect(url, password, private_key, host_key))
        try:
            yield Sftp(runner, server, unquote(urlsplit(url).path).strip("/"))
        finally:
            server.close()
            runner.run(server.wait_closed())


class Sftp:
    """A folder on an SFTP server; wildcards stand in the last part of a pattern."""

    def __init__(self, runner: asyncio.Runner, server: asyncssh.SSHClientConnection, root: str) -> None:
        self._runner = runner
        self._server = server
        self._root = root
        self._client: asyncssh.SFTPClient | None = None

    def look(self, pattern: str) -> list[Seen]:
        folder, name = split_pattern(pattern)
        return self._runner.run(_in_words(self._look(folder, name), folder or "."))

    def again(self, files: list[Seen]) -> set[Seen]:
        found = self._runner.run(_in_words(self._each(files, self._stat), files[0].name if files else ""))
        return {seen for seen in found if seen is not None}

    def read(self, files: list[Seen], found: dict[Seen, bytes | None]) -> None:
        async def one(file: Seen) -> None:
            found[file] = await self._read(file)

        self._runner.run(_in_words(self._each(files, one), files[0].name if files else ""))

    def copy(self, file: Seen, into: BinaryIO) -> bool:
        done = into.tell()
        while True:
            # A piece at a time, each with its own patience: a large file may take longer than any answer should.
            piece = self._runner.run(_in_words(self._read(file, done, PIECE), file.name))
            if piece is None:
                return False
            into.write(piece)
            done += len(piece)
            if not piece or done >= file.size:
                return True

    async def _open(self) -> asyncssh.SFTPClient:
        if self._client is None:
            self._client = await self._server.start_sftp_client()
        return self._client

    def _path(self, name: str) -> str:
        return joined(self._root, name) or "."

    async def _look(self, folder: str, pattern: str) -> list[Seen]:
        client = await self._open()
        found: list[Seen] = []
        for entry in await client.readdir(self._path(folder)):
            name = str(entry.filename)
            if fnmatch.fnmatchcase(name, pattern):
                found += [seen for seen in [_seen(joined(folder, name), entry.attrs)] if seen is not None]
        return sorted(found)

    async def _each(self, files: list[Seen], work: Any) -> list[Any]:
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def one(file: Seen) -> Any:
            async with gate:
                return await work(file)

        return list(await asyncio.gather(*(one(file) for file in files)))

    async def _stat(self, file: Seen) -> Seen | None:
        client = await self._open()
        try:
            return _seen(file.name, await client.stat(self._path(file.name)))
        except asyncssh.SFTPNoSuchFile:
            return None

    async def _read(self, file: Seen, start: int = 0, size: int = -1) -> bytes | None:
        client = await self._open()
        try:
            async with client.open(self._path(file.name), "rb", encoding=None) as handle:
                read: Any = await handle.read(file.size if size < 0 else size, start)
                return bytes(read)
        except asyncssh.SFTPNoSuchFile:
            return None


def _seen(name: str, told: asyncssh.SFTPAttrs) -> Seen | None:
    if told.type not in {asyncssh.FILEXFER_TYPE_REGULAR, asyncssh.FILEXFER_TYPE_UNKNOWN}:
        return None
    modified = int(told.mtime or 0) * 1_000_000_000 + int(told.mtime_ns or 0)
    return Seen(name, int(told.size or 0), modified)


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
        raise _trouble(error, f"{where} cannot be reached") from error


async def _in_words(work: Coroutine[Any, Any, Answer], what: str) -> Answer:
    try:
        return await asyncio.wait_for(work, READ_SECONDS)
    except asyncssh.SFTPNoSuchFile as error:
        raise SourceError(f"{what}: no such folder on the SFTP server") from error
    except (asyncssh.Error, OSError, TimeoutError) as error:
        raise _trouble(error, f"{what}: the SFTP server failed") from error


def _trouble(error: Exception, what: str) -> SourceError:
    kind = PassingError if isinstance(error, PASSING) else SourceError
    return kind(f"{what}: {str(error) or type(error).__name__}")
