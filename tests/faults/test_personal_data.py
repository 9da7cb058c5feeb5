"""faults.md 33, 35, 37: keys and secrets, phones that are nobody's, and people who asked to be forgotten."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing import quarantine
from ingestion.landing.ledger import Ledger
from ingestion.prepare import prepare
from ingestion.privacy.seal import is_sealed, unseal
from ingestion.privacy.tokens import load_keys
from ingestion.privacy.vault import Vault
from tests.ingestion.privacy import people
from tests.ingestion.streams import KEYS, make_page, make_stream
from tillmill import notify
from tillmill.errors import ContractError, SettingsError
from tillmill.workspace import Workspace

MEMBER = people.LI | {"updated_at": "2017-01-01T00:00:00Z"}
CLEAR = ("13812340001", "lina@example.com", "李娜")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = people.make(tmp_path / "mill")
    people.give_all(made)
    return made


@pytest.fixture
def hook() -> Iterator[tuple[str, list[bytes]]]:
    """A web hook on loopback and what it was sent."""
    told: list[bytes] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", told
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["token", "sealing", "vault"])
def test_33_a_key_that_others_can_read_stops_the_pull_before_anybody_lands(workspace: Workspace, name: str) -> None:
    (workspace.keys / f"{name}.key").chmod(0o640)
    assert "chmod 600" in why_members_stopped(workspace)
    assert not list(workspace.landing.glob("crm.members/*/*.parquet"))


@pytest.mark.parametrize("name", ["token", "sealing", "vault"])
def test_33_a_missing_key_stops_the_pull_and_no_other_is_made_in_its_place(workspace: Workspace, name: str) -> None:
    (workspace.keys / f"{name}.key").unlink()
    assert "does not exist" in why_members_stopped(workspace)
    assert not (workspace.keys / f"{name}.key").exists()
    assert not list(workspace.landing.glob("crm.members/*/*.parquet"))


def why_members_stopped(workspace: Workspace) -> str:
    try:
        return next(str(result.error) for result in people.ingest(workspace) if result.stream == "crm.members")
    except SettingsError as error:
        return str(error)


def test_33_no_key_shows_in_what_is_printed(workspace: Workspace) -> None:
    keys = load_keys(workspace)
    with Vault(workspace) as vault:
        said = f"{keys!r} {vault!r} {vault.state()!r}"
    for path in workspace.keys.iterdir():
        key = path.read_text().strip()
        assert key not in said
        assert str(bytes.fromhex(key)) not in said


@pytest.mark.parametrize(
    "phone",
    ["138****0000", "13800000000-123", "13800138000", "00000000000", "1234567890", "13812340000转8012", "123"],
)
def test_35_masked_pooled_and_placeholder_phones_make_no_token_and_no_entry(phone: str) -> None:
    found = prepare(make_stream("crm.members"), make_page([MEMBER | {"phone": phone}]), KEYS)
    assert found.good["phone_token"].to_list() == [None]
    assert found.good["_flags"].to_list() == ["unusable_phone"]
    assert found.clear is not None
    assert found.clear["phone"].to_list() == [None]
    # What the source said is not lost: it is sealed beside the row.
    assert json.loads(unseal(found.good["_extra"].item(), KEYS.sealing, "test/crm.members"))["phone_original"] == phone


def test_37_free_text_quarantine_and_unknown_fields_show_nobody_on_the_disk(workspace: Workspace) -> None:
    people.give(workspace, "club/members_2.csv", [people.BAD_MEMBER])
    people.give(workspace, "shop/refunds_2.csv", [people.REFUNDS[0] | {"refund_id": "R2", "amount": "much"}])
    people.pull(workspace)
    refunds = people.landed(workspace, "ecommerce.refunds")
    assert refunds["reason"].to_list() == ["damaged, call 138****0001"]
    assert refunds["_flags"].to_list() == ["masked"]
    rows = quarantine.rows(workspace)
    assert sorted(rows["stream"]) == ["crm.members", "ecommerce.refunds"]
    assert all(is_sealed(text) for text in rows["raw"])
    for path in (workspace.root / "lake").rglob("*.parquet"):
        text = pl.read_parquet(path).cast(pl.String).write_csv()
        assert not any(value in text for value in CLEAR), path


def test_37_a_phone_in_a_files_name_is_masked_where_quarantine_says_the_place(workspace: Workspace) -> None:
    people.give(workspace, "club/members_13812340001.csv", [people.BAD_MEMBER])
    people.pull(workspace)
    assert quarantine.rows(workspace)["position"].to_list() == ["members_138****0001.csv:2"]


@pytest.mark.parametrize("first", ["13812340001", "lina@example.com", "+86 138 1234 0001"])
def test_37_a_file_without_a_header_does_not_put_its_first_person_among_the_names_of_fields(first: str) -> None:
    with pytest.raises(ContractError, match="header line seems to be missing") as told:
        prepare(make_stream("crm.members"), make_page([{"member_id": "M1", first: "x"}]), KEYS)
    assert first not in str(told.value)


def test_37_an_unforeseen_error_quotes_no_value_of_a_stream_with_people(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("cannot read 13812340001 of 李娜")

    monkeypatch.setattr(people, "prepare", broken)
    said = [str(result.error) for result in people.ingest(workspace)]
    assert len(said) == 4
    assert not any(value in text for value in CLEAR for text in said)
    assert "ValueError in test_personal_data.py, line" in said[0]


def test_37_who_is_told_how_a_run_ended_is_told_of_nobody(workspace: Workspace, hook: tuple[str, list[bytes]]) -> None:
    address, told = hook
    people.give(workspace, "club/members_2.csv", [people.BAD_MEMBER])
    note: dict[str, object] = {"said": [str(result) for result in people.pull(workspace)]}
    settings = workspace.settings.model_copy(
        update={"notify": workspace.settings.notify.model_copy(update={"webhook": address})}
    )
    assert notify.run_ended(Workspace(workspace.root, settings), note) == ""
    assert b"1 quarantined" in told[0]
    assert not any(value.encode() in told[0] or json.dumps(value).encode() in told[0] for value in CLEAR)


def test_37_the_ledger_knows_the_names_of_fields_and_nobody(workspace: Workspace) -> None:
    people.give(workspace, "club/members_2.csv", [people.BAD_MEMBER | {"shoe size": "42"}])
    people.pull(workspace)
    with Ledger(workspace.ledger) as ledger:
        assert "shoe size" in ledger.loads("club")[0].extra_fields
    raw = b"".join(path.read_bytes() for path in workspace.ledger.parent.glob("ledger.sqlite*"))
    assert b"crm.members" in raw
    assert not any(value.encode() in raw for value in CLEAR)
