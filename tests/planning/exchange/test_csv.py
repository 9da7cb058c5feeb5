"""The hand-over is whole or absent, agrees with its manifest, and runs nothing in a spreadsheet."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from planning.contracts import OUT, empty
from planning.engine import make_plan
from planning.exchange.csv import neutralise, write_plan
from tests.planning.instances import START, calendar, demand, routing

ATTACKS = ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "＠x"]
HARMLESS = ["-", "a=b", "0001", "", "苹果酸奶", "a-b", "1+1"]


def plan(sku: str = "A") -> dict[str, pl.DataFrame]:
    tables = {"demand": demand(sku, [5.0] * 3), "routing": routing(sku), "calendar": calendar("L1", [100.0] * 3)}
    return make_plan(tables, start_on=START, horizon_weeks=3, service_level=0.95)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_file_is_what_the_manifest_says(tmp_path: Path) -> None:
    outputs = plan()
    paths = write_plan(outputs, tmp_path / "plan")
    manifest = json.loads(paths[-1].read_text(encoding="utf-8"))
    assert {path.name for path in paths[:-1]} == set(manifest["files"])
    assert {path.name for path in (tmp_path / "plan").iterdir()} == {path.name for path in paths}
    for path in paths[:-1]:
        said = manifest["files"][path.name]
        assert said["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        if path.suffix == ".csv":
            assert said["rows"] == len(rows_of(path)) == outputs[path.stem].height
    assert [row["units"] for row in rows_of(tmp_path / "plan" / "production_plan.csv")] == ["5.000"] * 3
    assert json.loads((tmp_path / "plan" / "summary.json").read_text())["utilisation_rate"] == {"L1": 0.05}


def test_a_name_that_would_run_as_a_formula_is_text_in_every_file(tmp_path: Path) -> None:
    write_plan(plan('=HYPERLINK("http://x","y")'), tmp_path / "plan")
    for path in (tmp_path / "plan").glob("*.csv"):
        for row in rows_of(path):
            assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for cell in row.values())
    assert rows_of(tmp_path / "plan" / "production_plan.csv")[0]["sku"] == '\'=HYPERLINK("http://x","y")'


def test_only_what_is_dangerous_is_changed() -> None:
    frame = pl.DataFrame({"text": [*ATTACKS, *HARMLESS]}).with_columns(text=neutralise(pl.col("text")))
    assert frame["text"].to_list() == [f"'{text}" for text in ATTACKS] + HARMLESS


def test_writing_again_replaces_the_plan_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_plan(plan("A"), tmp_path / "plan")
    write_plan(plan("B"), tmp_path / "plan")
    assert {row["sku"] for row in rows_of(tmp_path / "plan" / "production_plan.csv")} == {"B"}
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


def test_a_failed_write_leaves_the_old_plan_untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_plan(plan("A"), tmp_path / "plan")
    before = {path.name: path.read_bytes() for path in (tmp_path / "plan").iterdir()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_plan(plan("B"), tmp_path / "plan")
    assert {path.name: path.read_bytes() for path in (tmp_path / "plan").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


def test_an_empty_plan_has_headers_and_a_file_name_never_comes_from_data(tmp_path: Path) -> None:
    write_plan({name: empty(name) for name in OUT}, tmp_path / "plan")
    header = (tmp_path / "plan" / "production_plan.csv").read_text().strip()
    assert header == ",".join(OUT["production_plan"])
    with pytest.raises(ValueError, match="not a planning table"):
        write_plan({"../evil": pl.DataFrame()}, tmp_path / "plan")
