"""The lake: rows land with what every row has, whole or not at all, and nothing leaves its folder."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from ingestion.contracts import ALL
from ingestion.landing import lake
from ingestion.landing.ledger import Cursor, CursorMovedError, Ledger, Load
from ingestion.landing.locks import stream_lock
from tests.ingestion.folder import AT, SCHEMA, landed, piece
from tests.ingestion.landing.test_versions import LINKS, learn
from tillmill.errors import ContractError, LockedError, RefusedError, TillmillError
from tillmill.workspace import Workspace


def files_of(workspace: Workspace) -> list[str]:
    return sorted(path.name for path in (workspace.root / "lake").rglob("*") if path.is_file())


def test_landed_rows_have_the_contracts_columns_and_what_every_row_has(
    ledger: Ledger, land: Callable[..., Load], workspace: Workspace
) -> None:
    load = land(piece(2), replace(piece(1, file="b"), extracted_at=AT + timedelta(hours=1)))
    rows = landed(workspace, ledger.manifest())
    assert rows.schema == pl.Schema(SCHEMA | lake.EVERY_ROW)
    assert rows["_load_id"].unique().to_list() == [load.load_id] == ["pos.lines-pos-00000001"]
    assert rows["_load_seq"].to_list() == [load.load_seq] * 3
    assert rows["_source"].unique().to_list() == ["pos"]
    assert rows["_extracted_at"].to_list() == [AT, AT, AT + timedelta(hours=1)]
    assert (load.state, load.pulled, load.landed, load.quarantined) == ("visible", 3, 3, 0)
    assert ledger.cursor("pos", "pos.lines") == Cursor({"file": "b"}, 1)
    assert ledger.watermark("pos", "pos.lines") == AT + timedelta(seconds=1)


def test_of_two_equal_versions_in_one_load_the_later_page_has_the_higher_row(
    ledger: Ledger, land: Callable[..., Load], workspace: Workspace
) -> None:
    land(piece(2, bad=1), piece(2, file="b", bad=2), piece(1, file="c"))
    rows = landed(workspace, ledger.manifest())
    kept = pl.concat(pl.read_parquet(path) for path in (workspace.quarantine).rglob("*.parquet"))
    assert rows["_row"].to_list() == [0, 1, 3, 4, 7]
    assert kept["row"].to_list() == [2, 5, 6]


def test_a_page_without_rows_moves_the_cursor_and_makes_no_file(
    ledger: Ledger, land: Callable[..., Load], workspace: Workspace
) -> None:
    load = land(piece(0, file="header_only"))
    assert (load.pulled, load.file, load.state) == (0, None, "visible")
    assert ledger.cursor("pos", "pos.lines").value == {"file": "header_only"}
    assert files_of(workspace) == []


def test_a_row_that_vanished_in_preparation_stops_the_load(
    ledger: Ledger, land: Callable[..., Load], workspace: Workspace
) -> None:
    with pytest.raises(ContractError, match="4 rows pulled, but 2 landed and 1 quarantined"):
        land(replace(piece(2, bad=1), pulled=4))
    assert ledger.cursor("pos", "pos.lines").revision == 0
    assert files_of(workspace) == []


def test_a_load_whose_cursor_another_run_moved_leaves_no_file(
    ledger: Ledger, land: Callable[..., Load], workspace: Workspace
) -> None:
    land(piece(2))
    with pytest.raises(CursorMovedError):
        lake.land(
            workspace,
            ledger,
            source="pos",
            stream="pos.lines",
            schema=SCHEMA,
            event=None,
            pieces=[piece(2)],
            read=Cursor(None, 0),
            started_at=AT,
        )
    assert files_of(workspace) == ["pos.lines-pos-00000001.parquet"]


FULL_DISK = """
import resource, sys
from pathlib import Path
from ingestion.landing.ledger import Ledger
from tests.ingestion.folder import AT, SCHEMA, piece
from ingestion.landing import lake
from tillmill.errors import TillmillError
from tillmill.workspace import open_workspace
workspace = open_workspace(Path(sys.argv[1]))
with Ledger(workspace.ledger) as ledger:
    pieces = [piece(200_000)]
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    try:
        lake.land(workspace, ledger, source="pos", stream="pos.lines", schema=SCHEMA, event=None, pieces=pieces,
                  read=ledger.cursor("pos", "pos.lines"), started_at=AT)
    except TillmillError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("room", "said"),
    [(400_000, "It needs up to"), (20_000, r"ledger\.sqlite: .*\n.*is lost")],
    ids=["lake", "ledger"],
)
def test_a_disk_that_takes_no_more_leaves_no_half_file_and_says_what_it_needs(
    workspace: Workspace, ledger: Ledger, land: Callable[..., Load], room: int, said: str
) -> None:
    land(piece(1))
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, workspace.root, str(room)], capture_output=True, text=True, check=False
    )
    assert re.search(said, done.stdout), done.stdout + done.stderr
    assert "Next: make room" in done.stdout
    assert files_of(workspace) == ["pos.lines-pos-00000001.parquet"]
    assert ledger.cursor("pos", "pos.lines").revision == 1
    assert land(piece(20_000, file="b")).landed == 20_000


