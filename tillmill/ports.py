"""Names the process that holds a port, as far as the operating system tells us."""

from __future__ import annotations

from pathlib import Path


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
