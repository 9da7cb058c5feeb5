"""`tillmill sources`: what is configured, what a source's first page becomes, and a block to start a new one from."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from tillmill.display import from_source, say_next
from tillmill.errors import TillmillError, UsageError

if TYPE_CHECKING:
    from ingestion.trial import Trial

sources = typer.Typer(help="The source systems.", no_args_is_help=True)
console = Console()
WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", help="The workspace folder.", envvar="TILLMILL_WORKSPACE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]
HERE = Path()


@sources.command("list")
def list_sources(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """The sources and streams of the workspace file, and the connectors there are."""
    from ingestion.sources import connector_names
    from tillmill.workspace import open_workspace

    found = [
        {"source": source.name, "connector": source.connector, "stream": stream.stream}
        for source in open_workspace(workspace.resolve()).settings.sources
        for stream in source.streams
    ]
    names = connector_names()
    if as_json:
        print(json.dumps({"streams": found, "connectors": names}, ensure_ascii=False))
        return
    if found:
        table = Table("source", "connector", "stream")
        for told in found:
            table.add_row(told["source"], told["connector"], told["stream"])
        console.print(table)
    console.print(f"Connectors: {', '.join(names)}", soft_wrap=True)
    say_next(console, f"tillmill sources {'check ' + found[0]['source'] if found else 'new files'}")


@sources.command()
def check(
    name: Annotated[str, typer.Argument(help="The source's name.")],
    stream: Annotated[str | None, typer.Option(help="One stream of it, such as pos.sale_lines.")] = None,
    unseal: Annotated[bool, typer.Option("--unseal", help="Show personal values too.")] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Connect, pull one page, land nothing: raw fields beside what they become, and which rows would fail and why.

    Ends with 1 where the source or a file of it cannot be read, a row would not land, or no row has a field that the
    mapping reads.
    """
    from ingestion.privacy.tokens import load_keys
    from ingestion.sources import bind
    from ingestion.trial import try_stream
    from tillmill.workspace import open_workspace

    opened = open_workspace(workspace.resolve())
    bound = [one for one in bind(opened) if one.source == name and stream in (None, one.name)]
    if not bound:
        raise UsageError(
            f"no source of this workspace is {' '.join(filter(None, (name, stream)))}",
            next_command="tillmill sources list",
        )
    keys, trials, failed = load_keys(opened), [], {}
    for one in bound:
        try:
            trial = try_stream(one, keys, unsealed=unseal)
        except TillmillError as error:
            failed[one.name] = str(error)
            continue
        trials.append(trial)
        if not as_json:
            _show(trial)
    if as_json:
        print(json.dumps({"streams": [asdict(trial) for trial in trials], "failed": failed}, ensure_ascii=False))
    for stream_name, said in failed.items():
        Console(stderr=True, soft_wrap=True).print(f"{name} {stream_name}: {said}", style="red", markup=False)
    if failed or not all(trial.is_fit for trial in trials):
        raise typer.Exit(1)


@sources.command()
def new(
    connector: Annotated[str, typer.Argument(help="Such as files or rest; `sources list` names them all.")],
    stream: Annotated[str | None, typer.Option(help="Add this contract's columns, such as pos.sale_lines.")] = None,
) -> None:
    """Print a starting block for the workspace file: `tillmill sources new rest >> tillmill.toml`."""
    from ingestion.describe import source_block

    sys.stdout.write(source_block(connector, stream))


def _show(trial: Trial) -> None:
    console.print(f"{trial.source} {trial.stream}", style="bold", soft_wrap=True)
    if not trial.rows:
        console.print("  The source answers and has no rows.")
        return
    said = f"  {trial.position}: {trial.rows:,} rows; {trial.good:,} would land, {trial.bad:,} would not"
    console.print(from_source(said), soft_wrap=True)
    table = Table("source's field", "its value", "becomes", "value")
    for column in trial.columns:
        style = "red" if column.is_required and column.value is None else ""
        words = (column.origin, column.raw or "", f"{column.name}{'*' if column.is_required else ''}")
        table.add_row(*(from_source(word) for word in (*words, column.value or "")), style=style)
    for field in trial.fields:
        if not field.columns:
            place = "unused" if field.is_unused else "_extra"
            told = (field.name, " | ".join(field.samples), place, "")
            table.add_row(*(from_source(word) for word in told), style="dim")
    console.print(table)
    for lost in trial.missing:
        near = f"; the nearest is {lost.nearest!r}" if lost.nearest else ""
        may = ", and may be missing" if lost.is_optional else ""
        said = f"  {lost.name!r} ({', '.join(lost.columns)}) is in none of these rows{may}{near}"
        console.print(from_source(said), style="dim" if lost.is_optional else "red", soft_wrap=True)
    for failure in trial.failures:
        console.print(from_source(f"  {failure.rows:,} × {failure.reason}"), style="yellow", soft_wrap=True)
        for position, values in failure.examples:
            console.print(from_source(f"      {position}: {values}"), soft_wrap=True)
    for flag, rows in trial.flags:
        console.print(from_source(f"  {rows:,} × lands with the flag {flag}"), soft_wrap=True)
    for said in trial.unread:
        console.print(from_source(f"  cannot be read: {said}"), style="red", soft_wrap=True)
    for said in trial.news:
        console.print(from_source(f"  {said}"), style="yellow", soft_wrap=True)
