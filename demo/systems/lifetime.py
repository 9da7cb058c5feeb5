"""No server outlives whoever started it."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """On Linux the kernel ends us with our parent; elsewhere the closed pipe does (`until_orphaned`)."""
    # Ctrl-C reaches the whole group; the parent decides when the servers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


async def until_orphaned() -> None:
    """Returns when standard input ends: whoever started us holds its other end."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass
