"""Commands about the warehouse as a whole: `tillmill warehouse docs | query | freshness`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

warehouse = typer.Typer(help="The published warehouse: what is in it, how fresh it is.", no_args_is_help=True)

console = Console()
WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", help="The workspace folder.", envvar="TILLMILL_WORKSPACE")
]
HERE = Path()


@warehouse.command()
def docs(
    workspace: WorkspaceOption = HERE,
    to: Annotated[Path | None, typer.Option(help="The file to write; else exports/warehouse.html.")] = None,
) -> None:
    """Write one page that needs no network: every table and column with its meaning, lineage to who reads it."""
    from tillmill.catalogue import write_docs
    from tillmill.workspace import open_workspace

    opened = open_workspace(workspace.resolve())
    written = write_docs(opened, (to or opened.exports / "warehouse.html").resolve())
    console.print(f"{written} holds everything; open it in a browser", soft_wrap=True)


@warehouse.command()
def query(
    sql: Annotated[str, typer.Argument(help="A select; `show tables` names what there is.")],
    workspace: WorkspaceOption = HERE,
    rows: Annotated[int, typer.Option(min=1, help="So many rows at most.")] = 1000,
    form: Annotated[Literal["table", "csv"], typer.Option("--format", help="csv for programs.")] = "table",
) -> None:
    """Ask the published warehouse in SQL (DuckDB's), read-only."""
    from tillmill.display import from_source
    from tillmill.errors import UsageError
    from tillmill.publish import read_pointer
    from tillmill.warehouse import query as asked
    from tillmill.workspace import open_workspace

    version = read_pointer(open_workspace(workspace.resolve()).published)
    if version is None:
        raise UsageError("nothing is published yet", next_command="tillmill run")
    found = asked(version.path, sql, rows)
    told = found.head(rows)
    if form == "csv":
        sys.stdout.write(told.write_csv())
    else:
        table = Table(box=SIMPLE_HEAD)
        for name, dtype in told.schema.items():
            table.add_column(from_source(name), overflow="fold", justify="right" if dtype.is_numeric() else "left")
        for row in told.iter_rows():
            table.add_row(*(from_source("" if value is None else str(value)) for value in row))
        console.print(table)
    if found.height > rows:
        Console(stderr=True, soft_wrap=True).print(f"There are more than these {rows:,} rows: --rows says how many")


@warehouse.command()
def freshness(
    workspace: WorkspaceOption = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Say how far back each stream's newest record lies and how far it may; ends with 1 where one is late."""
    from tillmill.freshness import freshness as measured
    from tillmill.workspace import open_workspace

    streams = measured(open_workspace(workspace.resolve()))
    late = streams.filter(~streams["is_fresh"])
    if as_json:
        print(json.dumps({"streams": streams.to_dicts(), "late": late.height}, ensure_ascii=False))
    else:
        table = Table("source", "stream", "behind, h", "may be, h", box=SIMPLE_HEAD)
        for source, stream, lag, due, is_fresh in streams.iter_rows():
            lag_text, due_text = f"{lag:,.1f}", "may rest" if due is None else f"{due:,}"
            table.add_row(source, stream, lag_text, due_text, style="" if is_fresh else "red")
        console.print(table)
        console.print(f"{streams.height - late.height} of {streams.height} streams are within their timetable")
    if late.height:
        raise typer.Exit(1)
