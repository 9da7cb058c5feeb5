"""SOAP: 1 (passing trouble), 5 (a fault in a 200), 6 (no XML), 12 (entities), 21 (answers broken or wordless)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.responses import Response

from ingestion.connectors.soap import Connection
from tests.ingestion.connectors.fixtures import make_workspace, write_secret
from tests.ingestion.connectors.servers import serving, web_server
from tests.ingestion.connectors.soapserver import PASSWORD, Warehouse, envelope, fault, row
from tests.ingestion.connectors.test_soap import Bench, lots
from tillmill.errors import RefusedError, SourceError


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    warehouse = Warehouse({str(number): row(str(number), "") for number in range(1, 6)})
    password = write_secret(tmp_path / "password", PASSWORD)
    with serving(web_server(warehouse.app())) as port:
        connection = Connection(
            wsdl=f"http://127.0.0.1:{port}/wms?wsdl", username="mill", password=password,
            first_wait_seconds=0, timeout_seconds=2, attempts=3,
        )  # fmt: skip
        yield Bench(warehouse, make_workspace(tmp_path), connection)


PASSING = {
    "500 without a body": (Response("", 500), "answered 500 and no SOAP.*not a word"),
    "503": (envelope("<a/>", 503), "answered 503"),
    "cut off": (Response("<e:Envelope xmlns:e='x'><e:Bo", media_type="text/xml"), "answered 200 and no SOAP"),
    "short body": (Response("{}", headers={"Content-Length": "500"}), "while reading"),
    "a web page": (Response("<html><b>wartung bis 6 Uhr</b></html>", 200), "no SOAP: wartung bis 6 Uhr"),
    "no list, no XML": (Response("Object reference not set: 库存为空", 500), "Object reference not set: 库存为空"),
}


@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_faults_1_6_21_passing_trouble_is_retried_and_then_stops_with_the_servers_words(
    bench: Bench, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer, words = PASSING[kind]
    bench.warehouse.faults = [answer, answer]
    assert lots(bench.pull()) == ["1", "2", "3", "4", "5"]
    bench.warehouse.faults = [answer] * 3
    with pytest.raises(SourceError, match=rf"GetStock: .*{words}.*after 3 attempts"):
        bench.pull()
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (fault("仓库不存在"), "仓库不存在"),
        (fault("no such warehouse", status=200), "no such warehouse"),
        (fault("", "e:Client", "<detail><why>locked by count 7</why></detail>"), "e:Client locked by count 7"),
        (fault("", ""), "not a word"),
        (fault(f"user mill with {PASSWORD} unknown"), r"user mill with \*\*\* unknown"),
    ],
    ids=["in a 500", "in a 200", "without message", "without anything", "with the password"],
)
def test_fault_5_a_fault_stops_at_once_with_the_servers_words(bench: Bench, answer: Response, words: str) -> None:
    bench.warehouse.faults = [answer]
    with pytest.raises(SourceError, match=f"reports a fault: .*{words}") as caught:
        bench.pull()
    assert len(bench.warehouse.asked) == 1
    assert PASSWORD not in str(caught.value)


def test_fault_4_a_wrong_password_stops_without_telling_it(bench: Bench, tmp_path: Path) -> None:
    wrong = write_secret(tmp_path / "wrong", "not-the-password")
    with pytest.raises(SourceError, match="wrong user or password") as caught:
        bench.pull(password=wrong)
    assert "not-the-password" not in str(caught.value)


def test_fault_21_an_answer_with_an_empty_body_stops(bench: Bench) -> None:
    bench.warehouse.faults = [envelope("")]
    with pytest.raises(SourceError, match="the answer's body is empty"):
        bench.pull()


def test_fault_12_a_document_type_with_entities_is_refused_and_nothing_expanded(bench: Bench) -> None:
    bomb = '<!DOCTYPE b [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>'
    body = envelope("<x>&b;</x>").body.decode().replace("<e:Env", f"{bomb}<e:Env", 1)
    bench.warehouse.faults = [Response(body, media_type="text/xml")]
    with pytest.raises(RefusedError, match="DTD"):
        bench.pull()


def test_fault_2_nobody_there_stops(bench: Bench) -> None:
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:1/wms: ConnectError.*after 3 attempts"):
        bench.pull(wsdl="http://127.0.0.1:1/wms?wsdl")
