"""Random moments to kill at, within the time that the work takes."""

from __future__ import annotations

import random


class Moments:
    """Moments from now to the end of the work, which took `seconds` when it was left alone.

    A kill that comes after the end proves nothing: the machine was busier when it was timed, and the moments that
    follow come sooner.
    """

    def __init__(self, seconds: float, seed: int) -> None:
        self.seconds = seconds
        self.kills = 0
        self.cut_off = 0
        self._random = random.Random(seed)
        self._last = 0.0

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
