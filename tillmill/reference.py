"""Lays out what people own: the shipped `seeds/reference`, with a workspace's own files in their place."""

from __future__ import annotations

import shutil
from pathlib import Path

from tillmill.errors import SettingsError
from tillmill.workspace import SETTINGS_FILE, Workspace

SHIPPED = Path(__file__).resolve().parent.parent / "seeds" / "reference"


def gather_reference(workspace: Workspace) -> Path:
    """The folder `build/reference` that dbt loads; raises SettingsError when a workspace names a missing folder."""
    target = workspace.build / "reference"
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
