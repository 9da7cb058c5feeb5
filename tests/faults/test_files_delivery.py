"""How files come: half written, replaced, renamed, again, and to a pull that is cut short: faults 19, 22, 29 and 36."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ingestion.connectors import files
from ingestion.connectors.formats import encodings
from ingestion.connectors.page import Page
from ingestion.prepare import prepare
from ingestion.privacy.tokens import load_keys
from ingestion.pulling import Limits, pull_all
from ingestion.sources import bind
from tests.faults.till import LONG_AGO, Till, till
from tillmill.errors import SourceError

HEADER = "store_id,name,changed\n"
SERVERS = pytest.mark.parametrize("without", [(), ("MLSD", "MLST")], ids=["mlsd", "no-mlsd"])


@SERVERS
def test_a_file_still_being_uploaded_waits_and_is_then_read_whole(tmp_path: Path, without: tuple[str, ...]) -> None:
    """Fault 19: stable size and time twice; an FTP server tells whole seconds alone, so size must tell."""
    with till(tmp_path, "settle_seconds = 0.3", without=without) as source:
        path = source.write("s1.csv", HEADER, at=time.time())
        ended = threading.Event()

        def upload() -> None:
            number = 0
            while not ended.wait(0.005):
                with path.open("a") as file:
                    file.write(f"{number},n,2026-01-01\n")
                number += 1

        writer = threading.Thread(target=upload)
        writer.start()
        try:
            result = source.pull()
        finally:
            ended.set()
            writer.join()
        assert (result.pulled, result.error) == (0, None)
        os.utime(path, (LONG_AGO, LONG_AGO))
        assert source.pull().landed == path.read_text().count("\n") - 1


@SERVERS
def test_with_a_marker_nothing_is_read_before_it_is_there(tmp_path: Path, without: tuple[str, ...]) -> None:
    """Fault 19: the other way to tell that a file is whole."""
    with till(tmp_path, 'marker = "{name}.done", format = "csv"', without=without) as source:
        source.write("s1.csv", HEADER + "1,a,2026-01-01\n")
        assert source.pull().pulled == 0
        source.write("s1.csv.done", "")
        assert source.pull().landed == 1


@SERVERS
def test_each_content_counts_once_whatever_its_name(tmp_path: Path, without: tuple[str, ...]) -> None:
    """Fault 19: a file renamed, touched or delivered twice is known by its bytes; a replaced one is read."""
    with till(tmp_path, without=without) as source:
        path = source.write("s_北京.csv", HEADER + "1,a,2026-01-01\n")
        source.write("s_copy.csv", path.read_text())
        assert source.pull().landed == 1
        path.rename(path.with_name("s_上海.csv"))
        source.write("s_copy.csv", HEADER + "1,a,2026-01-01\n", at=LONG_AGO + 60)
        assert (source.pull().pulled, source.pull().loads) == (0, ())
        source.write("s_上海.csv", HEADER + "1,b,2026-01-02\n", at=LONG_AGO + 120)
        assert source.pull().landed == 1
        assert source.current() == {"1": "b"}


def test_an_old_file_loaded_again_never_overwrites_newer_truth(tmp_path: Path) -> None:
    """Fault 36: by the rows' own version, and where they have none by the time of the file."""
    with till(tmp_path / "own") as source:
        source.write("s1.csv", HEADER + "1,old,2026-01-01\n2,only here,2026-01-01\n")
        source.write("s2.csv", HEADER + "1,new,2026-02-01\n")
        source.pull()
        source.write("s3_backfill.csv", HEADER + "1,old,2026-01-01\n2,only here,2026-01-01\n3,late,2026-01-01\n")
        assert source.pull().landed == 3
        assert source.current() == {"1": "new", "2": "only here", "3": "late"}
    with till(tmp_path / "file", fields="") as source:
        source.write("s2.csv", "store_id,name\n1,new\n", at=LONG_AGO + 86_400)
        source.pull()
        source.write("s1_restored.csv", "store_id,name\n1,old\n", at=LONG_AGO)
        assert source.pull().landed == 1
        assert source.current() == {"1": "new"}
        source.write("s1_restored.csv", "store_id,name\n1,old\n", at=LONG_AGO + 2 * 86_400)
        assert source.pull().pulled == 0  # touched, but its content is known
        assert source.current() == {"1": "new"}


def cut_short(source: Till, pages: int) -> None:
    """A pull that ends, as by a kill, when it has been handed so many pages."""
    handed = [0]
    keys = load_keys(source.workspace)

    def until(stream: Any, page: Page) -> Any:
        handed[0] += 1
        if handed[0] > pages:
            raise SourceError("cut short")
        return prepare(stream, page, keys)

    [result] = pull_all(source.workspace, bind(source.workspace), until, limits=Limits(load_rows=150))
    assert result.error is None or "cut short" in result.error


@pytest.mark.parametrize("pages", [1, 2, 5, 9])
def test_a_pull_cut_short_within_a_large_file_loses_and_doubles_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pages: int
) -> None:
    """Faults 22 and 29: between two loads of one file, again and again, until it is through."""
    monkeypatch.setattr(files, "BATCH_BYTES", 1_000)
    monkeypatch.setattr(encodings, "CHUNK", 500)
    with till(tmp_path, "page_rows = 60") as source:
        rows = [f"{number:04d},n{number},2026-01-01" for number in range(1_000)]
        source.write("s1.csv", HEADER + "\n".join([*rows[:500], "short", *rows[500:]]) + "\n")
        for _ in range(5):
            cut_short(source, pages)
        assert source.pull().error is None
        assert sorted(source.landed()["store_id"]) == [f"{number:04d}" for number in range(1_000)]
        assert source.quarantined()["position"].to_list() == ["out/s1.csv:502"]
        assert source.pull().loads == ()
