"""The command line: a thin door to the pipeline, the workspace and each room's engine."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from tillmill import override_commands, people_commands, privacy, segment_commands
from tillmill.decision_commands import decisions
from tillmill.errors import TillmillError, UsageError
from tillmill.lake_commands import lake
from tillmill.ports import LAST_PORT, need_free
from tillmill.quarantine_commands import quarantine
from tillmill.source_commands import sources
from tillmill.warehouse_commands import warehouse
from tillmill.workbench import GROUPS, customers, forecast

if TYPE_CHECKING:
    from ingestion.connectors.connector import Window
    from tillmill.pipeline import Outcome
    from tillmill.workspace import Workspace

app = typer.Typer(
    name="tillmill",
    help="From the till to the mill.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(sources, name="sources")
app.add_typer(quarantine, name="quarantine")
app.add_typer(lake, name="lake")
app.add_typer(warehouse, name="warehouse")
app.add_typer(decisions, name="decisions")
for name, group in (GROUPS | privacy.GROUPS).items():
    app.add_typer(group, name=name)
customers.command()(people_commands.explain)
customers.command()(people_commands.unmerge)
customers.add_typer(segment_commands.segments, name="segments")
customers.command()(segment_commands.export)
for command in (
    override_commands.override,
    override_commands.overrides,
    override_commands.approve,
    override_commands.withdraw,
):
    forecast.command()(command)
app.command()(privacy.forget)
app.command()(privacy.rekey)
app.command()(privacy.reseal)
for plugin in entry_points(group="tillmill.commands"):
    app.add_typer(plugin.load(), name=plugin.name)

console = Console()
WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", help="The workspace folder.", envvar="TILLMILL_WORKSPACE")
]
HERE = Path()

TEMPLATE = """# Every setting is explained in docs/workspace.md; unknown keys are refused.
[brand]
name = "My brand"
currency = "USD"
timezone = "UTC"

# A first source: a folder of CSV files with one row per receipt line. docs/first-source.md
# [[sources]]
# name = "till"
# connector = "files"
# [sources.connection]
# url = "incoming"
# [[sources.streams]]
# stream = "pos.sale_lines"
# pull = { path = "*.csv" }
# fields = { sale_id = "receipt", line_no = "line" }
"""


@app.command()
def init(workspace: WorkspaceOption = HERE) -> None:
    """Make a workspace: settings to fill in, keys, an empty ledger."""
    from tillmill.actions import create_workspace

    made = create_workspace(workspace, TEMPLATE)
    (made.root / "incoming").mkdir(exist_ok=True)
    console.print(
        f"{made.root} is ready. Next: describe a source in {made.root / 'tillmill.toml'}, then", soft_wrap=True
    )
    console.print(f"tillmill run --workspace {made.root}", soft_wrap=True)


@app.command()
def run(
    workspace: WorkspaceOption = HERE,
    only: Annotated[str | None, typer.Option(help="One step: ingest, build, publish or export.")] = None,
    afresh: Annotated[bool, typer.Option(help="Build every table anew from all landed rows.")] = False,
) -> None:
    """Pull what is new, build and audit a candidate, publish it, hand the plan over."""
    from tillmill import pipeline
    from tillmill.display import Terminal
    from tillmill.workspace import open_workspace

    if only is not None and only not in pipeline.STEPS:
        raise UsageError(f"no step {only!r}; steps are {', '.join(pipeline.STEPS)}")
    opened = open_workspace(workspace.resolve())
    outcome = pipeline.run(opened, Terminal(console), only=only, afresh=afresh)
    console.print(f"{'total':<12}{sum(outcome.seconds.values()):7.1f} s", style="bold")
    _end(opened, outcome)


@app.command()
def build(
    workspace: WorkspaceOption = HERE,
    target: Annotated[str, typer.Option(help="duckdb: the candidate; spark: every table as Parquet.")] = "duckdb",
) -> None:
    """Build from what has landed, and pull and publish nothing; on Spark every table anew, into build/spark."""
    from tillmill.display import Terminal
    from tillmill.workspace import open_workspace

    if target == "duckdb":
        run(workspace, only="build")
        return
    if target != "spark":
        raise UsageError(f"no target {target!r}; targets are duckdb and spark", next_command="tillmill build --help")
    from tillmill import spark

    tables = spark.build(open_workspace(workspace.resolve()), Terminal(console))
    console.print(f"{sum(1 for _ in tables.iterdir())} tables in {tables}", soft_wrap=True)


@app.command()
def ingest(
    workspace: WorkspaceOption = HERE,
    source: Annotated[str | None, typer.Option(help="One source.")] = None,
    stream: Annotated[list[str] | None, typer.Option(help="Such as pos.sale_lines; may be given again.")] = None,
    backfill: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="FROM TO", help="Read this time again: dates or ISO times, TO no longer part of it."),
    ] = None,
    afresh: Annotated[
        bool, typer.Option(help="Read everything again from the source's start; rows that are there meet by key.")
    ] = False,
) -> None:
    """Pull what is new and build nothing; or read a stretch of time again, or a source from its start."""
    from tillmill import pipeline
    from tillmill.display import Terminal
    from tillmill.workspace import open_workspace

    if afresh and (backfill is not None or source is None):
        raise UsageError(
            "--afresh reads one source from its start: name it, and leave out --backfill",
            state="Nothing was pulled.",
            next_command="tillmill ingest --afresh --source SOURCE --stream STREAM",
        )
    opened = open_workspace(workspace.resolve())
    window = None if backfill is None else _window(*backfill, opened.settings.brand.timezone)
    outcome = pipeline.pull(
        opened, Terminal(console), source=source, streams=stream or (), window=window, afresh=afresh
    )
    _end(opened, outcome)


def _window(since: str, until: str, timezone: str) -> Window:
    from ingestion.connectors.connector import Window

    try:
        start, end = (datetime.fromisoformat(text) for text in (since, until))
    except ValueError as error:
        raise UsageError(f"--backfill {since} {until}: {error}", next_command="tillmill ingest --help") from error
    start, end = (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(timezone)) for at in (start, end))
    if start >= end:
        raise UsageError(f"--backfill {since} {until}: ends before it begins", state="Nothing was pulled.")
    return Window(start.astimezone(UTC), end.astimezone(UTC))


def _end(opened: Workspace, outcome: Outcome) -> None:
    """What people should know of the streams that were pulled; a failed one makes the command fail."""
    from tillmill.account import show_fields
    from tillmill.display import tell_news, tell_quarantine
    from tillmill.status import status as state

    tell_news(console, outcome.streams)
    tell_quarantine(console, outcome.streams)
    # A source that leaves out what is null is not stopped by a mistyped field: it is told at once, and each time. What
    # came unmapped is told once, by the run that brought it first.
    show_fields(state(opened, news_of=[load for result in outcome.streams for load in result.loads]), console)
    for result in outcome.failed_streams:
        console.print(f"{result.source} {result.stream}: {result.error}", style="red", markup=False, soft_wrap=True)
    if outcome.failed_streams:
        console.print("What these streams had landed before is still served; tillmill status tells it.", style="red")
        raise typer.Exit(1)


@app.command()
def status(
    workspace: WorkspaceOption = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Every stream with its watermark against the clock, and every row accounted for."""
    from tillmill.account import show_status
    from tillmill.status import status as state
    from tillmill.workspace import open_workspace

    found = state(open_workspace(workspace.resolve()))
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    show_status(found, console)


