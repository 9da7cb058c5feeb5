"""Rows that nobody will ever mend: closed with who and why, still there, still counted, and not asked for again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingestion import dismissing, mending
from ingestion.landing import quarantine
from ingestion.landing.ledger import CursorMovedError, Dismissal, Ledger, Place
from ingestion.landing.locks import run_lock
from ingestion.privacy import resealing
from ingestion.privacy.proof import carry_out_open
from ingestion.privacy.tokens import create_keys
from ingestion.replay import replay
from ingestion.runner import ingest
from ingestion.sources import bind
from tillmill.account import show_status
from tillmill.errors import LockedError, UsageError
from tillmill.status import status
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

SETTINGS = """
[brand]
name = "Mill"
currency = "EUR"
timezone = "Europe/Paris"
[[sources]]
name = "wms"
connector = "files"
[sources.connection]
url = "drop"
[[sources.streams]]
stream = "wms.stock"
max_quarantined_rate = 1
pull = { path = "stock_*.csv", settle_seconds = 0 }
"""
HEAD = "location_id,sku,lot_id,quality,owner_id,as_of,on_hand_units\n"
LINE = "L1,00123,{lot},good,own,2026-01-02,{units}\n"
TOTAL = "合计;;;1.000,00\n"
SHORT = "2 fields where the header has 7"
NUMBER = "on_hand_units is not a number that fits"


def write(workspace: Workspace, text: str, name: str = "stock_1.csv") -> None:
    path = workspace.root / "drop" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEAD + text, encoding="utf-8")
    os.utime(path, (1_490_000_000, 1_490_000_000))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / SETTINGS_FILE).write_text(SETTINGS)
    workspace = open_workspace(tmp_path)
    create_keys(workspace)
    write(workspace, LINE.format(lot="A", units=5) + LINE.format(lot="B", units="many") + TOTAL)
    ingest(workspace)
    return workspace


def total_of(workspace: Workspace) -> Place:
    [place] = dismissing.refused_for(workspace, "wms", "wms.stock", SHORT)
    return place


def counts(workspace: Workspace) -> tuple[int, int, int, int]:
    [told] = status(workspace)["streams"]
    assert told["is_accounted"]
    return told["pulled"], told["landed"], told["quarantined"], told["dismissed"]


def test_a_dismissed_row_is_closed_and_every_row_still_has_its_place(workspace: Workspace) -> None:
    assert counts(workspace) == (3, 1, 2, 0)
    place = total_of(workspace)
    assert dismissing.dismiss(workspace, [place], why="a total, call +33 6 12 34 56 78", author="ana") == 1
    assert counts(workspace) == (3, 1, 1, 1)
    assert [row.place.row for row in mending.open_rows(workspace, "wms", "wms.stock")] == [1]
    assert mending.open_reasons(workspace)["reason"].to_list() == [NUMBER]
    [told] = dismissing.dismissed(workspace).to_dicts()
    assert (told["row"], told["author"]) == (str(place), "ana")
    assert told["why"].startswith("a total, call +")
    assert "34 56" not in told["why"]
    # It is kept as it came.
    assert quarantine.rows(workspace).height == 2
    with Ledger(workspace.ledger) as ledger:
        manifest = ledger.manifest().filter(load_id=place.load_id)
    assert manifest.select("pulled", "landed", "quarantined").row(0) == (3, 1, 2)


def test_a_replay_leaves_it_alone_and_a_dismissed_row_cannot_land(workspace: Workspace) -> None:
    place = total_of(workspace)
    dismissing.dismiss(workspace, [place], why="a total", author="ana")
    [done] = mending.replay_open(workspace)
    assert (done.opened, done.left) == (1, 1)
    with pytest.raises(UsageError, match="no open row 2"):
        mending.fix(workspace, {place: {"on_hand_units": "1"}}, "ana")


def test_a_row_that_was_dismissed_while_it_was_being_replayed_does_not_land(workspace: Workspace) -> None:
    [row] = (found for found in mending.open_rows(workspace, "wms", "wms.stock") if found.record)
    mending.fix(workspace, {row.place: {"on_hand_units": "7"}}, "ana")
    [stream] = bind(workspace)
    from ingestion.prepare import prepare
    from ingestion.privacy.tokens import load_keys

    keys = load_keys(workspace)
    with Ledger(workspace.ledger) as ledger:

        def meanwhile(stream, page):  # type: ignore[no-untyped-def]
            ledger.dismiss({row.place: Dismissal("a test", "ana")})
            return prepare(stream, page, keys)

        with pytest.raises(CursorMovedError, match="dismissed since"):
            replay(workspace, ledger, stream, meanwhile, keys.sealing)
    assert counts(workspace) == (3, 1, 1, 1)


def test_a_row_that_has_landed_cannot_be_dismissed(workspace: Workspace) -> None:
    [row] = (found for found in mending.open_rows(workspace, "wms", "wms.stock") if found.record)
    mending.fix(workspace, {row.place: {"on_hand_units": "7"}}, "ana")
    mending.replay_open(workspace)
    with pytest.raises(UsageError, match="no open row 1"):
        dismissing.dismiss(workspace, [row.place], why="a test", author="ana")
    with Ledger(workspace.ledger) as ledger, pytest.raises(UsageError, match="has landed"):
        ledger.dismiss({total_of(workspace): Dismissal("x", "ana"), row.place: Dismissal("x", "ana")})
    assert counts(workspace) == (3, 2, 1, 0)


def test_the_same_line_of_the_same_file_stays_closed_and_another_does_not(workspace: Workspace) -> None:
    dismissing.dismiss(workspace, [total_of(workspace)], why="a total", author="ana")
    # The file comes again with a line more; the total stands one line lower. Then another file has one.
    write(
        workspace, LINE.format(lot="A", units=5) + LINE.format(lot="C", units=9) + LINE.format(lot="D", units=9) + TOTAL
    )
    ingest(workspace)
    assert counts(workspace) == (7, 4, 1, 2)
    write(workspace, LINE.format(lot="E", units=1) + TOTAL, "stock_2.csv")
    ingest(workspace)
    assert counts(workspace) == (9, 5, 2, 2)
    assert dismissing.dismissed(workspace)["why"].to_list() == ["a total"] * 2


def test_a_kill_between_a_load_and_its_dismissals_is_made_good_by_the_next_pull(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    dismissing.dismiss(workspace, [total_of(workspace)], why="a total", author="ana")
    write(workspace, LINE.format(lot="Z", units=5) + TOTAL)
    with monkeypatch.context() as patched:
        patched.setattr("ingestion.runner.dismiss_again", lambda *_: 0)
        ingest(workspace)
    assert counts(workspace) == (5, 2, 2, 1)
    ingest(workspace)
    assert counts(workspace) == (5, 2, 1, 2)
    ingest(workspace)
    assert counts(workspace) == (5, 2, 1, 2)


def test_it_is_known_again_after_the_sealing_key_has_changed(workspace: Workspace) -> None:
    dismissing.dismiss(workspace, [total_of(workspace)], why="a total", author="ana")
    with Ledger(workspace.ledger) as ledger:
        resealing.ask(workspace, by="ana")
        carry_out_open(workspace, ledger)
    write(workspace, LINE.format(lot="Z", units=5) + TOTAL)
    ingest(workspace)
    assert counts(workspace) == (5, 2, 1, 2)


def test_all_rows_of_one_reason_are_named_by_it(workspace: Workspace) -> None:
    write(workspace, TOTAL * 3, "stock_2.csv")
    ingest(workspace)
    assert len(dismissing.refused_for(workspace, "wms", "wms.stock", SHORT)) == 4
    with pytest.raises(UsageError, match=f"there are: {SHORT}; {NUMBER}"):
        dismissing.refused_for(workspace, "wms", "wms.stock", "a total")


def test_dismissed_rows_can_be_opened_again(workspace: Workspace) -> None:
    place = total_of(workspace)
    dismissing.dismiss(workspace, [place], why="a total", author="ana")
    assert dismissing.reopen(workspace, [place]) == 1
    assert counts(workspace) == (3, 1, 2, 0)
    with pytest.raises(UsageError, match="no such row is dismissed"):
        dismissing.reopen(workspace, [place])


def test_nothing_is_closed_without_a_reason_nor_beside_a_run(workspace: Workspace) -> None:
    place = total_of(workspace)
    with pytest.raises(UsageError, match="say why"):
        dismissing.dismiss(workspace, [place], why=" ", author="ana")
    with pytest.raises(UsageError, match="no open row 99"):
        dismissing.dismiss(workspace, [place, Place(place.load_id, 99)], why="a total", author="ana")
    with run_lock(workspace), pytest.raises(LockedError):
        dismissing.dismiss(workspace, [place], why="a total", author="ana")
    assert counts(workspace) == (3, 1, 2, 0)


def test_status_tells_what_was_set_aside(workspace: Workspace) -> None:
    from io import StringIO

    from rich.console import Console

    dismissing.dismiss(workspace, [total_of(workspace)], why="a total", author="ana")
    out = StringIO()
    show_status(status(workspace), Console(file=out, width=120))
    assert "3 rows pulled = 1 landed + 1 quarantined + 1 dismissed; all accounted for" in out.getvalue()
