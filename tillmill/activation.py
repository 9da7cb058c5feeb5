"""Hands the people of a segment over: consent as it stands now, a hold-out that is remembered, every list logged."""

from __future__ import annotations

import csv
import io
import os
import pwd
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import polars as pl

from customers import activation as room
from customers.segments import members
from ingestion.contracts import contract
from ingestion.contracts.contract import landed_key, landed_name
from ingestion.landing import files, lake
from ingestion.landing.ledger import Ledger
from ingestion.landing.locks import run_lock, stream_lock
from ingestion.privacy import proof
from ingestion.privacy.normalise import calling_code_of, kind_of, normalise
from ingestion.privacy.person import visible_files
from ingestion.privacy.records import record_token
from ingestion.privacy.suppression import read_suppressed
from ingestion.privacy.vault import Vault
from tillmill import inbox, segments
from tillmill.errors import RefusedError, TillmillError, UsageError
from tillmill.workspace import Workspace, now, open_workspace

STREAM = "customers.exports"
TARGETS = ("csv", "parquet", "webhook")
CAMPAIGN = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
AT_ONCE = 500
PATIENCE_SECONDS = 30
_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Exported:
    """One list: its id, where it is ('' for a web hook), how many it names, how many stayed out and why."""

    export_id: str
    path: str
    exported: int
    held_out: int
    members: int
    without_consent: int
    without_address: int
    same_address: int


def export(
    root: Path,
    segment_id: str,
    *,
    purpose: str,
    medium: str,
    form: str = "hashed",
    to: str = "csv",
    campaign: str = "",
    by: str = "",
    read: segments.Reader | None = None,
) -> Exported:
    """Writes or sends the list of a segment's people who consent to `purpose` by `medium`, without the hold-out.

    `form`: hashed (SHA-256 of the normalised address) or clear; clear is for accounts that the workspace names. `by`
    is noted; the account of the machine that asks is what may or may not. Consent counts as it has landed, whichever
    version is published. What is handed over is landed as customers.exports before it is given out. Raises UsageError,
    RefusedError (not allowed, or somebody is being forgotten), LockedError while a run is at work.
    """
    workspace = open_workspace(root)
    segment = segments.find(root, segment_id)
    name = campaign or f"{segment_id}-{now():%Y%m%d}"
    _check(workspace, purpose, medium, form, to, name)
    who = by.strip() or account()
    with run_lock(workspace), Ledger(workspace.ledger) as ledger:
        if proof.open_requests(workspace):
            raise RefusedError(
                "somebody is being forgotten", state="Nothing was exported.", next_command="tillmill run"
            )
        tables = read or segments.published(workspace)
        inside = members(tables(segments.CUSTOMERS), segment.rule)
        owners = tables("bridge_customer_identifier").select("record_token", "customer_id")
        chosen = room.choose(
            inside,
            owners,
            room.standing_consents(_answers(workspace, ledger), purpose, medium),
            _members(workspace, ledger, medium),
            campaign=name,
            holdout_rate=workspace.settings.activation.holdout_rate,
        )
        export_id = _numbered(workspace, ledger, name)
        listed = chosen.rows.filter(~pl.col("is_holdout"))
        people = _addresses(workspace, ledger, listed, medium, form, who=who, purpose=f"{purpose}, {export_id}")
        if chosen.rows.height:
            _land(workspace, ledger, export_id, segment_id, purpose, medium, chosen.rows)
        path = _hand_over(workspace, export_id, segment_id, purpose, medium, form, to, people)
    return Exported(
        export_id,
        path,
        people.height,
        chosen.rows.height - listed.height,
        chosen.members,
        chosen.without_consent,
        chosen.without_address,
        chosen.same_address,
    )


def account() -> str:
    """The account of this machine that the process runs under; no variable of the shell changes it."""
    return pwd.getpwuid(os.getuid()).pw_name


