"""One small demo workspace per test session, made as a person makes it: by the commands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TILLMILL = [sys.executable, "-m", "tillmill.cli"]
Command = Callable[..., subprocess.CompletedProcess[str]]


def tillmill(
    *words: str, environment: dict[str, str] | None = None, timeout: int = 600
) -> subprocess.CompletedProcess[str]:
    """Runs one command and gives back its exit code and output."""
    return subprocess.run(
        [*TILLMILL, *words],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | {"COLUMNS": "200"} | (environment or {}),
        check=False,
    )


def run_demo(
    workspace: Path, *words: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """One run of the pipeline beside the demo's source systems; fails with the output when it does not end well."""
    done = tillmill(
        "demo", "run", "--workspace", str(workspace), "--", *TILLMILL, "run", "--workspace", str(workspace), *words,
        environment=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def status(workspace: Path) -> dict[str, Any]:
    done = tillmill("status", "--workspace", str(workspace), "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def published(workspace: Path) -> Path:
    """The published warehouse file."""
    pointer = json.loads((workspace / "published" / "current.json").read_text())
    return workspace / "published" / pointer["file"]


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo workspace of the 20 best-selling SKUs, set up and not yet run."""
    root = tmp_path_factory.mktemp("small") / "workspace"
    done = tillmill("demo", "init", "--workspace", str(root), "--skus", "20")
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.fixture(scope="session")
def small_run(small_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same workspace after one undisturbed run."""
    root = tmp_path_factory.mktemp("run") / "workspace"
    shutil.copytree(small_world, root)
    run_demo(root)
    return root


@pytest.fixture
def fresh_world(small_world: Path, tmp_path: Path) -> Path:
    """A copy of the small world of the test's own."""
    return Path(shutil.copytree(small_world, tmp_path / "workspace"))


@pytest.fixture
def fresh_run(small_run: Path, tmp_path: Path) -> Path:
    """A copy of the small workspace that has run once, of the test's own."""
    return Path(shutil.copytree(small_run, tmp_path / "workspace"))
