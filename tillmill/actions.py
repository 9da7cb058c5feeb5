"""The one door through which people and apps act on a workspace, and ask it what it serves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from customers.segments import Segment
from ingestion.landing import lake
from ingestion.landing.ledger import Ledger
from ingestion.landing.locks import holder, run_lock
from ingestion.privacy.tokens import create_keys
from tillmill import activation, decisions, overrides, verdicts
from tillmill import publish as publishing
from tillmill import segments as kept
from tillmill.activation import Exported
from tillmill.decisions import KINDS, MEASURED, Decision
from tillmill.errors import UsageError
from tillmill.overrides import REASONS, Override, Scope
from tillmill.publish import PublishedVersion
from tillmill.segments import Preview, Reader
from tillmill.verdicts import Verdict
from tillmill.workspace import SETTINGS_FILE, Workspace, now, open_workspace

__all__ = [
    "KINDS",
    "MEASURED",
    "REASONS",
    "Decision",
    "Exported",
    "Override",
    "Preview",
    "Reader",
    "Scope",
    "Segment",
    "Verdict",
]


@dataclass(frozen=True)
class RunState:
    """Whether a run is at work and since when, and what the last one could not do ('' when all went well)."""

    running: str
    failed: str
    failed_streams: dict[str, str]


def create_workspace(root: Path, settings: str) -> Workspace:
    """The workspace in `root`, made where it is missing: folders, keys, ledger, a zero-row file per contract.

    Safe to repeat: what is there stays. Raises SettingsError when the settings text cannot be used.
    """
    root.mkdir(parents=True, exist_ok=True)
    if not (root / SETTINGS_FILE).exists():
        (root / SETTINGS_FILE).write_text(settings, encoding="utf-8")
    workspace = open_workspace(root)
    for folder in workspace.folders():
        folder.mkdir(parents=True, exist_ok=True)
    create_keys(workspace)
    with Ledger(workspace.ledger):
        lake.write_empty_files(workspace)
    return workspace


def published(root: Path) -> PublishedVersion | None:
    """The version people see, or None before the first run."""
    return publishing.read_pointer(root / "published")


def clock(root: Path) -> datetime:
    """The workspace's time, UTC."""
    open_workspace(root)
    return now()


def run_state(root: Path) -> RunState:
    """What the workspace is doing and how its last run ended."""
    workspace = open_workspace(root)
    note = workspace.logs / "last_run.json"
    last = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {"failed": "", "failed_streams": {}}
    return RunState(holder(workspace), last["failed"], last["failed_streams"])


def rollback(root: Path, *, to: int | None = None, release: bool = False) -> PublishedVersion:
    """Pins the version before the current one, or `to`, until released; raises UsageError when there is none."""
    workspace = open_workspace(root)
    with run_lock(workspace), Ledger(workspace.ledger) as ledger:
        if release:
            ledger.release()
        else:
            kept = [version.version for version in ledger.versions() if (workspace.published / version.file).exists()]
            seen = ledger.current_version()
            older = [number for number in kept if seen is not None and number < seen.version]
            wanted = to if to is not None else max(older, default=None)
            if wanted not in kept or wanted is None:
                raise UsageError(
                    f"there is no version {'before the published one' if to is None else to} to go back to",
                    state=f"Kept: {', '.join(map(str, sorted(kept))) or 'none'}.",
                    next_command="tillmill status",
                )
            ledger.pin(wanted)
        publishing.repair(workspace, ledger)
        version = publishing.current(workspace, ledger)
    if version is None:
        raise UsageError("nothing is published yet", next_command="tillmill run")
    return version


def segments(root: Path) -> list[Segment]:
    """The newest version of each segment, what is pending included."""
    return kept.known(root)


def preview_segment(root: Path, rule: str, read: Reader) -> Preview:
    """Whom a rule holds for; raises UsageError for one that cannot be read. `read` gives a published table."""
    return kept.preview(root, rule, read)


def segment_overlap(root: Path, read: Reader) -> pl.DataFrame:
    """left, right, both, share of every two segments."""
    return kept.overlap(root, read)


def save_segment(root: Path, segment_id: str, name: str, rule: str, *, author: str, read: Reader) -> Segment:
    """Keeps a new version of a segment; raises UsageError for what cannot be used."""
    return kept.save(root, segment_id, name, rule, author=author, read=read)


def export_segment(
    root: Path, segment_id: str, *, purpose: str, medium: str, campaign: str, by: str, read: Reader
) -> Exported:
    """Writes the hashed list of a segment as CSV; clear values are for people at the command line, whose account is
    known. Raises as `tillmill.activation.export`."""
    return activation.export(root, segment_id, purpose=purpose, medium=medium, campaign=campaign, by=by, read=read)


def pending_verdicts(root: Path) -> list[Verdict]:
    """What people decided on suspected orders since the last run."""
    return verdicts.pending(root)


def judge_order(
    root: Path, shop_id: str, order_id: str, verdict: str | None, *, before: str | None, reason: str, author: str
) -> Verdict:
    """Keeps a decision on a suspected order, None to take it back; raises as `tillmill.verdicts.judge`."""
    return verdicts.judge(root, shop_id, order_id, verdict, before=before, reason=reason, author=author)


def known_overrides(root: Path) -> list[Override]:
    """The newest version of each override of the forecast, what is pending included."""
    return overrides.known(root)


def override_forecast(
    root: Path,
    scope: Scope,
    weeks: Mapping[date, float],
    *,
    reason: str,
    note: str,
    author: str,
    expires_on: date | None,
    read: Reader,
) -> list[Override]:
    """Keeps what weeks of the forecast shall be; raises as `tillmill.overrides.say`."""
    return overrides.say(root, scope, weeks, reason=reason, note=note, author=author, expires_on=expires_on, read=read)


def approve_overrides(root: Path, override_ids: Sequence[str], *, by: str) -> list[Override]:
    """Lets overrides count from the next run on; raises RefusedError for one's own."""
    return overrides.approve(root, override_ids, by=by)


def withdraw_overrides(root: Path, override_ids: Sequence[str], *, by: str) -> list[Override]:
    """Ends overrides of the forecast now; raises UsageError for one that is not known."""
    return overrides.withdraw(root, override_ids, by=by)


def known_decisions(root: Path, read: Reader) -> list[Decision]:
    """Every decision with what was expected and what it brought, what is pending included, the newest first."""
    return decisions.known(root, read)


def record_decision(
    root: Path, kind: str, subject: str, *, expected_amount: float, basis: str, author: str
) -> Decision:
    """Keeps a decision with what is expected of it; raises as `tillmill.decisions.record`."""
    return decisions.record(root, kind, subject, expected_amount=expected_amount, basis=basis, author=author)


def settle_decision(root: Path, decision_id: str, realised_amount: float, *, by: str, read: Reader) -> Decision:
    """Says what a decision brought, over what is measured; raises UsageError for one that is not known."""
    return decisions.settle(root, decision_id, realised_amount, by=by, read=read)
