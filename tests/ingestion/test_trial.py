"""A trial shows what a first page would become, and lands nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingestion.landing.ledger import Cursor, Ledger
from ingestion.prepare import prepare
from ingestion.privacy.tokens import create_keys, load_keys
from ingestion.sources import bind
from ingestion.trial import Trial, try_stream
from tillmill.cli import app
from tillmill.errors import UsageError
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

SETTINGS = """
[brand]
name = "Mill"
currency = "EUR"
timezone = "Europe/Berlin"
[[sources]]
name = "till"
connector = "files"
timezone = "Europe/Berlin"
connection = { url = "in" }
[[sources.streams]]
stream = "pos.sale_lines"
pull = { path = "*.csv", settle_seconds = 0 }
[sources.streams.fields]
sale_id = "receipt"
line_no = { position = "row" }
store_id = "Shop"
sold_at = "time"
sku = "article"
units = "peices"
net_amount = { expr = "amount" }
line_kind = { const = "sale" }
member_id = "card"

[[sources]]
name = "gone"
connector = "files"
connection = { url = "nowhere" }
[[sources.streams]]
stream = "pos.stores"
pull = { path = "*.csv", settle_seconds = 0 }
"""
LINES = """receipt,shop,time,article,pieces,amount,card,colour
R-1,014,2026-03-29 02:30:00,00123,2,5.98,household-1,red
R-2,014,2026-03-02 09:14:05,00123,1,1.20,household-1,blue
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "lines.csv").write_text(LINES)
    os.utime(tmp_path / "in" / "lines.csv", (1_775_000_000, 1_775_000_000))
    return with_settings(tmp_path, SETTINGS)


def with_settings(root: Path, text: str) -> Workspace:
    (root / SETTINGS_FILE).write_text(text)
    workspace = open_workspace(root)
    create_keys(workspace)
    return workspace


def trial_of(workspace: Workspace, *, unsealed: bool = False) -> Trial:
    return try_stream(bind(workspace)[0], load_keys(workspace), unsealed=unsealed)


def test_mistyped_fields_are_named_with_the_nearest_there_is(workspace: Workspace) -> None:
    trial = trial_of(workspace)
    assert (trial.rows, trial.good, trial.bad) == (2, 0, 2)
    assert [(lost.name, lost.columns, lost.nearest) for lost in trial.missing] == [
        ("Shop", ["store_id"], "shop"),
        ("peices", ["units"], "pieces"),
    ]
    assert {"shop", "pieces", "colour"} == set(trial.unused)


def test_raw_values_stand_beside_what_they_become(workspace: Workspace) -> None:
    mended = with_settings(workspace.root, SETTINGS.replace("peices", "pieces").replace("Shop", "shop"))
    trial = trial_of(mended)
    assert (trial.good, trial.bad, trial.missing, trial.unused) == (1, 1, [], ["colour"])
    found = {column.name: column for column in trial.columns}
    assert (found["sold_at"].origin, found["sold_at"].raw) == ("time", "2026-03-02 09:14:05")
    assert found["sold_at"].value == "2026-03-02 08:14:05+00:00"
    assert (found["line_no"].origin, found["line_no"].value) == ("position row", "3")
    assert (found["net_amount"].origin, found["net_amount"].raw) == ("expr amount", "1.20")
    assert (found["currency"].origin, found["currency"].value) == ("default", "EUR")
    assert "till_id" not in found
    (failure,) = trial.failures
    assert "clocks of Europe/Berlin skip" in failure.reason
    assert failure.examples == [("lines.csv:2", "time=2026-03-29 02:30:00")]


def test_nothing_lands_and_no_cursor_moves(workspace: Workspace) -> None:
    trial_of(workspace)
    with Ledger(workspace.ledger) as ledger:
        assert ledger.loads() == []
        assert ledger.cursor("till", "pos.sale_lines") == Cursor(None, 0)
    assert not list(workspace.root.rglob("*.parquet"))


def test_personal_values_and_those_that_may_be_are_shown_only_when_asked_for(workspace: Workspace) -> None:
    mended = with_settings(workspace.root, SETTINGS.replace("peices", "pieces").replace("Shop", "shop"))
    shown = repr(trial_of(mended))
    assert "household-1" not in shown
    assert "blue" not in shown
    assert "household-1" in repr(trial_of(mended, unsealed=True))


REFUNDS = """
[brand]
name = "Mill"
currency = "CNY"
timezone = "Asia/Shanghai"
[[sources]]
name = "shop"
connector = "files"
connection = { url = "in" }
[[sources.streams]]
stream = "STREAM"
pull = { path = "*.csv", settle_seconds = 0 }
"""
PHONE, EMAIL = "13812345678", "li.lei@example.com"
SAID = f"坏了, 电话 {PHONE}"


