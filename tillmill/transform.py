"""Runs dbt in one warm child process that parses once and lets go of the candidate between two passes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any

from tillmill.errors import BuildError
from tillmill.idle import TAG, tag_idle

PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"
PATIENCE_SECONDS = 20
Progress = Callable[[str], None]


@dataclass(frozen=True)
class PassResult:
    """What one pass built: the seconds of each table and view, how many tests ran, and a sentence per failure."""

    seconds: dict[str, float]
    tested: int
    failures: list[str]

    @property
    def built(self) -> int:
        return len(self.seconds)


class Transformer:
    """The child process: `with Transformer(environment, folder, logs, target) as dbt: dbt.build("pass_a")`.

    It runs in `folder`, where relative paths of the environment begin. Parsing starts at once, so that it runs while
    the sources are pulled.
    """

    def __init__(self, environment: dict[str, str], folder: Path, logs: Path, target: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far_end = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_serve,
            args=(far_end, environment, *(str(path.absolute()) for path in (folder, logs, target))),
            daemon=True,
            name="tillmill-dbt",
        )
        self._process.start()
        far_end.close()

    def __enter__(self) -> Transformer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._pipe.send(None)
        self._process.join(timeout=PATIENCE_SECONDS)
        self._pipe.close()
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def build(
        self, pass_tag: str, *, full_refresh: bool = False, tests: bool = True, progress: Progress = lambda _: None
    ) -> PassResult:
        """Builds and tests every node tagged `pass_tag`; raises BuildError with each failure in a line."""
        try:
            self._pipe.send({"select": f"tag:{pass_tag}", "full_refresh": full_refresh, "tests": tests})
            while True:
                message = self._pipe.recv()
                if "progress" in message:
                    progress(message["progress"])
                    continue
                result = PassResult(**message)
                break
        except (EOFError, BrokenPipeError) as error:
            raise BuildError(
                f"dbt ended without an answer in {pass_tag}",
                state="The published version is unchanged.",
                next_command="tillmill run",
            ) from error
        if result.failures:
            raise BuildError(
                f"{pass_tag}: " + "\n".join(result.failures[:20]),
                state="The candidate is not published; the last published version is still served.",
                next_command="tillmill status",
            )
        return result


def _serve(pipe: Connection, environment: dict[str, str], folder: str, logs: str, target: str) -> None:
    """The child: one parse, then one build per request, until the parent closes the pipe or dies."""
    # dbt writes the words of its process into its results, and those of `tillmill forget` name a person.
    sys.argv = ["tillmill"]
    os.chdir(folder)
    os.environ.update(environment)
    if said := environment.get("TILLMILL_ENGINE_LOG"):
        # What an engine writes to the terminal, and the engine's own children.
        log = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
    os.environ.update(
        DBT_SEND_ANONYMOUS_USAGE_STATS="false",
        DO_NOT_TRACK="1",
        DBT_LOG_PATH=logs,
        DBT_TARGET_PATH=target,
        DBT_PROJECT_DIR=str(PROJECT),
        DBT_PROFILES_DIR=str(PROJECT),
        DBT_VERSION_CHECK="false",
    )
    requests: list[dict[str, Any] | None] = []
    arrived = threading.Condition()

    def listen() -> None:
        # A parent that was killed cannot say goodbye: its closed pipe does, and an orphan must not go on writing.
        try:
            while True:
                request = pipe.recv()
                with arrived:
                    requests.append(request)
                    arrived.notify()
        except (EOFError, OSError):
            os._exit(1)

    threading.Thread(target=listen, daemon=True).start()

    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    def tell(event: Any) -> None:
        if event.info.name == "LogStartLine" or event.info.name == "NodeStart":
            pipe.send({"progress": str(event.data.node_info.node_name)})

    quiet = ["--quiet", "--log-level", "none", "--log-level-file", "warn", "--no-use-colors", "--no-write-json"]
    parsed = dbtRunner().invoke(["parse", *quiet])
    manifest = parsed.result if isinstance(parsed.result, Manifest) else None
    runner = dbtRunner(manifest=manifest, callbacks=[tell])
    while True:
        with arrived:
            while not requests:
                arrived.wait()
            request = requests.pop(0)
        if request is None:
            return
        if not parsed.success:
            pipe.send({"seconds": {}, "tested": 0, "failures": [f"the project cannot be parsed: {parsed.exception}"]})
            continue
        # Unit tests judge the models, not the rows: they are for whoever changes a model.
        verb = ["build", "--exclude-resource-type", "unit_test"] if request["tests"] else ["run"]
        command = [*verb, "--select", request["select"], "--exclude", f"tag:{TAG}", *quiet]
        tag_idle(manifest, full_refresh=request["full_refresh"])
        if request["full_refresh"]:
            command.append("--full-refresh")
        outcome = runner.invoke(command)
        if DuckDBConnectionManager._ENV is not None:
            DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        pipe.send(_summary(outcome))


def _summary(outcome: Any) -> dict[str, Any]:
    results = list(getattr(outcome.result, "results", []) or [])
    failures = [
        f"{node.node.name}: {node.status}: {(node.message or '').strip()}"
        for node in results
        if str(node.status) in {"error", "fail", "runtime error"}
    ]
    if not outcome.success and not failures:
        failures = [str(outcome.exception or "dbt failed without a reason; see logs/dbt.log")]
    seconds = {node.node.name: node.execution_time for node in results if node.node.resource_type != "test"}
    return {"seconds": seconds, "tested": len(results) - len(seconds), "failures": failures}
