"""Values that are odd, impossible or told again, by the whole way in: faults 13 (times), 14 (units), 28, 34 (bills)."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing import quarantine
from tests.faults.plant import plant, pull, rows
from tillmill.workspace import Workspace

SOURCE = """
[[sources]]
name = "till"
connector = "files"
timezone = "Europe/Berlin"
connection = { url = "in" }
[[sources.streams]]
stream = "pos.sale_lines"
max_quarantined_rate = 1
pull = { path = "*.csv", settle_seconds = 0 }
"""
LINE = {
    "sale_id": "R1", "store_id": "014", "sold_at": "2026-03-02 10:00:00", "sku": "00123", "gtin": "4006381333931",
    "line_kind": "sale", "units": "2", "unit_price": "2.99", "net_amount": "5.98", "currency": "EUR",
}  # fmt: skip


def sold(root: Path, *lines: dict[str, str]) -> Workspace:
    """A workspace that has pulled a till's file of these lines, numbered from 1; each is LINE but for what is told."""
    (root / "in").mkdir()
    told = [LINE | {"line_no": str(number)} | line for number, line in enumerate(lines, start=1)]
    path = root / "in" / "lines.csv"
    path.write_text("\n".join([",".join(told[0]), *(",".join(line[name] for name in told[0]) for line in told)]))
    os.utime(path, (1_775_000_000, 1_775_000_000))
    workspace = plant(root, SOURCE)
    result = pull(workspace)
    assert (result.error, result.pulled) == (None, len(lines))
    return workspace


def reasons(workspace: Workspace) -> dict[int, str]:
    """Why each line is in quarantine, by its number."""
    return {line - 1: reason for line, reason in quarantine.rows(workspace).select("line", "reason").iter_rows()}


def flags(workspace: Workspace) -> dict[int, str]:
    return dict(rows(workspace, "pos.sale_lines").select("line_no", pl.col("_flags").fill_null("")).iter_rows())


def test_13_naive_times_are_of_the_sources_zone_and_what_no_clock_shows_is_quarantined(tmp_path: Path) -> None:
    workspace = sold(
        tmp_path,
        {"sold_at": "2026-01-15 12:00:00"},
        {"sold_at": "2026-07-15 12:00:00"},
        {"sold_at": "2026-03-29 02:30:00"},  # skipped by the clocks
        {"sold_at": "2025-10-26 02:30:00"},  # shown by them twice
        {"sold_at": "2026-03-02T10:00:00+08:00"},
        {"sold_at": "1899-12-30 00:00:00"},
        {"sold_at": "2031-01-01 00:00:00"},
        {"sold_at": "2026-02-30 10:00:00"},
    )
    landed = dict(rows(workspace, "pos.sale_lines").select("line_no", "sold_at").iter_rows())
    assert landed.pop(4) in {datetime(2025, 10, 26, hour, 30, tzinfo=UTC) for hour in (0, 1)}
    assert landed == {
        1: datetime(2026, 1, 15, 11, tzinfo=UTC),
        2: datetime(2026, 7, 15, 10, tzinfo=UTC),
        5: datetime(2026, 3, 2, 2, tzinfo=UTC),
    }
    assert flags(workspace) == {1: "", 2: "", 4: "dst_overlap", 5: ""}
    bad = reasons(workspace)
    assert bad.keys() == {3, 6, 7, 8}
    assert "clocks of Europe/Berlin skip" in bad[3]
    assert (bad[6], bad[7]) == ("sold_at is below what is possible", "sold_at lies in the future")