def _check(workspace: Workspace, purpose: str, medium: str, form: str, to: str, campaign: str) -> None:
    if not purpose.strip():
        raise UsageError("what is the list for? Next: add --purpose, such as marketing")
    for word, value, allowed in (("medium", medium, room.ADDRESSES), ("form", form, room.FORMS), ("to", to, TARGETS)):
        if value not in allowed:
            raise UsageError(f"no {word} {value!r}; there are {', '.join(allowed)}")
    if not CAMPAIGN.fullmatch(campaign):
        raise UsageError(f"{campaign!r} is no campaign: small letters, digits, - and _, 60 at most")
    settings = workspace.settings.activation
    if to == "webhook" and not settings.webhook:
        raise UsageError('no web hook is named; add to tillmill.toml: [activation] webhook = "env:NAME"')
    if form == "clear" and account() not in settings.may_export_clear:
        raise RefusedError(
            f"{account()} may not export clear values; tillmill.toml names {len(settings.may_export_clear)} who may",
            state="Nothing was exported.",
            next_command="the same with --form hashed",
        )


def _answers(workspace: Workspace, ledger: Ledger) -> pl.DataFrame:
    return _current(workspace, ledger, "crm.consents", "purpose", "medium", "given_at", "is_granted")


def _members(workspace: Workspace, ledger: Ledger, medium: str) -> pl.DataFrame:
    """record_token, address_token, updated_at and the vault's place of each membership that is not to be left out."""
    column = room.ADDRESSES[medium]
    current = _current(workspace, ledger, "crm.members", f"{column}_token", "updated_at")
    # Everybody on the list of the forgotten stays out, even where a restored file still has them.
    suppressed = read_suppressed(workspace)
    for source in current["_source"].unique():
        listed = suppressed.of(source)
        for name in ("member_id", column):
            tokens = pl.Series(list(listed.get(kind_of(name), ())), dtype=pl.String)
            theirs = (pl.col("_source") == source) & pl.col(f"{name}_token").is_in(tokens.implode())
            current = current.filter(~theirs.fill_null(False))
    return current.rename({f"{column}_token": "address_token"})


def _current(workspace: Workspace, ledger: Ledger, stream: str, *columns: str) -> pl.DataFrame:
    """The current rows of members' stream, each with its record_token, `seq` and the place in the vault.

    As in the warehouse's staging: of the versions of a key the one with the highest version column, then the one
    landed last; where that one is a tombstone there is no row, so that no older version speaks for a deleted one.
    """
    one = contract(stream)
    key = ["_source", *landed_key(one)]
    order = [landed_name(one, one.version), "_load_seq", "_row"]
    needed = list(dict.fromkeys([*key, *order, "_op", "member_id_token", *columns]))
    read = [pl.read_parquet(workspace.root / file, columns=needed) for _, _, file in visible_files(ledger, [one])]
    if not read:
        raise UsageError(
            f"no row of {stream} has landed; a list needs consents and addresses", next_command="tillmill run"
        )
    latest = pl.concat(read).sort(order).unique(key, keep="last", maintain_order=True)
    rows = latest.filter(pl.col("_op") != "delete", pl.col("member_id_token").is_not_null())
    known = rows.select("_source", "member_id_token").unique()
    tokens = [record_token(source, "member", member) for source, member in known.iter_rows()]
    return rows.join(
        known.with_columns(record_token=pl.Series(tokens, dtype=pl.String)), on=["_source", "member_id_token"]
    ).with_columns(seq=pl.struct("_load_seq", "_row").rank("ordinal"))


def _addresses(
    workspace: Workspace, ledger: Ledger, listed: pl.DataFrame, medium: str, form: str, *, who: str, purpose: str
) -> pl.DataFrame:
    """customer_id and address of each on the list, from the vault; the reading is noted with who and purpose."""
    if listed.is_empty():
        return pl.DataFrame(schema={"customer_id": pl.String, medium: pl.String})
    column = room.ADDRESSES[medium]
    places = listed.join(_members(workspace, ledger, medium), on="record_token").select(
        "customer_id", load_seq="_load_seq", row="_row"
    )
    with Vault(workspace) as vault:
        clear = vault.read(records=places.select("load_seq", "row").iter_rows(), who=who, purpose=purpose)
    found = places.join(clear.select("load_seq", "row", column), on=["load_seq", "row"])
    calling_code = calling_code_of(workspace.settings.brand)
    plain = [normalise(kind_of(column), value or "", calling_code) for value in found[column]]
    shown = [value if value is None or form == "clear" else room.hashed(value) for value in plain]
    return (
        found.select("customer_id", pl.Series(medium, shown, dtype=pl.String))
        .filter(pl.col(medium).is_not_null())
        .sort("customer_id")
    )


