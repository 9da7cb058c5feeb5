"""`tillmill quarantine`: what is open and why, what a row should have been, and landing it after all."""

from __future__ import annotations

import getpass
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from tillmill.display import commonest, from_source, say_next
from tillmill.errors import LockedError, UsageError

if TYPE_CHECKING:
    from ingestion.landing.ledger import Place
    from tillmill.workspace import Workspace

quarantine = typer.Typer(help="Rows that did not fit their contract.", no_args_is_help=True)
console = Console()
WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", help="The workspace folder.", envvar="TILLMILL_WORKSPACE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]
HERE = Path()


@quarantine.command("list")
def list_open(
    workspace: WorkspaceOption = HERE,
    dismissed: Annotated[bool, typer.Option("--dismissed", help="Rows that were set aside, by whom and why.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Open rows by source, stream, field and reason."""
    from ingestion.mending import open_reasons
    from tillmill.workspace import open_workspace

    opened = open_workspace(workspace.resolve())
    if dismissed:
        _show_dismissed(opened, as_json=as_json)
        return
    found = open_reasons(opened)
    if as_json:
        print(json.dumps({"reasons": found.to_dicts()}, default=str, ensure_ascii=False))
        return
    if found.is_empty():
        console.print("Nothing is in quarantine.")
        return
    table = Table()
    for name in ("source", "stream", "rows", "reason", "seen (UTC)", "example"):
        table.add_column(name, overflow="fold")
    for told in found.to_dicts():
        seen = " to ".join(dict.fromkeys(f"{told[name]:%Y-%m-%d}" for name in ("first_seen_at", "last_seen_at")))
        words = (told["source"], told["stream"], f"{told['rows']:,}", told["reason"], seen, told["example"])
        table.add_row(*(from_source(word) for word in words))
    console.print(table)
    first = found.row(0, named=True)
    say_next(console, f"tillmill quarantine show {first['source']} {first['stream']}")


@quarantine.command()
def show(
    source: Annotated[str, typer.Argument(help="The source's name.")],
    stream: Annotated[str, typer.Argument(help="Such as pos.sale_lines.")],
    workspace: WorkspaceOption = HERE,
    limit: Annotated[int | None, typer.Option(help="So many rows (20 at the terminal, all into a file).")] = None,
    unseal: Annotated[bool, typer.Option("--unseal", help="Show rows that are or may be personal too.")] = False,
    out: Annotated[Path | None, typer.Option(help="A new CSV file, to be mended and given to `fix`.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The open rows of one stream as they were pulled, with their reasons."""
    from ingestion.mendfile import write_rows
    from ingestion.mending import fields_of, open_rows
    from tillmill.workspace import open_workspace

    limit = 20 if limit is None and out is None else limit
    opened = open_workspace(workspace.resolve())
    rows = open_rows(opened, source, stream, unsealed=unseal, limit=limit)
    sealed = sum(row.is_sealed for row in rows)
    if out is not None:
        if sealed:
            raise UsageError(
                f"{sealed:,} of these {len(rows):,} rows are or may be personal: they are sealed",
                state="Nothing was written.",
                next_command=f"tillmill quarantine show {source} {stream} --unseal --out {out}",
            )
        write_rows(rows, out, fields_of(opened, source, stream))
        console.print(f"{len(rows):,} rows in {out}. Mend their fields there, then", soft_wrap=True)
        say_next(console, f"tillmill quarantine fix {out}")
        return
    if as_json:
        told = [
            {
                "row": str(row.place),
                "position": row.position,
                "reason": row.reason,
                "record": row.record,
                "unreadable": row.unreadable,
                "is_sealed": row.is_sealed,
            }
            for row in rows
        ]
        print(json.dumps({"rows": told}, ensure_ascii=False))
        return
    if not rows:
        console.print(f"Nothing of {source} {stream} is open in quarantine.", markup=False, soft_wrap=True)
    for row in rows:
        console.print(from_source(str(row.place)), style="bold", soft_wrap=True)
        console.print(from_source(f"  {row.position}: {row.reason}"), style="red", soft_wrap=True, markup=False)
        kept = row.unreadable if row.record is None else json.dumps(row.record, ensure_ascii=False)
        console.print(
            from_source(f"  {'sealed' if row.is_sealed else kept}"), soft_wrap=True, markup=False, highlight=False
        )
    if sealed:
        say_next(console, f"tillmill quarantine show {source} {stream} --unseal")


@quarantine.command()
def fix(
    file: Annotated[Path | None, typer.Argument(help="A CSV file that `show --out` wrote, mended.")] = None,
    row: Annotated[list[str] | None, typer.Option(help="LOAD:ROW as `show` names it; may be given again.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="FIELD=VALUE; empty: no value.")] = None,
    author: Annotated[str, typer.Option(help="Who says so.")] = "",
    workspace: WorkspaceOption = HERE,
) -> None:
    """Say what single rows should have been, and replay their streams. The originals are kept beside it."""
    from ingestion import mendfile, mending
    from tillmill.workspace import open_workspace

    if (file is None) == (not row) or (row and not set_):
        raise UsageError("give a file, or --row and --set", next_command="tillmill quarantine fix --help")
    opened = open_workspace(workspace.resolve())
    if file is not None:
        told = mendfile.read_rows(file)
    else:
        fields = {name: value or None for name, value in (_setting(text) for text in set_ or ())}
        told = {_place(text): dict(fields) for text in row or ()}
    changed = mending.fix(opened, told, author or getpass.getuser())
    fields_changed = Counter(name for record in changed.values() for name in record)
    said = ", ".join(f"{name} in {count:,}" for name, count in fields_changed.most_common())
    console.print(
        f"{len(changed):,} row{'' if len(changed) == 1 else 's'} changed{': ' + said if said else ''}",
        soft_wrap=True,
        markup=False,
    )
    if changed:
        try:
            replay(workspace=workspace)
        except LockedError as locked:
            raise LockedError(
                locked.what,
                state="What you said of the rows is kept; they are still in quarantine.",
                next_command="wait until it has ended, then: tillmill quarantine replay",
            ) from None


@quarantine.command()
def replay(
    source: Annotated[str | None, typer.Argument(help="One source.")] = None,
    stream: Annotated[str | None, typer.Argument(help="One stream of it.")] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Try open rows again, after a mapping, a contract or the rows were mended; what passes now lands."""
    from ingestion.mending import replay_open
    from tillmill.workspace import open_workspace

    done = replay_open(open_workspace(workspace.resolve()), source, stream)
    if as_json:
        told = [
            {"source": one.source, "stream": one.stream, "opened": one.opened, "landed": one.landed, "left": one.left}
            | {"reasons": dict(one.reasons.most_common()), "loads": one.loads}
            for one in done
        ]
        print(json.dumps({"streams": told}, ensure_ascii=False))
        return
    if not done:
        which = " ".join(filter(None, (source, stream)))
        said = f"Nothing of {which} is open in quarantine." if which else "Nothing is in quarantine."
        console.print(said, markup=False, soft_wrap=True)
    for one in done:
        said = f"{one.source} {one.stream}: {one.opened:,} open, {one.landed:,} landed, {one.left:,} stay"
        reasons = commonest(one.reasons)
        console.print(said + (f": {reasons}" if reasons else ""), soft_wrap=True, markup=False, highlight=False)
    if any(one.landed for one in done):
        say_next(console, "tillmill run")


@quarantine.command()
def dismiss(
    source: Annotated[str | None, typer.Argument(help="With --reason: the source.")] = None,
    stream: Annotated[str | None, typer.Argument(help="With --reason: the stream.")] = None,
    why: Annotated[str, typer.Option(help="Why nobody needs these rows.")] = "",
    row: Annotated[list[str] | None, typer.Option(help="LOAD:ROW as `show` names it; may be given again.")] = None,
    reason: Annotated[str | None, typer.Option(help="All rows that are refused for this reason alone.")] = None,
    author: Annotated[str, typer.Option(help="Who says so.")] = "",
    workspace: WorkspaceOption = HERE,
) -> None:
    """Set rows aside for good, such as the total line of a list. They stay in quarantine, closed."""
    from ingestion import dismissing
    from tillmill.workspace import open_workspace

    if (reason is None) == (not row) or (reason is not None and not (source and stream)):
        raise UsageError("give --row, or SOURCE STREAM and --reason", next_command="tillmill quarantine dismiss --help")
    opened = open_workspace(workspace.resolve())
    if reason is not None and source and stream:
        places = dismissing.refused_for(opened, source, stream, reason)
    else:
        places = [_place(text) for text in row or ()]
    count = dismissing.dismiss(opened, places, why=why, author=author or getpass.getuser())
    console.print(f"{count:,} row{'' if count == 1 else 's'} dismissed, and kept in quarantine", soft_wrap=True)
    say_next(console, "tillmill run")


@quarantine.command()
def reopen(
    row: Annotated[list[str], typer.Option(help="LOAD:ROW as `list --dismissed` names it; may be given again.")],
    workspace: WorkspaceOption = HERE,
) -> None:
    """Take back that rows were dismissed."""
    from ingestion import dismissing
    from tillmill.workspace import open_workspace

    count = dismissing.reopen(open_workspace(workspace.resolve()), [_place(text) for text in row])
    console.print(f"{count:,} row{'' if count == 1 else 's'} open again", soft_wrap=True)
    say_next(console, "tillmill quarantine list")


def _show_dismissed(workspace: Workspace, *, as_json: bool) -> None:
    from ingestion.dismissing import dismissed

    found = dismissed(workspace)
    if as_json:
        print(json.dumps({"rows": found.to_dicts()}, default=str, ensure_ascii=False))
        return
    table = Table()
    for name in ("row", "why", "by", "at (UTC)"):
        table.add_column(name, overflow="fold")
    for told in found.to_dicts():
        words = (told["row"], told["why"], told["author"], f"{told['dismissed_at']:%Y-%m-%d %H:%M}")
        table.add_row(*(from_source(word) for word in words))
    console.print(table if found.height else "No row is dismissed.")


def _setting(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name:
        raise UsageError(f"--set {text}: FIELD=VALUE is needed", next_command="tillmill quarantine fix --help")
    return name, value


def _place(text: str) -> Place:
    from ingestion.landing.ledger import Place

    place = Place.of(text)
    if place is None:
        raise UsageError(f"--row {text}: names no row", next_command="tillmill quarantine show SOURCE STREAM")
    return place
