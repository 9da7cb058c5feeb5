"""People ask why two records are one person, and part them for good."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from ingestion.landing.ledger import Ledger
from ingestion.privacy.tokens import load_keys, token
from tillmill import inbox, people
from tillmill.actions import create_workspace
from tillmill.cli import app
from tillmill.errors import UsageError
from tillmill.publish import POINTER

SETTINGS = '[brand]\nname = "People"\ncurrency = "USD"\ntimezone = "UTC"\n'
TABLES = """
create table bridge_customer_identifier as select * from (values
    (md5('club|member|{member}'), 'c1'), (md5('shop|order|shop_a|A1'), 'c1'), (md5('till|sale|77'), 'c2')
) as t (record_token, customer_id);
create table stg_customers__links as select * from (values
    (md5('club|member|{member}'), md5('shop|order|shop_a|A1'), 'phone', 'exact-2', 'link', 0.97, 'same phone',
     timestamptz '2017-01-01 00:00:00+00')
) as t (left_record, right_record, rule, model_version, verdict, weight, evidence, "at");
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with a published version of three records."""
    workspace = create_workspace(tmp_path, SETTINGS)
    member = token("code", "M1", load_keys(workspace).token)
    database = workspace.published / "v000001.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(TABLES.format(member=member))
    pointer = {"file": database.name, "version": 1, "published_at": "2017-12-01T00:00:00+00:00", "is_pinned": False}
    (workspace.published / POINTER).write_text(json.dumps(pointer))
    return tmp_path


def test_records_are_named_by_source_kind_and_id(root: Path) -> None:
    found = people.explain(root, "club:member:M1", "shop:order:shop_a:A1")
    assert found.is_one
    assert found.way.select("rule", "weight").rows() == [("phone", 0.97)]
    assert people.explain(root, found.left[:10], found.right).is_one
    assert not people.explain(root, "club:member:M1", "till:sale:77").is_one


@pytest.mark.parametrize("name", ["club:member:M2", "abc", "club:guest:1", "till:sale:"])
def test_unknown_records_are_said(root: Path, name: str) -> None:
    with pytest.raises(UsageError):
        people.explain(root, name, "till:sale:77")


def test_two_people_are_said_once_with_who_and_why(root: Path) -> None:
    arguments = ["customers", "unmerge", "club:member:M1", "shop:order:shop_a:A1", "--workspace", str(root)]
    result = CliRunner().invoke(app, [*arguments, "--by", "kim", "--why", "two brothers"])
    assert result.exit_code == 0, result.output
    assert people.explain(root, "club:member:M1", "shop:order:shop_a:A1").pending == "never"
    workspace = create_workspace(root, SETTINGS)
    with Ledger(workspace.ledger) as ledger:
        (row,) = inbox.pending(workspace, ledger, "customers.links")
    assert (row["verdict"], row["rule"], row["evidence"], row["author"]) == ("never", "person", "two brothers", "kim")
    with pytest.raises(UsageError, match="why are they two"):
        people.unmerge(root, "club:member:M1", "till:sale:77", author="kim", why=" ")


def test_two_people_may_be_one_after_all_where_somebody_parted_them(root: Path) -> None:
    two = ("club:member:M1", "shop:order:shop_a:A1")
    with pytest.raises(UsageError, match="nobody said"):
        people.take_back(root, *two, author="kim", why="one after all")
    people.unmerge(root, *two, author="kim", why="two brothers")
    with pytest.raises(UsageError, match="after all"):
        people.take_back(root, *two, author="kim", why=" ")
    arguments = ["customers", "unmerge", *two[::-1], "--take-back", "--by", "lee", "--why", "one after all"]
    result = CliRunner().invoke(app, [*arguments, "--workspace", str(root)])
    assert result.exit_code == 0, result.output
    assert people.explain(root, *two).pending == "withdrawn"
    with pytest.raises(UsageError, match="nobody said"):
        people.take_back(root, *two, author="kim", why="again")
    workspace = create_workspace(root, SETTINGS)
    with Ledger(workspace.ledger) as ledger:
        said, taken_back = inbox.pending(workspace, ledger, "customers.links")
    key = ("left_record", "right_record", "rule", "model_version")
    assert [said[column] for column in key] == [taken_back[column] for column in key]
    assert (taken_back["verdict"], taken_back["author"]) == ("withdrawn", "lee")
