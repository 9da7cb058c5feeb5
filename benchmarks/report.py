"""Prints a benchmark's figures and keeps them in `benchmarks/results/<name>.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    """One promise as measured: `value` against `peer_value`, where `better` says which way is good."""

    figure: str
    value: float
    unit: str
    better: str
    peer: str
    peer_value: float
    command: str


def report(name: str, figures: list[Figure]) -> None:
    """Prints the figures as a table and writes them as a list of objects."""
    table = Table(title=name, title_justify="left")
    for column in ("figure", "value", "unit", "better", "peer", "peer value"):
        table.add_column(column, justify="right" if "value" in column else "left")
    for figure in figures:
        table.add_row(
            figure.figure, f"{figure.value:,.3f}", figure.unit, figure.better, figure.peer, f"{figure.peer_value:,.3f}"
        )
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")
