"""A new sealing key opens all that the old one sealed, and the old one can go: from the file and from memory."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingestion import mending
from ingestion.connectors.fullread import open_full_read
from ingestion.landing import files, lake, originals, quarantine
from ingestion.landing.ledger import Ledger, Place
from ingestion.privacy import erasure, keyfiles, proof, resealing
from ingestion.privacy.keyfiles import source_keys
from ingestion.privacy.person import Asked
from ingestion.privacy.requests import Requests
from ingestion.privacy.seal import is_sealed, mark_of, unseal
from ingestion.privacy.tokens import load_keys
from tests.ingestion.privacy import people
from tillmill.errors import RefusedError, SettingsError
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

SEALING_KEY = "file:state/keys/sealing.key"
LOST = people.WU | {"member_id": "M7", "phone": "13812340007", "birth_year": "?", "updated_at": people.AT}
OWNER = "0123456789abcdef"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Unknown fields, quarantine, what a person said of a row, source files, a proof and a table's last reading."""
    made = people.make(tmp_path / "mill")
    people.give_all(made)
    people.give(made, "club/members_0.csv", [people.BAD_MEMBER, LOST])
    people.pull(made)
    with Ledger(made.ledger) as ledger:
        erasure.ask(made, ledger, Asked(phones=("13900000009",)), by="ana")
        proof.carry_out_open(made, ledger)
        proof.finish(made, ledger, version=1, removed=[])
    [place] = [row.place for row in rows_of(made) if (row.record or {})["member_id"] == "M7"]
    mending.fix(made, {place: {"name": "吴小磊"}}, "ana")
    with open_full_read(made.ledger.parent / "reads", "", f"{OWNER}-1.sqlite", source_keys(made)) as full:
        page = pl.DataFrame({"id": ["M1", "M2"]})
        full.changed(1, page, page, keep_keys=True)
    return made


def rows_of(workspace: Workspace) -> list[mending.OpenRow]:
    return mending.open_rows(workspace, "club", "crm.members", unsealed=True)


def reseal(workspace: Workspace) -> None:
    with Ledger(workspace.ledger) as ledger:
        resealing.ask(workspace, by="ana")
        proof.carry_out_open(workspace, ledger)
        proof.finish(workspace, ledger, version=2, removed=[])


def sealed_of(workspace: Workspace) -> list[str | bytes]:
    """Everything sealed in the workspace, wherever it stands."""
    found: list[str | bytes] = []
    for path in (workspace.root / "lake").rglob("*.parquet"):
        for column in pl.read_parquet(path).select(pl.col(pl.String)).iter_columns():
            found += [text for text in column.drop_nulls() if is_sealed(text)]
    for path, statement in (
        (workspace.ledger, "select fields from fixes"),
        (workspace.ledger, "select name from originals where stream <> 'erp.items'"),
        (workspace.ledger.parent / "reads" / f"{OWNER}-1.sqlite", "select sealed from rows"),
    ):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            found += [text for (text,) in connection.execute(statement)]
    return found + [path.read_bytes() for path in workspace.originals.rglob("*.sealed")]


def check(workspace: Workspace, old: bytes) -> None:
    """One key, another than the old one, opens whatever there is; each row, word and file is what it was."""
    [key] = keyfiles.read_keys(workspace, SEALING_KEY)
    assert key != old
    found, mark = sealed_of(workspace), mark_of([key])
    assert len(found) == 2 + 2 + 1 + 5 + 2 + 5
    assert all(one.startswith(mark if isinstance(one, str) else mark.encode()) for one in found)
    notes = people.landed(workspace, "ecommerce.orders").sort("order_id")["_extra"]
    assert [json.loads(unseal(text, [key], "shop/ecommerce.orders"))["courier_note"] for text in notes] == [
        f"ring {row['phone']}" for row in (people.LI, people.WU)
    ]
    assert [(row.record or {})["name"] for row in rows_of(workspace)] == ["李娜", "吴小磊"]
    with Ledger(workspace.ledger) as ledger:
        for one in originals.listed(workspace, ledger):
            assert originals.read(workspace, one) == (workspace.root / "incoming" / one.source / one.name).read_bytes()
        for load in ledger.loads():
            for file, told in ((load.file, load.sha256), (load.quarantine_file, load.quarantine_sha256)):
                assert file is None or files.sha256(workspace.root / file) == told
    with open_full_read(workspace.ledger.parent / "reads", f"{OWNER}-1.sqlite", "", source_keys(workspace)) as full:
        assert sorted(keys for some in full.gone(10) for keys in some) == [["M1"], ["M2"]]
    for path in workspace.forgotten.glob("*.json"):
        told = json.loads(path.read_text())
        assert told["seal"] == proof.seal_of(workspace, told)


