"""A first load is held back where a mapped field that cannot be done without is in none of its rows."""

from pathlib import Path
from typing import Any

import pytest

from ingestion.judging import judge_fields
from ingestion.landing.ledger import Ledger
from tests.ingestion.streams import make_stream
from tillmill.errors import ContractError

FOUND = ("modified", "nme", "-modifed", "-name")


def judged(folder: Path, updated_at: Any, **settings: Any) -> None:
    stream = make_stream("pos.stores", {"store_id": "id", "name": "name", "updated_at": updated_at}, **settings)
    with Ledger(folder / "ledger.sqlite") as ledger:
        judge_fields(stream, ledger, (), 3, FOUND)


def test_the_time_of_change_is_missed_of_every_source(tmp_path: Path) -> None:
    """The pull's own time would stand in for it, and what is read again with the right one would be older and lose."""
    with pytest.raises(ContractError, match="none of the 3 rows: 'modifed'; did you mean 'modified'") as stopped:
        judged(tmp_path, "modifed")
    assert "'name'" not in stopped.value.what


def test_within_an_expression_too_and_not_where_it_is_optional(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="'modifed'"):
        judged(tmp_path, {"expr": "modifed || 'Z'"})
    judged(tmp_path, {"expr": "coalesce(modifed, created)"})
    judged(tmp_path, {"field": "modifed", "optional": True})


def test_a_source_that_states_every_field_misses_them_all(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"'modifed'.*'name'"):
        judged(tmp_path, "modifed", states_every_field=True)
