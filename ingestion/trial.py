"""A stream tried out: one page is pulled and prepared as if it were to land, and nothing lands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import polars as pl

from ingestion.checking import ROW
from ingestion.connectors.page import FAULT, RAW, RESERVED, Page
from ingestion.connectors.retries import tell_in_words
from ingestion.contracts.contract import landed_name
from ingestion.mapping import FieldRule, reads
from ingestion.prepare import Prepared, prepare
from ingestion.privacy.masking import mask, mask_column
from ingestion.privacy.normalise import kind_of
from ingestion.privacy.signs import people_fields
from ingestion.privacy.tokens import Keys
from ingestion.sources import Stream
from ingestion.unused import idle, unwanted
from tillmill.refusals import closest

SAMPLES = 3
EXAMPLES = 3
LONGEST = 60
# So many pages without rows are read past to find one with some.
EMPTY_PAGES = 20
PERSONAL, SEALED = "(personal)", "(sealed)"
Show = Callable[[object], str]


@dataclass(frozen=True)
class RawField:
    """A field of the source: samples of its values, rows that have one, the contract columns read from it, and whether
    `unused` names it."""

    name: str
    samples: list[str]
    filled: int
    columns: list[str]
    is_unused: bool = False


@dataclass(frozen=True)
class MappedColumn:
    """A column of the contract: what the mapping says it comes from, and one row's raw value and what it became."""

    name: str
    origin: str
    raw: str | None
    value: str | None
    is_required: bool


@dataclass(frozen=True)
class MissingField:
    """A field that the mapping reads and no row has, the field that is most like it, and whether it may be missing."""

    name: str
    columns: list[str]
    nearest: str | None
    is_optional: bool = False


@dataclass(frozen=True)
class Failure:
    """Why rows would go to quarantine: how many, and the first of them (position, raw values)."""

    reason: str
    rows: int
    examples: list[tuple[str, str]]


@dataclass(frozen=True)
class Trial:
    """What one page says of a stream; `rows` = `good` + `bad`. `flags` are the oddities that rows would land with,
    `news` what a person should know of how the source is read, `unread` the files beside the page that cannot be read,
    each with why."""

    source: str
    stream: str
    position: str
    rows: int
    good: int
    bad: int
    fields: list[RawField]
    columns: list[MappedColumn]
    missing: list[MissingField]
    failures: list[Failure]
    flags: list[tuple[str, int]]
    news: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def is_fit(self) -> bool:
        """Whether every file can be read and every row of the page would land, with every field the mapping reads."""
        return not (self.bad or self.unread) and all(lost.is_optional for lost in self.missing)

    @property
    def unused(self) -> list[str]:
        """Raw fields that no mapping uses; their values would land in `_extra`."""
        return [one.name for one in self.fields if not one.columns]


def try_stream(stream: Stream, keys: Keys, *, unsealed: bool = False) -> Trial:
    """Pull the stream's first page from the start, prepare it, land nothing and move no cursor.

    In a stream with personal fields, or whose source sends such along, values that are personal, or may be (fields that
    no mapping uses), are shown only when asked for; so are fields of any stream that show people, and phones and
    e-mails inside texts. Raises SourceError
    where the source cannot be read, ContractError, SettingsError.
    """
    tell_in_words()
    pages = iter(stream.pages(None))
    page = None
    try:
        # A page without rows may be followed by the word that a file could not be read.
        for page in islice(pages, EMPTY_PAGES):
            if not page.records.is_empty():
                break
    finally:
        close = getattr(pages, "close", None)
        if close is not None:
            close()
    if page is None or page.records.is_empty():
        return Trial(stream.source, stream.name, page.position if page else "", 0, 0, 0, [], [], [], [], [])
    return judge(stream, page, prepare(stream, page, keys), unsealed=unsealed)


def judge(stream: Stream, page: Page, prepared: Prepared, *, unsealed: bool = False) -> Trial:
    """What a prepared page says of its stream's mapping."""
    records = page.records.drop(stream.drop, strict=False)
    raw = [name for name in records.columns if name not in RESERVED]
    read_by = _read_by(stream, raw)
    hidden = set() if unsealed else _hidden(stream, records, raw, read_by)
    show = _short if unsealed else _masked
    unused = unwanted(raw, stream.unused)
    fields = [
        RawField(
            name,
            [_label(name, read_by)] if name in hidden else _samples(records[name], show),
            records.height - records[name].null_count(),
            read_by.get(name, []),
            name in unused,
        )
        for name in raw
    ]
    # A field without any value, such as a misspelt parent, is not what is meant.
    filled = [one for one in fields if one.filled]
    missing = [
        MissingField(
            name,
            read_by[name],
            closest(name, [one.name for one in filled if not one.columns] or [one.name for one in filled]),
            all(stream.rules[column].optional for column in read_by[name] if column in stream.rules),
        )
        for name in sorted(reads(stream.rules) - set(raw))
    ]
    return Trial(
        source=stream.source,
        stream=stream.name,
        position=page.position if show is _short else mask(page.position, is_name=True),
        rows=records.height,
        good=prepared.good.height,
        bad=records.height - prepared.good.height,
        fields=fields,
        columns=_columns(stream, records, prepared.good, hidden, show),
        missing=missing,
        failures=_failures(stream, records, prepared.bad, hidden, show),
        flags=Counter(flag for text in prepared.good["_flags"] for flag in text.split(",") if flag).most_common(),
        news=[
            *filter(None, [page.news]),
            *idle(stream.unused, raw, prepared.extra_fields),
            *idle(stream.drop, page.records.columns, prepared.extra_fields, "drop"),
            *_from_nowhere(stream, records),
        ],
        unread=[*page.unread] if unsealed else [mask(said, is_name=True) for said in page.unread],
    )


