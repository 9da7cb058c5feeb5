"""Says whether a port is free, and names the process that holds it as far as the operating system tells us."""

from __future__ import annotations

import socket
from pathlib import Path

from tillmill.errors import UsageError

LAST_PORT = 65_535


def need_free(port: int) -> None:
    """Raises UsageError naming its holder where something answers on `port` of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            other = port + 1 if port < LAST_PORT else port - 1
            raise UsageError(
                f"port {port} is held by {holder_of(port)}",
                next_command=f"make run PORT={other}, or tillmill apps --port {other}",
            )


def holder_of(port: int) -> str:
    """A short name such as `python3 (pid 4711)`, or 'another process' where the system does not say."""
    inode = _listening_inode(port)
    if inode is not None:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if any(str(link.readlink()) == f"socket:[{inode}]" for link in (folder / "fd").iterdir()):
                    return f"{(folder / 'comm').read_text().strip()} (pid {folder.name})"
            except OSError:
                continue
    return "another process"


def _listening_inode(port: int) -> str | None:
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                return fields[9]
    return None
