"""What people decide on suspected fake orders: kept at once, obeyed by the next run, and taken back as easily."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path

from ingestion.landing.ledger import Ledger
from tillmill import inbox
from tillmill.errors import UsageError
from tillmill.workspace import now, open_workspace

STREAM = "tillmill.entries"
FORM = "suspect_verdicts"
VERDICTS = ("honest", "fake")


@dataclass(frozen=True)
class Verdict:
    """One decision that the next run will obey; `verdict` is None where an earlier one is taken back."""

    shop_id: str
    order_id: str
    verdict: str | None
    reason: str
    author: str


def judge(
    root: Path, shop_id: str, order_id: str, verdict: str | None, *, before: str | None, reason: str, author: str
) -> Verdict:
    """Keeps a decision on one order over every rule, or takes the earlier one (`before`) back with None.

    Every decision is a row of `tillmill.entries` and stays one: the latest holds, the others are its history. Raises
    UsageError for another verdict, without a reason, and without an author.
    """
    if verdict is not None and verdict not in VERDICTS:
        raise UsageError(f"{verdict!r} is no verdict; there are {' and '.join(VERDICTS)}")
    if not reason.strip():
        raise UsageError("a verdict needs its reason: whoever looks at the order next asks for it")
    workspace = open_workspace(root)  # which sets the clock
    row = {
        "entry_id": uuid.uuid4().hex,
        "form": FORM,
        "row": _json({"shop_id": shop_id, "order_id": order_id}),
        "old": _json({"verdict": before}),
        "new": _json({"verdict": verdict, "reason": reason.strip()}),
        "author": author.strip(),
        "at": now().isoformat(),
    }
    inbox.say(workspace, STREAM, row, author=author)
    return Verdict(shop_id, order_id, verdict, reason.strip(), author.strip())


def pending(root: Path) -> list[Verdict]:
    """The latest decision on each order that no run has obeyed yet, in the order they were taken."""
    workspace = open_workspace(root)
    with Ledger(workspace.ledger) as ledger:
        said = [row for row in inbox.pending(workspace, ledger, STREAM) if row["form"] == FORM]
    latest: dict[tuple[str, str], Verdict] = {}
    for row in said:
        order, new = json.loads(row["row"]), json.loads(row["new"])
        key = (order["shop_id"], order["order_id"])
        latest.pop(key, None)
        latest[key] = Verdict(*key, new["verdict"], new["reason"], row["author"])
    return list(latest.values())


def _json(value: dict[str, str | None]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
