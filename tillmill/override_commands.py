"""`tillmill forecast override | overrides | approve | withdraw`."""

from __future__ import annotations

import getpass
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from tillmill.errors import UsageError

if TYPE_CHECKING:
    from tillmill.overrides import Override

console = Console()
HERE = Path()
WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", help="The workspace folder.", envvar="TILLMILL_WORKSPACE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
ByOption = Annotated[str, typer.Option(help="Who says so; the account without it.")]
IdsArgument = Annotated[list[str], typer.Argument(metavar="OVERRIDE...", help="See: tillmill forecast overrides")]
DAY = ["%Y-%m-%d"]


def override(
    units: Annotated[float, typer.Argument(help="Units of each week.")],
    week: Annotated[datetime, typer.Option(formats=DAY, help="Any day of the first week.")],
    reason: Annotated[str, typer.Option(help="promotion, listing, event, price, supply, correction or other.")],
    note: Annotated[str, typer.Option(help="Why, for whoever approves it.")],
    until: Annotated[datetime | None, typer.Option(formats=DAY, help="Any day of the last week.")] = None,
    sku: Annotated[str, typer.Option(help="One item.")] = "*",
    category: Annotated[str, typer.Option(help="One category.")] = "*",
    channel: Annotated[str, typer.Option(help="One channel.")] = "*",
    place: Annotated[str, typer.Option(help="One place.")] = "*",
    expires: Annotated[datetime | None, typer.Option(formats=DAY, help="From this day on it no longer counts.")] = None,
    by: ByOption = "",
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say what weeks of the forecast shall be; it counts once somebody else has approved it."""
    from tillmill.overrides import Scope, say

    first = week.date() - timedelta(days=week.weekday())
    last = until.date() if until else first
    if last < first:
        raise UsageError(f"--until {last} lies before --week {first}", state="Nothing was kept.")
    weeks = {first + timedelta(weeks=number): units for number in range((last - first).days // 7 + 1)}
    kept = say(
        workspace.resolve(),
        Scope(sku, category, channel, place),
        weeks,
        reason=reason,
        note=note,
        author=by or getpass.getuser(),
        expires_on=expires.date() if expires else None,
    )
    _show(kept, as_json)
    if not as_json:
        names = " ".join(one.override_id for one in kept)
        console.print(f"Kept. Next, by somebody else: tillmill forecast approve {names}", markup=False, soft_wrap=True)


def overrides(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Every override with its newest word."""
    from tillmill.overrides import known

    _show(known(workspace.resolve()), as_json)


def approve(
    override_ids: IdsArgument, by: ByOption = "", workspace: WorkspaceOption = HERE, as_json: JsonOption = False
) -> None:
    """Let overrides count from the next run on; nobody approves their own."""
    from tillmill.overrides import approve as say_yes

    _show(say_yes(workspace.resolve(), override_ids, by=by or getpass.getuser()), as_json)


def withdraw(
    override_ids: IdsArgument, by: ByOption = "", workspace: WorkspaceOption = HERE, as_json: JsonOption = False
) -> None:
    """End overrides now; the next run forecasts without them."""
    from tillmill.overrides import withdraw as end

    _show(end(workspace.resolve(), override_ids, by=by or getpass.getuser()), as_json)


def _show(found: list[Override], as_json: bool) -> None:
    if as_json:
        rows = [vars(one) | {"scope": vars(one.scope), "is_approved": one.is_approved} for one in found]
        print(json.dumps(rows, ensure_ascii=False, default=str))
        return
    table = Table("override", "week", "of", "baseline", "shall be", "why", "by", "approved by", "expires")
    for one in found:
        table.add_row(
            one.override_id,
            f"{one.from_on}" if one.to_on - one.from_on < timedelta(days=7) else f"{one.from_on} to {one.to_on}",
            str(one.scope),
            f"{one.old:,.0f}" if one.old is not None else "-",
            f"{one.new:,.0f}",
            f"{one.reason_code}: {one.note}",
            one.author,
            one.approved_by if one.is_approved else "waits",
            f"{one.expires_at:%Y-%m-%d %H:%M}" if one.expires_at else "-",
        )
    console.print(table, markup=False)
