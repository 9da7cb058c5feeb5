"""A source that is asked again is told of in words: who, why, and when; no secret, no library's own event names."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.faults.http_feed import SECRET, feeding
from tests.faults.http_server import FaultServer, told
from tests.faults.http_stores import store
from tests.faults.shop import tillmill


def test_an_attempt_that_failed_is_one_readable_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = FaultServer(lambda request: told([store(1)]), [told({}, 503)])
    connection = {"token": "file:token", "first_wait_seconds": 0}
    with feeding(tmp_path, server, {"path": "stores"}, connection) as feed:
        assert tillmill(feed.workspace, "ingest").code == 0
        assert feed.ids == ["s01"]
    [line] = caplog.messages
    assert line == "127.0.0.1/stores: the server answered 503; attempt 2 follows at once"
    assert SECRET not in line


def test_a_port_where_nobody_answers_is_told_by_the_trial_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        # Bound and not listening: nobody answers there, and nobody else can begin to.
        taken.bind(("127.0.0.1", 0))
        connection = {"base_url": f"http://127.0.0.1:{taken.getsockname()[1]}", "attempts": 2}
        connection |= {"first_wait_seconds": 0.1}
        with feeding(tmp_path, FaultServer(lambda request: told([])), {"path": "stores"}, connection) as feed:
            assert tillmill(feed.workspace, "sources", "check", "shop").code == 1
    [line] = caplog.messages
    assert line.startswith("127.0.0.1/stores: ")
    assert "; attempt 2 follows in 0." in line
    assert "stamina" not in caplog.text