def test_14_what_is_possible_but_odd_lands_with_a_flag(tmp_path: Path) -> None:
    workspace = sold(
        tmp_path,
        {},
        {"units": "-1", "net_amount": "-2.99"},
        {"units": "-1", "net_amount": "-2.99", "line_kind": "return"},
        {"units": "0"},
        {"unit_price": "0", "net_amount": "0"},
        {"gtin": "14006381333938"},  # a case's own number
    )
    assert reasons(workspace) == {}
    assert flags(workspace) == {
        1: "", 2: "negative_without_return", 3: "", 4: "zero_units", 5: "zero_price", 6: "case_gtin",
    }  # fmt: skip
    kinds = rows(workspace, "pos.sale_lines").filter(pl.col("units") < 0)["line_kind"].to_list()
    assert kinds == ["sale", "return"], "a line's kind is what its source says"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"units": "1" * 30}, "units"),
        ({"net_amount": "NaN"}, "net_amount"),
        ({"net_amount": "1e309"}, "net_amount"),
        ({"units": "many"}, "units"),
        ({"currency": "EURO"}, "currency is no currency of ISO 4217"),
        ({"currency": "QQQ"}, "currency is no currency of ISO 4217"),
        ({"line_kind": "gratis"}, "line_kind"),
        ({"sku": ""}, "sku is missing"),
    ],
    ids=lambda told: next(iter(told.items()))[1][:8] if isinstance(told, dict) else "",
)
def test_14_what_is_impossible_is_quarantined_and_the_line_beside_it_lands(
    tmp_path: Path, line: dict[str, str], reason: str
) -> None:
    workspace = sold(tmp_path, line, {})
    assert reasons(workspace)[1].startswith(reason)
    assert flags(workspace) == {2: ""}


def test_14_a_line_told_twice_in_full_lands_twice_and_is_one_by_its_key(tmp_path: Path) -> None:
    workspace = sold(tmp_path, {"line_no": "1"}, {"line_no": "1"})
    landed = rows(workspace, "pos.sale_lines")
    assert landed.height == 2, "pulled = landed + quarantined"
    assert landed.select("_source", "sale_id", "line_no").unique().height == 1


def test_28_a_gtin_with_a_wrong_check_digit_is_flagged_and_stays_the_text_it_was(tmp_path: Path) -> None:
    gtins = ["4006381333931", "4006381333932", "00012345678905", "0", "40063813339AB"]
    workspace = sold(tmp_path, *({"gtin": gtin} for gtin in gtins))
    landed = rows(workspace, "pos.sale_lines").sort("line_no")
    assert (landed["gtin"].dtype, landed["gtin"].to_list()) == (pl.String, gtins)
    is_bad = ["bad_gtin" in flags for flags in landed["_flags"].fill_null("")]
    assert is_bad == [False, True, False, True, True]


BILL = """
[[sources]]
name = "shop"
connector = "files"
connection = { url = "in" }
[[sources.streams]]
stream = "settlement.lines"
pull = { path = "*.csv", settle_seconds = 0 }
fields = { platform = { const = "tmall" }, kind = { const = "income" } }
"""


def test_34_a_statement_issued_again_restates_its_lines_and_an_old_copy_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()

    def issue(name: str, at: int, *amounts: str) -> None:
        path = tmp_path / "in" / name
        path.write_text("statement_id,line_id,amount\n" + "".join(f"S1,{n},{a}\n" for n, a in enumerate(amounts)))
        os.utime(path, (at, at))

    workspace = plant(tmp_path, BILL)
    issue("bill.csv", 1_760_000_000, "10.00", "5.00")
    assert pull(workspace).landed == 2
    issue("bill_again.csv", 1_770_000_000, "10.00", "4.00")
    assert pull(workspace).landed == 2
    issue("bill_copy.csv", 1_765_000_000, "10.00", "5.00", "1.00")
    assert pull(workspace).landed == 3
    current = (
        rows(workspace, "settlement.lines").sort("observed_at", "_load_seq", "_row").unique("line_id", keep="last")
    )
    amounts = dict(current.select("line_id", pl.col("amount").cast(pl.Float64)).iter_rows())
    assert amounts == {"0": 10.0, "1": 4.0, "2": 1.0}
