"""Files that were merged hide nobody: a person is found and forgotten in them, and tokens move, as in any other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing import compaction, files, lake, originals
from ingestion.landing.ledger import Ledger
from ingestion.privacy import erasure, proof, rekeying
from ingestion.privacy.person import find_person
from ingestion.privacy.vault import Vault
from tests.ingestion.privacy import people
from tests.ingestion.privacy.test_erasure import LI, STEPS, forget, lake_text, tokens_of
from tillmill.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Every stream of people in four loads, the person in the first and the last of them."""
    made = people.make(tmp_path / "mill")
    people.give_all(made)
    people.pull(made)
    for number in (2, 3, 4):
        who = people.MEMBERS[number != 4] | {"birth_year": str(1990 + number)}
        people.give(made, f"club/members_{number}.csv", [who])
        people.give(made, f"shop/orders_{number}.csv", [people.ORDERS[number != 4] | {"order_id": f"P{number}"}])
        people.give(made, f"till/lines_{number}.csv", [people.LINES[1 + (number == 4)] | {"sale_id": f"T{number}"}])
        people.pull(made)
    return made


def compact(workspace: Workspace) -> None:
    with Ledger(workspace.ledger) as ledger:
        merges = list(compaction.plan(workspace, ledger))
        assert [one.stream for one in merges] == ["crm.members", "ecommerce.orders", "pos.sale_lines"]
        for one in merges:
            compaction.merge(workspace, ledger, one)
        assert len(ledger.merged()) == 12


def check_whole(workspace: Workspace) -> None:
    """Every load has its rows, every file its sum, and none is there that no load has."""
    with Ledger(workspace.ledger) as ledger:
        for load in ledger.loads():
            assert load.file is not None
            rows = pl.read_parquet(workspace.root / load.file).filter(_load_id=load.load_id)
            assert rows.height == load.landed
            assert load.sha256 == files.sha256(workspace.root / load.file)
        known = {workspace.root / load.file for load in ledger.loads() if load.file is not None}
        assert ledger.merged() == []
    on_disk = {path for path in workspace.landing.rglob("*") if path.is_file() and path.name != "zero_rows.parquet"}
    assert on_disk == known


def test_they_are_gone_from_merged_files_and_from_those_that_were_merged(workspace: Workspace) -> None:
    before = lake_text(workspace)
    compact(workspace)
    gone, kept = tokens_of(workspace, people.LI), tokens_of(workspace, people.WU)
    assert all(one in lake_text(workspace) for one in gone)
    forget(workspace)
    after = lake_text(workspace)
    assert not any(one in after for one in gone)
    for one in kept:
        assert after.count(one) == before.count(one)
    check_whole(workspace)


def test_what_is_left_of_them_is_the_same_as_without_merging(workspace: Workspace, tmp_path: Path) -> None:
    streams = ("crm.members", "ecommerce.orders", "pos.sale_lines")
    compact(workspace)
    forget(workspace)
    merged = {stream: people.landed(workspace, stream).drop("_extra") for stream in streams}
    apart = people.make(tmp_path / "apart")
    for name in ("token.key", "sealing.key", "vault.key"):
        (apart.keys / name).write_bytes((workspace.keys / name).read_bytes())
    people.give_all(apart)
    people.pull(apart)
    for number in (2, 3, 4):
        for source, stem in (("club", "members"), ("shop", "orders"), ("till", "lines")):
            name = f"{source}/{stem}_{number}.csv"
            (apart.root / "incoming" / name).write_bytes((workspace.root / "incoming" / name).read_bytes())
        people.pull(apart)
    forget(apart)
    for stream, rows in merged.items():
        same = [name for name in rows.columns if name not in {"_extracted_at", "_load_seq", "observed_at"}]
        theirs = people.landed(apart, stream).select(same).sort("_load_id", "_row")
        assert rows.select(same).sort("_load_id", "_row").equals(theirs)


def test_only_the_source_files_that_hold_them_go(workspace: Workspace) -> None:
    compact(workspace)
    forget(workspace)
    with Ledger(workspace.ledger) as ledger:
        kept = {one.name for one in originals.listed(workspace, ledger)}
    assert kept == {f"{stem}_{number}.csv" for stem in ("members", "orders", "lines") for number in (2, 3)}


def test_a_survey_finds_as_many_rows_as_before(workspace: Workspace) -> None:
    def surveyed() -> dict[str, int]:
        with Ledger(workspace.ledger) as ledger:
            tokens = find_person(workspace, ledger, LI).tokens
            return dict(erasure.survey(workspace, ledger, tokens).rows)

    before = surveyed()
    compact(workspace)
    assert surveyed() == before
    assert before == {"crm.members": 2, "ecommerce.orders": 2, "pos.sale_lines": 3}


@pytest.mark.parametrize("place", range(len(STEPS)), ids=[name for _, name in STEPS])
def test_cut_off_at_any_step_the_next_run_finishes_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    compact(workspace)
    where, name = STEPS[place]
    whole: Callable[..., object] = getattr(where, name)
    calls = []

    def cut(*words: object, **named: object) -> object:
        calls.append(name)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return whole(*words, **named)

    with Ledger(workspace.ledger) as ledger:
        erasure.ask(workspace, ledger, LI, by="ana")
        with monkeypatch.context() as patched:
            patched.setattr(where, name, cut)
            with contextlib.suppress(KeyboardInterrupt):
                proof.carry_out_open(workspace, ledger)
        lake.recover(workspace, ledger)
        proof.carry_out_open(workspace, ledger)
        proof.finish(workspace, ledger, version=1, removed=[])
    gone = tokens_of(workspace, people.LI)
    assert not any(one in lake_text(workspace) for one in gone)
    with Vault(workspace) as vault:
        assert vault.entries_of(sorted(gone)) == []
    check_whole(workspace)


def test_every_token_moves_once_in_merged_files(workspace: Workspace) -> None:
    compact(workspace)
    old = tokens_of(workspace, people.LI) | tokens_of(workspace, people.WU)
    before = lake_text(workspace)
    assert all(one in before for one in old)
    with Ledger(workspace.ledger) as ledger:
        rekeying.ask(workspace, by="ana")
        proof.carry_out_open(workspace, ledger)
        proof.finish(workspace, ledger, version=2, removed=[])
    after = lake_text(workspace)
    assert not any(one in after for one in old)
    assert all(one in after for one in tokens_of(workspace, people.LI) | tokens_of(workspace, people.WU))
    check_whole(workspace)
