"""A planning folder is read by contract, and a bad file is named in one sentence."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from planning.contracts import IN
from planning.engine import make_plan
from planning.exchange.csv import write_plan
from planning.folder import read_tables
from tests.planning.instances import START, plant
from tillmill.errors import UsageError

DEMAND = "sku,location_id,channel_id,week_on,mean\n0001,PLANT,store,2017-12-04,5\n0002,PLANT,store,2017-12-04,6.5\n"


def test_csv_and_parquet_give_the_same_plan(tmp_path: Path) -> None:
    for ending, folder in (("csv", tmp_path / "c"), ("parquet", tmp_path / "p")):
        folder.mkdir()
        for name, frame in plant(skus=15, weeks=4).items():
            frame.write_csv(folder / f"{name}.csv") if ending == "csv" else frame.write_parquet(
                folder / f"{name}.parquet"
            )
    first, second = (
        make_plan(read_tables(tmp_path / one), start_on=START, horizon_weeks=4, service_level=0.95) for one in "cp"
    )
    for name, frame in first.items():
        assert_frame_equal(frame.drop("seconds", strict=False), second[name].drop("seconds", strict=False))
    assert [path.name for path in write_plan(first, tmp_path / "out")][-1] == "manifest.json"


def test_identifiers_keep_their_leading_zeros_and_columns_their_types(tmp_path: Path) -> None:
    (tmp_path / "demand.csv").write_bytes(b"\xef\xbb\xbf" + DEMAND.encode())
    demand = read_tables(tmp_path)["demand"]
    assert demand["sku"].to_list() == ["0001", "0002"]
    assert dict(demand.schema) == {
        name: dtype() if isinstance(dtype, type) else dtype for name, dtype in IN["demand"].items()
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (DEMAND.replace("6.5", "six").encode(), "demand.csv: column 'mean', row 2: 'six' is not a number"),
        (DEMAND.replace("6.5", "NaN").encode(), "demand.csv: column 'mean', row 2: 'NaN' is not a finite number"),
        (DEMAND.replace("6.5", "-1").encode(), "demand.csv: column 'mean', row 2: must be at least 0"),
        (
            DEMAND.replace("0002,PLANT,store,2017-12-04", "0002,PLANT,store,04/12/2017").encode(),
            "column 'week_on', row 2",
        ),
        (DEMAND.replace(",6.5", "").encode(), "demand.csv: row 2 has 4 cells, the header has 5"),
        (DEMAND.replace("0002", "0001").encode(), "comes twice"),
        (DEMAND.replace("0002", "").encode(), "column 'sku', row 2: is empty"),
        (DEMAND.replace("mean", "sku").encode(), "column 'sku' comes twice"),
        ("sku,é\n".encode("latin-1"), "demand.csv: not UTF-8 at byte 4"),
        (b"", "demand.csv: column 'sku' is missing"),
    ],
)
def test_a_bad_file_is_named_with_column_and_row(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "demand.csv").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_tables(tmp_path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_planned_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither demand nor orders"):
        read_tables(tmp_path)
    with pytest.raises(UsageError, match="is not a folder"):
        read_tables(tmp_path / "nowhere")
    (tmp_path / "demand.csv").write_text(DEMAND)
    pl.DataFrame({"sku": ["1"]}).write_parquet(tmp_path / "demand.parquet")
    with pytest.raises(UsageError, match="keep one"):
        read_tables(tmp_path)
    (tmp_path / "demand.csv").unlink()
    (tmp_path / "demand.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(UsageError, match="not a readable Parquet file"):
        read_tables(tmp_path)


def test_a_plan_is_compared_with_the_production_plan_of_the_one_before(tmp_path: Path) -> None:
    """The earlier plan's file is taken as it was written, under the name previous_plan."""
    given = tmp_path / "given"
    given.mkdir()
    for name, frame in plant(skus=15, weeks=4).items():
        frame.write_csv(given / f"{name}.csv")

    def nervousness_now() -> float:
        outputs = make_plan(read_tables(given), start_on=START, horizon_weeks=4, service_level=0.95)
        write_plan(outputs, tmp_path / "out")
        return float(outputs["summary"]["nervousness"].item())

    assert nervousness_now() == 0
    before = pl.read_csv(tmp_path / "out" / "production_plan.csv", infer_schema=False)
    before.write_csv(given / "previous_plan.csv")
    assert nervousness_now() == 0
    doubled = before.with_columns((pl.col("units").cast(pl.Float64) * 2).cast(pl.String))
    doubled.write_csv(given / "previous_plan.csv")
    assert nervousness_now() == pytest.approx(0.5)
    before.drop("line_id").write_csv(given / "previous_plan.csv")
    with pytest.raises(UsageError, match=r"previous_plan\.csv: column 'line_id' is missing"):
        read_tables(given)
