"""A planner fills in a week of the demand page's grid in a real browser, and it is kept as said."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.apps import marts
from tests.apps.brand import LAST_WEEK
from tests.e2e import chromium
from tests.e2e.conftest import TILLMILL
from tillmill import actions
from tillmill.actions import create_workspace

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PATIENCE = 60_000


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The portal's address, on the tests' small published tables, and its workspace."""
    root = marts.publish(create_workspace(tmp_path, marts.SETTINGS).root, marts.marts())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*TILLMILL, "apps", "--workspace", str(root), "--port", str(port)]
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + PATIENCE / 1000
        while not _answers(address):
            assert server.poll() is None, f"the portal ended with {server.returncode}"
            assert time.monotonic() < until, "the portal did not answer"
            time.sleep(0.1)
        yield address, root
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/_stcore/health", timeout=1).status_code == 200
    except httpx.TransportError:
        return False


def _first_week_opened(page: Page, grid: Locator) -> Locator:
    """The field in which the first week's last cell is typed.

    The grid is drawn on a canvas, so the cell is clicked where it lies; what is still being drawn above may move it
    between the look and the click. Then it is clicked again, as a person would.
    """
    editor = page.locator("#portal input")
    until = time.monotonic() + PATIENCE / 1000
    while not editor.is_visible() and time.monotonic() < until:
        box = grid.locator("canvas").first.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] - 30, box["y"] + 50)
        page.keyboard.press("Enter")
        page.wait_for_timeout(1000)
    return editor


def test_a_week_filled_in_on_the_page_is_proposed_with_its_reason(served: tuple[str, Path]) -> None:
    address, root = served
    found = chromium.needed()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=chromium.FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 2400})
        page.goto(f"{address}/demand?lang=en&sku=01")
        grid = page.locator("[class*='st-key-grid']")
        expect(grid).to_be_visible(timeout=PATIENCE)
        keep = page.locator(".st-key-override-keep button")
        expect(keep).to_be_disabled(timeout=PATIENCE)
        editor = _first_week_opened(page, grid)
        editor.fill("40", timeout=PATIENCE)
        editor.press("Enter")
        page.locator(".st-key-note textarea").fill("a marathon passes the stores")
        page.locator(".st-key-override-by input").fill("kim")
        page.locator(".st-key-override-by input").press("Enter")
        expect(keep).to_be_enabled(timeout=PATIENCE)
        keep.click()
        expect(page.locator(".st-key-card-approve")).to_be_visible(timeout=PATIENCE)
        # What was proposed is no longer in the grid, so that nobody proposes it twice.
        expect(keep).to_be_disabled(timeout=PATIENCE)
        browser.close()
    (one,) = actions.known_overrides(root)
    assert (one.from_on, one.old, one.new) == (LAST_WEEK + timedelta(weeks=1), 13.0, 40.0)
    assert (one.scope.sku, one.reason_code, one.author) == ("01", "promotion", "kim")
    assert not one.is_approved
