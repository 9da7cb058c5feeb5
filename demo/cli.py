"""The demo's commands: make its workspace, run beside its systems, move its clock, change its world."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tillmill.errors import TillmillError, UsageError
from tillmill.workspace import SETTINGS_FILE, now, open_workspace

if TYPE_CHECKING:
    from demo.edits import Change
    from demo.world import About

app = typer.Typer(name="demo", help="A brand to try Tillmill on, with its source systems.", no_args_is_help=True)
edit = typer.Typer(name="edit", help="Change the demo's world, to see what follows.", no_args_is_help=True)
app.add_typer(edit)

console = Console()
WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", help="The demo's workspace folder.", envvar="TILLMILL_WORKSPACE")
]
WORKSPACE = Path("demo-workspace")
READY_SECONDS = 120


@app.command()
def init(
    workspace: WorkspaceOption = WORKSPACE,
    skus: Annotated[int | None, typer.Option(min=1, help="Only so many SKUs, the best-selling.")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed of what is made around the receipts.")] = None,
) -> None:
    """Make the demo's workspace and its world; on an existing one nothing is done."""
    from demo import days, world
    from tillmill.actions import create_workspace

    root = workspace.resolve()
    known = world.about(root)
    if known and ((skus is not None and skus != known.skus) or (seed is not None and seed != known.seed)):
        raise UsageError(
            f"{root} holds a demo of {known.skus or 'all'} SKUs and seed {known.seed}",
            next_command=f"tillmill demo init --workspace {root}-2 ...",
        )
    template = Path(__file__).with_name(SETTINGS_FILE).read_text(encoding="utf-8")
    create_workspace(root, template)
    if not (root / "run" / "clock").exists():
        _set_clock(root, days.CLOCK_AT_START)
    if known is None:
        world.build(root, seed=world.SEED if seed is None else seed, skus=skus)
    else:
        world.build(root, seed=known.seed, skus=known.skus, changes=known.edits)
    console.print(
        f"{root} is ready; its clock stands at {_read_clock(root):%Y-%m-%d %H:%M} UTC.", highlight=False, soft_wrap=True
    )


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(context: typer.Context, workspace: WorkspaceOption = WORKSPACE) -> None:
    """Start the source systems, run the command after `--` beside them, end with its exit code."""
    if not context.args:
        raise UsageError("no command to run", next_command="tillmill demo run -- tillmill run")
    with systems(workspace.resolve()):
        raise typer.Exit(_command(context.args))


@app.command()
def serve(workspace: WorkspaceOption = WORKSPACE) -> None:
    """Start the source systems and keep them until Ctrl-C."""
    root = workspace.resolve()
    with systems(root) as child:
        addresses = json.loads((root / "run" / "demo.json").read_text())
        for name, place in addresses.items():
            if isinstance(place, dict):
                console.print(
                    f"{name:<8} {place.get('url') or place.get('base_url') or place.get('wsdl') or place}",
                    highlight=False,
                )
        console.print("Ctrl-C ends them.")
        try:
            child.wait()
        except KeyboardInterrupt:
            console.print("ended")


@app.command()
def advance(
    days_: Annotated[int, typer.Argument(metavar="DAYS", min=0)], workspace: WorkspaceOption = WORKSPACE
) -> None:
    """Move the demo's clock by whole days, never past the last receipt; the systems show what these days brought."""
    from demo import days, extracts, scheduler

    root = workspace.resolve()
    _need_world(root)
    clock = min(_read_clock(root) + timedelta(days=days_), days.LAST_RECEIPT)
    # What was handed over by now has been worked on by then.
    scheduler.take_in(root, _read_clock(root))
    # The clock first: the file server must never show more than the clock allows.
    _set_clock(root, clock)
    extracts.publish(root, clock)
    end = " (the last receipt)" if clock == days.LAST_RECEIPT else ""
    console.print(f"The clock stands at {clock:%Y-%m-%d %H:%M} UTC{end}.", highlight=False)


