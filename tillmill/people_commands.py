"""`tillmill customers explain | unmerge`: who is who, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from tillmill.people import Explained

console = Console()
HERE = Path()
RecordArgument = Annotated[str, typer.Argument(help="A record's token, or SOURCE:member|order|sale:ID.")]
WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", help="The workspace folder.", envvar="TILLMILL_WORKSPACE")
]


def explain(left: RecordArgument, right: RecordArgument, workspace: WorkspaceOption = HERE) -> None:
    """Say why two records are one person, or are not."""
    from tillmill import people

    _show(people.explain(workspace.resolve(), left, right))


def unmerge(
    left: RecordArgument,
    right: RecordArgument,
    by: Annotated[str, typer.Option(help="Who says so.")],
    why: Annotated[str, typer.Option(help="Why they are two people.")],
    take_back: Annotated[bool, typer.Option("--take-back", help="They may be one person after all.")] = False,
    workspace: WorkspaceOption = HERE,
) -> None:
    """Say that two records are never one person; the next run parts them for good."""
    from tillmill import people

    if take_back:
        found = people.take_back(workspace.resolve(), left, right, author=by, why=why)
        console.print(f"Taken back: {found.left[:8]} and {found.right[:8]} may be one person. Next: tillmill run")
        return
    found = people.unmerge(workspace.resolve(), left, right, author=by, why=why)
    console.print(f"Kept: {found.left[:8]} and {found.right[:8]} are never one person. Next: tillmill run")


def _show(found: Explained) -> None:
    if found.is_one:
        console.print(f"One person, {found.left_customer}.")
    else:
        console.print(f"Two people: {found.left_customer} and {found.right_customer}.")
    if found.way.height:
        table = Table("from", "to", "rule", "weight", "evidence")
        for left, right, rule, weight, evidence in found.way.iter_rows():
            table.add_row(left[:8], right[:8], rule, f"{weight:.3f}", evidence)
        console.print(table)
    for left, right, rule, evidence in found.vetoes.select(
        "left_record", "right_record", "rule", "evidence"
    ).iter_rows():
        console.print(f"Never one: {left[:8]} and {right[:8]} ({rule}: {evidence})", markup=False)
    if found.pending == "never":
        console.print("Said to be two people; the next run parts them. Next: tillmill run")
    elif found.pending:
        console.print("Said to be one person after all; the next run looks again. Next: tillmill run")
