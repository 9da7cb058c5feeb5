"""A person who asks is gone from every place, their sales stay as nobody's, and nobody else loses anything."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ingestion.connectors.page import Original
from ingestion.contracts.contract import landed_schema
from ingestion.contracts.learnt import CONTRACTS
from ingestion.landing import files, lake, originals, quarantine
from ingestion.landing.database import to_text
from ingestion.landing.ledger import Ledger
from ingestion.privacy import erasure, proof, records
from ingestion.privacy.person import Asked
from ingestion.privacy.requests import Requests
from ingestion.privacy.tokens import load_keys, token
from ingestion.privacy.vault import Vault
from tests.ingestion.privacy import people
from tillmill.errors import UsageError
from tillmill.workspace import Workspace, now

LI = Asked(members=("M1",))
LI_BY_PHONE = Asked(phones=(people.LI["phone"],))
IDENTITIES = next(contract for contract in CONTRACTS if contract.name == "customers.identities")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = people.make(tmp_path / "mill")
    people.give_all(made)
    people.give(
        made, "club/members_0.csv", [people.BAD_MEMBER, people.WU | {"birth_year": "?", "updated_at": people.AT}]
    )
    people.pull(made)
    made.exports.mkdir(exist_ok=True)
    (made.exports / "call.csv").write_text("name,phone\n李娜,138 1234 0001\n", encoding="utf-8")
    (made.exports / "other.csv").write_text("name,phone\n吴磊,138 1234 0002\n", encoding="utf-8")
    return made


def forget(workspace: Workspace, asked: Asked = LI) -> Path:
    """The whole of it, save that the version is only said to be published."""
    with Ledger(workspace.ledger) as ledger:
        erasure.ask(workspace, ledger, asked, by="ana")
        proof.carry_out_open(workspace, ledger)
        [written] = proof.finish(workspace, ledger, version=7, removed=["warehouse-a.duckdb"])
    return written


def tokens_of(workspace: Workspace, row: dict[str, str]) -> set[str]:
    keys = load_keys(workspace)
    spelled = {"phone": [f"86{row['phone']}"], "email": [row["email"]], "code": [row["member_id"], row["union_id"]]}
    return {token(kind, value, keys.token, keys.later) for kind, values in spelled.items() for value in values}


def lake_text(workspace: Workspace) -> str:
    paths = (workspace.root / "lake").rglob("*.parquet")
    return "".join(pl.read_parquet(path).cast(pl.String).write_csv() for path in paths)


def test_no_token_of_theirs_is_left_and_every_token_of_others_is(workspace: Workspace) -> None:
    before = lake_text(workspace)
    assert all(one in before for one in tokens_of(workspace, people.LI))
    forget(workspace)
    after = lake_text(workspace)
    assert not any(one in after for one in tokens_of(workspace, people.LI))
    for one in tokens_of(workspace, people.WU):
        assert after.count(one) == before.count(one)


def test_sales_keep_units_and_money_and_are_nobodys(workspace: Workspace) -> None:
    before = people.landed(workspace, "pos.sale_lines")
    forget(workspace)
    after = people.landed(workspace, "pos.sale_lines")
    assert after.drop("member_id_token").equals(before.drop("member_id_token"))
    assert after["member_id_token"].is_null().to_list() == [True, False, True]
    order = people.landed(workspace, "ecommerce.orders").row(0, named=True)
    assert order["total_amount"] is not None
    assert [order[name] for name in order if name.endswith("_token")] == [None] * 7
    assert order["_extra"] is None


def test_what_is_about_them_becomes_a_tombstone_of_nobody_and_every_row_stays_accounted_for(
    workspace: Workspace,
) -> None:
    forget(workspace)
    gone, kept = people.landed(workspace, "crm.members").sort("_row").to_dicts()
    assert (gone["_op"], gone["_flags"], kept["_op"]) == ("delete", "forgotten", "upsert")
    assert gone["member_id_token"].startswith("forgotten|")
    about = set(landed_schema(erasure.ALL["crm.members"])) - {"member_id_token", "updated_at"}
    assert {gone[name] for name in about} == {None}
    with Ledger(workspace.ledger) as ledger:
        for load in ledger.loads():
            rows = 0 if load.file is None else pl.read_parquet(workspace.root / load.file).height
            assert load.landed == rows
            if load.file is not None:
                assert load.sha256 == files.sha256(workspace.root / load.file)


def test_quarantine_keeps_count_and_reason_of_others_and_nothing_of_them(workspace: Workspace) -> None:
    before = quarantine.rows(workspace)
    forget(workspace)
    after = quarantine.rows(workspace)
    assert (before["raw"] == "").sum() == 0
    assert (after["raw"] == "").to_list() == [True, False]
    assert after["reason"][0] == "a person who asked to be forgotten"
    assert after.row(1) == before.row(1)


def test_what_people_said_of_a_quarantined_row_is_looked_through_and_goes_with_it(workspace: Workspace) -> None:
    [load_id] = quarantine.rows(workspace)["load_id"].unique()
    with Ledger(workspace.ledger) as ledger:
        with ledger.transaction() as connection:
            connection.executemany(
                "insert into fixes (load_id, row, fields, author, fixed_at) values (?, ?, ?, 'ana', '')",
                [(load_id, 0, '{"birth_year": "1990"}'), (load_id, 1, '{"phone": "13812340001"}')],
            )
        erasure.ask(workspace, ledger, LI, by="ana")
        proof.carry_out_open(workspace, ledger)
        assert ledger.said_of(load_id) == []
    assert (quarantine.rows(workspace)["raw"] == "").all()


def test_vault_originals_and_exports_let_go_of_them_alone(workspace: Workspace) -> None:
    forget(workspace)
    with Vault(workspace) as vault:
        assert vault.entries_of(sorted(tokens_of(workspace, people.LI))) == []
        assert len(vault.entries_of(sorted(tokens_of(workspace, people.WU)))) == 2
    assert [path.name for path in workspace.exports.iterdir()] == ["other.csv"]
    with Ledger(workspace.ledger) as ledger:
        # The file of refunds too: its rows landed with the number masked, but the file has it.
        assert originals.listed(workspace, ledger) == []


def test_an_original_that_holds_nothing_of_them_is_kept(workspace: Workspace) -> None:
    people.give(workspace, "club/members_3.csv", [people.WU | {"updated_at": people.AT, "tier": "silver"}])
    people.pull(workspace)
    forget(workspace)
    with Ledger(workspace.ledger) as ledger:
        assert [one.name for one in originals.listed(workspace, ledger)] == ["members_3.csv"]


def zipped(data: bytes, name: str = "x.csv") -> bytes:
    room = io.BytesIO()
    with zipfile.ZipFile(room, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return room.getvalue()


def parquet(data: bytes) -> bytes:
    room = io.BytesIO()
    pl.DataFrame({"note": [data.decode()]}).write_parquet(room)
    return room.getvalue()


LINE = f"note\n京 {people.LI['phone'][:3]} {people.LI['phone'][3:]}\n".encode()
OTHER = f"note\n京 {people.WU['phone']}\n".encode()
FORMS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "zip": zipped,
    "zip in gz": lambda data: gzip.compress(zipped(data)),
    "hidden in zip": lambda data: zipped(data, "__MACOSX/.x"),
    "workbook": lambda data: zipped(b"<sst><si><t>" + data + b"</t></si></sst>", "xl/sharedStrings.xml"),
    "parquet": parquet,
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "gb18030": lambda data: data.decode().encode("gb18030"),
}


@pytest.mark.parametrize("is_restored", [False, True], ids=["named", "on the list"])
def test_packed_originals_of_other_loads_are_looked_into(workspace: Workspace, is_restored: bool) -> None:
    """Kept by a load that holds none of the person's rows: only what stands in the files tells."""
    people.give(workspace, "club/members_3.csv", [people.WU | {"updated_at": people.AT, "tier": "silver"}])
    people.pull(workspace)
    sent = {
        f"{whose} {form}": pack(line) for form, pack in FORMS.items() for whose, line in (("li", LINE), ("wu", OTHER))
    }
    sent |= {"li legacy": b"\xd0\xcf\x11\xe0\0" + LINE, "li broken": zipped(LINE)[:-30]}
    with Ledger(workspace.ledger) as ledger:
        load = ledger.loads("club", "crm.members")[-1]
        for name, data in sent.items():
            [kept] = originals.keep(
                workspace, "club", "crm.members", [Original(name, hashlib.sha256(data).hexdigest(), data)]
            )
            with ledger.transaction() as connection:
                connection.execute(
                    """insert into originals (stream, source, content, load_id, name, bytes, kept_at)
                    values ('crm.members', 'club', ?, ?, ?, ?, ?)""",
                    (kept.content, load.load_id, kept.name, kept.bytes, to_text(now())),
                )
        assert {one.name for one in originals.listed(workspace, ledger)} > set(sent)
        request = erasure.ask(workspace, ledger, LI_BY_PHONE, by="ana")
        if is_restored:
            with Requests(workspace) as requests:
                requests.update(request, {**request.detail, "words": []})
        proof.carry_out_open(workspace, ledger)
        [path] = proof.finish(workspace, ledger, version=1, removed=[])
        assert {one.name for one in originals.listed(workspace, ledger)} == {
            "members_3.csv",
            *(f"wu {form}" for form in FORMS),
        }
    assert json.loads(path.read_text())["removed"]["originals that cannot be searched"] == 2


