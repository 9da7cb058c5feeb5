"""One stream from pull to ledger: its lock, its deadline, its limit of bad rows; and many streams side by side."""

from __future__ import annotations

import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol, Self

import polars as pl

from ingestion.ahead import DeadlineError, StoppedError, pull_ahead
from ingestion.connectors.page import Page
from ingestion.contracts.contract import Contract, landed_schema
from ingestion.judging import JUDGED_FROM_ROWS, judge_fields, judge_rate
from ingestion.judging import Stream as Judged
from ingestion.landing import lake, originals
from ingestion.landing.ledger import Cursor, Ledger, Load
from ingestion.landing.locks import stream_lock
from ingestion.landing.recovery import recover_stream
from ingestion.privacy.masking import mask
from ingestion.privacy.signs import PERSON
from ingestion.snapshot import Snapshot
from ingestion.unused import idle
from tillmill.errors import LockedError, SourceError, TillmillError
from tillmill.workspace import Snapshot as SnapshotSettings
from tillmill.workspace import Workspace, now

SOURCES_AT_ONCE = 4
# A load is closed at whichever comes first; it bounds what is held in memory and what a kill makes us pull again.
LOAD_ROWS = 250_000
LOAD_BYTES = 256 * 1024 * 1024
DEADLINE_SECONDS = 3600.0


class Stream(Judged, Protocol):
    """What the runner asks of a stream (`ingestion.sources` binds them)."""

    @property
    def contract(self) -> Contract: ...
    @property
    def hands_over_files(self) -> bool: ...
    @property
    def unused(self) -> frozenset[str]: ...
    @property
    def drop(self) -> frozenset[str]: ...
    @property
    def snapshot(self) -> SnapshotSettings | None: ...
    @property
    def cursor_name(self) -> str: ...
    @property
    def is_sealed(self) -> bool: ...
    @property
    def is_afresh(self) -> bool: ...
    def from_start(self, cursor: dict[str, Any] | None) -> dict[str, Any] | None: ...
    def pages(self, cursor: dict[str, Any] | None) -> Iterator[Page]: ...
    def carrying(self, fields: Iterable[str]) -> Self: ...


class Prepared(Protocol):
    """A page after its contract and its protection (`ingestion.prepare`)."""

    @property
    def good(self) -> pl.DataFrame: ...
    @property
    def bad(self) -> pl.DataFrame: ...
    @property
    def extra_fields(self) -> list[str]: ...
    @property
    def lost_fields(self) -> list[str]: ...
    @property
    def kinds(self) -> Mapping[str, Sequence[str]]: ...
    @property
    def clear(self) -> pl.DataFrame | None: ...


Preparer = Callable[[Any, Page], Prepared]


@dataclass(frozen=True)
class StreamResult:
    """What one pull of one stream did: rows by fate, names of its loads, seconds, watermark (UTC), why it stopped.

    `reasons` are those of the rows that went to quarantine, the commonest first, each with its rows; `news` is what a
    person should know of how the source is read.
    """

    source: str
    stream: str
    pulled: int = 0
    landed: int = 0
    quarantined: int = 0
    loads: tuple[str, ...] = ()
    seconds: float = 0.0
    watermark_at: datetime | None = None
    error: str | None = None
    reasons: tuple[tuple[str, int], ...] = ()
    news: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.error:
            return f"{self.source} {self.stream}: {self.error.splitlines()[0]}"
        kept = f", {self.quarantined:,} quarantined" if self.quarantined else ""
        return f"{self.source} {self.stream}: {self.landed:,} rows{kept}"


Progress = Callable[[StreamResult | str], None]


@dataclass(frozen=True)
class Limits:
    """When a load is closed, and how long a stream may take in all."""

    load_rows: int = LOAD_ROWS
    load_bytes: int = LOAD_BYTES
    deadline_seconds: float = DEADLINE_SECONDS


def pull_all(
    workspace: Workspace,
    streams: Sequence[Stream],
    prepare: Preparer,
    *,
    progress: Progress | None = None,
    limits: Limits | None = None,
) -> list[StreamResult]:
    """Pull `streams`, sources side by side and the streams of one source in their order; results in the order given."""
    one_at_a_time = threading.Lock()
    stop = threading.Event()

    def tell(said: StreamResult | str) -> None:
        if progress is not None:
            with one_at_a_time:
                progress(said)

    def pull_source(group: list[Stream]) -> list[StreamResult]:
        with Ledger(workspace.ledger) as ledger:
            return [_pull(workspace, ledger, stream, prepare, tell, limits or Limits(), stop) for stream in group]

    ordered = sorted(streams, key=lambda stream: stream.source)
    groups = [list(group) for _, group in groupby(ordered, key=lambda stream: stream.source)]
    with ThreadPoolExecutor(max_workers=SOURCES_AT_ONCE, thread_name_prefix="source") as pool:
        try:
            results = [result for some in pool.map(pull_source, groups) for result in some]
        except BaseException:
            # Ctrl-C: the streams at work end with the page they hold.
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    place = {(stream.source, stream.name): number for number, stream in enumerate(streams)}
    return sorted(results, key=lambda result: place[(result.source, result.stream)])


