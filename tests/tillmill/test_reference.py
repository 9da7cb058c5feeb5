"""What people own is part of what a build depends on: who saves a file need not wait for tomorrow's rows."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.e2e.conftest import published, tillmill
from tillmill.actions import create_workspace
from tillmill.reference import SHIPPED, gather_reference, reference_version
from tillmill.workspace import Workspace

SETTINGS = 'reference = "reference"\n[brand]\nname = "Plans"\ncurrency = "USD"\ntimezone = "UTC"\n'
TARGET = "2018,net_sales,total,2018-01,{amount},kim\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "reference").mkdir()
    shutil.copyfile(SHIPPED / "targets.csv", tmp_path / "reference" / "targets.csv")
    return create_workspace(tmp_path, SETTINGS)


def version_of(workspace: Workspace) -> str:
    gather_reference(workspace)
    return reference_version(workspace)


def test_an_edited_a_new_and_a_removed_file_are_another_version_and_a_saved_again_one_is_not(
    workspace: Workspace,
) -> None:
    targets = workspace.root / "reference" / "targets.csv"
    before, text = version_of(workspace), targets.read_text()
    targets.write_text(text + TARGET.format(amount=1000))
    edited = version_of(workspace)
    targets.write_text(text)
    assert version_of(workspace) == before
    (workspace.root / "reference" / "holidays.csv").write_text("country,holiday_on,name,name_zh,is_off_day\n")
    added = version_of(workspace)
    # The shipped one stands where the workspace has none.
    targets.unlink()
    assert version_of(workspace) == added
    assert len({before, edited, added}) == 3


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_target_typed_today_is_published_by_todays_next_run(workspace: Workspace) -> None:
    targets = workspace.root / "reference" / "targets.csv"
    header = targets.read_text().splitlines()[0]
    run("first run", workspace)
    assert "nothing new since the published version" in run("second run", workspace)
    targets.write_text(f"{header}\n{TARGET.format(amount=1000)}")
    assert "nothing new" not in run("run after the edit", workspace)
    with duckdb.connect(str(published(workspace.root)), read_only=True) as connection:
        assert connection.execute("select amount from targets where owner = 'kim'").fetchall() == [(1000,)]
    assert "nothing new since the published version" in run("last run", workspace)


def run(which: str, workspace: Workspace) -> str:
    done = tillmill("run", "--workspace", str(workspace.root))
    assert done.returncode == 0, f"{which}: {done.stdout}{done.stderr}"
    return done.stdout