def test_learnt_identities_lose_their_records(workspace: Workspace) -> None:
    member = people.landed(workspace, "crm.members")["member_id_token"]
    names = [
        records.record_token("club", "member", member[0]),
        records.record_token("shop", "order", "shop", "O0"),
        records.record_token("till", "sale", "S2"),
        records.record_token("till", "sale", "S1"),
    ]
    learnt = pl.DataFrame({"record_token": names, "customer_id": ["c1", "c1", "c1", "c2"], "reason": ["new"] * 4})
    learnt = learnt.with_columns(
        pl.lit("2026-03-01").str.to_datetime(time_unit="us", time_zone="UTC").alias("decided_at"),
        pl.lit(None, pl.String).alias("previous_customer_id"),
    )
    (workspace.exports / "segment.csv").write_text("customer_id\nc1\n")
    with Ledger(workspace.ledger) as ledger:
        lake.land_learnt(workspace, ledger, "customers.identities", learnt, run_id="r1", candidate="c")
        ledger.publish("c", "warehouse-c.duckdb", "0" * 64)
    forget(workspace)
    found = people.landed(workspace, "customers.identities")
    assert found.filter(pl.col("_op") != "delete").select("record_token", "customer_id").rows() == [(names[3], "c2")]
    assert "c1" not in found["customer_id"].to_list()
    assert not (workspace.exports / "segment.csv").exists()


