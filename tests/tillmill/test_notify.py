"""Who asked to be told of a run is told, and a run never fails because nobody could be told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tillmill.actions import create_workspace
from tillmill.notify import run_ended

SETTINGS = (
    '[brand]\nname = "Harvest"\ncurrency = "USD"\ntimezone = "UTC"\n[notify]\nwebhook = "env:TILLMILL_TEST_HOOK"\n'
)


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, object]]]]:
    heard: list[dict[str, object]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", heard
        server.shutdown()
        thread.join()


def test_the_hook_hears_how_the_run_ended(
    tmp_path: Path, told: tuple[str, list[dict[str, object]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, heard = told
    monkeypatch.setenv("TILLMILL_TEST_HOOK", address)
    assert run_ended(create_workspace(tmp_path, SETTINGS), {"failed": "", "version": 3}) == ""
    assert heard == [{"failed": "", "version": 3}]


def test_a_hook_nobody_answers_is_said_without_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILLMILL_TEST_HOOK", "http://127.0.0.1:9/secret-path")
    said = run_ended(create_workspace(tmp_path, SETTINGS), {})
    assert "ConnectError" in said
    assert "secret-path" not in said
