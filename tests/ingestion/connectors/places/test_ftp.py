"""FTP, in the clear and under TLS, with and without MLSD: the same files, the same bytes."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.connectors.places.ftp import Ftp, open_ftp
from tests.ingestion.connectors.file_servers import ftp_server, make_certificate, read
from tillmill.errors import RefusedError, SettingsError, SourceError

LONG_AGO = 1_480_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "server"
    (root / "in" / "old").mkdir(parents=True)
    for name, text in {"x_北京.csv": "a,b\n1,2\n", "x_1.csv": "a,b\r\n3,4\r\n", "y.csv": "a\n"}.items():
        (root / "in" / name).write_bytes(text.encode())
        os.utime(root / "in" / name, (LONG_AGO, LONG_AGO))
    return root


@pytest.fixture(params=["mlsd", "names"])
def place(request: pytest.FixtureRequest, folder: Path) -> Iterator[Ftp]:
    without = () if request.param == "mlsd" else ("MLSD", "MLST")
    with ftp_server(folder, without=without) as port, opened(port) as place:
        yield place


def opened(port: int, scheme: str = "ftp", certificate: str = "", encoding: str = "utf-8", password: str = "s3cret"):  # type: ignore[no-untyped-def]
    return open_ftp(f"{scheme}://mill@127.0.0.1:{port}/", password, certificate, encoding)


def test_names_sizes_and_times_are_told_and_bytes_are_whole(place: Ftp) -> None:
    found = place.look("in/x_*.csv")
    assert [(file.name, file.size, file.modified) for file in found] == [
        ("in/x_1.csv", 10, LONG_AGO * 10**9),
        ("in/x_北京.csv", 8, LONG_AGO * 10**9),
    ]
    assert read(place, found) == [b"a,b\r\n3,4\r\n", b"a,b\n1,2\n"]
    assert place.again(found) == set(found)
    assert [file.name for file in place.look("in/*")] == ["in/x_1.csv", "in/x_北京.csv", "in/y.csv"]
    assert place.look("in/old/*.csv") == []


def test_a_file_that_went_or_changed_is_told(place: Ftp, folder: Path) -> None:
    gone, changed = place.look("in/x_*.csv")
    (folder / gone.name).unlink()
    (folder / changed.name).write_bytes(b"longer than before")
    assert place.again([gone, changed]).isdisjoint({gone, changed})
    assert read(place, [gone]) == [None]
    assert not place.copy(gone, io.BytesIO())
    with pytest.raises(SourceError, match="gone: no such folder"):
        place.look("gone/*.csv")


def test_tls_goes_to_the_pinned_certificate_alone_and_no_password_before(folder: Path, tmp_path: Path) -> None:
    pinned = make_certificate(tmp_path / "server.pem")
    other = make_certificate(tmp_path / "other.pem")
    with ftp_server(folder, certificate=tmp_path / "server.pem") as port:
        with opened(port, "ftps", pinned) as place:
            assert read(place, place.look("in/y.csv")) == [b"a\n"]
        for certificate in (other, ""):
            with pytest.raises(RefusedError, match="certificate"), opened(port, "ftps", certificate):
                pass
        # A server that insists on TLS is not spoken to in the clear, nor is a clear one taken for a safe one.
        with pytest.raises(SourceError), opened(port, "ftp"):
            pass
    with ftp_server(folder) as port, pytest.raises(SourceError), opened(port, "ftps", pinned):
        pass


def test_names_in_another_encoding_need_its_name(folder: Path) -> None:
    named = os.fsdecode(b"x_" + "北京".encode("gb18030") + b".csv")
    (folder / "in" / "x_北京.csv").rename(folder / "in" / named)
    # The server passes its file system's bytes on as they are, as those of other days do.
    with ftp_server(folder, encoding="utf-8", unicode_errors="surrogateescape", without=("MLSD", "MLST")) as port:
        with opened(port) as place, pytest.raises(SourceError, match=r"names .* are not written in utf-8") as caught:
            place.look("in/x_*.csv")
        assert "name_encoding" in str(caught.value)
        with opened(port, encoding="gb18030") as place:
            assert place.look("in/x_*.csv")[-1].name == "in/x_北京.csv"
            assert read(place, place.look("in/x_北*.csv")) == [b"a,b\n1,2\n"]


def test_a_refused_log_in_says_so_without_the_password(folder: Path) -> None:
    with ftp_server(folder) as port:
        with pytest.raises(SourceError, match="refused the log-in of 'mill'") as caught, opened(port, password="guess"):
            pass
        assert "guess" not in str(caught.value)
        with opened(port) as place, pytest.raises(SettingsError, match="only the last part"):
            place.look("*/x.csv")
    with pytest.raises(SourceError, match="cannot be reached"), opened(port):
        pass


def refusing():  # type: ignore[no-untyped-def]
    return pytest.raises(SourceError, match="neither MLSD nor SIZE")


def test_a_server_that_tells_no_size_is_refused_and_one_that_tells_no_time_is_read(folder: Path) -> None:
    with ftp_server(folder, without=("MLSD", "MLST", "SIZE")) as port, opened(port) as place, refusing():
        place.look("in/*.csv")
    with ftp_server(folder, without=("MLSD", "MLST", "MDTM")) as port, opened(port) as place:
        assert [file.modified for file in place.look("in/y.csv")] == [0]
