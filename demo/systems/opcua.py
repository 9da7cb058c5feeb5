"""Starts the MES's OPC UA server, a process of its own (`demo.systems.opcua_server`).

The library takes seconds to lay out its address space, in which the other systems are long ready.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from tillmill.errors import TillmillError


async def start(root: Path, password: str) -> tuple[object, str]:
    """The running server, to be kept, and the address at which user `tillmill` reads. Raises TillmillError where it
    does not start."""
    words = [sys.executable, "-m", "demo.systems.opcua_server", str(root)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own words
    assert process.stdin is not None
    assert process.stdout is not None
    print(password, file=process.stdin, flush=True)
    port = (await asyncio.to_thread(process.stdout.readline)).strip()
    if not port:
        raise TillmillError("the OPC UA server did not start", next_command="see the messages above")
    return process, f"opc.tcp://127.0.0.1:{port}/mill"
