"""Fault 1 on file servers: a connection that drops within a file is taken up again, nothing lost, nothing doubled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncssh
import obstore
import pytest
from obstore.store import S3Store

from ingestion.connectors import files
from ingestion.connectors.files import Pull, pages
from ingestion.connectors.places.opening import Connection
from tests.ingestion.connectors.file_servers import cutting_channel, cutting_proxy, ftp_server, object_store
from tests.ingestion.connectors.fixtures import make_workspace, write_secret
from tests.ingestion.connectors.servers import serving, sftp_server
from tillmill.errors import SourceError
from tillmill.workspace import Workspace

ROWS = 60_000
CUT_AFTER = 150_000
LINES = "a,b\n" + "".join(f"{number},{number * 7}\n" for number in range(ROWS))
QUICK: dict[str, Any] = {"attempts": 4, "first_wait_seconds": 0.01}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "mill")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "server"
    made.mkdir()
    (made / "x_1.csv").write_text(LINES)
    (made / "x_2.csv").write_text("a,b\n-1,-7\n")
    return made


@pytest.fixture(params=["ftp", "ftp without REST", "sftp", "s3"])
def connection(request: pytest.FixtureRequest, workspace: Workspace, folder: Path) -> Iterator[Connection]:
    """A server that drops its first connections within the large file."""
    password = write_secret(workspace.root / "secret", "s3cret")
    with ExitStack() as open_:
        if request.param.startswith("ftp"):
            without = ("REST",) if request.param != "ftp" else ()
            times = 1 if without else 3
            channel = cutting_channel(after=CUT_AFTER, times=times)
            port = open_.enter_context(ftp_server(folder, without=without, dtp_handler=channel))
            yield Connection(url=f"ftp://mill@127.0.0.1:{port}/", password=password, **QUICK)
        elif request.param == "sftp":
            key = asyncssh.generate_private_key("ssh-ed25519")
            server = open_.enter_context(serving(sftp_server(folder, key)))
            port, _ = open_.enter_context(cutting_proxy(server, after=CUT_AFTER, times=2))
            host_key = key.export_public_key().decode()
            yield Connection(url=f"sftp://mill@127.0.0.1:{port}/", password=password, host_key=host_key, **QUICK)
        else:
            endpoint = open_.enter_context(object_store())
            options = {"access_key_id": "mill", "secret_access_key": "s3cret", "region": "us-east-1"}
            put(endpoint, options, folder)
            port, _ = open_.enter_context(cutting_proxy(int(endpoint.rpartition(":")[2]), after=CUT_AFTER, times=2))
            told = options | {"endpoint": f"http://127.0.0.1:{port}", "secret_access_key": password}
            yield Connection(url="s3://brand", options=told, **QUICK)


def put(endpoint: str, options: dict[str, str], folder: Path) -> None:
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/brand", method="PUT")).close()
    told: Any = options | {"endpoint": endpoint}
    store = S3Store("brand", config=told, client_options={"allow_http": True})
    for path in folder.iterdir():
        obstore.put(store, path.name, path.read_bytes())


@pytest.mark.parametrize("is_large", [False, True], ids=["in memory", "by pieces"])
def test_a_file_whose_connection_drops_is_read_whole_and_once(
    workspace: Workspace, connection: Connection, is_large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_large:
        monkeypatch.setattr(files, "BATCH_BYTES", 1000)
    found = list(pages(workspace, connection, Pull(path="x_*.csv", settle_seconds=0), None))
    rows = [row for page in found for row in page.records.select("a", "b").rows()]
    assert rows == [*((str(number), str(number * 7)) for number in range(ROWS)), ("-1", "-7")]


def test_a_large_file_goes_on_where_it_was_cut(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BATCH_BYTES", 1000)
    monkeypatch.setattr("ingestion.connectors.places.sftp.PIECE", 1 << 15)
    key = asyncssh.generate_private_key("ssh-ed25519")
    told: dict[str, Any] = {
        "password": write_secret(workspace.root / "secret", "s3cret"),
        "host_key": key.export_public_key().decode(),
    }
    with serving(sftp_server(folder, key)) as server:
        with cutting_proxy(server, after=CUT_AFTER, times=4) as (port, brought):
            connection = Connection(url=f"sftp://mill@127.0.0.1:{port}/", **told, **QUICK | {"attempts": 2})
            # Five connections with two attempts: what counts is whether anything came.
            assert sum(page.records.height for page in pages(workspace, connection, pull(), None)) == ROWS + 1
            assert len(brought) == 5
            assert sum(brought) < len(LINES) + 5 * 80_000
        with cutting_proxy(server, after=1, times=99) as (port, brought):
            connection = Connection(url=f"sftp://mill@127.0.0.1:{port}/", **told, **QUICK | {"attempts": 3})
            with pytest.raises(SourceError, match="asked 3 times"):
                list(pages(workspace, connection, pull(), None))
            assert len(brought) == 3


def pull() -> Pull:
    return Pull(path="x_*.csv", settle_seconds=0)


def test_a_refused_log_in_is_not_tried_again_and_a_server_that_is_not_there_is(
    workspace: Workspace, folder: Path
) -> None:
    password = write_secret(workspace.root / "secret", "s3cret")
    with ftp_server(folder) as port:
        wrong = write_secret(workspace.root / "other", "guess")
        # A password that is tried again and again locks people out.
        with pytest.raises(SourceError, match=r"refused the log-in of 'mill' \(530\)$"):
            list(pages(workspace, Connection(url=f"ftp://mill@127.0.0.1:{port}/", password=wrong), pull(), None))
    connection = Connection(url=f"ftp://mill@127.0.0.1:{port}/", password=password, **QUICK)
    with pytest.raises(SourceError, match=r"cannot be reached: .*; asked 4 times"):
        list(pages(workspace, connection, pull(), None))
