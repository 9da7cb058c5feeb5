"""Lays out what people own: the shipped `seeds/reference`, with a workspace's own files in their place."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from tillmill.errors import SettingsError
from tillmill.workspace import SETTINGS_FILE, Workspace

FOLDER = "reference"
SHIPPED = Path(__file__).resolve().parent.parent / "seeds" / "reference"


def gather_reference(workspace: Workspace) -> Path:
    """The folder `build/reference` that dbt loads; raises SettingsError when a workspace names a missing folder."""
    target = workspace.build / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    folders = [SHIPPED]
    if workspace.settings.reference:
        own = workspace.root / workspace.settings.reference
        if not own.is_dir():
            raise SettingsError(f"{SETTINGS_FILE}: reference: {own} is not a folder")
        folders.append(own)
    for folder in folders:
        for file in sorted(folder.glob("*.csv")):
            shutil.copyfile(file, target / file.name)
    return target


def reference_version(workspace: Workspace) -> str:
    """Names what the gathered files say, by their names and bytes: a planner who saves a target makes another one."""
    digest = hashlib.sha256()
    for file in sorted((workspace.build / FOLDER).glob("*.csv")):
        digest.update(f"{file.name} {file.stat().st_size} ".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
