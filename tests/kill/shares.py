"""How many kills each way in gets of all there are: KILLS in the environment, 100 without it."""

from __future__ import annotations

import os

KILLS = int(os.environ.get("KILLS", "100"))
PERCENT = {
    "files": 21,
    "http windows": 5,
    "http keyset": 6,
    "graphql": 6,
    "jsonrpc": 6,
    "soap last record": 4,
    "soap changes": 3,
    "sql changes": 6,
    "sql whole table": 5,
    "opcua": 6,
    "modbus": 5,
    "mqtt": 5,
    "tcp": 5,
    "vault": 5,
    "replay": 4,
    "compact": 4,
    "reseal": 4,
}
assert sum(PERCENT.values()) == 100


def share(of: str) -> int:
    """The kills of one way in; at least one."""
    return max(1, round(KILLS * PERCENT[of] / 100))
