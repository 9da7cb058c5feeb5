"""A list names who consents and nobody else, is logged before it is given out, and is forgotten with its people."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ingestion.landing.ledger import Ledger
from ingestion.privacy import erasure, proof
from ingestion.privacy.person import Asked
from ingestion.privacy.records import record_token
from ingestion.privacy.vault import Vault
from tests.ingestion.privacy import people
from tillmill import activation, segments
from tillmill.errors import RefusedError, TillmillError, UsageError
from tillmill.workspace import Workspace, open_workspace

CROWD = 40
AT = people.AT
BETWEEN = "2026-03-15T00:00:00Z"
LATER = "2026-04-01T00:00:00Z"
CONSENTS = """
[[sources.streams]]
stream = "crm.consents"
pull = { path = "consents*.csv", settle_seconds = 0 }
deletes = "is_deleted"
"""


def member(number: int) -> dict[str, str]:
    return {
        "member_id": f"M{number:04}", "name": f"Member {number}", "phone": f"1381234{number:04}",
        "email": f"Member.{number}@example.com", "union_id": f"oU{number}", "updated_at": AT,
    }  # fmt: skip


def answer(
    number: int,
    granted: bool,
    at: str = AT,
    medium: str = "email",
    purpose: str = "marketing",
    *,
    seen: str = "",
    is_deleted: bool = False,
) -> dict[str, str]:
    return {
        "member_id": f"M{number:04}", "purpose": purpose, "medium": medium, "given_at": at,
        "is_granted": str(granted).lower(), "evidence": "form",
        "observed_at": seen or at, "is_deleted": str(is_deleted).lower(),
    }  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Forty members: 0-29 agree to e-mail, of whom 0-4 withdraw; 30-34 agree to another purpose, 35-39 say nothing."""
    root = tmp_path / "ws"
    made = people.make(root)
    text = (
        (root / "tillmill.toml")
        .read_text()
        .replace("max_quarantined_rate = 1.0\n", "max_quarantined_rate = 1.0\n" + CONSENTS, 1)
    )
    (root / "tillmill.toml").write_text(text)
    made = open_workspace(root)
    people.give(made, "club/members_1.csv", [member(number) for number in range(CROWD)])
    agreed = [answer(number, True) for number in range(30)]
    withdrawn = [answer(number, False, LATER) for number in range(5)]
    others = [answer(number, True, purpose="service") for number in range(30, 35)]
    people.give(made, "club/consents_1.csv", [*agreed, *withdrawn, *others])
    people.give(made, "shop/orders_1.csv", people.ORDERS)
    people.give(made, "till/lines_1.csv", people.LINES)
    people.give(made, "shop/refunds_1.csv", people.REFUNDS)
    people.pull(made)
    publish(made)
    return made


def publish(workspace: Workspace) -> None:
    """A published version in which each member is a customer of their own, c0000 to c0039."""
    rows = people.landed(workspace, "crm.members").sort("_row")
    records = [record_token("club", "member", token) for token in rows["member_id_token"]]
    customers = [f"c{number:04}" for number in range(rows.height)]
    tables = {
        "bridge_customer_identifier": pl.DataFrame({"record_token": records, "customer_id": customers}),
        "mart_customer_360": pl.DataFrame(
            {
                "customer_id": customers,
                "recency_days": list(range(rows.height)),
                "monetary_amount": pl.Series([10.0] * rows.height).cast(pl.Decimal(18, 4)),
                "expected_value_amount": pl.Series([5.0] * rows.height).cast(pl.Decimal(18, 4)),
                "is_churn_alarm": [False] * rows.height,
                "marketing_media": ["email"] * rows.height,
                "segment": ["loyal"] * rows.height,
            }
        ),
    }
    file = workspace.published / "warehouse-test-1.duckdb"
    with duckdb.connect(str(file)) as connection:
        for name, frame in tables.items():
            connection.register("frame", frame.to_arrow())
            connection.execute(f"create table {name} as select * from frame")
            connection.unregister("frame")
    pointer = {"version": 1, "file": file.name, "published_at": AT.replace("Z", "+00:00"), "is_pinned": False}
    (workspace.published / "current.json").write_text(json.dumps(pointer))
    segments.save(workspace.root, "everybody", "Everybody", "recency_days >= 0", author="kim")


