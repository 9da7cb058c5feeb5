"""Pages pulled one ahead, in a thread that a run can leave when its source never answers."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator

from ingestion.connectors.page import Page

# How long a stream that has ended waits for its connection to close.
CLOSE_SECONDS = 10.0


class DeadlineError(Exception):
    """The next page did not come in time."""


def pull_ahead(pages: Callable[[], Iterator[Page]], deadline: float) -> Generator[Page]:
    """Yield `pages()`, pulled one page ahead in a thread of its own; raise DeadlineError at `deadline` (perf_counter).

    The thread is what lets a run leave a source that never answers: it is abandoned, and can land nothing, because
    landing happens on the caller's side. Errors of the source are raised here. Behind a page that `lands_at_once` the
    iterator goes on only when the caller asks for the next.
    """
    handed: queue.SimpleQueue[Page | BaseException | None] = queue.SimpleQueue()
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
    is_late = False
    try:
        while True:
            try:
                page = handed.get(timeout=max(0.0, deadline - time.perf_counter()))
            except queue.Empty:
                is_late = True
                raise DeadlineError from None
            if page is None:
                return
            if isinstance(page, BaseException):
                raise page
            yield page
            asked.release()
    finally:
        left.set()
        asked.release()
        if not is_late:
            # Its connection is closed before the next stream of the source opens one.
            thread.join(timeout=CLOSE_SECONDS)
