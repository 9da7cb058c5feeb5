"""A new token key changes every token and joins none apart: what was one person's stays one person's."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing import lake
from ingestion.landing.ledger import Ledger
from ingestion.privacy import erasure, keyfiles, proof, records, rekeying
from ingestion.privacy.person import Asked
from ingestion.privacy.requests import Requests
from ingestion.privacy.tokens import moved, token
from ingestion.privacy.vault import Vault
from tests.ingestion.privacy import people
from tests.ingestion.privacy.test_erasure import lake_text, tokens_of
from tillmill.errors import SettingsError
from tillmill.workspace import Workspace

TOKEN_KEY = "file:state/keys/token.key"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = people.make(tmp_path / "mill")
    people.give_all(made)
    people.pull(made)
    member = people.landed(made, "crm.members")["member_id_token"]
    names = [records.record_token("club", "member", member[0]), records.record_token("till", "sale", "S0")]
    learnt = pl.DataFrame({"record_token": names, "customer_id": ["c1", "c1"], "reason": ["new", "new"]})
    learnt = learnt.with_columns(
        pl.lit("2026-03-01").str.to_datetime(time_unit="us", time_zone="UTC").alias("decided_at"),
        pl.lit(None, pl.String).alias("previous_customer_id"),
    )
    with Ledger(made.ledger) as ledger:
        lake.land_learnt(made, ledger, "customers.identities", learnt, run_id="r1", candidate="c")
        ledger.publish("c", "warehouse-c.duckdb", "0" * 64)
    return made


def rekey(workspace: Workspace) -> None:
    with Ledger(workspace.ledger) as ledger:
        rekeying.ask(workspace, by="ana")
        proof.carry_out_open(workspace, ledger)
        proof.finish(workspace, ledger, version=2, removed=[])


def check(workspace: Workspace, old: set[str]) -> None:
    """The old tokens are nowhere, the new ones wherever they must be, in lake, vault and for rows to come."""
    text = lake_text(workspace)
    new = tokens_of(workspace, people.LI)
    assert not any(one in text for one in old)
    assert all(one in text for one in new)
    member = people.landed(workspace, "crm.members").sort("_row")["member_id_token"]
    order = people.landed(workspace, "ecommerce.orders").sort("_row")["buyer_brand_uid_token"]
    sale = people.landed(workspace, "pos.sale_lines").sort("_row")["member_id_token"]
    assert [*member, *member][:3] == [*order, order[0]] == sale.to_list()
    with Vault(workspace) as vault:
        assert len(vault.entries_of(sorted(new))) == 2
        assert vault.entries_of(sorted(old)) == []
    learnt = people.landed(workspace, "customers.identities")
    assert learnt["record_token"].to_list() == [
        records.record_token("club", "member", member[0]),
        records.record_token("till", "sale", "S0"),
    ]
    people.give(workspace, "till/lines_2.csv", [people.LINES[0] | {"sale_id": "S9"}])
    people.pull(workspace)
    assert people.landed(workspace, "pos.sale_lines").filter(sale_id="S9")["member_id_token"].item() == member[0]


def test_every_token_moves_and_equal_people_stay_equal(workspace: Workspace) -> None:
    old = tokens_of(workspace, people.LI)
    rekey(workspace)
    check(workspace, old)


def test_a_second_new_key_wraps_the_first(workspace: Workspace) -> None:
    old = tokens_of(workspace, people.LI)
    rekey(workspace)
    rekey(workspace)
    assert len(keyfiles.read_keys(workspace, TOKEN_KEY)) == 3
    check(workspace, old)


def test_a_moved_token_is_the_successor_of_the_old_one_and_needs_the_new_key() -> None:
    old = token("phone", "8613812340001", b"a" * 32)
    assert token("phone", "8613812340001", b"a" * 32, [b"b" * 32]) == moved(old, b"b" * 32)
    assert moved(old, b"b" * 32) != moved(old, b"c" * 32)


def test_who_is_to_be_left_out_is_left_out_under_the_new_key_too(workspace: Workspace) -> None:
    with Ledger(workspace.ledger) as ledger:
        erasure.ask(workspace, ledger, Asked(members=("M1",)), by="ana")
        proof.carry_out_open(workspace, ledger)
        proof.finish(workspace, ledger, version=1, removed=[])
    rekey(workspace)
    people.give(workspace, "club/members_2.csv", people.MEMBERS[:1])
    people.pull(workspace)
    assert not any(one in lake_text(workspace) for one in tokens_of(workspace, people.LI))
    assert people.landed(workspace, "crm.members").filter(pl.col("_op") == "delete").height == 2


def test_a_key_that_is_no_file_of_ours_is_not_changed(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_KEY", (workspace.keys / "token.key").read_text())
    other = people.make(tmp_path / "other", '\n[privacy]\ntoken_key = "env:TOKEN_KEY"\n')
    with pytest.raises(SettingsError, match="no file of the workspace"):
        rekeying.ask(other, by="ana")
    assert proof.open_requests(other) == []


STEPS: list[tuple[object, str]] = [
    (Ledger, "rewrite"),
    (Requests, "update"),
    (Requests, "move_tokens"),
    (keyfiles, "replace"),
    (Requests, "move_to"),
]


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("place", range(len(STEPS)), ids=[name for _, name in STEPS])
def test_cut_off_at_any_step_the_next_run_finishes_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, place: int, after: int
) -> None:
    old = tokens_of(workspace, people.LI)
    where, name = STEPS[place]
    whole: Callable[..., object] = getattr(where, name)
    calls = []

    def cut(*words: object, **named: object) -> object:
        calls.append(name)
        if len(calls) > after:
            raise KeyboardInterrupt
        return whole(*words, **named)

    rekeying.ask(workspace, by="ana")
    with Ledger(workspace.ledger) as ledger:
        with monkeypatch.context() as patched:
            patched.setattr(where, name, cut)
            with contextlib.suppress(KeyboardInterrupt):
                proof.carry_out_open(workspace, ledger)
        lake.recover(workspace, ledger)
        proof.carry_out_open(workspace, ledger)
    assert not (workspace.keys / "token.key.next").exists()
    check(workspace, old)
