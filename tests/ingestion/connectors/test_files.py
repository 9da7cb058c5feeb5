from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import polars as pl
import pytest

from ingestion.connectors import files
from ingestion.connectors.files import Connection, Pull, pages
from ingestion.connectors.formats import encodings, jsontext, parquet, xmlsafe, xmltext
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
    return [value for page in found if page.records.height for value in page.records["a"].to_list()]


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


def test_a_file_that_cannot_be_read_is_named_last_and_keeps_back_no_other(source: Source) -> None:
    source.write("x_1.csv", "a,b\n北,2\n".encode("gb18030"))
    source.write("x_2.csv", "a,b\n3,4\n")
    source.write("x_3.csv.gz", gzip.compress(b"a,b\n1,2\n")[:-9])
    found = pages(source.workspace, source.connection, PULL, None)
    page = next(found)
    assert page.records.select("a", FILE).rows() == [("3", "in/x_2.csv")]
    with pytest.raises(SourceError, match=r"in/x_1\.csv: byte 4 is not utf-8[^\n]*\n.*in/x_3\.csv\.gz") as caught:
        next(found)
    assert "pull.encoding" in str(caught.value)
    again = pages(source.workspace, source.connection, PULL, page.cursor)
    assert next(again).records.is_empty()
    with pytest.raises(SourceError):
        next(again)  # each run says it again, and reads nothing twice
    mended = Pull(path="in/x_*.csv*", encoding="auto", ignore=["x_3*"])
    source.write("x_1.csv", "a,b\n北京店,2\n门店,3\n".encode("gb18030"))
    assert values(source.pull(page.cursor, mended)) == ["北京店", "门店"]


@pytest.mark.parametrize(("marker", "name"), [("{name}.done", "x_1.csv.done"), ("{stem}.ok", "x_1.ok")])
def test_with_a_marker_a_file_counts_once_it_is_there(source: Source, marker: str, name: str) -> None:
    pull = Pull(path="in/x_*", marker=marker, format="csv")
    source.write("x_1.csv", "a,b\n1,2\n", at=time.time())
    assert source.pull(pull=pull) == []
    source.write(name, "")
    [page] = source.pull(pull=pull)
    assert values([page]) == ["1"]
    assert source.pull(page.cursor, pull) == []


def test_originals_are_the_bytes_as_handed_over_with_the_first_page_of_theirs(source: Source) -> None:
    packed = gzip.compress(b"a,b\n1,2\n")
    source.write("x_1.csv.gz", packed)
    source.write("x_2.csv", "a,b\n3,4\n")
    [page] = source.pull()
    told = [(original.name, original.content, original.data) for original in page.originals]
    assert told[0] == ("in/x_1.csv.gz", hashlib.sha256(packed).hexdigest(), packed)
    assert [name for name, _, _ in told] == ["in/x_1.csv.gz", "in/x_2.csv"]


def test_a_cursor_names_no_file_and_forgets_those_that_are_gone(tmp_path: Path) -> None:
    (tmp_path / "server" / "in").mkdir(parents=True)
    source = Source(make_workspace(tmp_path / "w"), tmp_path / "server", Connection(url=str(tmp_path / "server")))
    paths = [source.write(f"x_{number}.csv", f"a,b\n{number},1\n") for number in range(300)]
    [full] = source.pull()
    assert len(json.dumps(full.cursor)) < 300 * 34 + 100
    for path in paths:
        path.rename(path.with_name("gone_" + path.name))
    source.write("x_new.csv", "a,b\nnew,1\n")
    [page] = source.pull(full.cursor)
    assert values([page]) == ["new"]
    assert len(page.cursor["marks"]) == 12  # eight bytes of one file
    paths[0].with_name("gone_x_0.csv").rename(paths[0])
    assert values(source.pull(page.cursor)) == []  # it is back, and known by its content


