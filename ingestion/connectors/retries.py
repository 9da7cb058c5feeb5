"""Says in words that a source is asked again: who did not answer, why, and in how many seconds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from stamina.instrumentation import RetryDetails, set_on_retry_hooks

LOG = logging.getLogger("tillmill.retries")


@contextmanager
def at(where: str) -> Iterator[None]:
    """What fails within did so at this place; its line of the next attempt names it."""
    try:
        yield
    except Exception as error:
        error.add_note(where)
        raise


def tell_in_words() -> None:
    """From now on each attempt that failed and will be made again is one readable line; a secret is in none."""
    set_on_retry_hooks([_tell])


def _tell(details: RetryDetails) -> None:
    error = details.caused_by
    place = "".join(f"{where}: " for where in getattr(error, "__notes__", [])[:1])
    seconds = "at once" if details.wait_for < 0.05 else f"in {details.wait_for:.1f} s"
    # Our own errors are cleaned where they are made; anyone else's may quote what was sent.
    why = str(error) if type(error).__module__.startswith("ingestion.") else type(error).__name__
    LOG.warning("%s%s; attempt %d follows %s", place, why, details.retry_num + 1, seconds)