def key_of(workspace: Workspace) -> bytes:
    return keyfiles.read_keys(workspace, SEALING_KEY)[-1]


def test_everything_opens_with_the_new_key_alone(workspace: Workspace) -> None:
    old = key_of(workspace)
    reseal(workspace)
    check(workspace, old)
    told = json.loads((workspace.forgotten / "reseal-000002.json").read_text())
    assert told["rows"] == {"landing/ecommerce.orders": 2, "quarantine/crm.members": 2}
    on_disk = {path.relative_to(workspace.root) for path in (workspace.root / "lake").rglob("*.parquet")}
    assert not {Path(one["before"]) for one in told["files"]} & on_disk


def test_a_second_time_and_a_key_that_nothing_else_was_sealed_with(workspace: Workspace) -> None:
    first = key_of(workspace)
    reseal(workspace)
    second = key_of(workspace)
    reseal(workspace)
    assert first != second
    check(workspace, second)


def test_what_was_sealed_before_keys_had_names_gets_one(workspace: Workspace) -> None:
    """A workspace of an older Tillmill."""
    old = key_of(workspace)
    cipher = AESGCM(hashlib.sha256(b"seal" + old).digest())

    def as_before(data: bytes, context: str) -> bytes:
        nonce = hashlib.sha256(data).digest()[:12]
        return nonce + cipher.encrypt(nonce, data, context.encode())

    with Ledger(workspace.ledger) as ledger:
        [load] = ledger.loads(stream="ecommerce.orders")
        assert load.file is not None
        rows = pl.read_parquet(workspace.root / load.file)
        context = "shop/ecommerce.orders"
        clear = [unseal(text, [old], context).encode() for text in rows["_extra"]]
        texts = [f"sealed1:{base64.urlsafe_b64encode(as_before(one, context)).decode()}" for one in clear]
        ledger.rewrite(load.load_id, load.file, rows.with_columns(_extra=pl.Series(texts)), why="older", rows=2)
        for one in originals.listed(workspace, ledger):
            bound = f"{one.source}/{one.stream}/{one.content}"
            [path] = workspace.originals.rglob(f"{one.content}.sealed")
            path.write_bytes(as_before(originals.read(workspace, one), bound))
            assert originals.read(workspace, one)
    reseal(workspace)
    check(workspace, old)


def test_rows_land_from_quarantine_and_people_are_forgotten_under_the_new_key(workspace: Workspace) -> None:
    reseal(workspace)
    [place] = [row.place for row in rows_of(workspace) if (row.record or {})["member_id"] == "M7"]
    mending.fix(workspace, {place: {"birth_year": "1991"}}, "ana")
    [done] = mending.replay_open(workspace)
    assert (done.landed, done.left) == (1, 1)
    with Ledger(workspace.ledger) as ledger:
        erasure.ask(workspace, ledger, Asked(members=("M1",)), by="ana")
        proof.carry_out_open(workspace, ledger)
    assert people.landed(workspace, "ecommerce.orders")["_extra"].null_count() == 1
    assert sorted(quarantine.rows(workspace)["raw"].str.len_bytes() > 0) == [False, True]


