"""A place on a server that is asked again when its connection is lost: what has come stays, the rest is fetched."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import BinaryIO, TypeVar

from ingestion.connectors.places.place import PassingError, Place, Seen
from tillmill.errors import SourceError

Answer = TypeVar("Answer")
MOST_WAIT_SECONDS = 30.0


class Patient:
    """Opens the place when it is first needed, and anew after each trouble of the moment (PassingError).

    `attempts` count from the last progress: a large file whose connection drops now and then comes to its end. Between
    them stand `first_wait_seconds`, doubled each time. How long all of it may take is the stream's deadline.
    """

    def __init__(
        self, opening: Callable[[], AbstractContextManager[Place]], attempts: int, first_wait_seconds: float
    ) -> None:
        self._opening = opening
        self._attempts = attempts
        self._first_wait_seconds = first_wait_seconds
        self._open = ExitStack()
        self._place: Place | None = None

    def look(self, pattern: str) -> list[Seen]:
        return self._ask(lambda place: place.look(pattern))

    def again(self, files: list[Seen]) -> set[Seen]:
        return self._ask(lambda place: place.again(files))

    def read(self, files: list[Seen], found: dict[Seen, bytes | None]) -> None:
        def rest(place: Place) -> None:
            place.read([file for file in files if file not in found], found)

        self._ask(rest, lambda: len(found))

    def copy(self, file: Seen, into: BinaryIO) -> bool:
        return self._ask(lambda place: place.copy(file, into), into.tell)

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        self._place = None
        self._open.close()

    def _ask(self, question: Callable[[Place], Answer], progress: Callable[[], int] = lambda: 0) -> Answer:
        failed, reached = 0, progress()
        while True:
            try:
                if self._place is None:
                    self._place = self._open.enter_context(self._opening())
                return question(self._place)
            except PassingError as error:
                self.close()
                failed, reached = (failed + 1 if progress() <= reached else 1), progress()
                if failed >= self._attempts:
                    raise SourceError(
                        f"{error.what}; asked {failed} times", state=error.state, next_command=error.next_command
                    ) from error
            time.sleep(min(MOST_WAIT_SECONDS, self._first_wait_seconds * 2 ** (failed - 1)))
