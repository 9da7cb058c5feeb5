"""Nightly files hold each row once, appear when the clock allows, and never change."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from demo import days, extracts, world


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("extracts")
    world.build(root, skus=5)
    return root


def shown(root: Path) -> dict[str, bytes]:
    servers = (extracts.folder(root), extracts.warehouse_folder(root))
    return {
        path.relative_to(server).as_posix(): path.read_bytes() for server in servers for path in server.rglob("*.csv")
    }


def sale_lines(root: Path) -> pl.DataFrame:
    files = sorted((extracts.folder(root) / "pos").glob("sale_lines_*.csv"))
    return pl.concat([pl.read_csv(path, infer_schema=False) for path in files])


def test_files_hold_what_is_known_and_nothing_later(root: Path) -> None:
    extracts.publish(root, days.CLOCK_AT_START)
    lines = sale_lines(root)
    known = world.table(root, "pos.sale_lines").filter(pl.col("known_at") <= days.CLOCK_AT_START).collect()
    assert lines.height == known.height
    assert lines["TRANSACTION_TIMESTAMP"].max() <= "2017-12-04T04:01:20Z"  # type: ignore[operator]
    assert lines["SALES_VALUE"].cast(pl.Decimal(12, 2)).sum() == known["SALES_VALUE"].sum()
    assert not any(name.rpartition("_")[2] > "20171203.csv" for name in shown(root))


def test_every_file_bears_the_time_of_its_extract(root: Path) -> None:
    extracts.publish(root, days.CLOCK_AT_START)
    last = extracts.folder(root) / "pos" / "sale_lines_20171203.csv"
    assert last.stat().st_mtime == days.CLOCK_AT_START.timestamp()


def test_a_day_later_new_files_appear_and_old_ones_stay_as_they_were(root: Path) -> None:
    extracts.publish(root, days.CLOCK_AT_START)
    before = shown(root)
    assert extracts.publish(root, days.CLOCK_AT_START) == 0
    extracts.publish(root, days.CLOCK_AT_START + timedelta(days=1))
    after = shown(root)
    assert {name: after[name] for name in before} == before
    assert {name.rpartition("_")[2] for name in after.keys() - before.keys()} == {"20171204.csv"}


def test_day_by_day_and_at_once_give_the_same_files(tmp_path: Path) -> None:
    for name in ("daily", "at_once"):
        world.build(tmp_path / name, skus=2)
    for day in (28, 27, 26, 20, 0):
        extracts.publish(tmp_path / "daily", days.LAST_RECEIPT - timedelta(days=day))
    extracts.publish(tmp_path / "at_once", days.LAST_RECEIPT)
    assert shown(tmp_path / "daily") == shown(tmp_path / "at_once")
    every = sale_lines(tmp_path / "daily").select("BASKET_ID", "LINE_NO")
    assert every.height == world.table(tmp_path / "daily", "pos.sale_lines").collect().height
    assert not every.is_duplicated().any()


def test_a_killed_write_is_made_good_by_the_next(tmp_path: Path) -> None:
    world.build(tmp_path, skus=2)
    extracts.publish(tmp_path, days.CLOCK_AT_START)
    whole = shown(tmp_path)
    # As a kill leaves it: some files there, one half written out of sight, no mark.
    for path in sorted(extracts.folder(tmp_path).rglob("*.csv"))[::2]:
        path.unlink()
    (extracts.folder(tmp_path) / ".last").unlink()
    (tmp_path / "run" / "sftp.new").mkdir()
    (tmp_path / "run" / "sftp.new" / "pos.gone").write_bytes(b"STORE_ID,CI")
    extracts.publish(tmp_path, days.CLOCK_AT_START)
    assert shown(tmp_path) == whole
    assert not (tmp_path / "run" / "sftp.new").exists()