def _from_nowhere(stream: Stream, records: pl.DataFrame) -> list[str]:
    """What is said of phones that name no country where nobody has said which is meant."""
    said = []
    for column in sorted(stream.contract.personal) if not stream.calling_code else ():
        rule = stream.rules.get(column)
        if rule is None or rule.calling_code or kind_of(column) != "phone" or rule.field not in records.columns:
            continue
        bare = records.select(pl.col(rule.field).str.contains(r"^\s*(\(0\))?0?[1-9]").sum()).item()
        if bare:
            said.append(
                f"{bare} of {records.height} {rule.field} say no country and stay as they were dialled, so that 0171… "
                'does not meet +49171…: say [brand] calling_code = "49", or calling_code of the field'
            )
    return said


def _read_by(stream: Stream, raw: Sequence[str]) -> dict[str, list[str]]:
    """Raw field to the contract columns that read it, by rule or by bearing its name."""
    found: dict[str, list[str]] = {}
    for column in stream.contract.columns:
        rule = stream.rules.get(column)
        names = reads({column: rule}) if rule is not None else {column} & set(raw)
        for name in sorted(names):
            found.setdefault(name, []).append(column)
    if stream.deletes is not None:
        found.setdefault(stream.deletes, []).append("_op")
    return found


def _hidden(stream: Stream, records: pl.DataFrame, raw: Sequence[str], read_by: dict[str, list[str]]) -> set[str]:
    personal = set(stream.contract.personal)
    unmapped = [name for name in raw if name not in read_by]
    if not (personal or _carries(stream)):
        unmapped = [] if stream.may_carry is False else people_fields(records, unmapped)
        # What masking hides is shown masked; a phone by its field's name alone is not.
        masked = records.select(mask_column(records[name])[0].alias(name) for name in unmapped)
        unmapped = people_fields(masked, unmapped)
    return {*unmapped, *(name for name in read_by if personal & set(read_by[name]))}


def _carries(stream: Stream) -> bool:
    """Whether its source is said to send people along."""
    return stream.contract.may_carry or stream.may_carry is True


def _label(name: str, read_by: dict[str, list[str]]) -> str:
    """What stands for a value that is not shown: of a person, or of a field that nobody has said anything of."""
    return PERSONAL if name in read_by else SEALED


def _samples(values: pl.Series, show: Show) -> list[str]:
    return [show(value) for value in values.drop_nulls().unique(maintain_order=True).head(SAMPLES)]


def _columns(
    stream: Stream, records: pl.DataFrame, good: pl.DataFrame, hidden: set[str], show: Show
) -> list[MappedColumn]:
    """Every column that has an origin, a value or must have one."""
    row = good.row(0, named=True) if good.height else {}
    record = records.row(row[ROW] if row else 0, named=True)
    found = []
    for column, spec in stream.contract.schema.columns().items():
        rule = stream.rules.get(column)
        value = row.get(landed_name(stream.contract, column))
        if rule is None and column not in records.columns and value is None and spec.nullable:
            continue
        names = sorted(reads({column: rule})) if rule is not None else [column] if column in record else []
        told = [show(record[name]) for name in names if name in record and record[name] is not None]
        told = [PERSONAL] if hidden & set(names) else told
        origin = _origin(rule, column in records.columns, value is not None)
        shown = None if value is None else show(value)
        found.append(MappedColumn(column, origin, ", ".join(told) or None, shown, not spec.nullable))
    return found


def _origin(rule: FieldRule | None, is_there: bool, has_value: bool) -> str:
    if rule is None:
        return "field of its name" if is_there else "default" if has_value else "nothing"
    if rule.field is not None:
        return rule.field
    if rule.const is not None:
        return f"const {rule.const!r}"
    return f"position {rule.position}" if rule.position is not None else f"expr {rule.expr}"


def _failures(stream: Stream, records: pl.DataFrame, bad: pl.DataFrame, hidden: set[str], show: Show) -> list[Failure]:
    found = []
    for reason, rows in sorted(Counter(bad["reason"].to_list()).items(), key=lambda told: (-told[1], told[0])):
        first = bad.filter(pl.col("reason") == reason).head(EXAMPLES)
        examples = [
            (told["position"], _raw_values(stream, records.row(told["row"], named=True), told["field"], hidden, show))
            for told in first.iter_rows(named=True)
        ]
        found.append(Failure(reason, rows, examples))
    return found


def _raw_values(stream: Stream, record: dict[str, Any], columns: str, hidden: set[str], show: Show) -> str:
    """The raw values behind the columns that failed, or the line as it stood."""
    if not columns:
        # What has no fields may hold anything; an opened stream shows it.
        seals = show is not _short and (stream.contract.personal or _carries(stream))
        return PERSONAL if seals else show(record.get(RAW) or record[FAULT])
    names: dict[str, None] = {}
    for column in columns.split(","):
        rule = stream.rules.get(column)
        names |= dict.fromkeys(sorted(reads({column: rule})) if rule is not None else [column])
    values = {name: PERSONAL if name in hidden else show(record.get(name)) for name in names}
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _masked(value: object) -> str:
    """A value as everywhere else: without the phones and e-mails in it, which are looked for before it is cut."""
    return _short(mask("" if value is None else str(value)))


def _short(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
