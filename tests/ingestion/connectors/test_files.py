from __future__ import annotations

import gzip
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from ingestion.connectors.files import Connection, Pull, pages
from ingestion.connectors.page import FILE, LINE, OBSERVED, Page
from tests.ingestion.connectors.file_servers import ftp_server
from tests.ingestion.connectors.fixtures import make_workspace, write_secret
from tests.ingestion.connectors.servers import serving, sftp_server
from tillmill.errors import RefusedError, SettingsError, SourceError
from tillmill.workspace import Workspace

LONG_AGO = 1_480_000_000
PULL = Pull(path="in/x_*.csv*")


@dataclass
class Source:
    """A folder, seen as it is or through a file server."""

    workspace: Workspace
    folder: Path
    connection: Connection

    def write(self, name: str, text: str | bytes, at: float = LONG_AGO) -> Path:
        path = self.folder / "in" / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        os.utime(path, (at, at))
        return path

    def pull(self, cursor: dict[str, Any] | None = None, pull: Pull = PULL) -> list[Page]:
        found = list(pages(self.workspace, self.connection, pull, cursor))
        for page in found:
            assert json.loads(json.dumps(page.cursor)) == page.cursor
        return found


@pytest.fixture(scope="module")
def host_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture(params=["folder", "sftp", "ftp"])
def source(request: pytest.FixtureRequest, tmp_path: Path, host_key: asyncssh.SSHKey) -> Iterator[Source]:
    workspace = make_workspace(tmp_path / "workspace")
    folder = tmp_path / "server"
    (folder / "in").mkdir(parents=True)
    if request.param == "folder":
        yield Source(workspace, folder, Connection(url=str(folder)))
        return
    password = write_secret(workspace.root / "password", "s3cret")
    if request.param == "ftp":
        with ftp_server(folder) as port:
            yield Source(workspace, folder, Connection(url=f"ftp://mill@127.0.0.1:{port}/", password=password))
        return
    with serving(sftp_server(folder, host_key)) as port:
        yield Source(workspace, folder, sftp(port, password, host_key))


def sftp(port: int, password: str, key: asyncssh.SSHKey) -> Connection:
    url = f"sftp://mill@127.0.0.1:{port}/"
    return Connection(url=url, password=password, host_key=key.export_public_key().decode().strip())


def values(found: list[Page]) -> list[str]:
    return [value for page in found for value in page.records["a"].to_list()]


def test_files_come_in_order_of_name_and_each_once(source: Source) -> None:
    source.write("x_2.csv", "a,b\n3,4\n")
    source.write("x_1.csv.gz", gzip.compress(b"a,b\n1,2\n"))
    source.write("y_1.csv", "a,b\n9,9\n")
    [page] = source.pull()
    assert page.records.select("a", FILE, LINE).rows() == [("1", "in/x_1.csv.gz", 2), ("3", "in/x_2.csv", 2)]
    assert page.records[OBSERVED].to_list() == ["2016-11-24T15:06:40.000000Z"] * 2
    assert source.pull(page.cursor) == []
    source.write("x_3.csv", "a,b\n5,6\n")
    assert values(source.pull(page.cursor)) == ["5"]


def test_a_renamed_or_touched_file_is_not_read_again_but_a_replaced_one_is(source: Source) -> None:
    path = source.write("x_1.csv", "a,b\n1,2\n")
    [first] = source.pull()
    path.rename(path.with_name("x_9.csv"))
    source.write("x_1.csv", "a,b\n1,2\n", at=LONG_AGO + 60)
    [second] = source.pull(first.cursor)
    assert second.records.is_empty()
    assert source.pull(second.cursor) == []
    source.write("x_1.csv", "a,b\n7,2\n", at=LONG_AGO + 120)
    assert values(source.pull(second.cursor)) == ["7"]


