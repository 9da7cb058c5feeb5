"""Commands about people's data: the vault, the kept source files, to forget somebody, new keys."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tillmill.errors import UsageError

vault = typer.Typer(help="Clear values of personal fields, encrypted.", no_args_is_help=True)
originals = typer.Typer(help="The source's own files, kept for a while.", no_args_is_help=True)
GROUPS = {"vault": vault, "originals": originals}

console = Console()
WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", help="The workspace folder.", envvar="TILLMILL_WORKSPACE")
]
ByOption = Annotated[str, typer.Option(help="Who asks; noted in the proof.")]
StreamOption = Annotated[str | None, typer.Option(help="Of this stream alone.")]
SourceOption = Annotated[str | None, typer.Option(help="Of this source alone.")]
HERE = Path()
REBUILD = ("build", "publish", "export")


def forget(
    workspace: WorkspaceOption = HERE,
    member: Annotated[list[str] | None, typer.Option(help="A member number, or another code of the person.")] = None,
    phone: Annotated[list[str] | None, typer.Option(help="With its country code, else the brand's is taken.")] = None,
    email: Annotated[list[str] | None, typer.Option(help="An e-mail address.")] = None,
    source: Annotated[str, typer.Option(help="In this source alone; else in all.")] = "",
    by: ByOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what holds the person, change nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Everybody on the list, after a restored backup.")] = False,
) -> None:
    """Forget a person: everywhere, for good, with a proof; their sales stay, as nobody's."""
    from ingestion.landing.ledger import Ledger
    from ingestion.landing.locks import run_lock
    from ingestion.privacy import erasure
    from ingestion.privacy.person import Asked, find_person
    from tillmill import pipeline
    from tillmill.display import Terminal
    from tillmill.workspace import open_workspace

    opened = open_workspace(workspace.resolve())
    asked = Asked(tuple(member or ()), tuple(phone or ()), tuple(email or ()), source)
    if again and asked != Asked():
        raise UsageError("--again is for everybody on the list; it takes no person", state="Nothing was changed.")
    if dry_run:
        with run_lock(opened), Ledger(opened.ledger) as ledger:
            person = find_person(opened, ledger, asked)
            found = erasure.survey(opened, ledger, person.tokens, source)
        _show_table(("stream", "rows"), [(name, f"{rows:,}") for name, rows in sorted(found.rows.items())])
        console.print("Nothing was changed. Next: the same command without --dry-run")
        return
    who = by or getpass.getuser()
    if again:
        pipeline.run(
            opened, Terminal(console), steps=REBUILD, ask=lambda ledger: erasure.ask_again(opened, ledger, by=who)
        )
    else:
        pipeline.run(
            opened, Terminal(console), steps=REBUILD, ask=lambda ledger: erasure.ask(opened, ledger, asked, by=who)
        )


def rekey(workspace: WorkspaceOption = HERE, by: ByOption = "") -> None:
    """Add a token key: every token changes, equal people stay equal, and older tokens are worth nothing."""
    from ingestion.privacy import rekeying
    from tillmill import pipeline
    from tillmill.display import Terminal
    from tillmill.workspace import open_workspace

    opened = open_workspace(workspace.resolve())
    who = by or getpass.getuser()
    pipeline.run(opened, Terminal(console), steps=REBUILD, ask=lambda _: rekeying.ask(opened, by=who))


def reseal(workspace: WorkspaceOption = HERE, by: ByOption = "") -> None:
    """Make a new sealing key, seal with it what the old ones sealed, retire them; cut off, the next run finishes."""
    from ingestion.privacy import resealing
    from tillmill import pipeline
    from tillmill.display import Terminal
    from tillmill.workspace import open_workspace

    opened = open_workspace(workspace.resolve())
    who = by or getpass.getuser()
    pipeline.run(opened, Terminal(console), steps=REBUILD, ask=lambda _: resealing.ask(opened, by=who))


@vault.command("status")
def vault_status(workspace: WorkspaceOption = HERE) -> None:
    """How many entries, and who read them when and what for."""
    from ingestion.privacy.vault import Vault
    from tillmill.workspace import open_workspace

    with Vault(open_workspace(workspace.resolve())) as opened:
        state, readings = opened.state(), opened.readings().head(20)
    console.print(
        f"{state['entries']:,} entries, {state['tokens']:,} tokens, {state['left_out']:,} to be left out; "
        f"keys {', '.join(state['keys'])}"
    )
    _show_table(readings.columns, [tuple(map(str, row)) for row in readings.iter_rows()])


@vault.command("rotate")
def vault_rotate(workspace: WorkspaceOption = HERE) -> None:
    """Make a new vault key, encrypt every entry with it, retire the old one; goes on where it was cut off."""
    from ingestion.landing.locks import run_lock
    from ingestion.privacy.requests import Requests
    from tillmill.workspace import open_workspace

    opened = open_workspace(workspace.resolve())
    with run_lock(opened), Requests(opened) as requests:
        if requests.open_requests():
            raise UsageError(
                "a request is not finished, and it is encrypted with the key in use",
                state="Nothing was changed.",
                next_command="tillmill run, then: tillmill vault rotate",
            )
        moved = requests.rotate()
        console.print(f"{moved:,} entries now under key {requests.state()['keys'][-1]}")


@originals.command("list")
def originals_list(workspace: WorkspaceOption = HERE, stream: StreamOption = None, source: SourceOption = None) -> None:
    """The kept files, newest first."""
    from ingestion.landing import originals as kept
    from ingestion.landing.ledger import Ledger
    from tillmill.workspace import open_workspace

    opened = open_workspace(workspace.resolve())
    with Ledger(opened.ledger) as ledger:
        found = kept.listed(opened, ledger, stream=stream, source=source)
    _show_table(
        ("content", "stream", "source", "name", "bytes", "kept"),
        [
            (one.content[:12], one.stream, one.source, one.name, f"{one.bytes:,}", str(one.kept_at)[:16])
            for one in found
        ],
    )


@originals.command("show")
def originals_show(
    content: Annotated[str, typer.Argument(help="The beginning of the content's name.")],
    workspace: WorkspaceOption = HERE,
) -> None:
    """Write one kept file to the standard output, as it came."""
    from ingestion.landing import originals as kept
    from ingestion.landing.ledger import Ledger
    from tillmill.workspace import open_workspace

    opened = open_workspace(workspace.resolve())
    with Ledger(opened.ledger) as ledger:
        sys.stdout.buffer.write(kept.read(opened, kept.find(opened, ledger, content)))


@originals.command("export")
def originals_export(
    to: Annotated[Path, typer.Option(help="A folder; the files in it are in clear, for you alone.")],
    workspace: WorkspaceOption = HERE,
    stream: StreamOption = None,
    source: SourceOption = None,
) -> None:
    """Write kept files under their own names into a folder that a source can read again."""
    from ingestion.landing import originals as kept
    from ingestion.landing.ledger import Ledger
    from tillmill.workspace import open_workspace

    opened = open_workspace(workspace.resolve())
    with Ledger(opened.ledger) as ledger:
        written = kept.export(opened, kept.listed(opened, ledger, stream=stream, source=source), to.resolve())
    console.print(f"{len(written)} files in {to}, in clear: remove them when they are read", soft_wrap=True)


def _show_table(columns: tuple[str, ...] | list[str], rows: list[tuple[str, ...]]) -> None:
    table = Table()
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)
