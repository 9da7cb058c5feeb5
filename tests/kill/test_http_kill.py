"""`kill -9` at random moments of a pull over HTTP, by windows and by last id: every row once, none asked for anew."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults.http_feed import Feed, feeding
from tests.faults.http_server import FaultServer, Reply, Request, told

FEW, MANY = 3, 40
KILLS = int(os.environ.get("KILLS", MANY))
ROWS = [
    {"id": f"s{number:03d}", "at": f"2026-01-{1 + number // 8:02d}T{number % 8:02d}:00:00Z"} for number in range(160)
]
WINDOWS = {"path": "stores", "since_param": "since", "until_param": "until", "since_field": "at", "window_hours": 24}
WINDOWS |= {"start": "2026-01-01T00:00:00Z", "overlap_seconds": 60, "page_param": "page"}
KEYSET = {"path": "stores", "keyset_param": "after", "keyset_field": "id"}


def answer(request: Request) -> Reply:
    query = request.query
    time.sleep(0.002)
    found = [row for row in ROWS if query.get("since", "") <= row["at"] < query.get("until", "9")]
    found = [row for row in found if row["id"] > query.get("after", "")]
    start = (int(query.get("page", 1)) - 1) * 4
    return told(found[start : start + 4])


def kill(feed: Feed, seconds: float) -> bool:
    """Kill a pull after so many seconds; whether it was still at work."""
    command = [sys.executable, "-m", "tests.kill.pull_workspace", str(feed.workspace.root), "8"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        time.sleep(seconds)
        process.kill()
        said, _ = process.communicate()
    return said == ""


def killed_and_repaired(root: Path, pull: dict[str, Any], kills: int) -> None:
    moments, cut_off = random.Random(kills), 0
    for number in range(kills):
        with feeding(root / str(number), FaultServer(answer), pull) as feed:
            cut_off += kill(feed, moments.uniform(0, 0.6))
            before = feed.cursor.value or {}
            feed.server.asked.clear()
            assert feed.pull().error is None
            assert feed.ids == sorted(row["id"] for row in ROWS)
            assert feed.rows.height == len(ROWS)
            if "after" in before:
                assert feed.asked()[0].query["after"] == before["after"]
            assert feed.pull().loads == ()
    assert cut_off, "kills that come after the end prove nothing"


@pytest.mark.parametrize("pull", [WINDOWS, KEYSET], ids=["windows", "keyset"])
def test_a_pull_over_http_killed_at_random_moments_loses_nothing_and_doubles_nothing(
    tmp_path: Path, pull: dict[str, Any]
) -> None:
    killed_and_repaired(tmp_path, pull, min(KILLS, FEW))


@pytest.mark.slow
@pytest.mark.timeout(600 + 20 * KILLS)
@pytest.mark.parametrize("pull", [WINDOWS, KEYSET], ids=["windows", "keyset"])
def test_many_kills_over_http_lose_nothing_and_double_nothing(tmp_path: Path, pull: dict[str, Any]) -> None:
    killed_and_repaired(tmp_path, pull, KILLS)