def _pull(
    workspace: Workspace,
    ledger: Ledger,
    stream: Stream,
    prepare: Preparer,
    tell: Progress,
    limits: Limits,
    stop: threading.Event,
) -> StreamResult:
    """One stream's result, whatever happens to it."""
    started = time.perf_counter()
    tell(f"{stream.source} {stream.name}")
    pull = _Pull(workspace, ledger, stream, prepare, limits, stop)
    error: str | None = None
    try:
        with stream_lock(workspace, stream.source, stream.name):
            recover_stream(workspace, ledger, stream.source, stream.name)
            pull.run(started + limits.deadline_seconds)
    except TillmillError as stopped:
        error = _told(stopped, stream)
    except Exception as unforeseen:
        # A defect in one connector or a source beyond all imagination must not stop the other streams.
        error = str(
            SourceError(
                _said(unforeseen, is_sealed=stream.is_sealed),
                state="Loads that had landed stay; its cursor stands behind them.",
                next_command="tillmill run --only ingest",
            )
        )
    result = StreamResult(
        source=stream.source,
        stream=stream.name,
        pulled=sum(load.pulled for load in pull.loads),
        landed=sum(load.landed for load in pull.loads),
        quarantined=sum(load.quarantined for load in pull.loads),
        loads=tuple(load.load_id for load in pull.loads),
        seconds=time.perf_counter() - started,
        watermark_at=ledger.watermark(stream.source, stream.name),
        error=error,
        reasons=tuple(pull.reasons.most_common()),
        news=tuple(pull.news),
    )
    tell(result)
    return result


def _told(stopped: TillmillError, stream: Stream) -> str:
    """The error in words: its stream's name, which stands before it wherever it is shown, once; never without what to
    type next."""
    what = stopped.what.removeprefix(f"{stream.source} {stream.name}: ")
    following = stopped.next_command
    # A connector says what to set, and does not know in whose name to look at what that makes of the source.
    if "tillmill" not in following and not isinstance(stopped, LockedError):
        check = f"tillmill sources check {stream.source} --stream {stream.name}"
        following = f"{following}; then: {check}" if following else check
    return str(TillmillError(what, state=stopped.state, next_command=following))


def _said(unforeseen: Exception, *, is_sealed: bool) -> str:
    """The error in words; of a stream with people only its kind and place, because its words may quote a value."""
    if not is_sealed:
        return f"{type(unforeseen).__name__}: {mask(str(unforeseen))}"
    frames = traceback.extract_tb(unforeseen.__traceback__)
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(unforeseen).__name__}{place}"


