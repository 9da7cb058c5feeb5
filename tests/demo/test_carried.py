"""Workbooks and downloads: every row in exactly one of them, none before its night, the same bytes each time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import fastexcel
import polars as pl
import pytest

from demo import carried, days, extracts, world


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("carried")
    world.build(root, skus=5)
    extracts.publish(root, days.CLOCK_AT_START)
    return root


def shown(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(carried.folder(root)).as_posix(): path.read_bytes()
        for path in carried.folder(root).rglob("*.*")
    }


def test_workbooks_hold_each_known_row_once(root: Path) -> None:
    for table, sheet in carried.WORKBOOKS["distributor.d1"].items():
        known = world.table(root, table).filter(pl.col("known_at") <= days.CLOCK_AT_START).collect()
        rows = 0
        for path in (carried.folder(root) / "distributor").glob("d1_*.xlsx"):
            book = fastexcel.read_excel(path)
            if sheet in book.sheet_names:
                rows += book.load_sheet(sheet, dtypes="string").to_polars().height
        assert rows == known.height > 0


def test_codes_stay_text_in_a_workbook(root: Path) -> None:
    path = min((carried.folder(root) / "distributor").glob("d1_*.xlsx"))
    sheet = fastexcel.read_excel(path).load_sheet("Movements", dtypes="string").to_polars()
    assert not sheet["material"].str.contains(".", literal=True).any()


def test_the_same_rows_give_the_same_bytes_and_a_day_later_new_files_alone(root: Path, tmp_path: Path) -> None:
    before = shown(root)
    world.build(tmp_path, skus=5)
    extracts.publish(tmp_path, days.CLOCK_AT_START)
    assert shown(tmp_path) == before
    extracts.publish(tmp_path, days.CLOCK_AT_START + timedelta(days=1))
    after = shown(tmp_path)
    assert {name: after[name] for name in before} == before
    assert {name.rpartition("_")[2].partition(".")[0] for name in after.keys() - before.keys()} == {"20171204"}
