"""Finds a Chromium for the browser tests, or brings one: the machine's own, Debian's package, playwright's download."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
]


def find() -> str | None:
    """The path of a Chromium on this machine or of playwright's own download, or None."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def needed() -> str:
    """The path of a Chromium; without one the test is skipped, and in CI it fails."""
    import pytest  # `make test` runs this module for its `bring`

    if (found := find()) is None:
        assert os.environ.get("CI") != "true", "in CI the browser test must run"
        pytest.skip("no Chromium: python -m tests.e2e.chromium brings one")
    return found


def bring() -> None:
    """Installs what is missing: Chromium and a font with Chinese characters."""
    debian = shutil.which("apt-get") is not None and os.geteuid() == 0
    if debian:
        missing = [] if find() else ["chromium"]
        if not _has_chinese_font():
            missing.append("fonts-noto-cjk")
        if missing:
            subprocess.run(["apt-get", "update", "-qq"], check=True)
            subprocess.run(["apt-get", "install", "-y", "-qq", *missing], check=True, stdout=subprocess.DEVNULL)
    elif find() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def _has_chinese_font() -> bool:
    listing = shutil.which("fc-list")
    if listing is None:
        return False
    return bool(subprocess.run([listing, ":lang=zh"], capture_output=True, check=False).stdout.strip())


if __name__ == "__main__":
    bring()