def _numbered(workspace: Workspace, ledger: Ledger, campaign: str) -> str:
    """The campaign's next export: campaign-1, campaign-2 …"""
    taken = [
        set(pl.read_parquet(workspace.root / file, columns=["export_id"])["export_id"])
        for _, _, file in visible_files(ledger, [contract(STREAM)])
    ]
    numbers = [
        int(one.removeprefix(f"{campaign}-"))
        for one in set().union(*taken)
        if one.startswith(f"{campaign}-") and one.removeprefix(f"{campaign}-").isdigit()
    ]
    return f"{campaign}-{max(numbers, default=0) + 1}"


def _land(
    workspace: Workspace, ledger: Ledger, export_id: str, segment_id: str, purpose: str, medium: str, rows: pl.DataFrame
) -> None:
    frame = rows.select(
        "customer_id",
        "is_holdout",
        export_id=pl.lit(export_id),
        segment_id=pl.lit(segment_id),
        purpose=pl.lit(purpose),
        medium=pl.lit(medium),
        at=pl.lit(now()),
    )
    with stream_lock(workspace, inbox.SOURCE, STREAM):
        lake.recover_stream(workspace, ledger, inbox.SOURCE, STREAM)
        read = ledger.cursor(inbox.SOURCE, STREAM)
        lake.land_said(
            workspace,
            ledger,
            source=inbox.SOURCE,
            stream=STREAM,
            frame=frame,
            read=read,
            cursor=read.value or {"entry": 0},
        )


def _hand_over(
    workspace: Workspace,
    export_id: str,
    segment_id: str,
    purpose: str,
    medium: str,
    form: str,
    to: str,
    people: pl.DataFrame,
) -> str:
    """Puts the list where it goes; the path within the workspace, '' for a web hook."""
    if to == "webhook":
        about = {"export_id": export_id, "segment_id": segment_id, "purpose": purpose, "medium": medium, "form": form}
        _send(workspace, about, people)
        return ""
    target = workspace.exports / "segments" / f"{export_id}.{to}"
    files.make_folder(target.parent)
    spool = target.with_name(f".{target.name}{files.SPOOL}")
    if to == "csv":
        files.write_bytes(_as_csv(people), spool)
    else:
        files.write_frame(people, spool)
    spool.chmod(0o600)
    files.put_in_place(spool, target)
    return str(target.relative_to(workspace.root))


def _as_csv(people: pl.DataFrame) -> bytes:
    """UTF-8 CSV; what a spreadsheet would run as a formula, a phone's plus included, gets an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(people.columns)
    for row in people.iter_rows():
        writer.writerow([f"'{value}" if value.startswith(_RUN_BY_SPREADSHEETS) else value for value in row])
    return out.getvalue().encode()


def _send(workspace: Workspace, about: dict[str, str], people: pl.DataFrame) -> None:
    address = workspace.secret(workspace.settings.activation.webhook)
    place = urlsplit(address)
    if place.scheme != "https" and place.hostname not in LOOPBACK:
        raise RefusedError(
            "[activation] webhook: people are sent over https alone", state="The export is logged, not sent."
        )
    sent = 0
    try:
        with httpx.Client(timeout=PATIENCE_SECONDS) as client:
            for number, batch in enumerate(people.iter_slices(AT_ONCE), start=1):
                answer = client.post(address, json={**about, "batch": number, "people": batch.to_dicts()})
                answer.raise_for_status()
                sent += batch.height
    except httpx.HTTPError as error:
        # The address may hold a secret, so it is not said.
        raise TillmillError(
            f"[activation] webhook: {type(error).__name__} after {sent:,} of {people.height:,} people",
            state=f"Export {about['export_id']} is logged; its hold-out stays the campaign's.",
            next_command="the same command: it sends the whole list again under the next number",
        ) from None