def test_phones_and_e_mails_inside_free_text_are_masked_wherever_it_is_shown(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    long = "长" * 55 + PHONE
    (tmp_path / "in" / "refunds.csv").write_text(
        "shop_id,refund_id,order_id,kind,status,amount,updated_at,reason,note\n"
        f'S1,R1,O1,refund_only,done,5,2026-03-01 10:00,"{SAID}",call {EMAIL}\n'
        f'S1,R2,O1,refund_only,done,"{SAID}",2026-03-01 10:00,{long},ring {PHONE}\n'
        f'S1,R3,"{SAID}"\n'
    )
    workspace = with_settings(tmp_path, REFUNDS.replace("STREAM", "ecommerce.refunds"))
    trial = trial_of(workspace)
    shown = repr(trial)
    assert trial.bad == 2
    # The samples, what they become, and the raw values of rows that would fail: a phone that is cut in two, too.
    assert shown.count("电话 138****5678") >= 4
    assert "长138" in shown
    assert "l***@example.com" in shown
    for clear in (PHONE, PHONE[:8], EMAIL, "li.lei"):
        assert clear not in shown
    opened = repr(trial_of(workspace, unsealed=True))
    assert PHONE in opened
    assert EMAIL in opened


def test_what_comes_along_with_the_lines_of_an_order_is_hidden_and_the_lines_are_not(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "lines.csv").write_text(
        "shop_id,order_id,line_no,sku,units,updated_at,buyer\n"
        f"S1,O1,1,A7,2,2026-03-01 10:00,韩梅梅\nS1,O1,2,A7 {PHONE},2,2026-03-01 10:00,韩梅梅\nS1,韩梅梅\n"
    )
    workspace = with_settings(tmp_path, REFUNDS.replace("STREAM", "ecommerce.order_lines"))
    shown = repr(trial_of(workspace))
    assert "A7" in shown
    assert "韩梅梅" not in shown
    assert PHONE not in shown
    assert "韩梅梅" in repr(trial_of(workspace, unsealed=True))


def test_the_command_shows_every_stream_and_says_which_cannot_be_read(workspace: Workspace) -> None:
    def check(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["sources", "check", *words, "--workspace", str(workspace.root)])
        assert done.exit_code == code, done.output
        return done.output

    shown = check("till", code=1)
    assert "'peices' (units) is in none of these rows; the nearest is 'pieces'" in shown
    assert "lines.csv: 2 rows; 0 would land, 2 would not" in shown
    told = json.loads(check("till", "--stream", "pos.sale_lines", "--json", code=1))["streams"][0]
    assert told["missing"][1] == {"name": "peices", "columns": ["units"], "nearest": "pieces", "is_optional": False}
    assert "nowhere is no folder that can be read" in check("gone", code=1)
    with pytest.raises(UsageError, match="no source of this workspace is tilt"):
        CliRunner().invoke(
            app, ["sources", "check", "tilt", "--workspace", str(workspace.root)], catch_exceptions=False
        )


def test_list_and_new_say_what_there_is(workspace: Workspace) -> None:
    told = CliRunner().invoke(app, ["sources", "list", "--json", "--workspace", str(workspace.root)])
    assert json.loads(told.output)["streams"][0] == {"source": "till", "connector": "files", "stream": "pos.sale_lines"}
    assert {"files", "rest", "modbus"} <= set(json.loads(told.output)["connectors"])
    assert 'connector = "files"' in CliRunner().invoke(app, ["sources", "new", "files"]).output


FIT = SETTINGS.replace("peices", "pieces").replace('"Shop"', '"shop"').replace('"time"', '"at"')


@pytest.mark.parametrize(
    ("settings", "header", "code"),
    [
        (FIT, "receipt,shop,at,article,pieces,amount,card,colour", 0),
        (FIT, "receipt,shop,at,article,peices,amount,card,colour", 1),
        (FIT, "receipt,shop,at,article,pieces,amount,cardno,colour", 1),
        (FIT.replace('"card"', '{ field = "card", optional = true }'), "receipt,shop,at,article,pieces,amount,x,y", 0),
    ],
    ids=["all land", "a row would not land", "a field is in no row", "the field may be missing"],
)
def test_the_command_ends_with_1_where_not_all_would_be_well(
    workspace: Workspace, settings: str, header: str, code: int
) -> None:
    (workspace.root / "in" / "lines.csv").write_text(f"{header}\n{LINES.splitlines()[2]}\n")
    os.utime(workspace.root / "in" / "lines.csv", (1_775_000_000, 1_775_000_000))
    with_settings(workspace.root, settings)
    done = CliRunner().invoke(app, ["sources", "check", "till", "--workspace", str(workspace.root)])
    assert done.exit_code == code, done.output
    if "optional" in settings:
        assert "'card' (member_id) is in none of these rows, and may be missing" in done.output


def test_unused_fields_are_marked_and_what_unused_names_in_vain_is_told(workspace: Workspace) -> None:
    unused = 'unused = ["col*", "amout", "weight"]\ndrop = ["amonut"]\n[sources.streams.fields]\nsale_id'
    mended = (
        FIT.replace('"at"', '"time"')
        .replace("[sources.streams.fields]\nsale_id", unused)
        .replace('"amount" }', '"1" }')
    )
    trial = trial_of(with_settings(workspace.root, mended))
    marked = {field.name: field.is_unused for field in trial.fields if not field.columns}
    assert marked == {"amount": False, "colour": True}
    assert trial.news == [
        "no field is called 'amout', which unused names; did you mean 'amount'?",
        "no field is called 'weight', which unused names",
        "no field is called 'amonut', which drop names; did you mean 'amount'?",
    ]
    done = CliRunner().invoke(app, ["sources", "check", "till", "--workspace", str(workspace.root)])
    assert [line.split("│")[3].strip() for line in done.output.splitlines() if "│ colour" in line] == ["unused"]
    assert "(sealed)" in done.output
    assert "did you mean 'amount'?" in done.output


def test_a_forgotten_delimiter_is_named_by_the_trial_and_by_the_stop_of_a_first_load(workspace: Workspace) -> None:
    said = 'sale_id is missing: set pull.delimiter = ";", which cuts the header into more columns'
    with_settings(workspace.root, FIT.replace('"at"', '"time"'))
    (workspace.root / "in" / "lines.csv").write_text(LINES.replace(",", ";"))
    os.utime(workspace.root / "in" / "lines.csv", (1_775_000_000, 1_775_000_000))
    check = CliRunner().invoke(app, ["sources", "check", "till", "--workspace", str(workspace.root)])
    assert (check.exit_code, said in check.output) == (1, True)
    for folder in workspace.folders():
        folder.mkdir(parents=True, exist_ok=True)
    words = ["ingest", "--source", "till", "--workspace", str(workspace.root)]
    stopped = CliRunner().invoke(app, words, env={"COLUMNS": "400"})
    assert stopped.exit_code == 1
    assert stopped.output.count("till pos.sale_lines: the mapping reads a field that is in none of the 2 rows") == 1
    assert said in stopped.output
    assert "Next: tillmill sources check till --stream pos.sale_lines" in stopped.output
    with_settings(workspace.root, FIT.replace('"at"', '"time"').replace('"*.csv"', '"*.csv", delimiter = ";"'))
    assert CliRunner().invoke(app, words).exit_code == 0


def test_a_bad_file_is_named_beside_the_good_ones(workspace: Workspace) -> None:
    with_settings(workspace.root, FIT.replace('"at"', '"time"'))
    (workspace.root / "in" / "lines.csv").write_text(LINES.replace("03-29", "03-28"))
    (workspace.root / "in" / "bad.csv").write_bytes(LINES.replace("red", "红色").encode("gbk"))
    for path in (workspace.root / "in").iterdir():
        os.utime(path, (1_775_000_000, 1_775_000_000))
    trial = trial_of(open_workspace(workspace.root))
    assert (trial.rows, trial.bad, trial.is_fit) == (2, 0, False)
    [said] = trial.unread
    assert said.startswith("bad.csv: byte")
    assert "set pull.encoding" in said
    done = CliRunner().invoke(app, ["sources", "check", "till", "--workspace", str(workspace.root)])
    assert (done.exit_code, f"cannot be read: {said}" in done.output) == (1, True)


def test_a_file_that_cannot_be_read_is_no_source_without_rows(workspace: Workspace) -> None:
    (workspace.root / "in" / "lines.csv").write_bytes(LINES.replace("red", "红色").encode("gbk"))
    os.utime(workspace.root / "in" / "lines.csv", (1_775_000_000, 1_775_000_000))
    done = CliRunner().invoke(app, ["sources", "check", "till", "--workspace", str(workspace.root)])
    assert done.exit_code == 1
    assert "is not utf-8" in done.output
    assert "set pull.encoding" in done.output


MEMBERS = """
[brand]
name = "Mill"
currency = "EUR"
timezone = "Europe/Berlin"
{country}
[[sources]]
name = "club"
connector = "files"
connection = {{ url = "in" }}
[[sources.streams]]
stream = "crm.members"
pull = {{ path = "*.csv", settle_seconds = 0 }}
fields = {{ member_id = "no", phone = "tel" }}
"""
DIALLED = "no,tel\nm1,+49 171 9870651\nm2,0049 171 9870651\nm3,0171 9870651\n"


@pytest.mark.parametrize(("country", "told", "tokens"), [("", 1, 2), ('calling_code = "49"', 0, 1)])
def test_phones_without_a_country_are_told_of_until_somebody_says_which(
    tmp_path: Path, country: str, told: int, tokens: int
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "members.csv").write_text(DIALLED)
    workspace = with_settings(tmp_path, MEMBERS.format(country=country))
    [stream] = bind(workspace)
    keys = load_keys(workspace)
    said = [line for line in try_stream(stream, keys, unsealed=True).news if "1 of 3 tel say no country" in line]
    assert len(said) == told
    [page] = stream.pages(None)
    assert prepare(stream, page, keys).good["phone_token"].n_unique() == tokens
