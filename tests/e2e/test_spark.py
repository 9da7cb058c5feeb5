"""Scale-out: Spark builds every table of the warehouse from the same lake, and builds it alike."""

from __future__ import annotations

import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.e2e.compare_spark import difference, differences
from tests.e2e.conftest import published
from tests.spark import with_spark

FRAME = pl.DataFrame(
    {"sku": ["a", "b", None], "amount": [Decimal("1.10"), Decimal("2.00"), None], "rate": [0.1, 1e9, None]},
    schema_overrides={"amount": pl.Decimal(18, 4)},
)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_spark_builds_every_table_as_duckdb_did(small_run: Path, tmp_path: Path) -> None:
    tillmill = with_spark("tillmill")
    workspace = Path(shutil.copytree(small_run, tmp_path / "workspace"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [tillmill, "build", "--target", "spark", "--workspace", workspace],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        timeout=1400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert differences(published(workspace), workspace / "build" / "spark" / "warehouse" / "tillmill.db") == []
    # No metastore, no log, no warehouse where the command was typed.
    assert list(elsewhere.iterdir()) == []


def test_rows_in_another_order_and_the_last_digit_of_a_float_are_no_difference() -> None:
    assert difference(FRAME, FRAME.reverse().with_columns(pl.col("rate") * (1 + 1e-12)), with_types=True) == ""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (FRAME.with_columns(pl.col("sku").fill_null("c")), "sku differs in"),
        (
            FRAME.with_columns((pl.col("amount") + Decimal("0.0001")).cast(pl.Decimal(18, 4))),
            "amount differs in 2 rows",
        ),
        (FRAME.with_columns(pl.col("rate") * (1 + 1e-8)), "rate differs in 2 rows"),
        (FRAME.with_columns(pl.col("rate").fill_null(0)), "rate differs in 1 rows"),
        (FRAME.with_columns(pl.col("amount").cast(pl.Float64)), "types amount"),
        (pl.concat([FRAME, FRAME.head(1)]), "3 rows and 4"),
        (FRAME.drop("rate"), "columns ['rate'] are only in one"),
    ],
)
def test_each_kind_of_difference_is_told(changed: pl.DataFrame, said: str) -> None:
    assert said in difference(FRAME, changed, with_types=True)
