"""Random moments to kill at, within the time that the work takes."""

from __future__ import annotations

import random
from collections.abc import Iterator

_AT_MOST = 3
"""Times as many kills as were asked for, where too many come after the end."""


class Moments:
    """Moments from now to the end of the work, which took `seconds` when it was left alone.

    A kill that comes after the end proves nothing: the machine was busier when it was timed, and the moments that
    follow come sooner.
    """

    def __init__(self, seconds: float, wanted: int) -> None:
        self.seconds = seconds
        self.wanted = wanted
        self.kills = 0
        self.cut_off = 0
        self._random = random.Random(wanted)
        self._last = 0.0

    def numbers(self) -> Iterator[int]:
        """The number of each kill that is due: as many as are wanted, then more until half of all came in time."""
        while self.kills < self.wanted or (not self.prove_something() and self.kills < self.wanted * _AT_MOST):
            yield self.kills

    def next(self) -> float:
        """Seconds to wait before the next kill."""
        self._last = self._random.uniform(0, self.seconds)
        return self._last

    def was(self, cut_off: bool) -> None:
        """Count a kill: whether it came while the work was going on."""
        self.kills += 1
        self.cut_off += cut_off
        if not cut_off:
            self.seconds = self._last / 2

    def prove_something(self) -> bool:
        """Whether half the kills at least came in time."""
        return self.cut_off >= self.kills // 2
