"""Fault 24: two runs at once: the second says who is at work since when, and exits 75; a killed one holds nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.faults.shop import SETTINGS, landed_rows, make_shop, process, tillmill
from tests.ingestion.connectors.servers import serving, web_server
from tillmill.workspace import Workspace

SLOW = """
[[sources]]
name = "shop"
connector = "rest"
connection = {{ base_url = "http://127.0.0.1:{port}" }}
[[sources.streams]]
stream = "plm.items"
pull = {{ path = "shops" }}
"""


@dataclass
class Busy:
    """A workspace in which a run is at work: its source has been asked and does not answer before it is told to."""

    workspace: Workspace
    process: subprocess.Popen[str]
    answer: threading.Event


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Busy]:
    asked, answer = threading.Event(), threading.Event()

    async def shops(request: Request) -> JSONResponse:
        asked.set()
        while not answer.is_set():
            await anyio.sleep(0.02)
        return JSONResponse([{"item_id": "1", "revision": "A"}])

    with serving(web_server(Starlette(routes=[Route("/shops", shops)]))) as port:
        workspace = make_shop(tmp_path, SETTINGS + SLOW.format(port=port))
        with process(workspace, "ingest") as started:
            assert asked.wait(60)
            yield Busy(workspace, started, answer)
            answer.set()
            started.kill()


def test_fault_24_the_second_says_who_works_since_when_and_exits_75(busy: Busy) -> None:
    for words in (["run"], ["ingest"], ["quarantine", "replay"], ["rollback"]):
        done = tillmill(busy.workspace, *words)
        assert done.code == 75
        told = re.search(r"locked by process ([0-9]+) since [0-9T:+-]+", done.said)
        assert told is not None, done.said
        assert int(told[1]) == busy.process.pid
        assert "Nothing was changed" in done.said
    busy.answer.set()
    assert busy.process.wait(60) == 0
    assert landed_rows(busy.workspace)["plm.items"] == 1


def test_fault_24_a_run_that_was_killed_holds_nothing(busy: Busy) -> None:
    os.kill(busy.process.pid, signal.SIGKILL)
    busy.process.wait(60)
    busy.answer.set()
    assert tillmill(busy.workspace, "ingest").code == 0
    assert landed_rows(busy.workspace)["plm.items"] == 1
