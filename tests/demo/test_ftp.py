"""The warehouse's file server: what it shows, to whom, and that it is only looked at."""

from __future__ import annotations

import ftplib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import polars as pl
import pytest

from demo import days, extracts, world
from tests.demo.conftest import addresses, advance, secrets_of


@contextmanager
def signed_in(root: Path, password: str | None = None) -> Iterator[ftplib.FTP]:
    """A plain client, logged in with the password."""
    place = urlsplit(addresses(root)["ftp"]["url"])
    with ftplib.FTP(timeout=20) as client:
        client.connect(place.hostname or "", place.port or 0)
        client.login(place.username or "", password or secrets_of(root)["ftp"]["password"])
        client.cwd("wms")
        yield client


def told(client: ftplib.FTP, path: str) -> bytes:
    into = io.BytesIO()
    client.retrbinary(f"RETR {path}", into.write)
    return into.getvalue()


def test_the_files_hold_every_known_row_and_nothing_later(running: Path) -> None:
    with signed_in(running) as client:
        for table in ("stock", "movements"):
            names = sorted(name for name in client.nlst() if name.startswith(table))
            rows = pl.concat([pl.read_csv(told(client, name), infer_schema=False) for name in names])
            known = world.table(running, f"wms.{table}").filter(pl.col("known_at") <= days.CLOCK_AT_START).collect()
            assert rows.height == known.height > 0
            assert not any(name.rpartition("_")[2] > "20171203.csv" for name in names)
            assert client.sendcmd(f"MDTM {names[-1]}")[4:] > "201711"


def test_a_day_later_a_days_file_more_is_there(moving: Path) -> None:
    with signed_in(moving) as client:
        before = set(client.nlst())
        advance(moving, 1)
        new = set(client.nlst()) - before
        assert {name.rpartition("_")[2] for name in new} == {"20171204.csv"}
        moment = client.sendcmd(f"MDTM {max(new)}")[4:]
    assert moment == f"{days.CLOCK_AT_START + timedelta(days=1):%Y%m%d%H%M%S}"


def test_only_who_knows_the_password_comes_in_and_nobody_out_of_the_folder(running: Path) -> None:
    for word in ("guess", secrets_of(running)["sftp"]["password"]):
        with pytest.raises(ftplib.error_perm, match=r"^530"), signed_in(running, word):
            pass
    with signed_in(running) as client:
        client.cwd("../../..")
        assert client.pwd() == "/"
        assert client.nlst() == ["wms"]
        with pytest.raises(ftplib.error_perm, match=r"^550"):
            told(client, "../demo.secrets.json")


def test_nothing_can_be_written_moved_or_removed(running: Path) -> None:
    there = sorted(extracts.warehouse_folder(running).rglob("*"))
    with signed_in(running) as client:
        name = client.nlst()[0]
        for attempt in (
            lambda: client.storbinary("STOR mine.csv", io.BytesIO(b"x")),
            lambda: client.delete(name),
            lambda: client.rename(name, "mine.csv"),
            lambda: client.mkd("mine"),
            lambda: client.sendcmd(f"SITE CHMOD 777 {name}"),
        ):
            with pytest.raises(ftplib.error_perm, match=r"^550|^500"):
                attempt()
    assert sorted(extracts.warehouse_folder(running).rglob("*")) == there
