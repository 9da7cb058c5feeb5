"""A source's own files come back byte for byte, for as long as they are kept, and show nobody on the disk."""

from __future__ import annotations

import hashlib
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from ingestion.connectors.page import Original
from ingestion.landing import lake, originals
from ingestion.landing.ledger import Ledger
from ingestion.privacy.seal import is_sealed
from tests.ingestion.privacy import people
from tillmill.errors import RefusedError, TillmillError, UsageError
from tillmill.workspace import Workspace, now


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = people.make(tmp_path / "mill")
    people.give_all(made)
    people.give(made, "club/members_13812340001.csv", people.MEMBERS[:1])
    people.pull(made)
    return made


def original(data: bytes, name: str = "a.csv") -> Original:
    return Original(name, hashlib.sha256(data).hexdigest(), data)


def test_the_bytes_come_back_exactly_under_their_own_names(workspace: Workspace, tmp_path: Path) -> None:
    with Ledger(workspace.ledger) as ledger:
        kept = originals.listed(workspace, ledger)
        written = originals.export(workspace, kept, tmp_path / "out")
    assert len(written) == 5
    for path in written:
        [given] = (workspace.root / "incoming").rglob(path.name)
        assert path.read_bytes() == given.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_exported_files_can_be_read_again_as_a_source(workspace: Workspace, tmp_path: Path) -> None:
    again = people.make(tmp_path / "again")
    with Ledger(workspace.ledger) as ledger:
        for source in ("club", "shop", "till"):
            kept = originals.listed(workspace, ledger, source=source)
            originals.export(workspace, kept, again.root / "incoming" / source)
    people.pull(again)
    for stream in ("crm.members", "ecommerce.orders", "pos.sale_lines"):
        assert people.landed(again, stream).height == people.landed(workspace, stream).height


def test_neither_the_files_nor_their_names_show_a_person(workspace: Workspace) -> None:
    on_disk = [path for path in workspace.originals.rglob("*") if path.is_file()]
    assert len(on_disk) == 5
    assert {path.suffix for path in on_disk} == {".sealed"}
    raw = b"".join(path.read_bytes() for path in on_disk)
    tables = b"".join(path.read_bytes() for path in workspace.ledger.parent.glob("ledger.sqlite*"))
    assert b"13812340001" not in raw
    assert b"lina@example.com" not in raw
    # The cursor of `files` knows files by name; nothing else in the ledger does.
    assert tables.count(b"members_13812340001") == tables.count(b'"members_13812340001.csv": [')


def test_a_stream_without_personal_columns_keeps_its_files_sealed_too_and_each_content_once(
    workspace: Workspace,
) -> None:
    same = [original(b"a,b\n1,2\n", "a.csv"), original(b"a,b\n1,2\n", "b.csv")]
    kept = originals.keep(workspace, "erp", "erp.items", same)
    assert all(is_sealed(one.name) for one in kept)
    [path] = (workspace.originals / "erp.items" / "erp").iterdir()
    assert b"1,2" not in path.read_bytes()
    one = originals.Listed("erp.items", "erp", same[0].content, "a.csv", 8, now())
    assert originals.read(workspace, one) == b"a,b\n1,2\n"


def test_files_that_an_older_version_kept_in_clear_are_listed_read_resealed_and_dropped(workspace: Workspace) -> None:
    one = original(b"a,b\n1,2\n")
    with Ledger(workspace.ledger) as ledger:
        [load, *_] = ledger.loads("till")
        folder = workspace.originals / load.stream / load.source
        (folder / f"{one.content}.original").write_bytes(one.data)
        with ledger.transaction() as connection:
            connection.execute(
                "insert into originals (stream, source, content, load_id, name, bytes, kept_at) values (?,?,?,?,?,?,?)",
                (load.stream, load.source, one.content, load.load_id, "a.csv", 8, now().isoformat()),
            )
        assert lake.recover(workspace, ledger).swept == []
        originals.reseal(workspace, ledger, load.source, load.stream)
        found = originals.find(workspace, ledger, one.content[:12])
        assert (found.name, originals.read(workspace, found)) == ("a.csv", one.data)
        theirs = [row for row in ledger.originals() if row.content == one.content]
        assert originals.drop(workspace, ledger, theirs) == 1
    assert not (folder / f"{one.content}.original").exists()


def test_files_of_a_load_that_was_never_recorded_are_swept(workspace: Workspace) -> None:
    originals.keep(workspace, "club", "crm.members", [original(b"left by a kill")])
    originals.keep(workspace, "new", "erp.items", [original(b"left by a kill")])
    with Ledger(workspace.ledger) as ledger:
        assert len(lake.recover(workspace, ledger).swept) == 2
        assert len(originals.listed(workspace, ledger)) == 5
    assert len([path for path in workspace.originals.rglob("*") if path.is_file()]) == 5


def test_files_go_when_their_days_are_over(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger(workspace.ledger) as ledger:
        monkeypatch.setattr(originals, "now", lambda: now() + timedelta(days=29))
        assert originals.sweep(workspace, ledger) == 0
        monkeypatch.setattr(originals, "now", lambda: now() + timedelta(days=31))
        assert originals.sweep(workspace, ledger) == 5
        assert originals.listed(workspace, ledger) == []
    assert not [path for path in workspace.originals.rglob("*") if path.is_file()]


def test_a_changed_file_and_a_lost_one_are_said_so(workspace: Workspace) -> None:
    with Ledger(workspace.ledger) as ledger:
        first = originals.find(workspace, ledger, originals.listed(workspace, ledger)[0].content[:12])
        with pytest.raises(UsageError, match="one is wanted"):
            originals.find(workspace, ledger, "")
    [path] = workspace.originals.rglob(f"{first.content}.*")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(RefusedError, match="does not open"):
        originals.read(workspace, first)
    path.unlink()
    with pytest.raises(TillmillError, match="is gone"):
        originals.read(workspace, first)


@pytest.mark.parametrize("name", ["../out.csv", "/etc/out.csv", "a/../../out.csv", "..\\out.csv", "c:\\out.csv", ""])
def test_a_name_that_would_leave_the_folder_is_refused(workspace: Workspace, tmp_path: Path, name: str) -> None:
    one = originals.Listed("crm.members", "club", "0" * 64, name, 1, now())
    with pytest.raises(RefusedError, match="would leave"):
        originals.export(workspace, [one], tmp_path / "out")
