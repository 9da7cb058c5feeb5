"""A folder on an FTP server, in the clear or under explicit TLS; always passive, also where the server lacks MLSD."""

from __future__ import annotations

import fnmatch
import ftplib
import io
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import BinaryIO, TypeVar
from urllib.parse import unquote, urlsplit

from ingestion.connectors.places.place import PassingError, Seen, joined, split_pattern
from tillmill.errors import RefusedError, SourceError

Answer = TypeVar("Answer")
SILENCE_SECONDS = 60
PIECE = 1 << 20
PORT = 21
# A name or an answer that cannot be sent or read is a ValueError or KeyError.
FAILURES: tuple[type[Exception], ...] = (*ftplib.all_errors, ValueError, KeyError)
# A lost or silent connection, and answers that begin with 4: too many callers (421), no data connection (425, 426).
PASSING: tuple[type[Exception], ...] = (OSError, EOFError, ftplib.error_temp)
GOODBYE_SECONDS = 2
NOT_THERE = "550"
NOT_KNOWN = ("500", "501", "502", "504")


class _Tls(ftplib.FTP_TLS):
    """FTP under TLS whose data connections continue the control connection's session, as strict servers demand."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - wrapped in TLS below
        assert isinstance(self.sock, ssl.SSLSocket)
        wrapped = self.context.wrap_socket(connection, server_hostname=self.host, session=self.sock.session)
        return wrapped, size


@contextmanager
def open_ftp(url: str, password: str, certificate: str, name_encoding: str) -> Iterator[Ftp]:
    """The folder behind `ftp://` or `ftps://user@host:port/folder`, relative to where the log-in leads.

    `certificate` (PEM) pins the server's own; without it the system's authorities and the host's name decide. Raises
    RefusedError for a certificate that is neither, SourceError where the server or the log-in fails.
    """
    server, where = _logged_in(url, password, certificate, name_encoding)
    try:
        yield Ftp(server, unquote(urlsplit(url).path).strip("/"), where, name_encoding)
    finally:
        with suppress(*FAILURES, AttributeError):
            server.sock.settimeout(GOODBYE_SECONDS)  # type: ignore[union-attr]  # a lost one is None: suppressed
            server.quit()
        server.close()


def _logged_in(url: str, password: str, certificate: str, name_encoding: str) -> tuple[ftplib.FTP, str]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORT
    where = f"{parts.scheme}://{host}:{port}"
    # The clear protocol is spoken only where the workspace file says ftp://.
    server = ftplib.FTP(timeout=SILENCE_SECONDS, encoding=name_encoding)  # noqa: S321
    try:
        if parts.scheme == "ftps":
            server = _Tls(timeout=SILENCE_SECONDS, encoding=name_encoding, context=_context(certificate))
        server.connect(host, port)
        if isinstance(server, _Tls):
            server.auth()
            _check_pinned(server, certificate, where)
        server.login(unquote(parts.username or "anonymous"), password)
        if isinstance(server, _Tls):
            server.prot_p()
    except ssl.SSLCertVerificationError as error:
        server.close()
        raise RefusedError(
            f"{where}: its certificate is not to be trusted: {error.verify_message}",
            state="No password was sent to it.",
            next_command="pin the server's own certificate with connection.certificate",
        ) from error
    except ftplib.error_perm as error:
        server.close()
        # The answer is not repeated: some servers put into it what they were sent.
        raise SourceError(f"{where} refused the log-in of {parts.username!r} ({str(error)[:3]})") from error
    except FAILURES as error:
        server.close()
        raise _trouble(error, f"{where} cannot be reached") from error
    except RefusedError:
        server.close()
        raise
    return server, where


def _context(certificate: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=certificate or None)
    if certificate:
        # The one certificate is trusted for what it is, whoever signed it and whatever name it carries.
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _check_pinned(server: _Tls, certificate: str, where: str) -> None:
    assert isinstance(server.sock, ssl.SSLSocket)
    if certificate and server.sock.getpeercert(binary_form=True) != ssl.PEM_cert_to_DER_cert(certificate.strip()):
        raise RefusedError(f"{where} shows another certificate than the pinned one", state="No password was sent.")


class Ftp:
    """A folder on an FTP server; wildcards stand in the last part of a pattern."""

    def __init__(self, server: ftplib.FTP, root: str, where: str, name_encoding: str) -> None:
        self._server = server
        self._root = root
        self._where = where
        self._name_encoding = name_encoding
        self._top = self._ask(server.pwd, "the log-in folder")
        self._has_mlsd = self._features()

    def look(self, pattern: str) -> list[Seen]:
        folder, wanted = split_pattern(pattern)
        return sorted(self._list(folder, lambda name: fnmatch.fnmatchcase(name, wanted)))

    def again(self, files: list[Seen]) -> set[Seen]:
        by_folder: dict[str, set[str]] = {}
        for file in files:
            folder, _, name = file.name.rpartition("/")
            by_folder.setdefault(folder, set()).add(name)
        return {seen for folder, names in by_folder.items() for seen in self._list(folder, names.__contains__)}

    def read(self, files: list[Seen], found: dict[Seen, bytes | None]) -> None:
        for file in files:
            into = io.BytesIO()
            found[file] = into.getvalue() if self.copy(file, into) else None

    def copy(self, file: Seen, into: BinaryIO) -> bool:
        folder, _, name = file.name.rpartition("/")
        self._enter(folder)
        start = into.tell()
        if start:
            try:
                self._server.voidcmd("TYPE I")
                self._server.sendcmd(f"REST {start}")
            except ftplib.error_perm:
                start = into.seek(0)  # it cannot go on within a file: from the beginning, then
                into.truncate()
            except FAILURES as error:
                raise _trouble(error, f"{file.name}: {self._where} failed") from error
        try:
            self._server.retrbinary(f"RETR {name}", into.write, PIECE, start or None)
        except ftplib.error_perm as error:
            if str(error).startswith(NOT_THERE):
                return False
            raise SourceError(f"{file.name}: {self._where} refuses it: {error}") from error
        except FAILURES as error:
            raise _trouble(error, f"{file.name}: {self._where} failed") from error
        return True

    def _list(self, folder: str, is_wanted: Callable[[str], bool]) -> list[Seen]:
        """The files of one folder: by MLSD, else by NLST and a question or two for each name."""
        self._enter(folder)
        return (
            self._ask(lambda: self._by_mlsd(folder, is_wanted), folder)
            if self._has_mlsd
            else self._ask(lambda: self._by_name(folder, is_wanted), folder)
        )

    def _by_mlsd(self, folder: str, is_wanted: Callable[[str], bool]) -> list[Seen]:
        return [
            Seen(joined(folder, name), int(facts["size"]), _time(facts.get("modify", "")))
            for name, facts in self._server.mlsd()
            if facts.get("type", "").lower() == "file" and is_wanted(name)
        ]

    def _by_name(self, folder: str, is_wanted: Callable[[str], bool]) -> list[Seen]:
        try:
            names = {name.replace("\\", "/").rpartition("/")[2] for name in self._server.nlst()}
        except ftplib.error_perm as error:
            if str(error).startswith(NOT_THERE):
                return []  # how many servers say that a folder holds nothing; whether it exists was asked before
            raise
        self._server.voidcmd("TYPE I")  # sizes are those of bytes, not of lines
        found: list[Seen] = []
        for name in sorted(filter(is_wanted, names)):
            size, modified = self._fact(f"SIZE {name}"), self._fact(f"MDTM {name}")
            if size is not None:
                found.append(Seen(joined(folder, name), int(size), _time(modified or "")))
        return found

    def _fact(self, question: str) -> str | None:
        """What the server says of one name; None where it is a folder, or gone, or the question unknown."""
        try:
            return self._server.sendcmd(question)[4:].strip()
        except ftplib.error_perm as error:
            if question.startswith("SIZE") and str(error)[:3] in NOT_KNOWN:
                raise SourceError(
                    f"{self._where} knows neither MLSD nor SIZE: no telling when a file is whole"
                ) from error
            return None

    def _enter(self, folder: str) -> None:
        path = "/".join([self._top.rstrip("/"), joined(self._root, folder)]).rstrip("/") or "/"
        try:
            self._ask(lambda: self._server.cwd(path), folder)
        except SourceError as error:
            if isinstance(error.__cause__, ftplib.error_perm):
                raise SourceError(f"{folder or '.'}: no such folder on {self._where}") from error
            raise

    def _features(self) -> bool:
        """Whether it knows MLSD; a server that can speak UTF-8 is asked to."""
        try:
            told = self._server.sendcmd("FEAT").upper()
        except ftplib.error_perm:
            return False
        except FAILURES as error:
            raise _trouble(error, f"{self._where} failed") from error
        if "UTF8" in told and self._name_encoding.lower().replace("_", "-") in {"utf-8", "utf8"}:
            with suppress(ftplib.error_perm):
                self._server.sendcmd("OPTS UTF8 ON")
        return re.search(r"^\s*MLS[TD]\b", told, re.MULTILINE) is not None

    def _ask(self, question: Callable[[], Answer], what: str) -> Answer:
        try:
            return question()
        except UnicodeError as error:
            raise SourceError(
                f"{what or '.'}: names on {self._where} are not written in {self._name_encoding}",
                next_command='set connection.name_encoding, such as "gb18030"',
            ) from error
        except FAILURES as error:
            raise _trouble(error, f"{what or '.'}: {self._where} failed") from error


def _trouble(error: Exception, what: str) -> SourceError:
    kind = PassingError if isinstance(error, PASSING) else SourceError
    return kind(f"{what}: {str(error) or type(error).__name__}")


def _time(text: str) -> int:
    """Nanoseconds since 1970 of an FTP time (YYYYMMDDHHMMSS, always UTC); 0 where the server tells none."""
    found = re.match(r"(\d{14})(?:\.(\d{1,6}))?", text)
    if found is None:
        return 0
    whole = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return int(whole.timestamp()) * 1_000_000_000 + int((found[2] or "0").ljust(9, "0"))
