"""Spark is an extra of half a gigabyte, so it stands in an environment of its own (`make .venv-spark/ready`)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

BIN = Path(__file__).parents[1] / ".venv-spark" / "bin"


def with_spark(command: str) -> Path:
    """A command of the environment with Spark; skips the test where it or Java is absent, never when CI=true."""
    if os.environ.get("CI") != "true":
        if not (BIN / command).exists():
            pytest.skip("no Spark here: make .venv-spark/ready")
        if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
            pytest.skip("no Java here: Spark needs 17 or later")
    return BIN / command