def allow(workspace: Workspace, settings: str) -> None:
    path = workspace.root / "tillmill.toml"
    path.write_text(f"{path.read_text()}\n[activation]\n{settings}\n")


def mapped(workspace: Workspace, old: str, new: str) -> Workspace:
    """The workspace with another mapping, and nobody held out."""
    path = workspace.root / "tillmill.toml"
    path.write_text(path.read_text().replace(old, new))
    allow(workspace, "holdout_rate = 0")
    return open_workspace(workspace.root)


def listed(workspace: Workspace, done: activation.Exported) -> list[dict[str, str]]:
    with (workspace.root / done.path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def export(workspace: Workspace, **more: str) -> activation.Exported:
    return activation.export(workspace.root, "everybody", purpose="marketing", medium="email", **more)


def test_only_who_consents_is_on_the_list_and_everybody_is_accounted_for(workspace: Workspace) -> None:
    done = export(workspace, campaign="spring")
    rows = listed(workspace, done)
    named = {row["customer_id"] for row in rows}
    assert named <= {f"c{number:04}" for number in range(5, 30)}
    assert (done.members, done.without_consent) == (40, 15)
    assert done.exported + done.held_out == 25
    assert done.exported == len(rows) == len(named)
    assert {row["email"] for row in rows} == {
        hashlib.sha256(f"member.{int(one[1:])}@example.com".encode()).hexdigest() for one in named
    }
    assert (workspace.root / done.path).stat().st_mode & 0o077 == 0


def test_the_hold_out_is_remembered_and_stays_out_of_the_campaigns_next_list(workspace: Workspace) -> None:
    allow(workspace, "holdout_rate = 0.4")
    first, second = export(workspace, campaign="spring"), export(workspace, campaign="spring")
    assert (first.export_id, second.export_id) == ("spring-1", "spring-2")
    assert first.held_out > 0
    landed = people.landed(workspace, "customers.exports")
    for done in (first, second):
        theirs = landed.filter(pl.col("export_id") == done.export_id)
        assert theirs.height == done.exported + done.held_out
        kept_out = set(theirs.filter("is_holdout")["customer_id"])
        assert len(kept_out) == done.held_out
        assert not kept_out & {row["customer_id"] for row in listed(workspace, done)}
    groups = landed.group_by("export_id").agg(pl.col("customer_id").filter("is_holdout").sort())
    assert groups["customer_id"][0].to_list() == groups["customer_id"][1].to_list()


def test_a_withdrawal_counts_from_the_moment_it_landed_whatever_is_published(workspace: Workspace) -> None:
    people.give(workspace, "club/consents_2.csv", [answer(number, False, LATER) for number in range(5, 29)])
    people.pull(workspace)
    done = export(workspace)
    assert done.exported + done.held_out == 1
    assert done.without_consent == 39


YES, NO, YES_LATER = answer(7, True), answer(7, False, seen=BETWEEN), answer(7, True, seen=LATER)
DELETED = answer(7, True, seen=BETWEEN, is_deleted=True)
TOLD = {
    "plain": ([], True),
    "deleted": ([DELETED], False),
    "deleted, and the old one lands again": ([DELETED, YES], False),
    "deleted, and given again": ([DELETED, YES_LATER], True),
    "changed to no": ([NO], False),
    "changed to no, and the old one lands again": ([NO, YES], False),
    "changed to no and back": ([NO, YES_LATER], True),
    "the no lands late": ([YES_LATER, NO], True),
    "the tombstone lands late": ([YES_LATER, DELETED], True),
}


@pytest.mark.parametrize(("told", "is_listed"), TOLD.values(), ids=TOLD)
def test_of_the_versions_of_an_answer_the_newest_counts_whenever_it_landed(
    workspace: Workspace, told: list[dict[str, str]], is_listed: bool
) -> None:
    """Everybody answered at one moment, so all are versions of one answer: `observed_at` says which is current."""
    allow(workspace, "holdout_rate = 0")
    for number, one in enumerate(told, start=2):
        people.give(workspace, f"club/consents_{number}.csv", [one])
        people.pull(workspace)
    done = export(workspace)
    assert ("c0007" in {row["customer_id"] for row in listed(workspace, done)}) is is_listed
    assert done.exported == 24 + is_listed


def test_a_consent_that_a_whole_list_no_longer_names_is_none(workspace: Workspace) -> None:
    workspace = mapped(workspace, 'deletes = "is_deleted"', "deletes = { snapshot = true }")
    agreed = [answer(number, True) for number in range(30) if number not in (7, 8)]
    withdrawn = [answer(number, False, LATER) for number in range(5)]
    people.give(workspace, "club/consents_2.csv", [*agreed, *withdrawn])
    people.pull(workspace)
    done = export(workspace)
    assert done.exported == 23
    assert not {"c0007", "c0008"} & {row["customer_id"] for row in listed(workspace, done)}


def test_who_left_the_club_and_who_gave_another_address_are_reached_at_no_old_one(workspace: Workspace) -> None:
    workspace = mapped(workspace, 'stream = "crm.members"\n', 'stream = "crm.members"\ndeletes = "is_deleted"\n')
    moved = member(8) | {"email": "moved@example.com", "updated_at": LATER}
    gone = member(7) | {"updated_at": BETWEEN, "is_deleted": "true"}
    for number, rows in enumerate(([moved | {"is_deleted": "false"}, gone], [member(7), member(8)]), start=2):
        people.give(workspace, f"club/members_{number}.csv", rows)
        people.pull(workspace)
    done = export(workspace)
    addresses = {row["customer_id"]: row["email"] for row in listed(workspace, done)}
    assert (done.exported, done.without_address) == (24, 1)
    assert "c0007" not in addresses
    assert addresses["c0008"] == hashlib.sha256(b"moved@example.com").hexdigest()


def test_clear_values_are_for_those_named_in_the_workspace_and_the_reading_is_noted(workspace: Workspace) -> None:
    with pytest.raises(RefusedError, match="may not export clear values"):
        export(workspace, form="clear")
    assert not list(workspace.exports.rglob("*.csv"))
    allow(workspace, f'may_export_clear = ["{activation.account()}"]')
    done = export(workspace, form="clear", by="kim", campaign="spring")
    assert all(row["email"].startswith("member.") for row in listed(workspace, done))
    with Vault(open_workspace(workspace.root)) as vault:
        [noted] = vault.readings().to_dicts()
    assert (noted["who"], noted["purpose"], noted["found"]) == ("kim", "marketing, spring-1", done.exported)


def test_an_environment_does_not_make_somebody_else_of_an_account(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(workspace, 'may_export_clear = ["boss"]')
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "boss")
    with pytest.raises(RefusedError):
        export(workspace, form="clear", by="boss")


def test_a_phone_in_clear_runs_in_no_spreadsheet_and_is_whole_in_parquet(workspace: Workspace) -> None:
    people.give(workspace, "club/consents_2.csv", [answer(7, True, medium="sms")])
    people.pull(workspace)
    allow(workspace, f'holdout_rate = 0\nmay_export_clear = ["{activation.account()}"]')
    ask = {"purpose": "marketing", "medium": "sms", "form": "clear"}
    written = activation.export(workspace.root, "everybody", **ask)
    [row] = listed(workspace, written)
    assert row["customer_id"] == "c0007"
    assert not row["sms"].startswith(("+", "=", "-", "@"))
    kept = activation.export(workspace.root, "everybody", to="parquet", **ask)
    [whole] = pl.read_parquet(workspace.root / kept.path)["sms"]
    assert whole.lstrip("+") == "8613812340007"


@pytest.mark.parametrize(
    "more",
    [{"to": "mail"}, {"form": "plain"}, {"campaign": "../x"}, {"campaign": "A B"}, {"to": "webhook"}],
)
def test_what_cannot_be_done_leaves_nothing(workspace: Workspace, more: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        export(workspace, **more)
    with pytest.raises(UsageError, match="there is no segment"):
        activation.export(workspace.root, "nobody", purpose="marketing", medium="email")
    assert not list(workspace.exports.rglob("*.csv"))
    with Ledger(workspace.ledger) as ledger:
        assert not ledger.loads(stream="customers.exports")


def test_a_forgotten_person_is_on_no_list_made_before_or_after(workspace: Workspace) -> None:
    """faults.md 37: their row in the log, their line in the file and their consent go; other people's counts stay."""
    allow(workspace, "holdout_rate = 0")
    before = export(workspace, campaign="spring")
    assert "c0009" in {row["customer_id"] for row in listed(workspace, before)}
    with Ledger(workspace.ledger) as ledger:
        land_identities(workspace, ledger)
        request = erasure.ask(workspace, ledger, Asked(("M0009",)), by="privacy desk")
        assert request.detail["customers"] == ["c0009"]
        with pytest.raises(RefusedError, match="being forgotten"):
            export(workspace)
        proof.carry_out_open(workspace, ledger)
        finish(workspace, ledger)
    assert not (workspace.root / before.path).exists()
    log = people.landed(workspace, "customers.exports")
    assert "c0009" not in log["customer_id"].to_list()
    assert (log["_op"] == "delete").sum() == 1
    after = export(workspace, campaign="spring")
    assert after.exported == before.exported - 1
    assert "c0009" not in {row["customer_id"] for row in listed(workspace, after)}


def land_identities(workspace: Workspace, ledger: Ledger) -> None:
    from ingestion.landing import lake
    from tillmill.warehouse import read_table

    bridge = read_table(workspace.published / "warehouse-test-1.duckdb", "bridge_customer_identifier")
    frame = bridge.with_columns(
        decided_at=pl.lit(AT).str.to_datetime(time_unit="us", time_zone="UTC"),
        previous_customer_id=pl.lit(None, pl.String),
        reason=pl.lit("new"),
    )
    lake.land_learnt(workspace, ledger, "customers.identities", frame, run_id="one", candidate="one")
    file = workspace.build / "candidate"
    file.write_bytes(b"")
    ledger.publish("one", "warehouse-test-1.duckdb", "-")


def finish(workspace: Workspace, ledger: Ledger) -> None:
    proof.finish(workspace, ledger, version=1, removed=[])


class Hook(BaseHTTPRequestHandler):
    """Takes lists; answers 500 from the second one on when told to."""

    taken: list[dict[str, object]]
    fails_from = 99

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_refused = len(self.taken) + 1 >= self.fails_from
        self.send_response(500 if is_refused else 200)
        self.end_headers()
        if not is_refused:
            self.taken.append(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[tuple[str, type[Hook]]]:
    handler = type("OneHook", (Hook,), {"taken": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/lists?key=s3cret", handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_web_hook_gets_the_list_in_batches_and_never_the_hold_out(
    workspace: Workspace, hook: tuple[str, type[Hook]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, handler = hook
    monkeypatch.setenv("HOOK", address)
    monkeypatch.setattr(activation, "AT_ONCE", 10)
    allow(workspace, 'holdout_rate = 0.3\nwebhook = "env:HOOK"')
    done = export(workspace, to="webhook", campaign="spring")
    assert done.path == ""
    sent = [person["customer_id"] for batch in handler.taken for person in batch["people"]]  # type: ignore[attr-defined]
    assert len(sent) == len(set(sent)) == done.exported
    log = people.landed(workspace, "customers.exports")
    assert set(sent) == set(log.filter(~pl.col("is_holdout"))["customer_id"])
    assert {batch["export_id"] for batch in handler.taken} == {"spring-1"}


def test_a_web_hook_that_fails_is_said_without_its_address_and_the_log_stands(
    workspace: Workspace, hook: tuple[str, type[Hook]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, handler = hook
    handler.fails_from = 2
    monkeypatch.setenv("HOOK", address)
    monkeypatch.setattr(activation, "AT_ONCE", 10)
    allow(workspace, 'holdout_rate = 0\nwebhook = "env:HOOK"')
    with pytest.raises(TillmillError, match="after 10 of 25 people") as caught:
        export(workspace, to="webhook")
    assert "s3cret" not in str(caught.value)
    assert people.landed(workspace, "customers.exports").height == 25


def test_people_are_not_sent_in_the_open(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "http://lists.example.com/take")
    allow(workspace, 'webhook = "env:HOOK"')
    with pytest.raises(RefusedError, match="https alone"):
        export(workspace, to="webhook")


def test_the_account_is_that_of_the_process() -> None:
    import pwd

    assert activation.account() == pwd.getpwuid(os.getuid()).pw_name
