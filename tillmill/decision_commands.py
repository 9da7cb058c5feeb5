"""`tillmill decisions list | record | settle`."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from tillmill.decisions import Decision

decisions = typer.Typer(help="What was decided, what was expected of it, what it brought.", no_args_is_help=True)

console = Console()
HERE = Path()
WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", help="The workspace folder.", envvar="TILLMILL_WORKSPACE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
ByOption = Annotated[str, typer.Option(help="Who says so; the account without it.")]


@decisions.command("list")
def listed(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Every decision with what was expected and what it brought, the newest first."""
    from tillmill.decisions import known

    _show(known(workspace.resolve()), as_json)


@decisions.command()
def record(
    subject: Annotated[str, typer.Argument(help="What it is about: a promotion's id, an export's id, or words.")],
    kind: Annotated[str, typer.Option(help="promotion, activation, price, assortment, stock, production or other.")],
    expected: Annotated[float, typer.Option(help="What it shall bring, in the workspace's currency.")],
    basis: Annotated[str, typer.Option(help="What that rests on.")],
    by: ByOption = "",
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Keep a decision with what is expected of it; it lands with the next run."""
    from tillmill.decisions import record as keep

    author = by or getpass.getuser()
    _show([keep(workspace.resolve(), kind, subject, expected_amount=expected, basis=basis, author=author)], as_json)
    _say_next(as_json)


@decisions.command()
def settle(
    decision_id: Annotated[str, typer.Argument(metavar="DECISION", help="See: tillmill decisions list")],
    brought: Annotated[float, typer.Option(help="What it brought, in the workspace's currency.")],
    by: ByOption = "",
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say what a decision brought, where nothing measures it or the measure is wrong."""
    from tillmill.decisions import settle as say

    _show([say(workspace.resolve(), decision_id, brought, by=by or getpass.getuser())], as_json)
    _say_next(as_json)


def _show(found: list[Decision], as_json: bool) -> None:
    if as_json:
        rows = [vars(one) | {"deviation_amount": one.deviation_amount, "state": one.state} for one in found]
        print(json.dumps(rows, ensure_ascii=False, default=str))
        return
    table = Table()
    table.add_column("decision", no_wrap=True)
    table.add_column("about", overflow="fold")
    for heading in ("expected", "brought", "beyond", "outcome"):
        table.add_column(heading)
    for one in found:
        table.add_row(
            one.decision_id,
            f"{one.kind}: {one.subject}",
            _money(one.expected_amount),
            _money(one.realised_amount),
            _money(one.deviation_amount),
            one.state,
        )
    console.print(table, markup=False)


def _say_next(as_json: bool) -> None:
    if not as_json:
        console.print("Kept; it lands with the next run. Next: tillmill run", markup=False)


def _money(amount: float | None) -> str:
    return "-" if amount is None else f"{amount:,.2f}"
