"""Who may run: one run per workspace, one load per stream at a time; a dead holder's lock is free."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ingestion.landing.files import safe_name
from tillmill.errors import LockedError
from tillmill.workspace import Workspace, now


@contextmanager
def run_lock(workspace: Workspace) -> Iterator[None]:
    """Hold the workspace's run lock. Raises LockedError (pid, since) when another run holds it."""
    with held(_run_file(workspace), "a run of this workspace"):
        yield


def holder(workspace: Workspace) -> str:
    """Who runs in this workspace now, as `process PID since TIME`, '' when nobody does."""
    try:
        with _run_file(workspace).open(encoding="utf-8") as file:
            found = _read(file)
            if found is None or not _is_alive(found["pid"]):
                return ""
            try:
                # Had only where a killed process left its words and its number has gone to another one since.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _said(found)
            return ""
    except FileNotFoundError:
        return ""


@contextmanager
def stream_lock(workspace: Workspace, source: str, stream: str) -> Iterator[None]:
    """Hold the lock of one source's stream. Raises LockedError (pid, since) when another process loads it."""
    with held(workspace.run / "locks" / f"{safe_name(source)}.{safe_name(stream)}.lock", f"{source} {stream}"):
        yield


@contextmanager
def fixes_lock(workspace: Workspace) -> Iterator[None]:
    """Hold what people say of quarantined rows, waiting for it: it is sealed with the key that is then the newest."""
    with held(workspace.run / "locks" / "fixes.lock", "what people say of quarantined rows", wait=True):
        yield


@contextmanager
def held(path: Path, what: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock file `path`; `wait` until it is free, else raise LockedError saying who holds it since when.

    The operating system frees the lock when its holder dies, by `kill -9` too. The file is never removed: a name that
    comes and goes would let two processes lock two different files.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise LockedError(
                f"{what} is locked by {_said(_read(file))}",
                state="Nothing was changed.",
                next_command="wait until it has ended, then type the same command again",
            ) from None
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "since": now().isoformat(timespec="seconds")}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _run_file(workspace: Workspace) -> Path:
    return workspace.run / "locks" / "run.lock"


def _read(file: IO[str]) -> dict[str, Any] | None:
    """Who wrote the lock file; None between its locking and its writing, and after its release."""
    file.seek(0)
    try:
        found: dict[str, Any] = json.loads(file.read())
    except ValueError:
        return None
    return found


def _said(found: dict[str, Any] | None) -> str:
    return "another process" if found is None else f"process {found['pid']} since {found['since']}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
