"""Every contract against rows of text: what may land lands, what may not says why, and none is lost."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.contracts import ALL, learnt, people, plans
from ingestion.contracts.columns import ALLOWED
from ingestion.contracts.contract import Contract, landed_name
from ingestion.prepare import Prepared, prepare
from tests.ingestion.streams import KEYS, READ_AT, make_page, make_stream

OWN = {contract.name for module in (learnt, plans, people) for contract in module.CONTRACTS}
SOURCES = [name for name in ALL if name not in OWN and not name.endswith(".controls")] + ["pos.controls"]
EVERY = pytest.mark.parametrize("name", SOURCES)
# Each example is a page of rows; a nightly run looks longer.
EXAMPLES = settings(max_examples=25 if os.environ.get("CI") == "true" else 3, deadline=None)
MOST_ROWS = 6

JUNK = st.one_of(
    st.none(),
    st.text(max_size=6),
    st.sampled_from(
        ["", " ", "0", "-1", "1.5", "1e309", "NaN", "null", "2017-06-01", "31/12/2017", "true", "sale", "*"]
    ),
)


def stated(column: dy.Column) -> st.SearchStrategy[str]:
    """Text that the column may land with, anywhere between its bounds."""
    if ALLOWED in (column.metadata or {}):
        return st.sampled_from(column.metadata[ALLOWED])
    dtype = column.dtype
    if isinstance(dtype, pl.Datetime):
        # Before the page was read: nothing that happened lies in the future.
        span = int((READ_AT - column.min).total_seconds())
        return st.integers(0, span).map(lambda seconds: (column.min + timedelta(seconds=seconds)).isoformat())
    if isinstance(dtype, pl.Date):
        return st.dates(column.min, column.max).map(lambda day: day.isoformat())
    if isinstance(dtype, pl.Decimal):
        numbers = st.decimals(column.min, column.max, places=dtype.scale, allow_nan=False)
        return numbers.map(lambda number: format(number, "f"))
    if dtype == pl.Int64:
        return st.integers(column.min, column.max).map(str)
    if dtype == pl.Float64:
        low = 1e-6 if column.min_exclusive is not None else column.min
        return st.floats(low, column.max, allow_nan=False, allow_infinity=False).map(repr)
    if dtype == pl.Boolean:
        return st.sampled_from(["true", "false", "1", "0"])
    return st.from_regex(r"[A-Z]{1,3}-?[0-9]{1,6}", fullmatch=True)


def rows(contract: Contract, cell: Any) -> st.SearchStrategy[list[dict[str, str | None]]]:
    cells = {name: cell(name, column) for name, column in contract.schema.columns().items()}
    return st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=MOST_ROWS)


def prepared(contract: Contract, records: list[dict[str, str | None]]) -> Prepared:
    frame = pl.DataFrame(records, schema=dict.fromkeys(contract.columns, pl.String))
    return prepare(make_stream(contract.name), make_page(frame), KEYS)


def clear(contract: Contract, landed: pl.DataFrame) -> pl.DataFrame:
    """Landed rows under the contract's own names; a token stands for its value."""
    return landed.select(pl.col(landed_name(contract, name)).alias(name) for name in contract.columns)


@EVERY
@EXAMPLES
@given(st.data())
def test_a_row_within_every_bound_lands(name: str, data: st.DataObject) -> None:
    contract = ALL[name]

    def cell(_: str, column: dy.Column) -> st.SearchStrategy[str | None]:
        return st.one_of(st.none(), stated(column)) if column.nullable else stated(column)

    given_rows = data.draw(rows(contract, cell))
    found = prepared(contract, given_rows)
    assert found.bad.is_empty(), found.bad["reason"].to_list()
    assert found.good.height == len(given_rows)
    assert contract.schema.is_valid(clear(contract, found.good))
    lost = [
        column
        for column in contract.columns
        for before, after in zip(given_rows, found.good[landed_name(contract, column)], strict=True)
        if before[column] is not None and after is None and column not in contract.personal
    ]
    assert lost == []


@EVERY
@EXAMPLES
@given(st.data())
def test_whatever_a_source_says_a_row_lands_as_the_contract_asks_or_says_why_not(
    name: str, data: st.DataObject
) -> None:
    """Faults 10, 13, 14, 27: arbitrary text in every column; rows pulled = landed + quarantined."""
    contract = ALL[name]
    given_rows = data.draw(rows(contract, lambda _, column: st.one_of(JUNK, stated(column))))
    found = prepared(contract, given_rows)
    assert sorted([*found.good["_row"], *found.bad["row"]]) == list(range(len(given_rows)))
    assert contract.schema.is_valid(clear(contract, found.good))
    for bad in found.bad.to_dicts():
        assert set(bad["field"].split(",")) <= set(contract.columns)
        assert bad["reason"]
    known = {*contract.flags, "full_duplicate", "rounded", "dst_overlap", "normalised"}
    known |= {f"unusable_{column}" for column in contract.personal}
    assert {flag for flags in found.good["_flags"] for flag in flags.split(",") if flag} <= known


@EVERY
def test_a_key_is_never_made_up(name: str) -> None:
    """A key column that is not stated takes the contract's default, is the version, or its row is quarantined."""
    contract = ALL[name]
    row = {name: example(column) for name, column in contract.schema.columns().items() if not column.nullable}
    for column in contract.key:
        found = prepared(contract, [{**dict.fromkeys(contract.columns), **row, column: None}])
        if column in contract.defaults:
            assert found.good[column].item() == contract.defaults[column]
        else:
            assert found.bad["field"].to_list() == [column]
    assert prepared(contract, [{**dict.fromkeys(contract.columns), **row}]).bad.is_empty()


def example(column: dy.Column) -> str:
    """One value that may land."""
    if ALLOWED in (column.metadata or {}):
        return str(column.metadata[ALLOWED][0])
    if isinstance(column.dtype, pl.Datetime):
        return READ_AT.isoformat()
    if isinstance(column.dtype, pl.Date):
        return "2017-06-01"
    return {pl.Boolean: "true", pl.String: "A1"}.get(type(column.dtype), "1")
