"""Keeps one PostgreSQL for as long as whoever started it lives: `python keeper.py PROGRAMS`, the password on stdin.

Prints the port once the server answers. A process of its own, because whoever started it may be killed: when its
standard input ends, however that came, the server ends and its folder goes. Knows the standard library alone.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# Which port is free is known only until somebody else takes it.
ATTEMPTS = 5
# PostgreSQL will not run as root.
NOBODY = "nobody"
SHARED = Path("/tmp")  # noqa: S108 - the folder within is made anew, for its owner alone
ENTERABLE = 0o001
# Nothing here outlives the process, so nothing needs to reach the disk.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "20",
    "shared_buffers": "16MB",
    "fsync": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
}


def main(programs: Path) -> int:
    """Runs the server of `programs` (the folder of initdb and postgres) until standard input ends."""
    password = sys.stdin.readline().strip()
    user = pwd.getpwnam(NOBODY) if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="tillmill-erp-", dir=_place(user)))
    try:
        if user is not None:
            shutil.chown(folder, user.pw_uid, user.pw_gid)
            programs = _enterable(programs, folder)
        _make(programs, folder, password, user)
        started = _start(programs, folder, user)
        if started is None:
            print((folder / "log").read_text(), file=sys.stderr)
            return 1
        server, port = started
        print(port, flush=True)
        sys.stdin.read()
        # The immediate shutdown: no connection is waited for.
        server.send_signal(signal.SIGQUIT)
        server.wait()
        return 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _place(user: pwd.struct_passwd | None) -> Path:
    """Where temporary files are kept; the system's own folder where another user may not enter ours."""
    usual = Path(tempfile.gettempdir())
    return usual if user is None or _is_enterable(usual, *usual.parents) else SHARED


def _is_enterable(*parts: Path) -> bool:
    return all(part.stat().st_mode & ENTERABLE for part in parts)


def _enterable(programs: Path, folder: Path) -> Path:
    """The programs, or a copy of them where another user than root may not go."""
    if _is_enterable(programs / "postgres", programs, *programs.parents):
        return programs
    # The programs find their libraries beside their package.
    install = programs.parent
    package = install.parent
    for part in (install, package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            target = folder / "site" / part.relative_to(package.parent)
            shutil.copytree(part, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    return folder / "site" / package.name / install.name / programs.name


def _make(programs: Path, folder: Path, password: str, user: pwd.struct_passwd | None) -> None:
    """An empty database in `folder`; its owner is `postgres`."""
    word = folder / "password"
    word.touch(mode=0o600)
    word.write_text(password)
    if user is not None:
        shutil.chown(word, user.pw_uid, user.pw_gid)
    initdb: list[str | Path] = [programs / "initdb", "-D", folder / "data", "-U", "postgres", "--auth=scram-sha-256"]
    initdb += [f"--pwfile={word}", "--encoding=utf8", "--locale=C", "--no-sync", "--no-data-checksums"]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **_as(user))  # noqa: S603 - our own words
    word.unlink()


def _start(programs: Path, folder: Path, user: pwd.struct_passwd | None) -> tuple[subprocess.Popen[bytes], int] | None:
    """The answering server and its port; None where it would not start."""
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    for _ in range(ATTEMPTS):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        command: list[str | Path] = [programs / "postgres", "-D", folder / "data", "-p", str(port), *settings]
        with (folder / "log").open("ab") as log:
            server: subprocess.Popen[bytes] = subprocess.Popen(command, stdout=log, stderr=log, **_as(user))  # noqa: S603 - our own words
        while server.poll() is None:
            if _is_ready(folder / "data" / "postmaster.pid"):
                return server, port
            time.sleep(0.01)
    return None


def _is_ready(status: Path) -> bool:
    """Whether the server says so itself, in the last line of what it writes about its state."""
    try:
        return status.read_text().rstrip().endswith("\nready")
    except FileNotFoundError:
        return False


def _as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
