"""The order of steps, from pulling the sources to handing the plan over."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import polars as pl

from ingestion.landing import compaction, lake, originals
from ingestion.landing.ledger import Ledger
from ingestion.landing.locks import run_lock
from ingestion.privacy import proof
from ingestion.privacy.vault import Vault
from ingestion.privacy.vaultfile import Entry
from ingestion.runner import StreamResult, Window, ingest
from planning.contracts import OUT
from planning.exchange.csv import write_plan
from tillmill import health, inbox, learning, notify
from tillmill import publish as publishing
from tillmill.errors import TillmillError
from tillmill.learning import ClearReader
from tillmill.reference import gather_reference
from tillmill.transform import Transformer
from tillmill.warehouse import read_table
from tillmill.workspace import Workspace, now

STEPS = ("ingest", "build", "publish", "export")
HANDED_OVER = ("production_plan", "schedule_orders", "requirements", "pegging", "exceptions")


class Display(Protocol):
    """Whoever shows the progress: a terminal, a log, nobody."""

    def start(self, step: str) -> None: ...
    def detail(self, step: str, text: str) -> None: ...
    def finish(self, step: str, seconds: float, text: str) -> None: ...


@dataclass
class Outcome:
    """What a run did: each step's seconds and sentence, each stream's result, the new version (None: unchanged)."""

    seconds: dict[str, float] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    streams: list[StreamResult] = field(default_factory=list)
    version: int | None = None

    @property
    def failed_streams(self) -> list[StreamResult]:
        return [result for result in self.streams if result.error]


def pull(
    workspace: Workspace,
    display: Display,
    *,
    source: str | None = None,
    streams: Sequence[str] = (),
    window: Window | None = None,
    afresh: bool = False,
) -> Outcome:
    """Pulls the streams named, all where none is, and builds nothing; with `window`, reads that time again, with
    `afresh` everything from the sources' start.

    Raises LockedError when a run is at work, UsageError for a name that is not configured or a stream without windows.
    """
    outcome = Outcome()
    with run_lock(workspace), Ledger(workspace.ledger) as ledger, _remembered(workspace, outcome):
        lake.recover(workspace, ledger)
        with _timed(display, outcome, "ingest") as say:
            tell = partial(_tell, display)
            outcome.streams = ingest(
                workspace, source=source, streams=streams, window=window, afresh=afresh, progress=tell
            )
            say(_said_of_streams(outcome.streams))
    return outcome


def _tell(display: Display, said: StreamResult | str) -> None:
    display.detail("ingest", str(said))


def run(
    workspace: Workspace,
    display: Display,
    *,
    only: str | None = None,
    afresh: bool = False,
    steps: Sequence[str] = STEPS,
    ask: Callable[[Ledger], object] | None = None,
) -> Outcome:
    """Runs all steps, or some of STEPS; a stream that fails does not stop the others, a failed build publishes nothing.

    `afresh` builds every table anew instead of from the last published version; so does a request that changed landed
    files (`ask` may make one, under the run's lock). Raises LockedError when another run is at work and BuildError when
    the candidate fails.
    """
    outcome = Outcome()
    with run_lock(workspace), Ledger(workspace.ledger) as ledger, _remembered(workspace, outcome):
        lake.recover(workspace, ledger)
        publishing.repair(workspace, ledger)
        originals.sweep(workspace, ledger)
        compaction.sweep(workspace, ledger)
        afresh = _carry_out_requests(workspace, ledger, display, outcome) or afresh
        if ask is not None:
            ask(ledger)
            afresh = _carry_out_requests(workspace, ledger, display, outcome) or afresh
        steps = [only] if only else list(steps)
        if "build" not in steps:
            _run_steps(workspace, ledger, display, outcome, steps, None, afresh)
            return outcome
        gather_reference(workspace)
        with Transformer(environment(workspace), workspace.build, workspace.logs, workspace.build / "dbt") as dbt:
            _run_steps(workspace, ledger, display, outcome, steps, dbt, afresh)
    return outcome


def _run_steps(
    workspace: Workspace,
    ledger: Ledger,
    display: Display,
    outcome: Outcome,
    steps: list[str],
    dbt: Transformer | None,
    afresh: bool,
) -> None:
    if "ingest" in steps:
        with _timed(display, outcome, "ingest") as say:
            inbox.land(workspace, ledger)
            outcome.streams = ingest(workspace, progress=partial(_tell, display))
            say(_said_of_streams(outcome.streams))
    if "build" in steps and dbt is not None:
        build(workspace, ledger, dbt, display, outcome, afresh=afresh)
    if "publish" in steps:
        publish(workspace, ledger, display, outcome)
    if "export" in steps:
        with _timed(display, outcome, "export") as say:
            say(export_plan(workspace))


def _carry_out_requests(workspace: Workspace, ledger: Ledger, display: Display, outcome: Outcome) -> bool:
    """Finishes what was asked and cut off (forget, rekey, reseal); whether tables have to be built anew for it."""
    waiting = proof.open_requests(workspace)
    if not any(request.phase == "asked" for request in waiting):
        return bool(waiting)
    with _timed(display, outcome, "rewrite") as say:
        # A candidate's own loads and tables come from the files as they were.
        publishing.discard_candidates(workspace, ledger)
        proof.carry_out_open(workspace, ledger)
        replaced = sum(len(ledger.replaced(request.why)) for request in waiting)
        say(f"{replaced} files written anew")
    return True


def vault_reader(workspace: Workspace, *, who: str, purpose: str) -> ClearReader:
    """What a room is given to see clear values, by token or by record (`Vault.read`); each reading is noted with who
    and purpose."""

    def read(tokens: Sequence[str] = (), records: Iterable[Entry] = ()) -> pl.DataFrame:
        with Vault(workspace) as vault:
            return vault.read(tokens=tokens, records=records, who=who, purpose=purpose)

    return read


def build(
    workspace: Workspace, ledger: Ledger, dbt: Transformer, display: Display, outcome: Outcome, *, afresh: bool = False
) -> None:
    """Builds and audits a candidate in four passes, learning between them; leaves it in `build/` for `publish`."""
    fingerprint = learning.fingerprint(workspace, ledger)
    version = publishing.current(workspace, ledger)
    if version is not None and not afresh and publishing.fingerprint_of(version) == fingerprint:
        with _timed(display, outcome, "build") as say:
            say("nothing new since the published version")
        return
    candidate = publishing.begin_candidate(workspace, ledger, fingerprint, recipe=learning.recipe(), afresh=afresh)
    health.freeze(workspace, ledger)
    clear = vault_reader(workspace, who="customers", purpose="who is who")
    learner = learning.Learner(
        workspace,
        ledger,
        candidate,
        run_id=learning.run_id(fingerprint, ledger),
        read_clear=clear,
        afresh=afresh,
    )
    for step, work in (
        ("conform", "pass_a"),
        ("customers", learner.customers),
        ("facts", "pass_b"),
        ("profiles", learner.profiles),
        ("voice", learner.voice),
        ("promotions", learner.promotions),
        ("forecasting", learner.forecasting),
        ("decide", "pass_c"),
        ("segments", learner.segments),
        ("planning", learner.planning),
        ("audit", "pass_d"),
    ):
        with _timed(display, outcome, step) as say:
            if callable(work):
                say(work())
                publishing.freeze_manifest(ledger, candidate)
            else:
                result = dbt.build(work, full_refresh=afresh, progress=partial(display.detail, step))
                say(f"{result.built} tables and views, {result.tested} tests passed")
    (workspace.build / publishing.AUDITED).write_text(json.dumps({"name": candidate.name}))


def publish(workspace: Workspace, ledger: Ledger, display: Display, outcome: Outcome) -> None:
    """Publishes the audited candidate in `build/`, if there is one."""
    with _timed(display, outcome, "publish") as say:
        note = workspace.build / publishing.AUDITED
        database = workspace.build / "candidate.duckdb"
        if not (note.exists() and database.exists()):
            say("nothing new to publish")
            return
        found = json.loads(note.read_text())
        note.unlink()
        candidate = publishing.Candidate(found["name"], database, workspace.build / "manifest.parquet")
        version = publishing.publish(workspace, ledger, candidate)
        outcome.version = version.version
        said = f"version {version.version}" + (" (an older version is pinned)" if version.is_pinned else "")
        if proof.open_requests(workspace):
            removed = publishing.remove_older(workspace, ledger)
            proofs = proof.finish(workspace, ledger, version=version.version, removed=removed)
            said += f"; {len(removed)} older versions removed; proof in " + ", ".join(
                str(path.relative_to(workspace.root)) for path in proofs
            )
        say(said)


def export_plan(workspace: Workspace) -> str:
    """Writes the published plan as CSV into `exports/`, one folder per version; says how many files."""
    version = publishing.read_pointer(workspace.published)
    if version is None:
        return "nothing published yet"
    folder = workspace.exports / f"plan-v{version.version:06d}"
    if folder.exists():
        return f"exports/{folder.name} is there"
    outputs = {name: _planned(version.path, name) for name in HANDED_OVER}
    if outputs["production_plan"].is_empty():
        return "no plan to hand over"
    files = write_plan(outputs, folder)
    return f"{len(files)} files in exports/{folder.name}"


def _planned(database: Path, name: str) -> pl.DataFrame:
    """One table of the published plan as its contract has it, in the order of its columns."""
    frame = read_table(database, f"stg_planning__{name}").select("plan_id", *OUT[name])
    return frame.sort(frame.columns)


def environment(workspace: Workspace) -> dict[str, str]:
    """What dbt is told of the workspace, as environment variables.

    Paths begin in `build/`, where dbt runs: they are the same in every run and wherever the workspace stands, or dbt
    would parse all models anew.
    """
    brand = workspace.settings.brand
    return {
        "TILLMILL_CANDIDATE": "candidate.duckdb",
        "TILLMILL_MANIFEST": "manifest.parquet",
        "TILLMILL_HEALTH": health.FOLDER,
        "TILLMILL_REFERENCE": "reference",
        "TILLMILL_CLOCK": now().strftime("%Y-%m-%d %H:%M:%S.%f"),
        "TILLMILL_CURRENCY": brand.currency,
        "TILLMILL_TIMEZONE": brand.timezone,
        "TILLMILL_DAY_STARTS_AT": brand.day_starts_at,
        "TZ": "UTC",
    }


def _said_of_streams(results: list[StreamResult]) -> str:
    pulled = sum(result.pulled for result in results)
    landed = sum(result.landed for result in results)
    quarantined = sum(result.quarantined for result in results)
    failed = [f"{result.source} {result.stream}" for result in results if result.error]
    said = f"{len(results)} streams: {pulled:,} rows pulled = {landed:,} landed + {quarantined:,} quarantined"
    return said + (f"; failed: {', '.join(failed)}" if failed else "")


@contextmanager
def _timed(display: Display, outcome: Outcome, step: str) -> Iterator[Callable[[str], None]]:
    display.start(step)
    said: list[str] = []
    started = time.perf_counter()
    try:
        yield said.append
    finally:
        outcome.seconds[step] = time.perf_counter() - started
        outcome.said[step] = said[-1] if said else "failed"
        display.finish(step, outcome.seconds[step], outcome.said[step])


@contextmanager
def _remembered(workspace: Workspace, outcome: Outcome) -> Iterator[None]:
    """Keeps the run's outcome in `logs/last_run.json`, where the portal reads how it ended, and tells who asked."""
    failed = ""
    try:
        yield
    except TillmillError as error:
        failed = error.what
        raise
    except BaseException as error:
        failed = type(error).__name__
        raise
    finally:
        note: dict[str, object] = {
            "brand": workspace.settings.brand.name,
            "ended_at": now().isoformat(),
            "version": outcome.version,
            "failed": failed,
            "failed_streams": {f"{result.source} {result.stream}": result.error for result in outcome.failed_streams},
            "seconds": outcome.seconds,
            "said": outcome.said,
        }
        note["untold"] = notify.run_ended(workspace, note)
        _write_json(workspace.logs / "last_run.json", note)


def _write_json(path: Path, value: object) -> None:
    spool = path.with_suffix(".spool")
    spool.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
    spool.rename(path)
