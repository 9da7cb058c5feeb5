"""`tillmill customers segments list | preview | save` and `tillmill customers export`."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

segments = typer.Typer(help="Named, versioned rules over customers.", no_args_is_help=True)

console = Console()
HERE = Path()
WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", help="The workspace folder.", envvar="TILLMILL_WORKSPACE")
]
RuleArgument = Annotated[str, typer.Argument(help="Such as: recency_days > 60 and marketing_media like '%email%'")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]


@segments.command("list")
def listed(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Every segment with its newest rule and how many it holds for now."""
    from tillmill import segments as asked
    from tillmill.errors import UsageError

    root = workspace.resolve()
    rows = []
    for one in asked.known(root):
        try:
            customers: int | None = asked.preview(root, one.rule).customers
        except UsageError:
            customers = None
        rows.append(asdict(one) | {"customers": customers})
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("segment", "version", "name", "customers", "rule")
    for row in rows:
        version = f"{row['version']}{', pending' if row['is_pending'] else ''}"
        count = "rule no longer holds" if row["customers"] is None else f"{row['customers']:,}"
        table.add_row(row["segment_id"], version, row["name"], count, row["rule"])
    console.print(table)


@segments.command()
def preview(rule: RuleArgument, workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Say whom a rule holds for; nothing is kept."""
    from tillmill import segments as asked

    found = asked.preview(workspace.resolve(), rule)
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False))
        return
    console.print(f"{found.customers:,} of {found.everybody:,} customers, {found.churn_alarms:,} with a churn alarm")
    console.print(f"spent {found.monetary_amount:,.2f} so far, {found.expected_value_amount:,.2f} expected in 365 days")
    reachable = ", ".join(f"{medium} {count:,}" for medium, count in found.reachable.items()) or "nobody"
    console.print(f"consent to marketing by {reachable}")


@segments.command()
def save(
    segment_id: Annotated[str, typer.Argument(metavar="SEGMENT", help="A new id, or one that gets a new version.")],
    rule: RuleArgument,
    name: Annotated[str, typer.Option(help="What people call it.")],
    by: Annotated[str, typer.Option(help="Who says so.")] = "",
    workspace: WorkspaceOption = HERE,
) -> None:
    """Keep a new version of a segment; it lands with the next run."""
    from tillmill import segments as asked

    kept = asked.save(workspace.resolve(), segment_id, name, rule, author=by or getpass.getuser())
    console.print(f"Kept: {kept.segment_id}, version {kept.version}. Next: tillmill run", markup=False)


def export(
    segment_id: Annotated[str, typer.Argument(metavar="SEGMENT", help="See: tillmill customers segments list")],
    purpose: Annotated[str, typer.Option(help="What consent must be for, such as marketing.")],
    medium: Annotated[str, typer.Option(help="email, sms, wecom or mini_program.")],
    form: Annotated[str, typer.Option(help="hashed or clear.")] = "hashed",
    to: Annotated[str, typer.Option(help="csv, parquet or webhook.")] = "csv",
    campaign: Annotated[str, typer.Option(help="Its name decides who is held out; SEGMENT-DAY without it.")] = "",
    by: Annotated[str, typer.Option(help="Who asks; noted where the vault is read.")] = "",
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Hand over a segment's people who consent, minus a hold-out that is remembered."""
    from tillmill.activation import export as hand_over

    done = hand_over(
        workspace.resolve(), segment_id, purpose=purpose, medium=medium, form=form, to=to, campaign=campaign, by=by
    )
    if as_json:
        print(json.dumps(asdict(done), ensure_ascii=False))
        return
    console.print(
        f"{done.export_id}: {done.exported:,} people" + (f" in {done.path}" if done.path else " sent"), soft_wrap=True
    )
    console.print(
        f"of {done.members:,} in the segment: {done.without_consent:,} without consent, {done.without_address:,} "
        f"without an address, {done.same_address:,} at another's address, {done.held_out:,} held out",
        soft_wrap=True,
    )
