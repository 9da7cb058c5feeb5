"""What people ask and say about who is who: why two records are one person, that they never are, that they may be."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from customers.explain import way_between
from customers.incremental import WITHDRAWN
from customers.keys import LINK_COLUMNS, SAID
from ingestion.landing.ledger import Ledger
from ingestion.privacy.normalise import normalise
from ingestion.privacy.tokens import load_keys, token
from tillmill import inbox
from tillmill import publish as publishing
from tillmill.errors import UsageError
from tillmill.warehouse import read_table
from tillmill.workspace import Workspace, now, open_workspace

KINDS = ("member", "order", "sale")


@dataclass(frozen=True)
class Explained:
    """Two records, whose each is, the way between them, the vetoes between their customers' records, and the verdict on
    the two that waits for the next run, if any."""

    left: str
    right: str
    left_customer: str | None
    right_customer: str | None
    way: pl.DataFrame
    vetoes: pl.DataFrame
    pending: str | None

    @property
    def is_one(self) -> bool:
        return self.left_customer is not None and self.left_customer == self.right_customer


def explain(root: Path, left: str, right: str) -> Explained:
    """Why the two records are one person in the published version, or are not.

    A record is named by its token (the first 8 signs at least), or as SOURCE:KIND:ID: `club:member:M000017`,
    `shop_a:order:shop_a:A1234`, `till:sale:99`. Raises UsageError for a record that is not there.
    """
    workspace = open_workspace(root)
    version = publishing.read_pointer(workspace.published)
    if version is None:
        raise UsageError("nothing is published yet", next_command="tillmill run")
    records = read_table(version.path, "bridge_customer_identifier").select("record_token", "customer_id")
    one, other = (_record(workspace, records, name) for name in (left, right))
    of = dict(records.filter(pl.col("record_token").is_in([one, other])).iter_rows())
    members = records.filter(pl.col("customer_id").is_in([of[one], of[other]]))["record_token"].implode()
    links = read_table(version.path, "stg_customers__links").filter(
        pl.col("left_record").is_in(members) & pl.col("right_record").is_in(members)
    )
    with Ledger(workspace.ledger) as ledger:
        waiting = {
            frozenset((row["left_record"], row["right_record"])): str(row["verdict"])
            for row in inbox.pending(workspace, ledger, "customers.links")
        }
    return Explained(
        one,
        other,
        of[one],
        of[other],
        way_between(links, one, other),
        links.filter(pl.col("verdict") == "never").select(*LINK_COLUMNS),
        waiting.get(frozenset((one, other))),
    )


def unmerge(root: Path, left: str, right: str, *, author: str, why: str) -> Explained:
    """Says that two records are never one person: kept at once, obeyed by the next run and by every later one.

    Raises UsageError without author and reason, for unknown records, and where the two are one and the same.
    """
    if not why.strip():
        raise UsageError("why are they two people? Next: add --why TEXT")
    found = explain(root, left, right)
    if found.left == found.right:
        raise UsageError(f"{left} and {right} are one record")
    _say(root, found, "never", author, why)
    return found


def take_back(root: Path, left: str, right: str, *, author: str, why: str) -> Explained:
    """Takes back what `unmerge` said of two records: from the next run on, what links them counts again.

    Raises UsageError without author and reason, for unknown records, and where nobody said so of these two.
    """
    if not why.strip():
        raise UsageError("why may they be one person after all? Next: add --why TEXT")
    found = explain(root, left, right)
    ends = sorted((found.left, found.right))
    of_these = found.vetoes.filter(
        pl.col("rule") == SAID, pl.col("left_record") == ends[0], pl.col("right_record") == ends[1]
    )
    if (found.pending or ("never" if of_these.height else WITHDRAWN)) == WITHDRAWN:
        raise UsageError(
            f"nobody said that {left} and {right} are two people", next_command="tillmill customers explain A B"
        )
    _say(root, found, WITHDRAWN, author, why)
    return found


def _say(root: Path, found: Explained, verdict: str, author: str, why: str) -> None:
    one, other = sorted((found.left, found.right))
    row = {
        "left_record": one, "right_record": other, "rule": SAID, "model_version": "-", "verdict": verdict,
        "weight": 1.0, "evidence": why.strip(), "at": now().isoformat(),
    }  # fmt: skip
    inbox.say(open_workspace(root), "customers.links", row, author=author)


def _record(workspace: Workspace, records: pl.DataFrame, name: str) -> str:
    wanted = _token_of(workspace, name) if ":" in name else name.lower()
    known = records.filter(pl.col("record_token").str.starts_with(wanted))["record_token"]
    if len(wanted) < 8 or known.is_empty():
        raise UsageError(
            f"{name}: there is no such record of a person",
            next_command="tillmill customers explain SOURCE:member:NUMBER SOURCE:order:SHOP:NUMBER",
        )
    if len(known) > 1:
        raise UsageError(f"{name}: {len(known)} records begin so; give more signs")
    return str(known[0])


def _token_of(workspace: Workspace, name: str) -> str:
    """The token that dbt gives a record (`record_token`): the md5 of source, kind and id."""
    source, _, rest = name.partition(":")
    kind, _, number = rest.partition(":")
    if kind not in KINDS or not number:
        raise UsageError(f"{name} is not SOURCE:KIND:ID with a kind of {', '.join(KINDS)}")
    if kind == "member":
        keys = load_keys(workspace)
        number = token("code", normalise("code", number) or number, keys.token, keys.later)
    if kind == "order":
        number = number.replace(":", "|", 1)
    return hashlib.md5(f"{source}|{kind}|{number}".encode(), usedforsecurity=False).hexdigest()
