"""Fair share: how a scarce supply is divided so that places run out together, and how units stay whole."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor


def fair_share(available: float, stock: Sequence[float], daily: Sequence[float]) -> tuple[float, list[float]]:
    """Days of cover that all places reach together, and the units each gets (≥ 0, summing to `available`).

    A place already above the common cover gets nothing; a place without demand gets nothing. Raises ValueError when
    there is nothing demanded anywhere.
    """
    places = [place for place, rate in enumerate(daily) if rate > 0]
    if not places:
        raise ValueError("no place has demand")
    places.sort(key=lambda place: (stock[place] / daily[place], place))
    held = rate = days = 0.0
    for count, place in enumerate(places, start=1):
        held, rate = held + stock[place], rate + daily[place]
        days = (available + held) / rate
        if count == len(places) or days <= stock[places[count]] / daily[places[count]]:
            break
    return days, [
        max(0.0, days * daily[place] - stock[place]) if daily[place] > 0 else 0.0 for place in range(len(daily))
    ]


def whole_shares(total: int, weights: Sequence[float]) -> list[int]:
    """`total` units in whole shares by `weights`, conserving the total (largest remainder; ties to the earlier place).

    Weights are ≥ 0; all zero counts as equal.
    """
    if not weights:
        return []
    biggest = max(weights)
    scaled = [weight / biggest for weight in weights] if biggest > 0 else [1.0] * len(weights)
    sum_of_weights = sum(scaled)
    exact = [total * weight / sum_of_weights for weight in scaled]
    shares = [floor(units) for units in exact]
    by_remainder = sorted(range(len(exact)), key=lambda place: (shares[place] - exact[place], place))
    for place in by_remainder[: total - sum(shares)]:
        shares[place] += 1
    return shares
