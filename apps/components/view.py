"""What a page needs to draw itself: words, colours, the published version, the day, and what the filters say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from apps import format as write
from apps.components.theme import Colours
from apps.i18n import Words
from apps.queries.metrics import Metric
from apps.queries.warehouse import Warehouse
from tillmill.workspace import Brand


@dataclass(frozen=True)
class View:
    """One reader's look at one published version; `failed` says why a stream (SOURCE STREAM) was not pulled;
    `root` is the workspace's folder, for `tillmill.actions`; `metrics` are those that the version defines."""

    words: Words
    colours: Colours
    brand: Brand
    warehouse: Warehouse
    version: int
    clock: datetime
    today: date
    names: Mapping[tuple[str, str], str]
    failed: Mapping[str, str] = field(default_factory=dict)
    root: Path = field(default_factory=Path)
    metrics: Mapping[str, Metric] = field(default_factory=dict)

    @property
    def language(self) -> str:
        return self.words.language

    def channel(self, code: str | None) -> str:
        """A channel's name: the one its owner gave in the reference tables, else the portal's word, else its code."""
        return self.named("channel", code)

    def named(self, group: str, code: str | None) -> str:
        """The owner's name for a code, else the portal's word for it, else the code."""
        return self.names.get((group, code or ""), "") or write.name(self.words.code(group, code))

    def category(self, code: str | None) -> str:
        """A category as it is shown; the warehouse's word for none is said in the reader's language."""
        return write.name(self.words.code("category", code))

    def item(self, name: str | None) -> str:
        """A product's or place's name without the brand's own name before it: the reader knows whose it is."""
        own = f"{self.brand.name} "
        text = name[len(own) :] if name and name.startswith(own) and len(name) > len(own) else name
        shown = write.name(text)
        return shown if shown is text is name else shown[:1].upper() + shown[1:]

    def metric(self, name: str) -> Metric:
        """A figure's name, meaning and format; of one that the version does not define, the id's own words."""
        return self.metrics.get(name) or Metric(name.replace("_", " "))

    def written(self, metric: str, value: write.Figure) -> str:
        """A value of a metric as its definition has it written: $1.2M, 63.4 %, 3.5 d."""
        of = self.metric(metric)
        if of.format == "money":
            return self.money(value)
        if of.format == "percent":
            return write.percent(value, 1 if of.digits is None else of.digits)
        if of.format == "score":
            return write.signed(write.exact(value, of.digits or 0))
        if of.format == "days":
            return self.words("unit.days", days=write.few(value))
        text = self.short(value) if of.digits is None else write.exact(value, of.digits)
        return self.words("unit.hours", hours=text) if of.format == "hours" and text != write.NONE else text

    def short(self, value: write.Figure) -> str:
        return write.short(value, self.language)

    def money(self, value: write.Figure) -> str:
        return write.money(value, self.brand.currency, self.language)

    def money_exact(self, value: write.Figure, digits: int = 2) -> str:
        return write.money_exact(value, self.brand.currency, digits)

    def day(self, value: date | None) -> str:
        return write.day(value, self.language)

    def day_short(self, value: date | None) -> str:
        return write.day_short(value, self.language)

    def moment(self, at: datetime | None) -> str:
        """A UTC time to the minute, in the brand's zone."""
        return write.NONE if at is None else write.moment(self.local(at), self.language)

    def local(self, at: datetime) -> datetime:
        """A UTC time (naive or not) in the brand's zone."""
        aware = at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo("UTC"))
        return aware.astimezone(ZoneInfo(self.brand.timezone))
