"""The project's promises that need no run: columns, meanings, tags, words that make results depend on the moment."""

from __future__ import annotations

import csv
import json
import re
from datetime import date
from pathlib import Path

import pytest
import yaml

from ingestion.contracts import ALL
from ingestion.contracts.contract import landed_key, landed_schema
from tests.dbt_project.metrics import defined

PROJECT = Path(__file__).parents[2] / "dbt_project"
REFERENCE = PROJECT.parent / "seeds" / "reference"
MODELS = sorted((PROJECT / "models").rglob("*.sql"))
HOLIDAYS_OF_CHINA = Path(__file__).parents[3] / "shared" / "data" / "calendar" / "holiday-cn"


@pytest.mark.parametrize("stream", sorted(ALL))
def test_staging_names_every_column_and_the_key_of_its_contract(stream: str) -> None:
    domain, _, entities = stream.partition(".")
    folder = PROJECT / "models" / "staging" / domain
    whole = folder / f"stg_{domain}__{entities}_all.sql"
    text = (whole if whole.exists() else folder / f"stg_{domain}__{entities}.sql").read_text()
    columns = re.search(r"columns=\[(.*?)\]", text, re.DOTALL)
    assert columns is not None
    assert re.findall(r"'(\w+)'", columns[1]) == list(landed_schema(ALL[stream]))
    key = re.search(r"key=\[(.*?)\], version='(\w+)'", text)
    if key is not None:
        assert (tuple(re.findall(r"'(\w+)'", key[1])), key[2]) == (landed_key(ALL[stream]), ALL[stream].version)


def test_every_column_of_every_mart_has_a_type_and_a_meaning_in_both_languages() -> None:
    described = {
        model["name"]: model for file in (PROJECT / "models" / "marts").rglob("*.yml") for model in _models(file)
    }
    assert set(described) == {file.stem for file in (PROJECT / "models" / "marts").rglob("*.sql")}
    for name, model in described.items():
        assert all([model["description"], model["config"]["meta"]["owner"], model["config"]["meta"]["zh"]]), name
        for column in model["columns"]:
            meta = column["config"]["meta"]
            said = [column["data_type"], column["description"], meta["label"], meta["label_zh"]]
            assert all(said), (name, column["name"])
            assert re.search(r"[\u4e00-\u9fff]", meta["zh"]), (name, column["name"])


def test_every_marts_types_are_a_contract_that_no_model_leaves() -> None:
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    # Spark has no contracts to enforce: there every table is compared with DuckDB's instead.
    contract = project["models"]["tillmill"]["marts"]["+contract"]
    assert contract == {"enforced": "{{ target.type == 'duckdb' }}"}
    for file in (PROJECT / "models" / "marts").rglob("*.yml"):
        for model in _models(file):
            assert "contract" not in model["config"], model["name"]
    for file in (PROJECT / "models" / "marts").rglob("*.sql"):
        assert "contract" not in file.read_text(), file.name


def test_every_metric_has_a_name_a_meaning_and_a_format_in_both_languages() -> None:
    for name, metric in defined().metrics.items():
        meta = metric["config"]["meta"]
        assert metric["label"], name
        assert metric["description"].endswith("."), name
        assert meta["zh"].endswith("。"), name
        assert re.search(r"[\u4e00-\u9fff]|OEE", meta["label_zh"]), name
        assert meta["format"] in {"money", "percent", "number", "score", "days", "hours", "minutes"}, name
        assert meta.keys() <= {"label_zh", "zh", "format", "digits"}, name


def test_every_mart_and_fact_has_its_grain_tested() -> None:
    for file in (PROJECT / "models" / "marts").rglob("*.yml"):
        for model in _models(file):
            assert any("grain" in found for found in model["data_tests"]), model["name"]


@pytest.mark.parametrize("file", MODELS, ids=lambda file: file.stem)
def test_no_model_depends_on_the_moment_or_on_the_order_of_rows(file: Path) -> None:
    text = re.sub(r"--.*|\{#.*?#\}", "", file.read_text(), flags=re.DOTALL if "{#" in file.read_text() else 0)
    forbidden = r"\b(current_date|current_timestamp|now\(\)|today\(\)|any_value|first\(|last\(|random\(|limit)\b"
    assert not re.search(forbidden, text), file.name
    assert "at time zone" not in text, f"{file.name}: utc_to_local and business_date are the only conversions"
    assert len(text.splitlines()) < 120


def test_only_one_macro_reads_the_lake() -> None:
    readers = {
        file.name
        for file in [*MODELS, *(PROJECT / "macros").glob("*.sql")]
        if re.search(r"read_parquet|parquet_file|parquet\.`", file.read_text())
    }
    assert readers == {"landed.sql"}


def test_holidays_and_made_up_workdays_of_china_are_those_published() -> None:
    """Known answer 24: the State Council's published days for 2007-2024."""
    if not HOLIDAYS_OF_CHINA.exists():
        pytest.skip("the published days are not on this machine")
    with (REFERENCE / "holidays.csv").open(encoding="utf-8") as file:
        ours = {
            row["holiday_on"]: row["is_off_day"] == "true" for row in csv.DictReader(file) if row["country"] == "CN"
        }
    published = {
        day["date"]: day["isOffDay"]
        for file in HOLIDAYS_OF_CHINA.glob("*.json")
        for day in json.loads(file.read_text(encoding="utf-8"))["days"]
        if day["date"] >= "2007-01-01"
    }

    def is_off(text: str, days: dict[str, bool]) -> bool:
        return days.get(text, date.fromisoformat(text).weekday() >= 5)

    assert [text for text in {*ours, *published} if is_off(text, ours) != is_off(text, published)] == []


def _models(file: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = yaml.safe_load(file.read_text(encoding="utf-8")).get("models", [])
    return found
