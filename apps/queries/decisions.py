"""What decisions were expected to bring and what they brought, out of `mart_decision`."""

from __future__ import annotations

from dataclasses import dataclass

from apps.queries.warehouse import Warehouse

_OUTCOME = """
select
    count(*)::bigint as decisions,
    count(deviation_amount)::bigint as judged,
    sum(case when deviation_amount is not null then expected_amount end)::double as expected,
    sum(case when deviation_amount is not null then realised_amount end)::double as realised
from mart_decision
where kind = coalesce($kind, kind)
"""


@dataclass(frozen=True)
class Outcome:
    """Decisions that have landed, those whose outcome is known, and of these what was expected and what was realised;
    None where nothing is known."""

    decisions: int
    judged: int
    expected: float | None
    realised: float | None

    @property
    def rate(self) -> float | None:
        """Realised ÷ expected; None where nothing was expected."""
        return self.realised / self.expected if self.realised is not None and self.expected else None


def outcome(warehouse: Warehouse, kind: str | None = None) -> Outcome:
    """All decisions of a kind (of all kinds without one) together."""
    return Outcome(**warehouse.rows(_OUTCOME, kind=kind).row(0, named=True))
