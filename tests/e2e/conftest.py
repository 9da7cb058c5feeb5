"""One small demo workspace for all tests, made as a person makes it: by the commands.

Workers share it: a test reads the files of `small_world` and `small_run`, and runs commands on a copy of its own.
"""

from __future__ import annotations

import fcntl
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
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers have in common."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def small_world(shared_folder: Path) -> Path:
    """A demo workspace of the 20 best-selling SKUs, set up and not yet run."""
    return made_once(shared_folder / "small", set_up)


@pytest.fixture(scope="session")
def small_run(small_world: Path, shared_folder: Path) -> Path:
    """The same workspace after one undisturbed run."""

    def run_copy(workspace: Path) -> None:
        shutil.copytree(small_world, workspace)
        run_demo(workspace)

    return made_once(shared_folder / "run", run_copy)


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """The folder's workspace, made by the worker that comes first while the others wait."""
    folder.mkdir(exist_ok=True)
    workspace, made = folder / "workspace", folder / "made"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(workspace, ignore_errors=True)
            make(workspace)
            made.touch()
    return workspace


def set_up(workspace: Path) -> None:
    done = tillmill("demo", "init", "--workspace", str(workspace), "--skus", "20")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def fresh_world(small_world: Path, small_run: Path, tmp_path: Path) -> Path:
    """A copy of the small world of the test's own; dbt has parsed its models once for all."""
    workspace = Path(shutil.copytree(small_world, tmp_path / "workspace"))
    parsed = Path("build", "dbt", "partial_parse.msgpack")
    (workspace / parsed).parent.mkdir(parents=True)
    shutil.copy(small_run / parsed, workspace / parsed)
    return workspace


@pytest.fixture
def fresh_run(small_run: Path, tmp_path: Path) -> Path:
    """A copy of the small workspace that has run once, of the test's own."""
    return Path(shutil.copytree(small_run, tmp_path / "workspace"))