def test_a_page_is_whole_files_and_a_pull_goes_on_from_any_page(source: Source) -> None:
    for number in range(5):
        source.write(f"x_{number}.csv", f"a,b\n{number},1\n{number},2\n")
    small = Pull(path="in/x_*.csv", page_rows=3)
    found = source.pull(pull=small)
    assert [page.records.height for page in found] == [4, 4, 2]
    assert values(source.pull(found[0].cursor, small)) == ["2", "2", "3", "3", "4", "4"]


def test_unfinished_hidden_and_empty_files_wait(source: Source) -> None:
    for name in ("x_1.csv.part", "x_2.csv.tmp", ".x_3.csv"):
        source.write(name, "a,b\n1,2\n")
    source.write("x_4.csv", "")
    assert source.pull() == []
    source.write("x_4.csv", "a,b\n4,4\n")
    assert values(source.pull()) == ["4"]


def test_chinese_names_and_new_columns_are_read(source: Source) -> None:
    source.write("x_北京.csv", "a,b\n1,2\n")
    source.write("x_上海.csv", "b,a,c\n4,3,5\n")
    [page] = source.pull()
    assert page.records.select("a", "b", "c").rows() == [("3", "4", "5"), ("1", "2", None)]


def test_one_file_that_cannot_be_read_stops_and_is_named(source: Source) -> None:
    source.write("x_1.csv", "a,b\n北,2\n".encode("gb18030"))
    with pytest.raises(SourceError, match=r"in/x_1\.csv: byte 4"):
        source.pull()
    assert values(source.pull(pull=Pull(path="in/x_*.csv", encoding="gb18030"))) == ["北"]


def test_a_file_that_grows_between_two_looks_waits_for_the_next_pull(tmp_path: Path) -> None:
    """The writer goes on for as long as the reader looks, and both looks are the reader's own."""
    workspace = make_workspace(tmp_path / "workspace")
    folder = tmp_path / "server"
    (folder / "in").mkdir(parents=True)
    source = Source(workspace, folder, Connection(url=str(folder)))
    path = source.write("x_1.csv", "a,b\n1,2\n", at=time.time())
    writer = Appending(path)
    writer.start()
    try:
        assert source.pull(pull=Pull(path="in/x_*.csv", settle_seconds=0.3)) == []
    finally:
        writer.stop()
    os.utime(path, (LONG_AGO, LONG_AGO))
    assert values(source.pull())[0] == "1"


def test_what_is_not_pinned_not_known_or_not_let_in_is_refused(tmp_path: Path, host_key: asyncssh.SSHKey) -> None:
    workspace = make_workspace(tmp_path / "workspace")
    (tmp_path / "server" / "in").mkdir(parents=True)
    password = write_secret(workspace.root / "password", "s3cret")
    wrong = write_secret(workspace.root / "wrong", "guess")
    read: Callable[[Connection], list[Page]] = lambda connection: list(pages(workspace, connection, PULL, None))  # noqa: E731
    with serving(sftp_server(tmp_path / "server", host_key)) as port:
        good = sftp(port, password, host_key)
        assert read(good) == []
        with pytest.raises(SettingsError, match="must be pinned"):
            read(good.model_copy(update={"host_key": ""}))
        with pytest.raises(RefusedError, match="another host key"):
            read(sftp(port, password, asyncssh.generate_private_key("ssh-ed25519")))
        with pytest.raises(SourceError, match="refused the log-in") as caught:
            read(good.model_copy(update={"password": wrong}))
        assert "guess" not in str(caught.value)
        with pytest.raises(SourceError, match="no such folder"):
            list(pages(workspace, good, Pull(path="gone/x_*.csv"), None))
    with pytest.raises(SourceError, match="cannot be reached"):
        read(good)


class Appending:
    """Another process, as it were, that goes on writing a file until stopped."""

    def __init__(self, path: Path) -> None:
        self._path, self._ended = path, threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        while not self._ended.wait(0.01):
            with self._path.open("a") as file:
                file.write("3,4\n")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
