"""Replay: what a mended mapping, or a person, makes right lands once, as if it had landed when it first appeared."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion import mendfile, mending
from ingestion.landing.ledger import Ledger, Place
from ingestion.privacy.seal import is_sealed
from ingestion.privacy.tokens import create_keys
from ingestion.replay import UNREADABLE, parse_fields
from ingestion.runner import ingest
from tests.ingestion.folder import landed
from tillmill.errors import SourceError, UsageError
from tillmill.status import status
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

SETTINGS = """
[brand]
name = "Mill"
currency = "USD"
timezone = "America/New_York"
[[sources]]
name = "till"
connector = "files"
timezone = "America/New_York"
[sources.connection]
url = "drop"
[[sources.streams]]
stream = "pos.sale_lines"
pull = {{ path = "lines_*.csv", settle_seconds = 0 }}
[sources.streams.fields]
sale_id = "receipt"
line_no = {{ position = "row" }}
sold_at = {sold_at}
line_kind = {{ const = "sale" }}
[[sources.streams]]
stream = "wms.stock"
pull = {{ path = "stock_*.csv", settle_seconds = 0 }}
"""
LINES = """receipt,store_id,sold_at,sku,units,unit_price,net_amount,member_id,row
r1,007,2017-01-02 09:30:00,00123,2,1.50,3.00,{member},
r2,007,03.01.2017 09:30,00123,2,1.50,3.00,{member},=late
r3,007,03.01.2017 09:31,00124,1,1.50,1.50,,
r4,007,nonsense,00124,1,1.50,1.50,,
"""
STOCK = """location_id,sku,lot_id,quality,owner_id,as_of,on_hand_units
L1,00123,A,good,own,2017-01-02,5
L1,00123,B,good,own,2017-01-02,many
L1,00123,C,good,2017-01-02,5
"""
MEMBER = "household-2375"
MENDED = (
    "{ expr = \"case when sold_at like '%.%.%' then substr(sold_at, 7, 4) || '-' || substr(sold_at, 4, 2) || '-'"
    ' || substr(sold_at, 1, 2) || substr(sold_at, 11) else sold_at end" }'
)


def write(path: Path, text: str) -> None:
    """A file that has long been finished."""
    path.write_text(text)
    os.utime(path, (1_490_000_000, 1_490_000_000))


def with_settings(root: Path, sold_at: str) -> Workspace:
    (root / SETTINGS_FILE).write_text(SETTINGS.format(sold_at=sold_at))
    return open_workspace(root)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two streams pulled with a mapping that cannot read every row."""
    workspace = with_settings(tmp_path, '"sold_at"')
    create_keys(workspace)
    (tmp_path / "drop").mkdir()
    write(tmp_path / "drop" / "lines_01.csv", LINES.format(member=MEMBER))
    write(tmp_path / "drop" / "stock_01.csv", STOCK)
    ingest(workspace)
    return workspace


def rows_of(workspace: Workspace, stream: str) -> pl.DataFrame:
    with Ledger(workspace.ledger) as ledger:
        return landed(workspace, ledger.manifest().filter(pl.col("stream") == stream))


def account(workspace: Workspace, stream: str) -> tuple[int, int, int]:
    told = next(found for found in status(workspace)["streams"] if found["stream"] == stream)
    assert told["is_accounted"]
    return told["pulled"], told["landed"], told["quarantined"]


def test_rows_land_as_a_mended_mapping_reads_them_and_the_rest_stays(workspace: Workspace) -> None:
    assert account(workspace, "pos.sale_lines") == (4, 1, 3)
    mended = with_settings(workspace.root, MENDED)
    (done,) = mending.replay_open(mended, "till", "pos.sale_lines")
    assert (done.opened, done.landed, done.left) == (3, 2, 1)
    assert dict(done.reasons) == {"sold_at is not a timestamp": 1}
    assert account(mended, "pos.sale_lines") == (4, 3, 1)
    rows = rows_of(mended, "pos.sale_lines").sort("line_no")
    assert rows["sale_id"].to_list() == ["r1", "r2", "r3"]
    # The place in the file is a key here: it must be the one of the first appearance.
    assert rows["line_no"].to_list() == [2, 3, 4]
    assert rows["member_id_token"].n_unique() == 2
    assert rows.filter(pl.col("sale_id") == "r2")["member_id_token"].item() == rows["member_id_token"][0]


