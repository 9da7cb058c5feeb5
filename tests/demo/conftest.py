"""One small world per test session, and workspaces of it whose systems run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from demo import world
from demo.cli import app, systems


@dataclass(frozen=True)
class Made:
    """A world in memory: the source tables and the truth."""

    tables: dict[str, pl.DataFrame]
    truth: dict[str, pl.DataFrame]


@pytest.fixture(scope="session")
def small() -> Made:
    """The world of the 20 best-selling SKUs."""
    return Made(*world.make(skus=20))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of the small world, as `demo init` leaves it."""
    root = tmp_path_factory.mktemp("demo") / "workspace"
    done = CliRunner().invoke(app, ["init", "--workspace", str(root), "--skus", "20"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return root


@pytest.fixture
def workspace(prepared: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it of the test's own."""
    return Path(shutil.copytree(prepared, tmp_path / "workspace"))


@pytest.fixture(scope="session")
def running(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with its systems answering, whose clock stands still."""
    root = Path(shutil.copytree(prepared, tmp_path_factory.mktemp("running") / "workspace"))
    with systems(root):
        yield root


@pytest.fixture
def moving(workspace: Path) -> Iterator[Path]:
    """A workspace of the test's own with its systems answering."""
    with systems(workspace):
        yield workspace


def addresses(root: Path) -> dict[str, Any]:
    """Where each system of the workspace answers."""
    found: dict[str, Any] = json.loads((root / "run" / "demo.json").read_text())
    return found


def secrets_of(root: Path) -> dict[str, Any]:
    """Each system's password or token."""
    found: dict[str, Any] = json.loads((root / "run" / "demo.secrets.json").read_text())
    return found


def advance(root: Path, number: int) -> None:
    """Lets days pass."""
    done = CliRunner().invoke(app, ["advance", str(number), "--workspace", str(root)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
