"""One published workspace per session, and one whose tables are empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.queries.warehouse import Warehouse, open_warehouse
from tests.apps import marts


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return marts.publish(tmp_path_factory.mktemp("full"), marts.marts())


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return marts.publish(tmp_path_factory.mktemp("bare"), marts.empty(marts.marts()))


@pytest.fixture(scope="session")
def warehouse(full: Path) -> Iterator[Warehouse]:
    opened = open_warehouse(full / "published" / "warehouse-test-1.duckdb")
    yield opened
    opened.connection.close()