def test_a_replayed_row_stands_where_it_would_have_stood(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "drop" / "lines_02.csv", LINES.format(member=MEMBER).replace("03.01.2017", "2017-01-03"))
    ingest(workspace)
    mended = with_settings(workspace.root, MENDED)
    mending.replay_open(mended)
    undisturbed = tmp_path / "undisturbed"
    (undisturbed / "drop").mkdir(parents=True)
    plain = with_settings(undisturbed, MENDED)
    for name in ("token.key", "sealing.key"):
        path = undisturbed / "state" / "keys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((workspace.keys / name).read_bytes())
        path.chmod(0o600)
    for name in ("lines_01.csv", "lines_02.csv"):
        write(undisturbed / "drop" / name, (tmp_path / "drop" / name).read_text())
        ingest(plain)
    loose = ("_load_id", "_extracted_at")
    order = ("observed_at", "_row")
    replayed = rows_of(mended, "pos.sale_lines").drop(*loose).sort(*order)
    assert replayed.height == 6
    assert replayed.drop("_load_seq").equals(rows_of(plain, "pos.sale_lines").drop(*loose, "_load_seq").sort(*order))
    # Of two versions with one time, the one that came later is current, replayed or not.
    with Ledger(mended.ledger) as ledger:
        first, second = (load.load_seq for load in ledger.loads("till", "pos.sale_lines") if load.pulled)
    found = rows_of(mended, "pos.sale_lines").filter(pl.col("sale_id") == "r2").sort("_load_seq")
    assert found["_load_seq"].to_list() == [first, second]


def test_a_second_replay_lands_nothing(workspace: Workspace) -> None:
    mended = with_settings(workspace.root, MENDED)
    mending.replay_open(mended)
    before = rows_of(mended, "pos.sale_lines")
    again = mending.replay_open(mended, "till", "pos.sale_lines")
    assert [(done.opened, done.landed, done.loads) for done in again] == [(1, 0, [])]
    assert rows_of(mended, "pos.sale_lines").equals(before)


def test_a_person_mends_a_row_and_the_original_stays_beside_it(workspace: Workspace) -> None:
    rows = mending.open_rows(workspace, "till", "pos.sale_lines", unsealed=True)
    nonsense = next(row for row in rows if (row.record or {})["sold_at"] == "nonsense")
    told: dict[Place, dict[str, str | None]] = {nonsense.place: {"sold_at": "2017-01-04 10:00:00", "store_id": "008"}}
    assert mending.fix(workspace, told, "ada") == told
    (done,) = mending.replay_open(workspace, "till", "pos.sale_lines")
    assert (done.landed, done.left) == (1, 2)
    row = rows_of(workspace, "pos.sale_lines").filter(pl.col("sale_id") == "r4").row(0, named=True)
    assert (row["store_id"], row["_flags"]) == ("008", "fixed")
    with Ledger(workspace.ledger) as ledger:
        (fix,) = ledger.fixes(nonsense.place.load_id)
    assert (fix.place, fix.author) == (nonsense.place, "ada")
    # Its stream has personal fields: what people write of it is sealed too.
    assert is_sealed(fix.fields)
    with pytest.raises(UsageError, match="has no open row 3 in quarantine"):
        mending.fix(workspace, told, "ada")


def test_a_field_is_emptied_by_its_columns_name_too(workspace: Workspace) -> None:
    rows = mending.open_rows(workspace, "till", "pos.sale_lines", unsealed=True)
    nonsense = next(row for row in rows if (row.record or {})["sold_at"] == "nonsense")
    assert mending.fix(workspace, {nonsense.place: {"sale_id": None}}, "ada") == {nonsense.place: {"receipt": None}}
    assert mending.fix(workspace, {nonsense.place: {"sale_id": None}}, "ada") == {}


def test_a_line_that_cannot_be_read_waits_for_a_person(workspace: Workspace, tmp_path: Path) -> None:
    (done,) = mending.replay_open(workspace, "till", "wms.stock")
    assert (done.opened, done.landed, done.reasons[UNREADABLE]) == (2, 0, 1)
    rows = mending.open_rows(workspace, "till", "wms.stock")
    assert [(row.record is None, row.unreadable) for row in rows] == [
        (False, ""),
        (True, "L1,00123,C,good,2017-01-02,5"),
    ]
    whole: dict[str, str | None] = {"location_id": "L1", "sku": "00123", "lot_id": "C", "quality": "good"}
    whole |= {"owner_id": "own", "as_of": "2017-01-02", "on_hand_units": "5"}
    told: dict[Place, dict[str, str | None]] = {rows[0].place: {"on_hand_units": "7"}, rows[1].place: whole}
    mending.fix(workspace, told, "ada")
    (done,) = mending.replay_open(workspace, "till", "wms.stock")
    assert (done.landed, done.left) == (2, 0)
    assert account(workspace, "wms.stock") == (3, 3, 0)
    assert rows_of(workspace, "wms.stock").sort("lot_id")["on_hand_units"].cast(pl.Float64).to_list() == [5, 7, 5]


def test_a_column_made_of_several_fields_names_those_alone(workspace: Workspace) -> None:
    text = SETTINGS.format(sold_at='"sold_at"').replace(
        'sale_id = "receipt"', 'sale_id = { expr = "receipt || store_id" }'
    )
    (workspace.root / SETTINGS_FILE).write_text(text)
    made = open_workspace(workspace.root)
    [row, *_] = mending.open_rows(made, "till", "pos.sale_lines")
    with pytest.raises(UsageError) as refused:
        mending.fix(made, {row.place: {"sale_id": "r9"}}, "ada")
    assert refused.value.next_command == "set the fields it comes from (receipt, store_id), or mend its mapping"


