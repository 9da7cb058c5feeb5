"""Bills by date, alternates and cycles."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from planning.bom import Bom, BomCycleError, low_level_codes
from planning.contracts import check_table
from tillmill.errors import UsageError


def bill(*rows: dict[str, object]) -> Bom:
    return Bom(check_table("bom", pl.DataFrame(list(rows), infer_schema_length=None), "bom"))


def test_a_bill_counts_between_its_dates_and_the_newer_revision_replaces_the_older() -> None:
    bom = bill(
        {"parent_sku": "A", "component_sku": "B", "quantity_per": 1.0, "effective_from": date(2017, 1, 1)},
        {"parent_sku": "A", "component_sku": "B", "quantity_per": 2.0, "effective_from": date(2017, 6, 1)},
        {
            "parent_sku": "A",
            "component_sku": "C",
            "quantity_per": 5.0,
            "effective_from": date(2017, 1, 1),
            "effective_to": date(2017, 3, 1),
        },
    )
    assert bom.components("A", date(2017, 2, 28)) == [("B", 1.0), ("C", 5.0)]
    assert bom.components("A", date(2017, 3, 1)) == [("B", 1.0)]
    assert bom.components("A", date(2017, 6, 1)) == [("B", 2.0)]
    assert bom.components("A", date(2016, 1, 1)) == []


def test_of_alternates_the_effective_one_with_the_lowest_priority_counts() -> None:
    rows = [
        {
            "parent_sku": "A",
            "component_sku": "X",
            "quantity_per": 1.0,
            "alternate_group": "sugar",
            "priority": 1,
            "effective_to": date(2017, 5, 1),
        },
        {"parent_sku": "A", "component_sku": "Y", "quantity_per": 1.1, "alternate_group": "sugar", "priority": 2},
        {"parent_sku": "A", "component_sku": "Z", "quantity_per": 3.0},
    ]
    bom = bill(*rows)
    assert bom.components("A", date(2017, 4, 30)) == [("X", 1.0), ("Z", 3.0)]
    assert bom.components("A", date(2017, 5, 1)) == [("Y", 1.1), ("Z", 3.0)]


def test_scrap_of_a_component_asks_for_more_of_it() -> None:
    bom = bill({"parent_sku": "A", "component_sku": "B", "quantity_per": 3.0, "scrap_rate": 0.25})
    assert bom.components("A", date(2017, 1, 1))[0].per_unit == pytest.approx(4.0)


def test_low_level_codes_put_a_shared_component_below_all_its_parents() -> None:
    assert low_level_codes({"Z": ["A", "B"], "A": ["C", "D"], "D": ["E"], "B": ["E"]}) == {
        "Z": 0, "A": 1, "B": 1, "C": 2, "D": 2, "E": 3,
    }  # fmt: skip


def test_a_cycle_is_named_by_walking_it() -> None:
    with pytest.raises(BomCycleError, match="A > B > C > A leads back to itself") as caught:
        low_level_codes({"Z": ["A"], "A": ["B"], "B": ["C"], "C": ["A", "D"]})
    assert isinstance(caught.value, UsageError)
