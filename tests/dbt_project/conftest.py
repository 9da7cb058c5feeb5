"""One warm dbt process for all tests of the warehouse; each test starts from a lake and a candidate of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_project.lake import SmallLake
from tillmill.transform import PROJECT, Transformer

REFERENCE = Path(__file__).parents[2] / "seeds" / "reference"
PASSES = ("pass_a", "pass_b", "pass_c", "pass_d")
CLOCK = "2017-01-16 12:00:00"


class Warehouse:
    """Builds the candidate of one folder; the paths stay the same, so dbt parses once."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.candidate = folder / "candidate.duckdb"
        self.reference = Path(shutil.copytree(REFERENCE, folder / "reference"))
        self.environment = {
            "TILLMILL_CANDIDATE": str(self.candidate),
            "TILLMILL_MANIFEST": str(folder / "manifest.parquet"),
            "TILLMILL_HEALTH": str(folder / "health"),
            "TILLMILL_REFERENCE": str(self.reference),
            "TILLMILL_CLOCK": CLOCK,
            "TILLMILL_CURRENCY": "USD",
            "TILLMILL_TIMEZONE": "America/New_York",
            "TILLMILL_DAY_STARTS_AT": "00:00",
            **environment,
        }
        self.dbt = Transformer(self.environment, folder, folder / "logs", folder / "target")
        self.lake = SmallLake(folder / "lake")
        self.built: set[str] = set()
        """The models that the last pass built."""

    def fresh(self) -> SmallLake:
        """An empty lake, no candidate, and what people own as it is shipped (a test may write into `reference`)."""
        self.candidate.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "lake")
        shutil.copytree(REFERENCE, self.reference, dirs_exist_ok=True)
        self.lake = SmallLake(self.folder / "lake")
        return self.lake

    def build(self, *selections: str, full_refresh: bool = False, tests: bool = True, up_to: int | None = None) -> int:
        """Builds and tests the passes (all four by default) on the manifest, cut at a `visible_seq` where given.

        Returns how many tests passed.
        """
        shutil.copyfile(self.lake.write_manifest(up_to=up_to), self.folder / "manifest.parquet")
        self.lake.write_health(self.folder / "health")
        results = [
            self.dbt.build(selection, full_refresh=full_refresh, tests=tests) for selection in selections or PASSES
        ]
        self.built = set(results[-1].seconds)
        return sum(result.tested for result in results)

    def artifact(self, *command: str, name: str) -> Any:
        """What dbt's own command line, run on the candidate, writes into its file of that name."""
        folder = self.folder / command[0]
        where = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        where += ["--target-path", str(folder), "--log-path", str(folder)]
        done = subprocess.run(
            [sys.executable, "-m", "dbt.cli.main", *command, *where],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        return json.loads((folder / name).read_text())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the query finds in the candidate."""
        with duckdb.connect(str(self.candidate), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(query).fetchall()

    def keep(self, name: str) -> Path:
        """A copy of the candidate."""
        return Path(shutil.copyfile(self.candidate, self.folder / f"{name}.duckdb"))


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    made = Warehouse(tmp_path_factory.mktemp("warehouse"))
    with made.dbt:
        yield made
