"""Work in a process of its own (a module beside this one), timed when it is left alone, or killed at random moments."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.kill.moments import Moments


@contextmanager
def waiting(work: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that has imported everything and begins when `go` tells it to."""
    command = [sys.executable, "-m", f"tests.kill.{work}", *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def go(process: subprocess.Popen[str]) -> None:
    """Tells a process that waits to begin."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()


def undisturbed_seconds(work: str, *arguments: object) -> float:
    """How long the work takes when it is left alone; all of it must come to its end."""
    with waiting(work, *arguments) as process:
        go(process)
        assert process.stdout is not None
        started = time.perf_counter()
        first = process.stdout.readline()
        # Its end takes time too, in which there is nothing left to disturb.
        seconds = time.perf_counter() - started
        said = {first, *process.stdout}
        assert said == {"done\n"}, said
        return seconds


def kill(process: subprocess.Popen[str], seconds: float) -> bool:
    """Lets a process that waits begin and kills it after so many seconds; whether it was still at work."""
    go(process)
    time.sleep(seconds)
    process.kill()
    return process.communicate()[0] == ""


def left_behind(work: str, prepare: Callable[[str], Sequence[object]], kills: int) -> Iterator[Path]:
    """The folder in which the work was left alone, then each in which it was killed, for the caller to mend and judge.

    `prepare` makes the folder of a name and gives the work's arguments, the folder first. Fails where too few of the
    kills came in time to prove anything.
    """
    alone = prepare("undisturbed")
    moments = Moments(undisturbed_seconds(work, *alone), kills)
    yield Path(str(alone[0]))
    with ExitStack() as started:
        # The next process imports while this one is killed and repaired.
        ahead = prepare("kill0")
        process = started.enter_context(waiting(work, *ahead))
        for number in moments.numbers():
            arguments, killed = ahead, process
            ahead = prepare(f"kill{number + 1}")
            process = started.enter_context(waiting(work, *ahead))
            moments.was(kill(killed, moments.next()))
            yield Path(str(arguments[0]))
    assert moments.prove_something()
