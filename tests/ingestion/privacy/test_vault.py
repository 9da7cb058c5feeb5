"""Clear values are kept once per landed record, encrypted, found by token, and never without their row."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from pathlib import Path

import pytest

from ingestion import mending
from ingestion.landing import lake
from ingestion.landing.ledger import Ledger, Place
from ingestion.privacy import keyfiles, vault, vaultfile
from ingestion.privacy.requests import Done, Requests
from ingestion.privacy.tokens import load_keys, token
from ingestion.privacy.vault import Vault
from tests.ingestion.privacy import people
from tillmill.errors import RefusedError, SettingsError, TillmillError, UsageError
from tillmill.pipeline import vault_reader
from tillmill.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = people.make(tmp_path / "mill")
    people.give_all(made)
    people.pull(made)
    return made


def token_of(workspace: Workspace, kind: str, value: str) -> str:
    keys = load_keys(workspace)
    return token(kind, value, keys.token, keys.later)


def everything(workspace: Workspace) -> bytes:
    return b"".join(path.read_bytes() for path in workspace.vault.parent.glob("vault.sqlite*"))


def test_a_person_is_found_by_token_in_every_record_that_has_clear_values(workspace: Workspace) -> None:
    with Vault(workspace) as vault:
        found = vault.read(tokens=[token_of(workspace, "phone", "8613812340001")], who="test", purpose="a test")
        found = found.sort("source")
    assert found.select("source", "stream", "row").rows() == [
        ("club", "crm.members", 0),
        ("shop", "ecommerce.orders", 0),
    ]
    member, order = found.to_dicts()
    assert {name: member[name] for name in people.LI} == people.LI
    assert order["buyer_phone"] == "+86 138 1234 0001"
    assert order["ship_address"] == "李娜, 1 Mill Road"


def test_a_member_that_leaves_quarantine_gets_the_entry_its_row_needs(workspace: Workspace) -> None:
    people.give(workspace, "club/members_2.csv", [people.MEMBERS[0], people.BAD_MEMBER | {"member_id": "M9"}])
    people.pull(workspace)
    with Ledger(workspace.ledger) as ledger:
        first = ledger.loads("club", "crm.members")[-1]
    mending.fix(workspace, {Place(first.load_id, 1): {"birth_year": "1991"}}, "a clerk")
    assert [done.landed for done in mending.replay_open(workspace)] == [1]
    with Vault(workspace) as vault:
        found = vault.read(records=[(first.load_seq, 1)], who="test", purpose="a test")
    assert found.select("member_id", "phone", "stream").rows() == [("M9", people.LI["phone"], "crm.members")]


def test_many_entries_are_opened_in_parts_and_are_those_that_one_part_gives(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Vault(workspace) as opened, Ledger(workspace.ledger) as ledger:
        asked = [(load.load_seq, row) for load in ledger.loads() for row in range(3)]
        whole = opened.read(records=asked, who="t", purpose="t")
        for size in (1, 3):
            monkeypatch.setattr(vault, "OPENED_AT_ONCE", size)
            # Members and orders have columns of their own, and most parts hold one kind alone.
            assert opened.read(records=asked, who="t", purpose="t").equals(whole)
        assert opened.readings()["found"].to_list() == [whole.height] * 3
        assert opened.read(records=[(999, 0)], who="t", purpose="t").is_empty()


def test_entries_stand_for_landed_records_and_a_till_line_has_none(workspace: Workspace) -> None:
    with Vault(workspace) as vault, Ledger(workspace.ledger) as ledger:
        rows = vault.read(
            records=[(load.load_seq, row) for load in ledger.loads() for row in range(3)], who="t", purpose="t"
        )
    assert sorted(rows["stream"]) == ["crm.members", "crm.members", "ecommerce.orders", "ecommerce.orders"]
    assert "buyer_shop_uid" not in rows.columns


def test_neither_file_nor_log_shows_a_value_and_nobody_else_may_read_them(workspace: Workspace) -> None:
    with Vault(workspace):
        for path in workspace.vault.parent.glob("vault.sqlite*"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        raw = everything(workspace)
    for value in (*people.LI.values(), *people.WU.values()):
        if len(value) > 4 or not value.isascii():
            assert value.encode() not in raw
    assert b"crm.members" in raw


def test_a_vault_of_the_first_version_keeps_its_requests_and_may_be_asked_more(workspace: Workspace) -> None:
    workspace.vault.unlink()
    with contextlib.closing(sqlite3.connect(workspace.vault)) as connection:
        connection.executescript(f"""{vaultfile._FIRST}
            insert into requests values (1, 'forget', 'done', '2026-03-01T00:00:00+00:00', 'ana', '', null);
            insert into suppressed values ('', 'phone', 'ab', 1);
            insert into done values (1, 'vault', 'l1', 2, null, null);
            pragma user_version = 1; pragma journal_mode = wal;""")
    with Requests(workspace) as requests:
        first = requests.request(1)
        assert (first.kind, first.phase, first.asked_by) == ("forget", "done", "ana")
        assert requests.tokens(first) == {"phone": frozenset({"ab"})}
        assert requests.done(first) == [Done("vault", "l1", 2)]
        asked = requests.ask("reseal", by="bo", source="", tokens={"email": frozenset({"cd"})}, detail={"key": "k"})
        assert (asked.request, asked.kind, asked.detail) == (2, "reseal", {"key": "k"})
        with pytest.raises(sqlite3.IntegrityError):
            requests.ask("read", by="bo", source="", tokens={}, detail={})


def test_readings_are_noted_before_anything_is_given_out(workspace: Workspace) -> None:
    with Vault(workspace) as vault:
        vault.read(tokens=[token_of(workspace, "email", "lina@example.com"), "00" * 16], who="ana", purpose="call back")
        assert vault.readings().drop("at").rows() == [("ana", "call back", 2, 2)]
        with pytest.raises(UsageError, match="purpose"):
            vault.read(tokens=["00" * 16], who="ana", purpose=" ")
        assert vault.readings().height == 1


def test_a_room_is_given_a_function_that_reads_for_one_purpose(workspace: Workspace) -> None:
    read = vault_reader(workspace, who="customers", purpose="segment birthday")
    assert read([token_of(workspace, "code", "M2")])["name"].to_list() == ["吴磊"]
    with Vault(workspace) as vault:
        assert vault.readings().drop("at").rows() == [("customers", "segment birthday", 1, 1)]


def test_an_entry_moved_to_another_row_does_not_open(workspace: Workspace) -> None:
    with sqlite3.connect(workspace.vault) as connection:
        connection.execute(
            "update entries set sealed = (select sealed from entries where row = 1 limit 1) where row = 0"
        )
    connection.close()
    with Vault(workspace) as vault, pytest.raises(RefusedError, match="does not open"):
        vault.read(tokens=[token_of(workspace, "code", "M1")], who="t", purpose="t")


def test_entries_of_a_load_that_never_landed_are_swept(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    people.give(workspace, "club/members_2.csv", [people.LI | {"member_id": "M9", "updated_at": people.AT}])

    def cut(*_: object, **__: object) -> None:
        raise TillmillError("cut off")

    with monkeypatch.context() as patched:
        patched.setattr(lake, "_commit", cut)
        assert any(result.error for result in people.ingest(workspace))
    with Vault(workspace) as vault:
        assert vault.state()["entries"] == 5
        with Ledger(workspace.ledger) as ledger:
            lake.recover(workspace, ledger)
        assert vault.state()["entries"] == 4
    people.pull(workspace)
    with Vault(workspace) as vault:
        assert vault.state()["entries"] == 5


def test_a_load_that_was_recorded_when_the_run_was_cut_off_keeps_its_entries(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.give(workspace, "club/members_2.csv", [people.LI | {"member_id": "M9", "updated_at": people.AT}])

    def cut(*_: object) -> None:
        raise TillmillError("cut off")

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "mark_visible", cut)
        assert any(result.error for result in people.ingest(workspace))
    people.pull(workspace)
    with Vault(workspace) as vault:
        assert vault.read(tokens=[token_of(workspace, "code", "M9")], who="t", purpose="t").height == 1


def test_a_rotated_key_opens_everything_and_the_old_one_is_gone(workspace: Workspace) -> None:
    [old] = keyfiles.read_keys(workspace, "file:state/keys/vault.key")
    before = everything(workspace)
    with Vault(workspace) as vault:
        assert vault.rotate() == 4
        assert vault.read(tokens=[token_of(workspace, "code", "M1")], who="t", purpose="t")["name"].to_list() == [
            "李娜"
        ]
    [new] = keyfiles.read_keys(workspace, "file:state/keys/vault.key")
    assert new != old
    with sqlite3.connect(workspace.vault) as connection:
        sealed = [row[0] for row in connection.execute("select sealed from entries")]
    connection.close()
    assert not any(entry in before for entry in sealed)


def test_a_rotation_that_was_cut_off_reads_on_and_goes_on(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.privacy.vault.ROTATED_AT_ONCE", 1)
    calls = []

    def cut(self: Vault, row: object, cipher: object) -> bytes:
        calls.append(row)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(self, row, cipher)

    whole = Vault._reencrypted
    with monkeypatch.context() as patched:
        patched.setattr(Vault, "_reencrypted", cut)
        with Vault(workspace) as vault, pytest.raises(KeyboardInterrupt):
            vault.rotate()
    keys = keyfiles.read_keys(workspace, "file:state/keys/vault.key")
    assert len(keys) == 2
    people.give(workspace, "club/members_2.csv", [people.LI | {"member_id": "M9", "updated_at": people.AT}])
    people.pull(workspace)
    with Vault(workspace) as vault:
        assert vault.read(tokens=[token_of(workspace, "code", "M1")], who="t", purpose="t").height == 1
        assert vault.rotate() == 2
        assert vault.read(tokens=[token_of(workspace, "code", "M9")], who="t", purpose="t").height == 1
    assert keyfiles.read_keys(workspace, "file:state/keys/vault.key") == keys[1:]


def test_a_key_that_is_no_file_of_ours_is_not_rotated(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = (workspace.keys / "vault.key").read_text()
    monkeypatch.setenv("VAULT_KEY", key)
    other = people.make(tmp_path / "other", '\n[privacy]\nvault_key = "env:VAULT_KEY"\n')
    with Vault(other) as vault, pytest.raises(SettingsError, match="last line"):
        vault.rotate()