def test_later_pulls_bring_nothing_of_them_back(workspace: Workspace) -> None:
    forget(workspace)
    for name in ("club/members_1.csv", "shop/orders_1.csv", "till/lines_1.csv", "club/members_0.csv"):
        # Another content, so that the source takes it for a new file.
        path = workspace.root / "incoming" / name
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    people.pull(workspace)
    assert not any(one in lake_text(workspace) for one in tokens_of(workspace, people.LI))
    with Vault(workspace) as vault:
        assert vault.entries_of(sorted(tokens_of(workspace, people.LI))) == []
    raws = (quarantine.rows(workspace)["raw"] == "").to_list()
    assert raws == [True, False, True, False]
    with Ledger(workspace.ledger) as ledger:
        assert all(load.pulled == load.landed + load.quarantined for load in ledger.loads())
    assert people.landed(workspace, "pos.sale_lines").height == 6


def test_the_proof_has_counts_and_hashes_and_nobody_in_it(workspace: Workspace) -> None:
    tokens = tokens_of(workspace, people.LI)
    written = forget(workspace)
    found = json.loads(written.read_text())
    assert (found["asked_by"], found["version"], found["source"]) == ("ana", 7, "all")
    assert found["rows"] == {
        "landing/crm.members": 1,
        "landing/ecommerce.orders": 1,
        "landing/pos.sale_lines": 2,
        "quarantine/crm.members": 1,
    }
    assert found["removed"]["vault"] == 2
    assert found["removed"]["exports"] == 1
    assert found["left_out"] == {"code": 2, "email": 1, "phone": 1}
    for one in found["files"]:
        assert not (workspace.root / one["before"]).exists()
        assert files.sha256(workspace.root / one["after"]) == one["after_sha256"] != one["before_sha256"]
    text = written.read_text()
    assert not any(word in text for word in (*people.LI.values(), *tokens) if len(word) > 2)
    assert found["seal"] == proof.seal_of(workspace, found)
    assert found["seal"] != proof.seal_of(workspace, found | {"version": 8})


def test_by_phone_or_mail_the_whole_member_is_found(workspace: Workspace) -> None:
    forget(workspace, Asked(emails=("LiNa@example.com",)))
    assert not any(one in lake_text(workspace) for one in tokens_of(workspace, people.LI))


def test_a_guest_who_is_no_member_is_found_by_phone(workspace: Workspace) -> None:
    guest = people.ORDERS[0] | {
        "order_id": "O9", "buyer_phone": "13812349999", "buyer_brand_uid": "", "buyer_email": "", "courier_note": "",
    }  # fmt: skip
    people.give(workspace, "shop/orders_2.csv", [guest])
    people.pull(workspace)
    forget(workspace, Asked(phones=("+86 138 1234 9999",)))
    found = people.landed(workspace, "ecommerce.orders").sort("order_id")
    assert found["buyer_phone_token"].is_null().to_list() == [False, False, True]


