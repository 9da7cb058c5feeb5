"""People in a stream whose contract has none: a warehouse's stock file with its clerk's phone, beside its figures."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from ingestion import mendfile, mending
from ingestion.landing import originals, quarantine
from ingestion.landing.ledger import Ledger
from ingestion.privacy import erasure, proof, resealing
from ingestion.privacy.person import Asked
from ingestion.privacy.seal import is_sealed, mark_of, unseal
from ingestion.privacy.tokens import load_keys
from ingestion.runner import ingest
from ingestion.sources import bind
from ingestion.trial import try_stream
from tests.e2e.scan import People, scan
from tests.ingestion.privacy import people
from tillmill.account import show_fields
from tillmill.errors import SettingsError
from tillmill.status import status
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

STOCK = """
[[sources]]
name = "wms"
connector = "files"
[sources.connection]
url = "incoming/wms"
[[sources.streams]]
stream = "wms.stock"
pull = { path = "stock*.csv", settle_seconds = 0, page_rows = 2 }
max_quarantined_rate = 1.0
"""
PHONE, EMAIL = "13912345618", "clerk.zhou@example.com"
CLERK = People(frozenset({PHONE}), frozenset({EMAIL}), ("周慧敏",))
OUTSIDE = ("incoming",)


def row(lot: str, units: str = "5", **more: str) -> dict[str, str]:
    figures = {"location_id": "L1", "sku": "00123", "lot_id": lot, "quality": "good", "owner_id": "own"}
    return figures | {"as_of": "2026-03-01", "on_hand_units": units, "zone": "A", "经办人电话": "", "备注": ""} | more


ROWS = [
    row("A"),
    row("B"),
    row("C", 经办人电话=PHONE),
    row("D", 备注=f"问 {EMAIL}"),
    row("E", 备注="问周"),
    row("F", units="many", 备注=f"call {PHONE}"),
    row("G", units="many"),
]


def made(root: Path, more: str = "") -> Workspace:
    workspace = people.make(root / "mill", STOCK + more)
    people.give(workspace, "wms/stock_1.csv", ROWS)
    return workspace


def pull(workspace: Workspace) -> list[str]:
    results = [result for result in ingest(workspace) if result.source == "wms"]
    assert [result.error for result in results] == [None]
    return [load for result in results for load in result.loads]


def test_the_clerks_phone_is_nowhere_in_clear_and_everything_opens(tmp_path: Path) -> None:
    workspace = made(tmp_path)
    pull(workspace)
    assert scan(CLERK, workspace.root, but=OUTSIDE) == {}
    assert scan(CLERK, workspace.root)
    keys = load_keys(workspace).sealing
    extra = dict(people.landed(workspace, "wms.stock").select("lot_id", "_extra").iter_rows())
    # The first page shows nobody; from then on each row that fills one of the two fields is sealed, also without signs.
    assert json.loads(extra["A"])["zone"] == "A"
    assert [lot for lot, text in extra.items() if is_sealed(text)] == ["C", "D", "E"]
    assert json.loads(unseal(extra["C"], keys, "wms/wms.stock"))["经办人电话"] == PHONE
    with Ledger(workspace.ledger) as ledger:
        [kept] = originals.listed(workspace, ledger, source="wms")
        assert kept.name == "stock_1.csv"
        assert originals.read(workspace, kept) == (workspace.root / "incoming" / "wms" / "stock_1.csv").read_bytes()


def test_a_field_that_has_shown_people_stays_sealed_in_later_pulls(tmp_path: Path) -> None:
    workspace = made(tmp_path)
    pull(workspace)
    people.give(workspace, "wms/stock_2.csv", [row("H", 备注="问老周"), row("I")])
    pull(workspace)
    extra = dict(people.landed(workspace, "wms.stock").select("lot_id", "_extra").iter_rows())
    assert (is_sealed(extra["H"]), is_sealed(extra["I"])) == (True, False)


def test_the_run_says_once_which_fields_and_what_to_say_of_them(tmp_path: Path) -> None:
    workspace = made(tmp_path)
    first = pull(workspace)
    people.give(workspace, "wms/stock_2.csv", [row("H", 备注=f"问 {EMAIL}")])
    second = pull(workspace)

    def told(**news: list[str]) -> str:
        out = StringIO()
        show_fields(status(workspace, **news), Console(file=out, width=80))
        return out.getvalue()

    said = told(news_of=first)
    assert "wms wms.stock: phones or e-mails, sealed: 备注, 经办人电话" in said
    assert "may_carry = true" in said
    assert 'drop = ["备注", "经办人电话"]' in said
    assert "phones" not in told(news_of=second)
    assert "phones" in told()
    workspace = said_of(workspace, "may_carry = true")
    assert "phones" not in told()


def said_of(workspace: Workspace, line: str) -> Workspace:
    path = workspace.root / SETTINGS_FILE
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n") + f"\n{line}\n", encoding="utf-8")
    return open_workspace(workspace.root)


def test_a_stream_that_may_carry_people_is_sealed_from_its_first_row(tmp_path: Path) -> None:
    workspace = made(tmp_path, "may_carry = true\n")
    pull(workspace)
    assert all(is_sealed(text) for text in people.landed(workspace, "wms.stock")["_extra"])
    assert all(found.is_sealed for found in mending.open_rows(workspace, "wms", "wms.stock"))
    [stream] = (one for one in bind(workspace) if one.source == "wms")
    assert "问周" not in repr(try_stream(stream, load_keys(workspace)))


def test_where_its_owner_says_that_nobody_is_in_it_nothing_is_looked_at(tmp_path: Path) -> None:
    workspace = made(tmp_path, "may_carry = false\n")
    pull(workspace)
    assert not any(is_sealed(text) for text in people.landed(workspace, "wms.stock")["_extra"])
    # What is kept as it came is sealed whatever is said.
    assert all(is_sealed(text) for text in quarantine.rows(workspace)["raw"])


def test_a_dropped_field_is_kept_nowhere_but_in_the_sources_own_file(tmp_path: Path) -> None:
    workspace = made(tmp_path, 'drop = ["经办人电话", "备注"]\n')
    pull(workspace)
    assert scan(CLERK, workspace.root, but=OUTSIDE) == {}
    keys = load_keys(workspace).sealing
    rows = people.landed(workspace, "wms.stock")
    texts = [*rows["_extra"], *(unseal(raw, keys, "wms/wms.stock") for raw in quarantine.rows(workspace)["raw"])]
    assert len(texts) == len(ROWS)
    assert all("备注" not in text and '"zone":"A"' in text for text in texts)
    assert status(workspace)["streams"][-1]["people_fields"] == []


def test_a_field_that_is_mapped_cannot_be_dropped(tmp_path: Path) -> None:
    workspace = made(tmp_path, 'drop = ["zone"]\nfields = { lot_id = { expr = "lot_id || zone" } }\n')
    with pytest.raises(SettingsError, match="drop: zone is mapped"):
        bind(workspace)


def test_a_look_at_the_source_shows_no_phone_unless_it_is_asked_for(tmp_path: Path) -> None:
    workspace = made(tmp_path)
    people.give(workspace, "wms/stock_1.csv", [row("A", units="many", 经办人电话="83912345", 备注=f"{PHONE} {EMAIL}")])
    [stream] = (one for one in bind(workspace) if one.source == "wms")
    shown = repr(try_stream(stream, load_keys(workspace)))
    for clear in (PHONE, EMAIL, "83912345"):
        assert clear not in shown
        assert clear in repr(try_stream(stream, load_keys(workspace), unsealed=True))
    assert "139****5618" in shown


def test_quarantined_rows_that_show_people_are_shown_when_asked_for_and_the_others_always(tmp_path: Path) -> None:
    workspace = made(tmp_path)
    pull(workspace)
    shown = mending.open_rows(workspace, "wms", "wms.stock")
    assert [(found.is_sealed, found.record is None) for found in shown] == [(True, True), (False, False)]
    opened = mending.open_rows(workspace, "wms", "wms.stock", unsealed=True)
    assert [PHONE in str(found.record) for found in opened] == [True, False]
    mendfile.write_rows(opened, tmp_path / "open.csv")
    text = (tmp_path / "open.csv").read_text(encoding="utf-8-sig").replace("many", "7")
    (tmp_path / "open.csv").write_text(text, encoding="utf-8")
    assert len(mending.fix(workspace, mendfile.read_rows(tmp_path / "open.csv"), "ana")) == 2
    [done] = mending.replay_open(workspace, "wms")
    assert (done.landed, done.left) == (2, 0)
    assert scan(CLERK, workspace.root, but=OUTSIDE) == {}


@pytest.mark.parametrize("asked", [Asked(phones=(PHONE,)), Asked(emails=(EMAIL,))])
def test_the_clerk_is_forgotten_and_stays_so(tmp_path: Path, asked: Asked) -> None:
    workspace = made(tmp_path)
    pull(workspace)
    before = people.landed(workspace, "wms.stock")
    with Ledger(workspace.ledger) as ledger:
        request = erasure.ask(workspace, ledger, asked, by="ana")
        assert request.kind == "forget"
        proof.carry_out_open(workspace, ledger)
        [written] = proof.finish(workspace, ledger, version=1, removed=[])
        assert originals.listed(workspace, ledger, source="wms") == []
    lots = {"C"} if asked.phones else {"D"}
    after = people.landed(workspace, "wms.stock")
    assert after.drop("_extra").equals(before.drop("_extra"))
    changed = before.filter(pl.col("_extra").ne_missing(after["_extra"]))
    assert {*changed["lot_id"]} == lots
    assert after.filter(pl.col("lot_id").is_in(lots))["_extra"].to_list() == [None]
    emptied = (quarantine.rows(workspace)["raw"] == "").to_list()
    assert emptied == [bool(asked.phones), False]
    rows = json.loads(written.read_text())["rows"]
    assert rows["landing/wms.stock"] == 1
    # They come again, and stay out.
    people.give(
        workspace, "wms/stock_2.csv", [row("C", 经办人电话=PHONE, 备注=f"问 {EMAIL}"), row("J", units="x", 备注=PHONE)]
    )
    pull(workspace)
    again = people.landed(workspace, "wms.stock").filter(pl.col("_load_seq") == pl.col("_load_seq").max())
    assert again.select("lot_id", "_extra").rows() == [("C", None)]


def test_a_number_that_happens_to_be_a_members_takes_nothing_from_a_stream_without_people(tmp_path: Path) -> None:
    workspace = made(tmp_path)
    people.give(workspace, "wms/stock_1.csv", [row("M1", units="many", 备注=PHONE), row("A", zone="M1", 备注=PHONE)])
    pull(workspace)
    raw, extra = quarantine.rows(workspace)["raw"].to_list(), people.landed(workspace, "wms.stock")["_extra"].to_list()
    with Ledger(workspace.ledger) as ledger:
        erasure.ask(workspace, ledger, Asked(members=("M1",)), by="ana")
        proof.carry_out_open(workspace, ledger)
    assert quarantine.rows(workspace)["raw"].to_list() == raw
    assert people.landed(workspace, "wms.stock")["_extra"].to_list() == extra
    people.give(workspace, "wms/stock_2.csv", [row("M1", units="many", 备注=PHONE), row("B", zone="M1", 备注=PHONE)])
    pull(workspace)
    assert "" not in quarantine.rows(workspace)["raw"]
    assert people.landed(workspace, "wms.stock")["_extra"].null_count() == 0


def test_what_it_seals_is_sealed_anew_with_a_new_key(tmp_path: Path) -> None:
    workspace = made(tmp_path)
    pull(workspace)
    old = mark_of(load_keys(workspace).sealing)
    with Ledger(workspace.ledger) as ledger:
        resealing.ask(workspace, by="ana")
        proof.carry_out_open(workspace, ledger)
        [kept] = originals.listed(workspace, ledger, source="wms")
        assert originals.read(workspace, kept).startswith(b"location_id")
    assert len(load_keys(workspace).sealing) == 1
    texts = [*people.landed(workspace, "wms.stock")["_extra"], *quarantine.rows(workspace)["raw"]]
    assert [text.startswith(old) for text in texts] == [False] * len(texts)
    assert sum(is_sealed(text) for text in texts) == 5
    assert len(mending.open_rows(workspace, "wms", "wms.stock", unsealed=True)) == 2
