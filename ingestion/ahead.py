"""Pages pulled one ahead, in a thread that a run can leave when its source never answers."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator

from ingestion.connectors.page import Page

# How long a stream that has ended waits for its connection to close.
CLOSE_SECONDS = 10.0
# How soon a run that is interrupted leaves a source it waits for.
GLANCE_SECONDS = 0.2


# A page, what the source raised, or its end.
Handed = Page | BaseException | None


class DeadlineError(Exception):
    """The next page did not come in time."""


class StoppedError(Exception):
    """The run was interrupted before the next page came."""


def pull_ahead(
    pages: Callable[[], Iterator[Page]], deadline: float, stop: threading.Event | None = None
) -> Generator[Page]:
    """Yield `pages()`, pulled one page ahead in a thread of its own; raise DeadlineError at `deadline` (perf_counter),
    StoppedError once `stop` is set.

    The thread is what lets a run leave a source that never answers: it is abandoned, and can land nothing, because
    landing happens on the caller's side. Errors of the source are raised here. Behind a page that `lands_at_once` the
    iterator goes on only when the caller asks for the next.
    """
    handed: queue.SimpleQueue[Handed] = queue.SimpleQueue()
    asked = threading.Semaphore(1)
    left = threading.Event()

    def work() -> None:
        try:
            pulled = pages()
            try:
                for page in pulled:
                    asked.acquire()
                    if left.is_set():
                        return
                    handed.put(page)
                    if page.lands_at_once:
                        asked.acquire()
                        if left.is_set():
                            return
                        asked.release()
            finally:
                close = getattr(pulled, "close", None)
                if close is not None:
                    close()
            handed.put(None)
        except BaseException as error:
            handed.put(error)

    thread = threading.Thread(target=work, name="pages", daemon=True)
    thread.start()
    is_left = False
    try:
        while True:
            try:
                page = _next(handed, deadline, stop)
            except (DeadlineError, StoppedError):
                is_left = True
                raise
            if page is None:
                return
            if isinstance(page, BaseException):
                raise page
            yield page
            asked.release()
    finally:
        left.set()
        asked.release()
        if not is_left:
            # Its connection is closed before the next stream of the source opens one.
            thread.join(timeout=CLOSE_SECONDS)


def _next(handed: queue.SimpleQueue[Handed], deadline: float, stop: threading.Event | None) -> Handed:
    while True:
        if stop is not None and stop.is_set():
            raise StoppedError
        left = deadline - time.perf_counter()
        try:
            return handed.get(timeout=min(GLANCE_SECONDS, max(0.0, left)))
        except queue.Empty:
            if left <= GLANCE_SECONDS:
                raise DeadlineError from None
