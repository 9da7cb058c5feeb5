"""What a person sees at the terminal: a run's steps as they go, with their seconds, and words of the sources."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text


class Terminal:
    """One line per finished step; while a step runs, a line that moves."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None

    def start(self, step: str) -> None:
        self._live = Live(Spinner("dots", text=_line(step, "")), console=self._console, transient=True)
        self._live.start()

    def detail(self, step: str, text: str) -> None:
        if self._live is not None and self._console.is_terminal:
            self._live.update(Spinner("dots", text=_line(step, text)))

    def finish(self, step: str, seconds: float, text: str) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        self._console.print(_line(step, text, seconds), soft_wrap=True)


class Silent:
    """Shows nothing."""

    def start(self, step: str) -> None: ...
    def detail(self, step: str, text: str) -> None: ...
    def finish(self, step: str, seconds: float, text: str) -> None: ...


def _line(step: str, text: str, seconds: float | None = None) -> Text:
    took = "" if seconds is None else f"{seconds:6.1f} s"
    return Text.assemble((f"{step:<12}", "bold"), (f"{took:>9}  ", "cyan"), text)


def from_source(words: str) -> Text:
    """Text that a source wrote, with nothing in it that could drive a terminal."""
    return Text("".join(sign if sign.isprintable() else "·" for sign in words))


def say_next(console: Console, command: str) -> None:
    """The next command to type."""
    console.print(f"Next: {command}", style="bold", soft_wrap=True, markup=False, highlight=False)