def test_a_key_outside_the_workspace_is_added_by_hand(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = key_of(workspace)
    with (workspace.root / SETTINGS_FILE).open("a") as settings:
        settings.write('\n[privacy]\nsealing_key = "env:SEALING_KEY"\n')
    moved = open_workspace(workspace.root)
    monkeypatch.setenv("SEALING_KEY", old.hex())
    with pytest.raises(SettingsError, match="no file of the workspace"):
        resealing.ask(moved, by="ana")
    assert proof.open_requests(moved) == []
    new = keyfiles.new_key()
    monkeypatch.setenv("SEALING_KEY", f"{old.hex()}\n{new.hex()}")
    reseal(moved)
    monkeypatch.setenv("SEALING_KEY", new.hex())
    keyfiles.replace(workspace.keys / "sealing.key", [new])
    check(moved, old)


def test_what_no_key_opens_stops_it_and_the_old_key_stays(workspace: Workspace) -> None:
    old = key_of(workspace)
    with Ledger(workspace.ledger) as ledger:
        [load] = ledger.loads(stream="ecommerce.orders")
        assert load.file is not None
        rows = pl.read_parquet(workspace.root / load.file)
        damaged = rows.with_columns(pl.col("_extra").str.head(60))
        ledger.rewrite(load.load_id, load.file, damaged, why="a disk", rows=2)
        resealing.ask(workspace, by="ana")
        with pytest.raises(RefusedError, match=r"ecommerce\.orders.*does not open"):
            proof.carry_out_open(workspace, ledger)
    assert keyfiles.read_keys(workspace, SEALING_KEY)[0] == old
    assert [request.phase for request in proof.open_requests(workspace)] == ["asked"]


def test_what_a_person_says_meanwhile_is_sealed_with_the_new_key(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is read where the words are kept, not before: the old one may go at any moment."""
    old = key_of(workspace)
    whole: Callable[..., object] = Ledger.record_fixes

    def late(*words: object) -> object:
        assert load_keys(workspace).sealing[-1] != old
        return whole(*words)

    resealing.ask(workspace, by="ana")
    monkeypatch.setattr(Ledger, "record_fixes", late)
    [place] = [row.place for row in rows_of(workspace) if (row.record or {})["member_id"] == "M1"]
    told: dict[Place, dict[str, str | None]] = {place: {"birth_year": "1990"}}
    mending.fix(workspace, told, "bo")
    with Ledger(workspace.ledger) as ledger:
        proof.carry_out_open(workspace, ledger)
    assert [(row.record or {})["birth_year"] for row in rows_of(workspace)] == ["1990", "?"]


STEPS: list[tuple[object, str]] = [
    (Ledger, "rewrite"),
    (Ledger, "_replace"),
    (Ledger, "reword_fixes"),
    (files, "write_bytes"),
    (Ledger, "rename_originals"),
    (resealing.fullread, "reseal"),
    (keyfiles, "replace"),
    (Requests, "move_to"),
]


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("place", range(len(STEPS)), ids=[name for _, name in STEPS])
def test_cut_off_at_any_step_the_next_run_finishes_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, place: int, after: int
) -> None:
    old = key_of(workspace)
    where, name = STEPS[place]
    whole: Callable[..., object] = getattr(where, name)
    calls = []

    def cut(*words: object, **named: object) -> object:
        calls.append(name)
        if len(calls) > after:
            raise KeyboardInterrupt
        return whole(*words, **named)

    resealing.ask(workspace, by="ana")
    with Ledger(workspace.ledger) as ledger:
        with monkeypatch.context() as patched:
            patched.setattr(where, name, cut)
            with contextlib.suppress(KeyboardInterrupt):
                proof.carry_out_open(workspace, ledger)
        assert [(row.record or {})["name"] for row in rows_of(workspace)] == ["李娜", "吴小磊"], "readable meanwhile"
        lake.recover(workspace, ledger)
        proof.carry_out_open(workspace, ledger)
    check(workspace, old)