@pytest.mark.parametrize(
    ("name", "said"),
    [("sold_on", r"no field 'sold_on'; did you mean 'sold_at'"), ("line_no", "not read from a field of its own")],
)
def test_a_field_that_nothing_reads_is_refused_and_nothing_kept(workspace: Workspace, name: str, said: str) -> None:
    rows = mending.open_rows(workspace, "till", "pos.sale_lines")
    with pytest.raises(UsageError, match=said):
        mending.fix(workspace, {rows[0].place: {"units": "1"}, rows[1].place: {name: "1"}}, "ada")
    with Ledger(workspace.ledger) as ledger:
        assert ledger.fixes(rows[0].place.load_id) == []


def test_a_fix_by_the_contracts_word_goes_to_the_field_it_is_read_from(workspace: Workspace) -> None:
    place = mending.open_rows(workspace, "till", "pos.sale_lines")[0].place
    assert mending.fix(workspace, {place: {"sale_id": "r9"}}, "ada") == {place: {"receipt": "r9"}}


def test_a_file_goes_out_to_be_mended_and_comes_back(workspace: Workspace, tmp_path: Path) -> None:
    rows = mending.open_rows(workspace, "till", "pos.sale_lines", unsealed=True)
    path = tmp_path / "open.csv"
    mendfile.write_rows(rows, path)
    assert path.stat().st_mode & 0o077 == 0
    text = path.read_text(encoding="utf-8-sig")
    assert ",'=late" in text
    assert mending.fix(workspace, mendfile.read_rows(path), "ada") == {}
    path.write_text(text.replace("03.01.2017 09:30", "2017-01-03 09:30:00"), encoding="utf-8-sig")
    assert mending.fix(workspace, mendfile.read_rows(path), "ada") == {
        rows[0].place: {"sold_at": "2017-01-03 09:30:00"}
    }
    with pytest.raises(UsageError, match="is there already"):
        mendfile.write_rows(rows, path)
    path.write_text("tillmill row,row\nx:one,1\n")
    with pytest.raises(UsageError, match=r"open\.csv:2: 'tillmill row' names no row"):
        mendfile.read_rows(path)
    path.write_bytes(b"tillmill row,row\n\xff,1\n")
    with pytest.raises(SourceError, match="is not utf-8"):
        mendfile.read_rows(path)


def test_rows_with_personal_fields_stay_sealed_unless_asked_for(workspace: Workspace) -> None:
    assert all(row.is_sealed and row.record is None for row in mending.open_rows(workspace, "till", "pos.sale_lines"))
    assert not any(row.is_sealed for row in mending.open_rows(workspace, "till", "wms.stock"))


def test_open_reasons_are_told_with_an_example(workspace: Workspace) -> None:
    found = mending.open_reasons(workspace, stream="pos.sale_lines").sort("rows", descending=True)
    assert found.select("field", "reason", "rows", "example").rows() == [
        ("sold_at", "sold_at is not a timestamp: give its field a format", 2, "lines_01.csv:3"),
        ("sold_at", "sold_at is not a timestamp", 1, "lines_01.csv:5"),
    ]


@given(st.dictionaries(st.text(min_size=1), st.none() | st.text(), min_size=1))
def test_a_raw_record_survives_its_json(record: dict[str, str | None]) -> None:
    frame = pl.DataFrame({name: pl.Series([value], dtype=pl.String) for name, value in record.items()})
    assert parse_fields(frame.select(pl.struct(pl.all()).struct.json_encode()).item()) == record


def test_after_a_replay_rows_are_told_with_what_is_wrong_now(workspace: Workspace) -> None:
    """They came with an unreadable time; now that it is mapped to nothing else, something else is missing."""
    before = mending.open_reasons(workspace, "till", "pos.sale_lines")
    assert dict(before.select("reason", "rows").iter_rows()) == {
        "sold_at is not a timestamp: give its field a format": 2,
        "sold_at is not a timestamp": 1,
    }
    text = SETTINGS.format(sold_at=MENDED).replace('sale_id = "receipt"', 'sale_id = "receipt"\nnet_amount = "row"')
    (workspace.root / SETTINGS_FILE).write_text(text)
    broken = open_workspace(workspace.root)
    [done] = mending.replay_open(broken, "till", "pos.sale_lines")
    assert done.left == 3
    now_told = mending.open_reasons(broken, "till", "pos.sale_lines")
    assert dict(now_told.select("reason", "rows").iter_rows()) == dict(done.reasons)
    assert "net_amount is missing" in done.reasons
    shown = {row.place.row: row.reason for row in mending.open_rows(broken, "till", "pos.sale_lines", unsealed=True)}
    assert "sold_at is not a timestamp" not in [shown[1], shown[2]]
    mended = with_settings(workspace.root, MENDED)
    [done] = mending.replay_open(mended, "till", "pos.sale_lines")
    assert (done.landed, done.left) == (2, 1)
    left = mending.open_reasons(mended, "till", "pos.sale_lines")
    assert left.select("reason", "rows").rows() == [("sold_at is not a timestamp", 1)]
