"""The contracts are the model's streams: name by name, column by column, key, personal marks and allowed values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ingestion.contracts import ALL, contract
from ingestion.contracts.columns import ALLOWED
from ingestion.contracts.contract import Contract

MODEL = Path(__file__).resolve().parents[4] / "shared" / "design" / "model.md"

# Columns that stand in a contract and not in the model, and why.
BESIDE = {
    # A counter's width, without which its rollover cannot be undone, and its pace, by which a reset is none.
    "scada.readings": ["counter_bits", "max_per_second"],
    # The issue asks for intervals, cohorts, the next best category and the churn alarm beside the value.
    "customers.profiles": [
        "expected_orders_low",
        "expected_orders_high",
        "expected_value_low_amount",
        "expected_value_high_amount",
        "horizon_days",
        "cohort_on",
        "next_category",
        "next_category_rate",
        "quiet_after_days",
        "is_churn_alarm",
    ],
    # The issue asks that nothing is fitted again where nothing has changed: the run's inputs have a name to know it by.
    "forecasting.scores": ["inputs_id"],
    # The model gives these in words ("…", "one JSON object") or within `parts`.
    "promotions.effects": None,
    "planning.summary": None,
}
# A segment's trend has to outlive the few versions that are kept, so its sizes land. The model that links by likeness
# decides until the next one is learnt.
STREAMS_BESIDE = {"customers.segment_sizes", "customers.models"}
# A plan's orders keep their ids from plan to plan, and every plan lands whole.
KEYS = {"planning.schedule_orders": ("plan_id", "order_id", "version")}
# Said in words, without a mark that a reader of tables could see.
PROSE = (" to the workspace currency", " filled in through the apps")
# A forecast's parts are JSON, and these are its keys; an order's state is the planning room's own list; a link that no
# longer holds says so.
ALLOWED_BESIDE = {
    "forecasting.demand": {"parts"},
    "planning.schedule_orders": {"state"},
    "customers.links": {"verdict"},
}


@dataclass
class Row:
    """One stream as the model has it."""

    name: str
    columns: list[str] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    personal: set[str] = field(default_factory=set)
    allowed: dict[str, tuple[str, ...]] = field(default_factory=dict)


def outside_brackets(text: str, marks: str) -> Iterator[int]:
    """Where one of `marks` stands outside of brackets."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and letter in marks:
            yield place


def pieces(text: str, mark: str) -> list[str]:
    places = [-1, *outside_brackets(text, mark), len(text)]
    return [text[start + 1 : end].strip() for start, end in itertools.pairwise(places)]


def read(name: str, text: str) -> Row:
    """`**a b** c† d (x, y): prose` as a row: bold is the key, a bracketed list of words the allowed values."""
    for words in PROSE:
        text = text.replace(words, "")
    text = re.sub(r"\. [A-Z].*", "", pieces(text, ":")[0])
    found, in_key = Row(name), False
    for token in re.findall(r"\*\*|\([^)]*\)|[\w]+†?", text):
        if token == "**":
            in_key = not in_key
        elif token.startswith("("):
            words = [word.strip() for word in token[1:-1].partition(":")[0].split(",")]
            if len(words) > 1 and all(re.fullmatch(r"\w+", word) for word in words):
                found.allowed[found.columns[-1]] = tuple(words)
        else:
            column = token.removesuffix("†")
            found.columns.append(column)
            if in_key:
                found.key.append(column)
            if token.endswith("†") or column == "member_id":
                found.personal.add(column)
    return found


def rows_of(table: str, prefix: str = "") -> Iterator[Row]:
    """The streams of one Markdown table, several to a line where its first cell names several."""
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 2 or cells[0] in {"stream", "table"} or set(cells[0]) <= {"-"} or "*" in cells[0]:
            continue
        domain, parts = "", pieces(cells[1], ";")
        for name, text in zip((found.strip() for found in cells[0].split(",")), parts, strict=False):
            domain = name.partition(".")[0] or domain
            yield _with_values(
                read(f"{prefix}{domain}{name}" if name.startswith(".") else f"{prefix}{name}", text), parts
            )


