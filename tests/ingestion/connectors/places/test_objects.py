"""An object store, spoken to as S3."""

from __future__ import annotations

import gzip
import io
import time
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from ingestion.connectors.files import Pull, pages
from ingestion.connectors.page import FILE
from ingestion.connectors.places.objects import Objects, open_objects
from ingestion.connectors.places.opening import Connection
from tests.ingestion.connectors.file_servers import object_store, read
from tests.ingestion.connectors.fixtures import make_workspace, write_secret
from tillmill.errors import SettingsError, SourceError


@pytest.fixture(scope="module")
def options() -> Iterator[dict[str, str]]:
    with object_store() as endpoint:
        told = {"endpoint": endpoint, "access_key_id": "mill", "secret_access_key": "s3cret", "region": "us-east-1"}
        make_bucket(told)
        yield told


def make_bucket(options: dict[str, str]) -> None:
    import urllib.request

    request = urllib.request.Request(f"{options['endpoint']}/brand", method="PUT")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def put(options: dict[str, str], key: str, data: bytes) -> None:
    store = S3Store("brand", config=options, client_options={"allow_http": True})
    obstore.put(store, key, data)


@pytest.fixture
def place(options: dict[str, str]) -> Objects:
    return open_objects("s3://brand/from-pos", options)


def test_objects_are_files_below_the_prefix(place: Objects, options: dict[str, str]) -> None:
    put(options, "from-pos/2026/11/x_北京.csv", b"a,b\n1,2\n")
    put(options, "from-pos/2026/12/x_1.csv", b"a,b\n3,4\n")
    put(options, "elsewhere/x_2.csv", b"a,b\n5,6\n")
    found = place.look("2026/*/x_*.csv")
    assert [(file.name, file.size) for file in found] == [("2026/11/x_北京.csv", 8), ("2026/12/x_1.csv", 8)]
    assert place.look("2026/12/*.csv") == found[1:]
    assert place.look("**/x_1.csv") == found[1:]
    assert place.look("*.csv") == []
    assert abs(found[0].modified / 1e9 - time.time()) < 60
    assert read(place, found) == [b"a,b\n1,2\n", b"a,b\n3,4\n"]
    assert place.again(found) == set(found)
    into = io.BytesIO()
    assert place.copy(found[0], into)
    assert into.getvalue() == b"a,b\n1,2\n"


def test_an_object_that_went_or_changed_is_told(place: Objects, options: dict[str, str]) -> None:
    put(options, "from-pos/gone/x.csv", b"a\n1\n")
    [file] = place.look("gone/x.csv")
    put(options, "from-pos/gone/x.csv", b"a\n1\n2\n")
    assert file not in place.again([file])
    obstore.delete(S3Store("brand", config=options, client_options={"allow_http": True}), "from-pos/gone/x.csv")
    assert place.again([file]) == set()
    assert read(place, [file]) == [None]
    assert not place.copy(file, io.BytesIO())


def test_a_bucket_that_is_not_there_and_an_unknown_option_are_told_without_the_secret(options: dict[str, str]) -> None:
    with pytest.raises(SourceError, match="cannot be read") as caught:
        open_objects("s3://other", options).look("*.csv")
    assert "s3cret" not in str(caught.value)
    with pytest.raises(SettingsError, match="cannot be opened"):
        open_objects("s3://brand", options | {"colour": "red"})


def test_a_stream_is_pulled_from_a_bucket_with_its_secret_by_reference(tmp_path: Path, options: dict[str, str]) -> None:
    workspace = make_workspace(tmp_path)
    secret = write_secret(tmp_path / "secret", "s3cret")
    given = options | {"secret_access_key": secret}
    put(options, "pulled/x_1.csv.gz", gzip.compress(b"a,b\n1,2\n"))
    put(options, "pulled/x_2.csv", b"a,b\n3,4\n")
    connection = Connection(url="s3://brand/pulled", options=given)
    [page] = pages(workspace, connection, Pull(path="x_*", settle_seconds=0), None)
    assert page.records.select("a", FILE).rows() == [("1", "x_1.csv.gz"), ("3", "x_2.csv")]
    assert list(pages(workspace, connection, Pull(path="x_*", settle_seconds=0), page.cursor)) == []
    written_out = Connection(url="s3://brand/pulled", options=options)
    with pytest.raises(SettingsError, match="never written out"):
        list(pages(workspace, written_out, Pull(path="x_*"), None))