@dataclass
class _Pull:
    """One pull in progress: the pieces of the load being filled, and the loads that have landed."""

    workspace: Workspace
    ledger: Ledger
    stream: Stream
    prepare: Preparer
    limits: Limits
    stop: threading.Event
    loads: list[Load] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    news: dict[str, None] = field(default_factory=dict)
    _came: set[str] = field(default_factory=set)
    _unmapped: set[str] = field(default_factory=set)
    _pieces: list[lake.Piece] = field(default_factory=list)
    # The ledger's cursor, and the one that what was pulled last goes on from: they differ where all is read again.
    _read: Cursor = field(default_factory=lambda: Cursor(None, 0))
    _after: dict[str, Any] | None = None
    _started_at: datetime = field(default_factory=now)
    _snapshot: Snapshot | None = None

    def run(self, deadline: float) -> None:
        """Pull until the source has no more. An error leaves the cursor behind the last load that landed.

        A stream that is read afresh begins at its start, and its cursor is set back by the first load that lands, in
        the transaction that records it: until then nothing has changed, and from then on it is an ordinary first pull.
        """
        self._read = self.ledger.cursor(self.stream.source, self.stream.name, self.stream.cursor_name)
        self.stream = self.stream.carrying(self.ledger.people_fields(self.stream.source, self.stream.name))
        first = self.stream.from_start(self._read.value) if self.stream.is_afresh else self._read.value
        self._after = first
        if self.stream.snapshot is not None:
            # A list that is asked for is asked for whole; one that comes as a file comes whole.
            first = first if self.stream.hands_over_files else None
            self._snapshot = Snapshot(
                self.stream.contract,
                hands_over_files=self.stream.hands_over_files,
                began_within=bool((first or {}).get("partial")),
            )
        try:
            with closing(pull_ahead(lambda: self.stream.pages(first), deadline, self.stop)) as pages:
                for page in pages:
                    self._take(page)
        except StoppedError as interrupted:
            raise SourceError(f"{self.stream.source} {self.stream.name}: interrupted") from interrupted
        except SourceError:
            # A whole list that did not come whole says nothing of what is gone: none of it lands.
            if self._snapshot is None:
                self._keep_whole()
                self._land()
            raise
        except DeadlineError as late:
            # What came in time is kept, or a first pull longer than the deadline would never come to its end.
            self._land()
            raise SourceError(
                f"{self.stream.source} {self.stream.name}: not done within {self.limits.deadline_seconds:,.0f} seconds",
                state=f"{len(self.loads)} loads have landed; the next run goes on behind them.",
                next_command="tillmill run --only ingest",
            ) from late
        if self._snapshot is not None and self.stream.snapshot is not None:
            gone = self._snapshot.tombstones(
                self.workspace, self.ledger, self.stream.source, self._pieces, self.stream.snapshot.most_share
            )
            self._pieces.extend([gone] if gone is not None else [])
        is_first = self._read.revision == 0
        self._land()
        self._tell_idle(is_first)

    def _tell_idle(self, is_first: bool) -> None:
        """Tells what `unused` and `drop` name and no row has. A few rows may lack a field that others have: of them
        only what is all but the name of an unmapped field is told."""
        if not self._came:
            return
        is_much = is_first or sum(load.pulled for load in self.loads) >= JUDGED_FROM_ROWS
        told = idle(self.stream.unused, self._came, self._unmapped)
        told += idle(self.stream.drop, self._came, self._unmapped, "drop")
        self.news |= dict.fromkeys(said for said in told if is_much or "did you mean" in said)

    def _keep_whole(self) -> None:
        """Of a pull that failed, keeps the pages up to the last that moved the cursor: what they hold is done with.

        A first pull of many windows or files would otherwise begin anew each time its source fails. The pages after
        that one are asked for again.
        """
        cursors = [self._after or {}, *(piece.cursor for piece in self._pieces)]
        moved = [place for place, piece in enumerate(self._pieces, start=1) if piece.cursor != cursors[place - 1]]
        self._pieces = self._pieces[: moved[-1]] if moved else []

    def _take(self, page: Page) -> None:
        prepared = self.prepare(self.stream, page)
        self.stream = self.stream.carrying(name for name, held in prepared.kinds.items() if PERSON in held)
        self.news |= dict.fromkeys(filter(None, [page.news]))
        self._came.update(page.records.columns)
        self._unmapped.update(prepared.extra_fields)
        if self._snapshot is not None:
            # The last page lands with what it says is gone, or a kill between the two would keep rows alive.
            self._land_if_full()
            self._snapshot.take(page, prepared.good)
        self._pieces.append(
            lake.Piece(
                good=prepared.good,
                bad=prepared.bad,
                pulled=page.records.height,
                cursor=page.cursor,
                extracted_at=page.extracted_at,
                extra_fields=prepared.extra_fields,
                lost_fields=prepared.lost_fields,
                kinds=prepared.kinds,
                clear=prepared.clear,
                originals=originals.keep(self.workspace, self.stream.source, self.stream.name, page.originals),
            )
        )
        if self._snapshot is None:
            self._land_if_full(at_once=page.lands_at_once)

    def _land_if_full(self, *, at_once: bool = False) -> None:
        rows = sum(piece.pulled for piece in self._pieces)
        size = sum(piece.good.estimated_size() + piece.bad.estimated_size() for piece in self._pieces)
        if at_once or rows >= self.limits.load_rows or size >= self.limits.load_bytes:
            self._land()

    def _land(self) -> None:
        pieces, self._pieces = self._pieces, []
        pulled = sum(piece.pulled for piece in pieces)
        if not pieces or (not pulled and pieces[-1].cursor == self._read.value):
            return
        reasons = Counter(reason for piece in pieces for reason in piece.bad["reason"])
        [(why, _)] = reasons.most_common(1) or [("", 0)]
        judge_rate(self.stream, self.loads, pulled, sum(piece.quarantined for piece in pieces), why)
        judge_fields(self.stream, self.ledger, self.loads, pulled, lake.drift(pieces), why)
        contract = self.stream.contract
        load = lake.land(
            self.workspace,
            self.ledger,
            source=self.stream.source,
            stream=self.stream.name,
            schema=landed_schema(contract),
            event=contract.event,
            pieces=pieces,
            read=self._read,
            started_at=self._started_at,
            cursor_name=self.stream.cursor_name,
        )
        self.loads.append(load)
        self.reasons += reasons
        self._after = pieces[-1].cursor
        self._read = Cursor(self._after, self._read.revision + 1)
        self._started_at = now()
