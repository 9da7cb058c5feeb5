"""`tillmill warehouse query`: the published version answers SQL, and neither changes nor reaches anything else."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from ingestion.landing.ledger import Ledger
from tests.ingestion.folder import SETTINGS
from tillmill import publish as publishing
from tillmill.cli import app
from tillmill.errors import UsageError
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / SETTINGS_FILE).write_text(SETTINGS)
    workspace = open_workspace(tmp_path)
    for folder in workspace.folders():
        folder.mkdir(parents=True, exist_ok=True)
    with Ledger(workspace.ledger) as ledger:
        candidate = publishing.begin_candidate(workspace, ledger, "print", recipe="one")
        with duckdb.connect(str(candidate.database)) as connection:
            connection.execute(
                """create table mart_day as select '[red]' || i as name, i * 1.50 as net,
                timestamptz '2026-01-01 23:30:00+00' as seen_at from range(5) as t (i)"""
            )
        publishing.publish(workspace, ledger, candidate)
    return workspace


def query(workspace: Workspace, *words: str) -> str:
    """What was printed, the rows before the remarks."""
    done = CliRunner().invoke(
        app, ["warehouse", "query", *words, "--workspace", str(workspace.root)], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done.stdout + done.stderr


def test_a_select_is_answered_as_a_table_and_as_csv(workspace: Workspace) -> None:
    told = query(workspace, "select name, sum(net) as net from mart_day group by 1 order by 1")
    assert "[red]4" in told
    assert "6.00" in told
    sql = "select name, net, seen_at from mart_day where name like '%2'"
    assert query(workspace, sql, "--format", "csv").splitlines() == [
        "name,net,seen_at",
        "[red]2,3.00,2026-01-01T23:30:00.000000+0000",
    ]
    assert "mart_day" in query(workspace, "show tables")


def test_rows_are_bounded_and_it_says_that_there_are_more(workspace: Workspace) -> None:
    told = query(workspace, "select name from mart_day order by 1", "--rows", "2", "--format", "csv")
    assert told.splitlines()[:3] == ["name", "[red]0", "[red]1"]
    assert "[red]2" not in told
    assert "more than these 2 rows" in told
    assert "more than" not in query(workspace, "select name from mart_day", "--rows", "5")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select * from mart_dey", "mart_day"),
        ("drop table mart_day", "read-only"),
        ("copy mart_day to 'out.csv'", "disabled"),
        ("select * from read_csv('tillmill.toml')", "disabled"),
        ("set enable_external_access = true", "locked"),
        ("attach 'other.duckdb'", "disabled"),
        ("", "gives no rows"),
    ],
)
def test_what_is_wrong_or_reaches_further_is_refused_in_words(workspace: Workspace, sql: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        query(workspace, sql)
    assert refused.value.state == "Nothing was changed."
    assert not (Path.cwd() / "out.csv").exists()


def test_before_the_first_run_it_says_so(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(SETTINGS)
    with pytest.raises(UsageError, match="nothing is published yet"):
        query(open_workspace(tmp_path), "select 1")
