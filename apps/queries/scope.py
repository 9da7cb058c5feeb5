"""What part of the business a page looks at: a span of whole weeks and the filters of its row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

# The lines that count as sales to shoppers, with their product's category, under the filters of a scope; each question
# adds its own span of time.
COUNTED = """
    select line.*, product.category
    from fct_sales_line as line
    left join dim_product as product on line.sku = product.sku and product.is_current
    where
        line.sales_view = 'sell_out' and line.is_revenue and line.is_counted and not line.is_suspect
        and line.channel_id = coalesce($channel, line.channel_id)
        and coalesce(line.region, '-') = coalesce($region, line.region, '-')
        and coalesce(product.category, '-') = coalesce($category, product.category, '-')
"""


@dataclass(frozen=True)
class Scope:
    """Business dates from `start_on` up to, not including, `end_on`; None in a filter means all."""

    start_on: date
    end_on: date
    channel: str | None = None
    region: str | None = None
    category: str | None = None

    @property
    def parameters(self) -> dict[str, str | date | None]:
        return {
            "start_on": self.start_on,
            "end_on": self.end_on,
            "channel": self.channel,
            "region": self.region,
            "category": self.category,
        }

    @property
    def weeks(self) -> int:
        return max(1, (self.end_on - self.start_on).days // 7)

    def before(self) -> Scope:
        """The span of equal length just before this one."""
        return replace(self, start_on=self.start_on - (self.end_on - self.start_on), end_on=self.start_on)

    def until(self, end_on: date) -> Scope:
        """The same start and filters, up to another end."""
        return replace(self, end_on=end_on)

    def week_starts(self) -> list[date]:
        return [self.start_on + timedelta(weeks=index) for index in range(self.weeks)]
