"""A busy port names its holder."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from tillmill.ports import holder_of


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which process holds a port")
def test_a_listening_port_names_this_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert f"pid {os.getpid()}" in holder_of(server.getsockname()[1])


def test_a_free_port_has_no_known_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert holder_of(port) == "another process"
