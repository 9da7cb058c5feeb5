"""gzip and zip: what is in them comes out whole, and what would do harm is refused before it does."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path

import pytest

from ingestion.connectors.formats.archives import MOST_MEMBERS, gunzip
from ingestion.connectors.formats.layout import Layout
from ingestion.connectors.formats.reading import read
from tillmill.errors import RefusedError, SourceError


def unpacked(data: bytes, most_bytes: int = 1 << 40) -> bytes:
    into = io.BytesIO()
    gunzip(io.BytesIO(data), into, "f.gz", most_bytes)
    return into.read()


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, text in members:
            archive.writestr(name, text)
    return data.getvalue()


def rows(data: bytes, folder: Path, name: str = "f.zip", **layout: object) -> list[tuple[str, object]]:
    frames = read(io.BytesIO(data), name, Layout.model_validate(layout), folder)
    return [(member, value) for member, frame in frames for value in frame["a"].to_list()]


def test_gzip_is_unpacked_also_in_several_members_and_with_zeros_behind() -> None:
    assert unpacked(gzip.compress(b"a,b\n") + gzip.compress(b"1,2\n") + bytes(512)) == b"a,b\n1,2\n"
    large = bytes(range(256)) * 20_000
    assert unpacked(gzip.compress(large)) == large


def test_a_gzip_bomb_is_refused_and_a_cut_off_one_stops() -> None:
    with pytest.raises(RefusedError, match="unpacks to more than"):
        unpacked(gzip.compress(bytes(100 << 20)))
    with pytest.raises(RefusedError, match="unpacks to more than"):
        unpacked(gzip.compress(b"1,2\n" * 1000), 1000)
    with pytest.raises(SourceError, match="ends early"):
        unpacked(gzip.compress(b"1,2\n" * 1000)[:-9])
    with pytest.raises(SourceError, match="no valid gzip"):
        unpacked(b"\x1f\x8bnonsense")


def test_the_members_of_a_zip_are_files_of_their_own_in_order_of_name(tmp_path: Path) -> None:
    data = zipped(
        ("b.csv", b"a,b\n3,4\n"), ("in/a.csv", b"a,b\n1,2\n"), (".hidden.csv", b"x"), ("__MACOSX/b.csv", b"x")
    )
    assert rows(data, tmp_path) == [("f.zip/b.csv", "3"), ("f.zip/in/a.csv", "1")]
    assert rows(data, tmp_path, members="a.*") == [("f.zip/in/a.csv", "1")]
    with pytest.raises(SourceError, match="no file in it fits"):
        rows(data, tmp_path, members="*.xml")


def test_each_member_is_read_by_its_own_ending(tmp_path: Path) -> None:
    data = zipped(("1.tsv", b"a\tb\n1\t2\n"), ("2.jsonl", b'{"a": 2}\n'), ("3.xml", b"<r><i><a>3</a></i></r>"))
    assert [value for _, value in rows(data, tmp_path, records="i")] == ["1", "2", "3"]
    with pytest.raises(SourceError, match=r"f\.zip/readme\.pdf: its ending names no format"):
        rows(zipped(("readme.pdf", b"x")), tmp_path)


def test_names_written_without_unicode_are_read_as_chinese(tmp_path: Path) -> None:
    data = zipped(("QQQQ.csv", b"a,b\n1,2\n")).replace(b"QQQQ", "北京".encode("gb18030"))
    assert rows(data, tmp_path) == [("f.zip/北京.csv", "1")]


@pytest.mark.parametrize("name", ["../x.csv", "/etc/x.csv", "a/../../x.csv", "C:/x.csv", "..\\x.csv"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusedError, match="leads out of the archive"):
        rows(zipped((name, b"a,b\n1,2\n")), tmp_path)


def test_bombs_are_refused_by_what_they_declare(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="unpacks to more than"):
        rows(zipped(("x.csv", bytes(100 << 20))), tmp_path)
    with pytest.raises(RefusedError, match="unpacks to more than 1,000"):
        rows(zipped(("x.csv", b"1,2\n" * 1000)), tmp_path, most_bytes=1000)
    with pytest.raises(RefusedError, match="files in one zip"):
        rows(zipped(*((f"{number}.csv", b"") for number in range(MOST_MEMBERS + 1))), tmp_path)
    with pytest.raises(RefusedError, match="share bytes"):
        rows(overlapping(), tmp_path)
    with pytest.raises(RefusedError, match="same name"), pytest.warns(UserWarning, match="Duplicate"):
        rows(zipped(("x.csv", b"a,b\n"), ("x.csv", b"a,b\n")), tmp_path)


def overlapping() -> bytes:
    """A directory in which two names stand for the same packed bytes."""
    data = zipped(("x.csv", bytes(1000)), method=zipfile.ZIP_STORED)
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[start:end]
    entries = b"".join(entry.replace(b"x.csv", f"{letter}.csv".encode()) for letter in "xyz")
    closing = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 3, 3, len(entries), start, 0)
    return data[:start] + entries + closing


def test_a_member_that_lies_about_its_size_stops(tmp_path: Path) -> None:
    data = zipped(("x.csv", b"a,b\n" + b"1,2\n" * 1000))
    lying = data.replace(struct.pack("<I", 4004), struct.pack("<I", 400))
    with pytest.raises(SourceError, match=r"f\.zip/x\.csv: cannot be unpacked"):
        rows(lying, tmp_path)


def test_archives_in_archives_encrypted_and_broken_ones_are_refused_or_stop(tmp_path: Path) -> None:
    inner = zipped(("x.csv", b"a,b\n1,2\n"))
    with pytest.raises(RefusedError, match="archive in an archive"):
        rows(zipped(("y.zip", inner)), tmp_path)
    with pytest.raises(RefusedError, match="archive in an archive"):
        rows(zipped(("y.csv", gzip.compress(b"a,b\n"))), tmp_path)
    with pytest.raises(RefusedError, match="archive in an archive"):
        rows(gzip.compress(inner), tmp_path, "y.zip.gz")
    with pytest.raises(RefusedError, match="archive in an archive"):
        rows(gzip.compress(gzip.compress(b"a,b\n")), tmp_path, "y.csv.gz")
    with pytest.raises(SourceError, match=r"x\.csv is encrypted"):
        rows(encrypted(inner), tmp_path)
    with pytest.raises(SourceError, match="no valid zip"):
        rows(inner[:-30], tmp_path)


def encrypted(data: bytes) -> bytes:
    """The archive with the flag that says that its one member needs a password."""
    place = data.index(b"PK\x01\x02") + 8
    return data[:6] + b"\x01\x00" + data[8:place] + b"\x01\x00" + data[place + 2 :]
