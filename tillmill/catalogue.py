"""The warehouse's documentation as one page: dbt's own, made of the published version, without any network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ingestion.landing import files
from tillmill import publish as publishing
from tillmill.errors import BuildError, UsageError
from tillmill.pipeline import environment
from tillmill.transform import PROJECT
from tillmill.workspace import Workspace

# The page holds its code, styles and data; models are shown as they are written, because compiling them asks the lake.
_STEPS = (["parse"], ["docs", "generate", "--static", "--no-compile"])


def write_docs(workspace: Workspace, to: Path) -> Path:
    """Writes tables, columns, meanings, tests, metrics and lineage up to the exposures as one HTML file and returns it.

    Types and tables are those of the published version. Raises UsageError before the first run and BuildError, with
    dbt's words, when dbt cannot write it; a file that was there stays.
    """
    version = publishing.read_pointer(workspace.published)
    if version is None:
        raise UsageError("nothing is published yet", next_command="tillmill run")
    with tempfile.TemporaryDirectory(prefix="docs-", dir=workspace.build) as folder:
        # dbt opens its database for writing, and a published file is never written: it is given a copy.
        database = Path(shutil.copyfile(version.path, Path(folder) / "warehouse.duckdb"))
        told = environment(workspace) | {
            "TILLMILL_CANDIDATE": str(database),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DO_NOT_TRACK": "1",
        }
        where = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", folder]
        where += ["--log-path", folder, "--no-use-colors", "--no-version-check"]
        for step in _STEPS:
            command = [sys.executable, "-m", "dbt.cli.main", *step, *where]
            done = subprocess.run(  # noqa: S603 - our own words
                command, cwd=workspace.build, env=os.environ | told, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise BuildError(
                    f"dbt {' '.join(step)}: {done.stdout[-2000:]}{done.stderr[-500:]}",
                    state=f"{to} was not written.",
                    next_command="tillmill run",
                )
        to.parent.mkdir(parents=True, exist_ok=True)
        spool = to.with_name(f".{to.name}.spool")
        shutil.copyfile(Path(folder) / "static_index.html", spool)
        files.put_in_place(spool, to)
    return to
