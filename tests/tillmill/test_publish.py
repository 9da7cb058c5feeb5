"""Write, audit, publish: readers see the old version or the new one, whatever happens in between."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from ingestion.landing.ledger import Ledger
from tillmill import publish as publishing
from tillmill.actions import create_workspace, published, rollback
from tillmill.errors import UsageError
from tillmill.workspace import Workspace

SETTINGS = '[brand]\nname = "Harvest"\ncurrency = "USD"\ntimezone = "UTC"\n'


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return create_workspace(tmp_path, SETTINGS)


def publish_answer(workspace: Workspace, ledger: Ledger, answer: int) -> publishing.PublishedVersion:
    candidate = publishing.begin_candidate(workspace, ledger, f"print{answer}", recipe="one")
    with duckdb.connect(str(candidate.database)) as connection:
        connection.execute("create or replace table answers as select ? as answer", [answer])
    return publishing.publish(workspace, ledger, candidate)


def read_answer(workspace: Workspace) -> int:
    version = published(workspace.root)
    assert version is not None
    with duckdb.connect(str(version.path), read_only=True) as connection:
        return int(connection.execute("select answer from answers").fetchall()[0][0])


def test_nothing_is_published_before_the_first_run(workspace: Workspace) -> None:
    assert published(workspace.root) is None


def test_a_candidate_starts_from_the_last_published_tables(workspace: Workspace, ledger: Ledger) -> None:
    publish_answer(workspace, ledger, 1)
    candidate = publishing.begin_candidate(workspace, ledger, "print2", recipe="one")
    with duckdb.connect(str(candidate.database)) as connection:
        assert connection.execute("select answer from answers").fetchall() == [(1,)]


def test_a_build_afresh_starts_from_nothing(workspace: Workspace, ledger: Ledger) -> None:
    publish_answer(workspace, ledger, 1)
    assert not publishing.begin_candidate(workspace, ledger, "print2", recipe="one", afresh=True).database.exists()


def test_what_a_killed_build_had_spilled_is_cleared_away(workspace: Workspace, ledger: Ledger) -> None:
    spilled = workspace.build / "candidate.duckdb.tmp"
    spilled.mkdir()
    (spilled / "duckdb_temp_storage-0.tmp").write_bytes(b"rows")
    publishing.begin_candidate(workspace, ledger, "print1", recipe="one")
    assert not spilled.exists()


def test_tables_made_by_another_recipe_are_not_built_upon(workspace: Workspace, ledger: Ledger) -> None:
    publish_answer(workspace, ledger, 1)
    assert not publishing.begin_candidate(workspace, ledger, "print2", recipe="two").database.exists()


def test_an_unpublished_candidate_changes_nothing_for_readers(workspace: Workspace, ledger: Ledger) -> None:
    publish_answer(workspace, ledger, 1)
    candidate = publishing.begin_candidate(workspace, ledger, "print2", recipe="one")
    with duckdb.connect(str(candidate.database)) as connection:
        connection.execute("update answers set answer = 2")
    assert read_answer(workspace) == 1


def test_a_file_renamed_but_not_in_the_ledger_is_swept(workspace: Workspace, ledger: Ledger) -> None:
    publish_answer(workspace, ledger, 1)
    orphan = workspace.published / "warehouse-print2-00000000.duckdb"
    orphan.write_bytes(b"half a publication")
    publishing.repair(workspace, ledger)
    assert not orphan.exists()
    assert read_answer(workspace) == 1


def test_a_lost_pointer_is_derived_again_from_the_ledger(workspace: Workspace, ledger: Ledger) -> None:
    publish_answer(workspace, ledger, 1)
    pointer = workspace.published / publishing.POINTER
    before = json.loads(pointer.read_text())
    pointer.unlink()
    publishing.repair(workspace, ledger)
    assert json.loads(pointer.read_text()) == before


def test_a_reader_keeps_its_open_version_while_newer_ones_come(workspace: Workspace, ledger: Ledger) -> None:
    version = publish_answer(workspace, ledger, 1)
    with duckdb.connect(str(version.path), read_only=True) as connection:
        for answer in range(2, 6):
            publish_answer(workspace, ledger, answer)
        assert connection.execute("select answer from answers").fetchall() == [(1,)]
    assert read_answer(workspace) == 5


def test_old_versions_beyond_those_kept_are_removed(workspace: Workspace, ledger: Ledger) -> None:
    for answer in range(1, 7):
        publish_answer(workspace, ledger, answer)
    assert len(list(workspace.published.glob("warehouse-*.duckdb"))) == publishing.KEPT_VERSIONS


def test_a_rollback_holds_until_it_is_released(workspace: Workspace, ledger: Ledger) -> None:
    publish_answer(workspace, ledger, 1)
    publish_answer(workspace, ledger, 2)
    assert rollback(workspace.root).is_pinned
    assert read_answer(workspace) == 1
    publish_answer(workspace, ledger, 3)
    assert read_answer(workspace) == 1, "a newer version does not displace the pinned one"
    rollback(workspace.root, release=True)
    assert read_answer(workspace) == 3


def test_a_rollback_to_a_version_that_is_gone_says_which_are_kept(workspace: Workspace, ledger: Ledger) -> None:
    publish_answer(workspace, ledger, 1)
    with pytest.raises(UsageError, match="Kept: 1"):
        rollback(workspace.root, to=7)
    with pytest.raises(UsageError, match="no version before"):
        rollback(workspace.root)


def test_the_fingerprint_is_kept_with_the_version(workspace: Workspace, ledger: Ledger) -> None:
    assert publishing.fingerprint_of(publish_answer(workspace, ledger, 1)) == "print1"


def test_a_new_candidate_withdraws_the_note_that_an_older_one_was_audited(workspace: Workspace, ledger: Ledger) -> None:
    (workspace.build / publishing.AUDITED).write_text("{}")
    publishing.begin_candidate(workspace, ledger, "print1", recipe="one")
    assert not (workspace.build / publishing.AUDITED).exists()