def test_a_cursor_of_an_earlier_version_is_understood(source: Source) -> None:
    path = source.write("x_1.csv", "a,b\n1,2\n")
    told = path.stat()
    content = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
    assert source.pull({"files": {"in/x_1.csv": [told.st_size, LONG_AGO * 10**9, content]}}) == []


ROWS = [{"a": str(number), "b": "x" * 20} for number in range(500)]


def as_csv() -> bytes:
    return "\n".join(["a,b", *(f'{row["a"]},"{row["b"]}"' for row in ROWS), ""]).encode()


def as_parquet() -> bytes:
    data = io.BytesIO()
    pl.DataFrame(ROWS).write_parquet(data)
    return data.getvalue()


def as_zip() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("1.csv", as_csv())
        archive.writestr("2.csv", "a,b\nlast,y\n")
    return data.getvalue()


LARGE = {
    "x.csv": as_csv(),
    "x.csv.gz": gzip.compress(as_csv()),
    "x.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS).encode(),
    "x.xml": f"<r>{''.join('<i><a>{a}</a><b>{b}</b></i>'.format(**row) for row in ROWS)}</r>".encode(),
    "x.parquet": as_parquet(),
    "x.zip": as_zip(),
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("large_from", [100, 1 << 20])
def test_a_large_file_is_many_pages_and_a_pull_goes_on_from_each_without_loss_or_double(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, large_from: int
) -> None:
    """Fault 22, 29: whatever page a kill comes after, what was handed on and what follows is every record once."""
    monkeypatch.setattr(files, "BATCH_BYTES", large_from)
    monkeypatch.setattr(encodings, "CHUNK", 1_000)
    for module in (jsontext, xmltext, parquet):
        monkeypatch.setattr(module, "ROWS", 37)
    (tmp_path / "server" / "in").mkdir(parents=True)
    source = Source(make_workspace(tmp_path / "w"), tmp_path / "server", Connection(url=str(tmp_path / "server")))
    source.write("w.csv", "a,b\nfirst,1\n")
    source.write(name, LARGE[name])
    pull = Pull(path="in/*", page_rows=90, records="i" if name == "x.xml" else "")
    found = source.pull(pull=pull)
    wanted = ["first", *(row["a"] for row in ROWS), *(["last"] if name == "x.zip" else [])]
    assert values(found) == wanted
    assert len(found) > 4
    assert max(page.records.height for page in found) < 200
    kept = [original.name for page in found for original in page.originals]
    assert kept == (["in/w.csv"] if large_from == 100 else ["in/w.csv", f"in/{name}"])
    for number, page in enumerate(found):
        rest = source.pull(page.cursor, pull)
        assert values(found[: number + 1]) + values(rest) == wanted
    assert "partial" not in found[-1].cursor
    assert not list(source.workspace.run.rglob("*"))  # what was unpacked had no name


def test_a_large_file_cut_off_in_its_middle_keeps_what_was_read_and_says_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(xmltext, "ROWS", 37)
    monkeypatch.setattr(xmlsafe, "PIECE", 1_000)
    (tmp_path / "server" / "in").mkdir(parents=True)
    source = Source(make_workspace(tmp_path / "w"), tmp_path / "server", Connection(url=str(tmp_path / "server")))
    source.write("x.xml", LARGE["x.xml"][:-2_000])
    source.write("y.xml", "<r><i><a>other</a></i></r>")
    found: list[Page] = []
    with pytest.raises(SourceError, match=r"x\.xml: broken or cut off") as caught:
        found.extend(pages(source.workspace, source.connection, Pull(path="in/*", records="i", page_rows=90), None))
    read = values(found)
    assert read[-1] == "other"
    assert f"Its first {len(read) - 1} records have landed" in str(caught.value)
    source.write("x.xml", LARGE["x.xml"])
    assert len(values(source.pull(found[-1].cursor, Pull(path="in/*", records="i")))) == len(ROWS)


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
