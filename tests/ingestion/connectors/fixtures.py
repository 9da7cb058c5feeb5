"""What the tests of connectors start from: an open workspace with an unpinned clock."""

from __future__ import annotations

from pathlib import Path

from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

SETTINGS = '[brand]\nname = "Mill"\ncurrency = "USD"\ntimezone = "America/New_York"\n'


def make_workspace(root: Path, settings: str = SETTINGS) -> Workspace:
    root.mkdir(parents=True, exist_ok=True)
    (root / SETTINGS_FILE).write_text(settings, encoding="utf-8")
    return open_workspace(root)


def write_secret(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return f"file:{path.name}"
