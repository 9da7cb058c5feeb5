"""Commands that keep the lake in order: `tillmill lake compact`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from ingestion.landing.compaction import Merge

lake = typer.Typer(help="The landed files: kept few, and no longer than needed.", no_args_is_help=True)

console = Console()
WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", help="The workspace folder.", envvar="TILLMILL_WORKSPACE")
]
HERE = Path()


# The group's own help, and a command after it: with one command alone, Typer would drop its name.
@lake.callback()
def _group() -> None:
    """The landed files: kept few, and no longer than needed."""


@lake.command()
def compact(
    stream: Annotated[list[str] | None, typer.Argument(help="Such as pos.sale_lines; every stream without it.")] = None,
    workspace: WorkspaceOption = HERE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be merged, change nothing.")] = False,
) -> None:
    """Merge small files of a stream into large ones, and remove what nobody reads any more.

    Files of less than half of 1,000,000 rows and 128 MB are merged up to there, from four on, row for row; whoever
    reads meanwhile finds the same rows. Merged files are removed a day later, by this command or by a run; with them
    go half-written files that a kill has left and source files past their days. Ends with 75 while a run is at work.
    """
    from ingestion.landing import compaction
    from ingestion.landing.ledger import Ledger
    from ingestion.landing.locks import run_lock
    from tillmill import upkeep
    from tillmill.workspace import open_workspace

    opened = open_workspace(workspace.resolve())
    with run_lock(opened), Ledger(opened.ledger) as ledger:
        streams = upkeep.known_streams(ledger, stream or ())
        if dry_run:
            _show(list(compaction.plan(opened, ledger, streams)))
            console.print("Nothing was changed. Next: the same command without --dry-run")
            return
        done = upkeep.compact(opened, ledger, streams)
    _show(done.merges)
    console.print(
        f"{done.removed:,} merged files removed, {done.waiting:,} wait until nobody can be reading them; "
        f"{done.originals:,} source files past their days removed, {done.left_over:,} left-over files swept aside",
        soft_wrap=True,
        highlight=False,
    )


def _show(merges: list[Merge]) -> None:
    table = Table()
    table.add_column("source", overflow="fold")
    table.add_column("stream", overflow="fold")
    for name in ("files", "to", "loads", "rows", "MB"):
        table.add_column(name, justify="right")
    for one in merges:
        sizes = (len(one.files), 1, len(one.loads), one.rows)
        table.add_row(one.source, one.stream, *(f"{size:,}" for size in sizes), f"{one.bytes / 1024**2:,.1f}")
    if merges:
        console.print(table)
    else:
        console.print("No stream has four small files or more: nothing to merge")