def _with_values(row: Row, parts: list[str]) -> Row:
    """Adds allowed values that stand in a sentence of their own: `quality = good, defective`."""
    for part in parts:
        said = re.fullmatch(r"(\w+) = ([\w, ]+)", part)
        if said is not None and said[1] in row.columns:
            row.allowed[said[1]] = tuple(word.strip() for word in said[2].split(","))
    return row


def model() -> dict[str, Row]:
    if not MODEL.exists():
        pytest.skip("the model's own text is not on this machine")
    text = MODEL.read_text(encoding="utf-8").replace("\n`_units`", " `_units`")
    by_system, _, rest = text.partition("## Streams by system")[2].partition("**Owned by people**")
    people, _, rest = rest.partition("## Streams the system lands itself")
    own, _, rest = rest.partition("## Marts that serve")
    tables_in, _, tables_out = rest.partition("## Planning contracts")[2].partition("Out:")
    found = {row.name: row for table in (by_system, own) for row in rows_of(table)}
    found |= {row.name: row for row in rows_of(tables_out, "planning.")}
    # What people own stands in a sentence: `name (columns)`, each a stream they fill in.
    for name, columns in re.findall(r"(\w+) \((\*\*.*?)\)", people.replace("\n", " ")):
        found[f"reference.{name}"] = read(f"reference.{name}", columns)
    [policy] = [row for row in rows_of(tables_in, "reference.") if row.name == "reference.item_policy"]
    found[policy.name] = policy
    controls = found.pop("<domain>.controls")
    for domain in sorted({row.name.partition(".")[0] for row in rows_of(by_system)} - {"<domain>"}):
        found[f"{domain}.controls"] = Row(f"{domain}.controls", controls.columns, controls.key)
    return found


def test_the_model_is_read_as_it_is_written() -> None:
    """So that the comparison below cannot pass by reading nothing."""
    streams = model()
    assert len(streams) > 80
    assert streams["crm.members"].key == ["member_id"]
    assert streams["crm.members"].personal == {"member_id", "name", "phone", "email", "union_id", "wecom_id"}
    assert streams["pos.sale_lines"].columns[7:11] == ["line_kind", "units", "unit_price", "gross_amount"]
    assert streams["wms.stock"].allowed["quality"] == ("good", "defective", "damaged", "in_transit", "on_hold")
    assert streams["erp.invoices"].allowed == {"kind": ("blue", "red")}
    assert streams["distributor.movements"].columns[-1] == "at"
    assert streams["live.sessions"].key == ["platform", "room_id"]


def test_every_stream_of_the_model_has_a_contract_and_no_contract_is_beside_it() -> None:
    assert set(model()) == set(ALL) - STREAMS_BESIDE


@pytest.mark.parametrize("name", sorted(set(ALL) - STREAMS_BESIDE))
def test_a_contract_is_what_the_model_says(name: str) -> None:
    said, ours = model()[name], contract(name)
    beside = BESIDE.get(name, [])
    if name in KEYS:
        assert set(_own_columns(ours, said, [])) == set(said.columns)
    elif beside is not None:
        assert _own_columns(ours, said, beside) == said.columns
    assert ours.key == KEYS.get(name, tuple(said.key) or ours.key)
    assert set(ours.personal) == said.personal
    apart = {"currency", *ALLOWED_BESIDE.get(name, ())}
    allowed = {
        column: spec.metadata[ALLOWED]
        for column, spec in ours.schema.columns().items()
        if ALLOWED in (spec.metadata or {})
    }
    assert _without(allowed, apart) == _without(said.allowed, apart)


def _own_columns(ours: Contract, said: Row, beside: list[str]) -> list[str]:
    """The contract's columns without those the model tells every contract to add."""
    added = {*beside, ours.version, "currency", "run_id", "plan_id"} - {*said.columns}
    return [column for column in ours.columns if column not in added]


def _without(allowed: dict[str, tuple[str, ...]], columns: set[str]) -> dict[str, tuple[str, ...]]:
    return {column: values for column, values in allowed.items() if column not in columns}
