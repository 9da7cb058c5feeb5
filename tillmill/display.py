"""What the terminal shows: a run's steps as they go, with their seconds, words of the sources, contracts as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from ingestion.runner import StreamResult

REASONS_TOLD = 3


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


def tell_news(console: Console, results: Sequence[StreamResult]) -> None:
    """Says what of the way each source is read, or of its mapping, a person should look at."""
    for result in results:
        for news in result.news:
            console.print(from_source(f"{result.source} {result.stream}: {news}"), style="yellow", soft_wrap=True)


def tell_quarantine(console: Console, results: Sequence[StreamResult]) -> None:
    """Says which streams have new rows in quarantine, why most of them are there, and what to type next."""
    told = [result for result in results if result.quarantined]
    for result in told:
        plural = "" if result.quarantined == 1 else "s"
        reasons = commonest(Counter(dict(result.reasons)))
        said = f"{result.source} {result.stream}: {result.quarantined:,} row{plural} to quarantine: {reasons}"
        console.print(from_source(said), style="yellow", soft_wrap=True)
    if told:
        say_next(console, "tillmill quarantine list")


def commonest(reasons: Counter[str]) -> str:
    """The commonest reasons in words, with their rows."""
    told = [(reason, count) for reason, count in reasons.most_common() if count]
    said = [f"{count:,} × {reason}" for reason, count in told[:REASONS_TOLD]]
    rest = sum(count for _, count in told[REASONS_TOLD:])
    return "; ".join([*said, *([f"{rest:,} for other reasons"] if rest else [])])


def stream_table(contracts: list[dict[str, Any]]) -> Table:
    """One line per contract (`ingestion.contracts.describe`): its name and what one row is."""
    table = _unbroken("stream", "one row", "columns")
    for each in contracts:
        table.add_row(each["stream"], Text(each["about"].split("\n\n")[0]), str(len(each["columns"])))
    return table


def _unbroken(name: str, *others: str) -> Table:
    """A table whose first column, of names to be typed or copied, is never cut, however narrow the terminal is."""
    table = Table()
    table.add_column(name, no_wrap=True)
    for other in others:
        table.add_column(other, overflow="fold")
    return table


def contract_table(contract: dict[str, Any]) -> Table:
    """One line per column of a contract."""
    table = _unbroken("column", "type", "is", "if missing", "allowed")
    for column in contract["columns"]:
        marks = {
            "key": column["is_key"],
            "personal": column["is_personal"] and not column["is_vaulted"],
            "personal, in the vault": column["is_vaulted"],
            "free text": column["is_free_text"],
        }
        is_what = ", ".join(word for word, holds in marks.items() if holds)
        table.add_row(column["name"], column["type"], is_what, column["if_missing"], Text(_allowed(column)))
    return table


def _allowed(column: dict[str, Any]) -> str:
    if column["name"] == "currency":
        return "ISO 4217"
    if column["allowed"] is not None:
        return ", ".join(column["allowed"])
    low, high = column["min"], column["max"]
    least = "" if low is None else f"{'above' if column['above_min'] else 'from'} {_short(low)}"
    most = "" if high is None else f"{'before' if column['below_max'] else 'to'} {_short(high)}"
    return f"{least} {most}".strip()


def _short(bound: str) -> str:
    """A bound as people write it: a midnight is a date, thousands are set apart."""
    plain = bound.removesuffix("+00:00").removesuffix(" 00:00:00").removesuffix(".0")
    return f"{int(plain):,}" if plain.removeprefix("-").isdigit() else plain
