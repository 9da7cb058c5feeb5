from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from ingestion.connectors.page import FILE, LINE
from ingestion.contracts import contract
from ingestion.mapping import Mapped, apply, read_rules
from tillmill.errors import ContractError, SettingsError

LINES = contract("pos.sale_lines")
RECORDS = pl.DataFrame(
    {"no": ["C1", "2", "3"], "qty": ["-1", "2", "x"], "price": ["1.25", "2.1", "3"], "kind": ["R", "S", "Z"]}
).with_columns(pl.Series(LINE, [2, 3, 9]), pl.lit("d/lines_2017-06-01.csv").alias(FILE))


def mapped(fields: dict[str, Any], records: pl.DataFrame = RECORDS) -> Mapped:
    return apply(records, read_rules(fields, LINES, "t"), LINES, "t")


def test_every_way_to_fill_a_column() -> None:
    found = mapped(
        {
            "sale_id": "no",
            "store_id": {"const": 7},
            "is_tax_inclusive": {"const": True},
            "line_no": {"position": "row"},
            "till_id": {"position": "file", "pattern": r"lines_(\d{4})"},
            "line_kind": {"field": "kind", "values": {"R": "return", "*": "sale"}},
            "sku": {"field": "kind", "values": {"R": "r"}},
            "net_amount": {"expr": "price || '0'"},
        }
    )
    assert {name: values.to_list() for name, values in found.values.items()} == {
        "sale_id": ["C1", "2", "3"],
        "store_id": ["7"] * 3,
        "is_tax_inclusive": ["true"] * 3,
        "line_no": [2, 3, 9],
        "till_id": ["2017"] * 3,
        "line_kind": ["return", "sale", "sale"],
        "sku": ["r", "S", "Z"],
        "net_amount": ["1.250", "2.10", "30"],
    }
    assert found.used == {"no", "kind", "price"}


def test_a_field_named_like_a_column_maps_by_itself() -> None:
    assert mapped({}, pl.DataFrame({"sku": ["1"], "colour": ["red"]})).used == {"sku"}


def test_an_expression_that_fails_on_a_row_fails_that_row_alone() -> None:
    found = mapped({"net_amount": {"expr": "cast(qty as decimal(18, 3)) * cast(price as decimal(18, 4))"}})
    assert found.failed["net_amount"].to_list() == [False, False, True]
    assert [float(value) for value in found.values["net_amount"].to_list()[:2]] == [-1.25, 4.2]


def test_an_expression_that_fails_throughout_stops_the_stream() -> None:
    many = pl.DataFrame({"qty": ["x"] * 2_000})
    with pytest.raises(ContractError, match="fails on more than"):
        mapped({"net_amount": {"expr": "cast(qty as bigint)"}}, many)


def test_a_field_that_is_not_there_is_named_and_leaves_nothing() -> None:
    found = mapped({"sku": "article", "net_amount": {"expr": "coalesce(net, price)"}})
    assert found.lost == {"article", "net"}
    assert "sku" not in found.values
    assert found.values["net_amount"].to_list() == ["1.25", "2.1", "3"]


def test_a_value_without_what_its_pattern_looks_for_fails_and_is_not_taken_for_none() -> None:
    records = pl.DataFrame({"id": ["gid://Order/12", "Order", " ", None]})
    rule = {"field": "id", "pattern": "([0-9]+)$"}
    found = mapped({"sale_id": rule}, records)
    assert found.values["sale_id"].to_list() == ["12", None, None, None]
    assert found.failed["sale_id"].to_list() == [False, True, False, False]
    assert found.reasons["sale_id"] == "does not have what its pattern looks for"
    assert mapped({"sale_id": rule | {"optional": True}}, records).failed == {}


@pytest.mark.parametrize(
    ("column", "rule", "said"),
    [
        ("sale_id", {"pattern": "([0-9]+"}, "is no pattern"),
        ("sale_id", {"pattern": "[0-9]+"}, "needs a part in brackets"),
        ("sale_id", {"scale": 0.01}, "scale is for amounts and other numbers with decimals"),
        ("line_no", {"scale": 0.01}, "scale is for amounts and other numbers with decimals"),
        ("sale_id", {"decimal": ","}, "decimal is for numbers"),
        ("net_amount", {"format": "%d.%m.%Y"}, "format is for dates and times"),
        ("net_amount", {"timezone": "UTC"}, "timezone is for dates and times"),
        ("net_amount", {"decimal": ";"}, "decimal"),
    ],
)
def test_what_a_rule_says_and_no_value_would_heed_is_refused(column: str, rule: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=rf"t\.fields\.{column}.*{said}"):
        read_rules({column: {"field": "x"} | rule}, LINES, "t")