def test_a_folder_that_cannot_be_written_stops_the_load_with_nothing_recorded(
    workspace: Workspace, ledger: Ledger, land: Callable[..., Load]
) -> None:
    in_the_way = workspace.landing / "pos.lines"
    in_the_way.write_text("a file where the folder must be")
    with pytest.raises(TillmillError, match="cannot write in") as stopped:
        land(piece(3))
    assert "nothing is lost" in stopped.value.state
    assert ledger.loads() == []
    in_the_way.unlink()
    assert land(piece(3)).state == "visible"


@pytest.mark.parametrize("name", ["../out", "a/b", ".hidden", "", "-", "con trol", "a\0b"])
def test_a_name_that_would_leave_the_lake_is_refused(
    land: Callable[..., Load], workspace: Workspace, name: str
) -> None:
    with pytest.raises(RefusedError):
        land(piece(1), source=name)
    assert files_of(workspace) == []


def test_every_contract_has_a_typed_file_without_rows(workspace: Workspace) -> None:
    lake.write_empty_files(workspace)
    before = {path: path.stat().st_mtime_ns for path in workspace.landing.rglob("*.parquet")}
    assert len(before) == len(ALL)
    sales = pl.read_parquet(workspace.landing / "pos.sale_lines" / "zero_rows.parquet")
    assert sales.is_empty()
    assert sales.schema["member_id_token"] == pl.String
    assert sales.schema["net_amount"] == pl.Decimal(18, 4)
    assert sales.columns[-8:] == list(lake.EVERY_ROW)
    lake.write_empty_files(workspace)
    assert {path: path.stat().st_mtime_ns for path in workspace.landing.rglob("*.parquet")} == before
    old = next(iter(before))
    pl.DataFrame(schema={"column_of_an_older_contract": pl.String}).write_parquet(old)
    lake.write_empty_files(workspace)
    assert "_load_id" in pl.read_parquet_schema(old)


def test_what_a_room_learnt_gets_its_version_and_every_rows_columns(workspace: Workspace, ledger: Ledger) -> None:
    load = learn(workspace, ledger, "c1")
    rows = landed(workspace, ledger.manifest("c1"))
    assert load.load_id == "customers.links-tillmill-r1"
    assert rows["observed_at"].to_list() == [load.started_at]
    assert rows["_source"].to_list() == ["tillmill"]
    assert rows["_op"].to_list() == ["upsert"]


def test_a_learnt_run_without_rows_is_a_load_too(workspace: Workspace, ledger: Ledger) -> None:
    load = lake.land_learnt(workspace, ledger, "customers.links", LINKS.clear(), run_id="r1", candidate="c1")
    assert (load.state, load.file, load.landed) == ("pending", None, 0)


def test_learnt_rows_that_break_their_contract_do_not_land(workspace: Workspace, ledger: Ledger) -> None:
    for broken, why in (
        (LINKS.with_columns(verdict=pl.lit("perhaps")), "1 of 1 learnt rows break the contract"),
        (LINKS.drop("weight"), "columns missing \\['weight'\\]"),
        (LINKS.with_columns(colour=pl.lit("red")), "unknown \\['colour'\\]"),
        (pl.concat([LINKS, LINKS]), "2 of 2 learnt rows have a key"),
    ):
        with pytest.raises(ContractError, match=why):
            lake.land_learnt(workspace, ledger, "customers.links", broken, run_id="r1", candidate="c1")
    assert ledger.loads() == []
    assert files_of(workspace) == []


def test_learnt_rows_wait_for_whoever_lands_the_stream(workspace: Workspace, ledger: Ledger) -> None:
    with stream_lock(workspace, "tillmill", "customers.links"), pytest.raises(LockedError):
        learn(workspace, ledger, "c1")
