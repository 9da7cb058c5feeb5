"""How many kills each way in gets of all there are: KILLS in the environment, 100 without it."""

from __future__ import annotations

import os

KILLS = int(os.environ.get("KILLS", "100"))
PERCENT = {
    "files": 28,
    "http windows": 8,
    "http keyset": 7,
    "graphql": 6,
    "jsonrpc": 6,
    "sql changes": 6,
    "sql whole table": 6,
    "mqtt": 5,
    "tcp": 5,
    "vault": 9,
    "replay": 8,
    "compact": 6,
}
assert sum(PERCENT.values()) == 100


def share(of: str) -> int:
    """The kills of one way in; at least one."""
    return max(1, round(KILLS * PERCENT[of] / 100))