@app.command()
def contracts(
    stream: Annotated[str | None, typer.Argument(help="One stream, such as pos.sale_lines; all without it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """What one row of a stream must be: columns, types, key, bounds, allowed values, oddities."""
    from ingestion.contracts import ALL, contract
    from ingestion.contracts.describe import describe
    from tillmill.display import contract_table, stream_table

    if stream is None:
        found = [describe(each) for each in ALL.values()]
        if as_json:
            print(json.dumps(found, ensure_ascii=False))
        else:
            console.print(stream_table(found))
        return
    one = describe(contract(stream))
    if as_json:
        print(json.dumps(one, ensure_ascii=False))
        return
    console.print(one["about"], "", soft_wrap=True, markup=False, highlight=False)
    console.print(contract_table(one))
    said = {"key": one["key"], "version": [one["version"]], "watermark": [one["event"]], "flags": one["flags"]}
    for word, names in said.items():
        console.print(f"{word:<10} {', '.join(names) or '-'}", soft_wrap=True, markup=False, highlight=False)


@app.command()
def publish(workspace: WorkspaceOption = HERE) -> None:
    """Publish the audited candidate that `run --only build` left."""
    run(workspace, only="publish")


@app.command()
def rollback(
    workspace: WorkspaceOption = HERE,
    to: Annotated[int | None, typer.Option(help="The version to serve; else the one before.")] = None,
    release: Annotated[bool, typer.Option(help="Serve the newest version again.")] = False,
) -> None:
    """Serve an older version, pinned until `--release`."""
    from tillmill import actions

    version = actions.rollback(workspace.resolve(), to=to, release=release)
    console.print(
        f"Serving version {version.version}"
        + (", pinned. Next: tillmill rollback --release" if version.is_pinned else "")
    )


@app.command()
def apps(
    workspace: WorkspaceOption = HERE,
    port: Annotated[int, typer.Option(min=1, max=LAST_PORT, help="The portal's port on 127.0.0.1.")] = 8501,
    check: Annotated[bool, typer.Option("--check", help="Only see that the port is free.")] = False,
) -> None:
    """Serve the portal."""
    from tillmill.workspace import open_workspace

    need_free(port)
    if check:
        return
    opened = open_workspace(workspace.resolve())
    folder = Path(__file__).resolve().parent.parent / "apps"
    command = [sys.executable, "-m", "streamlit", "run", str(folder / "portal.py"), "--server.address", "127.0.0.1"]
    command += ["--server.port", str(port), "--server.headless", "true", "--browser.gatherUsageStats", "false"]
    console.print(f"The portal is at http://127.0.0.1:{port}", style="bold")
    # In this process's place, not beside it: whoever ends the command ends the portal.
    os.chdir(folder)
    os.execve(command[0], command, os.environ | {"TILLMILL_WORKSPACE": str(opened.root)})  # noqa: S606


def main() -> None:
    """Runs a command; an expected error ends with its exit code and a sentence, never a traceback."""
    try:
        app(standalone_mode=True)
    except TillmillError as error:
        Console(stderr=True, soft_wrap=True).print(str(error), style="red", markup=False, highlight=False)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