@edit.command("delete-placement")
def delete_placement(
    sku: str,
    week: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only this week (its Monday).")] = None,
    store: Annotated[str | None, typer.Option(help="Only in this store.")] = None,
    workspace: WorkspaceOption = WORKSPACE,
) -> None:
    """Take a SKU's displays and mailers back."""
    from demo.edits import DeletePlacement

    _edit(workspace, DeletePlacement(sku=sku, week_on=_monday(week), store_id=store))


@edit.command("stop-line")
def stop_line(
    line: str,
    week: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="The week's Monday.")],
    workspace: WorkspaceOption = WORKSPACE,
) -> None:
    """Let a line stand still for a week."""
    from demo.edits import StopLine
    from demo.factory import LINES

    if line not in LINES:
        raise UsageError(f"no line {line!r}; lines are {', '.join(LINES)}")
    monday = _monday(week)
    assert monday is not None
    _edit(workspace, StopLine(line_id=line, week_on=monday))


@edit.command("double-price")
def double_price(
    sku: str,
    from_day: Annotated[datetime, typer.Argument(metavar="FROM", formats=["%Y-%m-%d"], help="The first day.")],
    workspace: WorkspaceOption = WORKSPACE,
) -> None:
    """Double what a SKU's sales bring in, from a day on."""
    from demo.edits import DoublePrice

    _edit(workspace, DoublePrice(sku=sku, from_on=from_day.date()))


def _edit(workspace: Path, change: Change) -> None:
    from demo import world

    root = workspace.resolve()
    known = _need_world(root)
    changes = [*known.edits, change]
    world.build(root, seed=known.seed, skus=known.skus, changes=changes)
    console.print(f"The world of {root} has {len(changes)} change(s). What was pulled before stays pulled.")


def _monday(day: datetime | None) -> date | None:
    if day is not None and day.weekday() != 0:
        raise UsageError(f"{day:%Y-%m-%d} is no Monday")
    return day.date() if day is not None else None


def _need_world(root: Path) -> About:
    from demo import world

    known = world.about(root)
    if known is None:
        raise _no_world(root)
    return known


def _no_world(root: Path) -> UsageError:
    return UsageError(f"{root} holds no demo", next_command=f"tillmill demo init --workspace {root}")


def _read_clock(root: Path) -> datetime:
    open_workspace(root)
    return now()


def _set_clock(root: Path, clock: datetime) -> None:
    fresh = root / "run" / "clock.new"
    fresh.write_text(clock.isoformat())
    fresh.replace(root / "run" / "clock")


@contextmanager
def systems(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The demo's source systems as a child process, answering; they end with this block, or with this process."""
    # Looked up without the world's own module: a short command should not wait for its imports.
    if not (root / "run" / "world" / "world.json").exists():
        raise _no_world(root)
    words = [sys.executable, "-m", "demo.systems", str(root)]
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own words
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        if not select.select([child.stdout], [], [], READY_SECONDS)[0] or child.stdout.readline() != b"ready\n":
            child.kill()
            raise TillmillError("the demo's source systems did not start", next_command="see the messages above")
        yield child
    finally:
        child.stdin.close()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        child.stdout.close()


def _command(words: list[str]) -> int:
    """Runs the command; passes a request to end on to it, and gives back its exit code (128 + n for signal n)."""
    try:
        command = subprocess.Popen(words)  # noqa: S603 - what the person typed is what runs
    except OSError as error:
        raise UsageError(f"{words[0]} cannot be started: {error.strerror}") from error

    def pass_on(number: int, _frame: FrameType | None) -> None:
        command.send_signal(number)

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        while True:
            try:
                code = command.wait()
                return code if code >= 0 else 128 - code
            except KeyboardInterrupt:
                continue  # the command had it too, and decides
    finally:
        signal.signal(signal.SIGTERM, before)
