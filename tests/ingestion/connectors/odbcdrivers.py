"""Finds the ODBC drivers the tests speak through, or brings Debian's packages of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGES = ("unixodbc", "odbc-postgresql", "libsqliteodbc")
POSTGRESQL, SQLITE = "PostgreSQL Unicode", "SQLite3"


def are_there() -> bool:
    """Whether unixODBC knows both drivers."""
    known = Path("/etc/odbcinst.ini")
    text = known.read_text() if known.exists() else ""
    return f"[{POSTGRESQL}]" in text and f"[{SQLITE}]" in text


def bring() -> None:
    """Installs what is missing where root has apt; elsewhere the ODBC tests say why they do not run."""
    if not are_there() and shutil.which("apt-get") is not None and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", *PACKAGES], check=True, stdout=subprocess.DEVNULL)


needs_odbc = pytest.mark.skipif(
    not are_there() and os.environ.get("CI") != "true",
    reason=f"no ODBC drivers; Debian: apt-get install {' '.join(PACKAGES)}",
)

if __name__ == "__main__":
    bring()