def test_a_shared_phone_takes_nobody_along(workspace: Workspace) -> None:
    husband = people.WU | {"member_id": "M3", "phone": people.LI["phone"], "email": "h@example.com", "union_id": "oU3"}
    people.give(workspace, "club/members_2.csv", [husband | {"updated_at": people.AT}])
    people.pull(workspace)
    with pytest.raises(UsageError, match="2 members have this phone"):
        forget(workspace, Asked(phones=(people.LI["phone"],)))
    forget(workspace, Asked(members=("M1",), phones=(people.LI["phone"],)))
    rows = people.landed(workspace, "crm.members").filter(pl.col("_op") == "upsert")
    keys = load_keys(workspace)
    theirs = rows.filter(member_id_token=token("code", "M3", keys.token)).row(0, named=True)
    assert theirs["phone_token"] is None
    assert theirs["email_token"] is not None
    with Vault(workspace) as vault:
        kept = vault.read(tokens=[token("code", "M3", keys.token)], who="t", purpose="t")
    assert kept["email"].to_list() == ["h@example.com"]
    assert "phone" not in kept.columns


def test_a_phone_that_another_member_has_too_is_not_theirs_alone(workspace: Workspace) -> None:
    husband = people.WU | {"member_id": "M3", "phone": people.LI["phone"], "email": "h@example.com", "union_id": "oU3"}
    people.give(workspace, "club/members_2.csv", [husband | {"updated_at": people.AT}])
    people.pull(workspace)
    forget(workspace)
    rows = people.landed(workspace, "crm.members").filter(pl.col("_op") == "upsert")
    assert rows["phone_token"].null_count() == 0


@pytest.mark.parametrize(
    "asked", [Asked(), Asked(phones=("138****0000",)), Asked(emails=("nobody",)), Asked(phones=("13800138000",))]
)
def test_what_identifies_nobody_is_refused_and_nothing_is_noted(workspace: Workspace, asked: Asked) -> None:
    with Ledger(workspace.ledger) as ledger, pytest.raises(UsageError):
        erasure.ask(workspace, ledger, asked, by="ana")
    assert proof.open_requests(workspace) == []


def test_one_source_alone(workspace: Workspace) -> None:
    forget(workspace, Asked(members=("M1",), source="till"))
    assert people.landed(workspace, "pos.sale_lines")["member_id_token"].null_count() == 2
    assert people.landed(workspace, "ecommerce.orders")["buyer_phone_token"].null_count() == 0


def test_a_survey_changes_nothing(workspace: Workspace) -> None:
    before = {path: path.read_bytes() for path in (workspace.root / "lake").rglob("*") if path.is_file()}
    keys = load_keys(workspace)
    with Ledger(workspace.ledger) as ledger:
        found = erasure.survey(workspace, ledger, {"code": frozenset({token("code", "M1", keys.token)})})
    assert dict(found.rows) == {
        "crm.members": 1, "ecommerce.orders": 1, "pos.sale_lines": 2, "crm.members, quarantined": 1,
    }  # fmt: skip
    assert before == {path: path.read_bytes() for path in (workspace.root / "lake").rglob("*") if path.is_file()}


def test_a_restored_lake_is_cleared_again_by_the_list(workspace: Workspace, tmp_path: Path) -> None:
    other = people.make(tmp_path / "restored")
    for key in workspace.keys.iterdir():
        (other.keys / key.name).write_bytes(key.read_bytes())
    people.give_all(other)
    people.pull(other)
    forget(workspace)
    with Requests(workspace) as old, Requests(other) as new:
        theirs = old.tokens(old.request(1))
        new.ask("forget", by="restore", source="", tokens=theirs, detail={"words": [], "records": [], "customers": []})
        new.move_to(new.request(1), "done")
    assert any(one in lake_text(other) for one in tokens_of(other, people.LI))
    with Ledger(other.ledger) as ledger:
        erasure.ask_again(other, ledger, by="ana")
        proof.carry_out_open(other, ledger)
    assert not any(one in lake_text(other) for one in tokens_of(other, people.LI))


STEPS: list[tuple[object, str]] = [
    (Ledger, "rewrite"),
    (Requests, "forget_entries"),
    (Requests, "note"),
    (originals, "drop"),
    (Requests, "move_to"),
    (files, "remove"),
]


@pytest.mark.parametrize("place", range(len(STEPS)), ids=[name for _, name in STEPS])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_cut_off_at_any_step_the_next_run_finishes_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, place: int, after: int
) -> None:
    where, name = STEPS[place]
    whole: Callable[..., object] = getattr(where, name)
    calls = []

    def cut(*words: object, **named: object) -> object:
        calls.append(name)
        if len(calls) > after:
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
    assert not any(one in lake_text(workspace) for one in tokens_of(workspace, people.LI))
    with Vault(workspace) as vault:
        assert vault.entries_of(sorted(tokens_of(workspace, people.LI))) == []
    assert [path.name for path in workspace.exports.iterdir()] == ["other.csv"]
    assert not [path for path in (workspace.root / "lake").rglob("*") if path.is_file() and path.name.startswith(".")]
    assert proof.open_requests(workspace) == []
