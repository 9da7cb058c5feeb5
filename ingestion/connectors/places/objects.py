"""An object store: S3 and what speaks like it (OSS, COS, MinIO), Google Cloud Storage, Azure Blob Storage."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, BinaryIO, TypeVar

import obstore
from obstore.exceptions import BaseError, GenericError
from obstore.store import from_url

from ingestion.connectors.places.place import WILDCARDS, PassingError, Seen, check_pattern, fits
from tillmill.errors import SettingsError, SourceError

Answer = TypeVar("Answer")
Work = TypeVar("Work")
SCHEMES = ("s3", "gs", "az")
IN_FLIGHT = 8
PIECE = 8 << 20
PATIENCE = {"connect_timeout": "20s", "timeout": "120s"}
RETRIES: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=120)}


def open_objects(url: str, options: dict[str, str]) -> Objects:
    """The objects under `s3://bucket/prefix` (gs, az alike). Raises SettingsError for an option it does not know.

    We speak to obstore itself: its fsspec adapter tells no time of change and holds whole objects in memory.
    """
    client: Any = PATIENCE | ({"allow_http": True} if options.get("endpoint", "").startswith("http://") else {})
    config: Any = dict(options)
    try:
        store = from_url(url, config=config, client_options=client, retry_config=RETRIES)
    except (BaseError, ValueError, TypeError) as error:
        raise SettingsError(f"connection: {url} cannot be opened: {_words(error)}") from error
    return Objects(store, url)


class Objects:
    """The objects under one prefix; their names are their keys below it."""

    def __init__(self, store: Any, url: str) -> None:
        self._store = store
        self._url = url

    def look(self, pattern: str) -> list[Seen]:
        # Stores list by prefix alone: as far as the pattern names whole folders.
        folders = check_pattern(pattern).split("/")[:-1]
        plain = [any(sign in part for sign in WILDCARDS) for part in folders]
        prefix = "/".join(folders[: plain.index(True)] if True in plain else folders)
        return self._ask(lambda: sorted(self._list(prefix, pattern)), prefix)

    def again(self, files: list[Seen]) -> set[Seen]:
        return {seen for seen in self._each(files, self._head) if seen is not None}

    def read(self, files: list[Seen], found: dict[Seen, bytes | None]) -> None:
        def one(file: Seen) -> None:
            found[file] = self._read(file)

        self._each(files, one)

    def copy(self, file: Seen, into: BinaryIO) -> bool:
        def stream() -> None:
            start = into.tell()
            told: Any = {"range": {"offset": start}} if start else {}
            for piece in obstore.get(self._store, file.name, options=told).stream(min_chunk_size=PIECE):
                into.write(piece)

        try:
            self._ask(stream, file.name)
        except FileNotFoundError:
            return False
        return True

    def _list(self, prefix: str, pattern: str) -> list[Seen]:
        batches = obstore.list(self._store, prefix=prefix or None)
        return [_seen(told) for batch in batches for told in batch if fits(told["path"], pattern)]

    def _head(self, file: Seen) -> Seen | None:
        try:
            return self._ask(lambda: _seen(obstore.head(self._store, file.name)), file.name)
        except FileNotFoundError:
            return None

    def _read(self, file: Seen) -> bytes | None:
        try:
            return self._ask(lambda: bytes(obstore.get(self._store, file.name).bytes()), file.name)
        except FileNotFoundError:
            return None

    @staticmethod
    def _each(files: list[Seen], work: Callable[[Seen], Answer]) -> list[Answer]:
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="objects") as pool:
            return list(pool.map(work, files))

    def _ask(self, question: Callable[[], Answer], what: str) -> Answer:
        try:
            return question()
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            # What the store itself refuses has a name of its own; the rest is the way there.
            kind = PassingError if type(error) is GenericError or isinstance(error, OSError) else SourceError
            raise kind(f"{self._url}: {what or 'its objects'} cannot be read: {_words(error)}") from error


def _seen(told: Any) -> Seen:
    return Seen(told["path"], told["size"], round(told["last_modified"].timestamp() * 1_000_000) * 1_000)


def _words(error: Exception) -> str:
    """The first line of the error: what follows repeats requests, and may hold what must not be told."""
    return (str(error).splitlines() or [""])[0][:300] or type(error).__name__
