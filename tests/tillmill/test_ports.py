"""A busy port names its holder, and costs no run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.skipif(shutil.which("make") is None and os.environ.get("CI") != "true", reason="make is not installed")
def test_make_run_refuses_a_busy_port_before_it_makes_anything(tmp_path: Path) -> None:
    workspace, root = tmp_path / "workspace", Path(__file__).parents[2]
    # The environment at hand stands for the one that `make` would make.
    words = [
        "make",
        "-C",
        str(root),
        "-o",
        ".venv/ready",
        f"BIN={Path(sys.executable).parent}",
        f"WORKSPACE={workspace}",
    ]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = subprocess.run([*words, "run", f"PORT={port}"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert f"port {port} is held by" in done.stderr
    assert "make run PORT=" in done.stderr
    assert "Traceback" not in done.stderr
    assert not workspace.exists()
