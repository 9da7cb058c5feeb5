"""A warehouse's SOAP service on loopback: a WSDL, a UsernameToken that is checked, the faults it is told to commit."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PASSWORD = "wms-s3cret"
WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WMS = "urn:wms"
SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:wms"
  elementFormDefault="qualified">
<xs:element name="GetStock"><xs:complexType><xs:sequence>
  <xs:element name="Query"><xs:complexType><xs:sequence>
    <xs:element name="Warehouse" type="xs:string" minOccurs="0"/>
    <xs:element name="Page" type="xs:int" minOccurs="0"/>
    <xs:element name="Offset" type="xs:int" minOccurs="0"/>
    <xs:element name="After" type="xs:string" minOccurs="0"/>
    <xs:element name="Size" type="xs:int" minOccurs="0"/>
    <xs:element name="Since" type="xs:dateTime" minOccurs="0"/>
    <xs:element name="Until" type="xs:dateTime" minOccurs="0"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element>
<xs:element name="GetStockResponse"><xs:complexType><xs:sequence><xs:any processContents="lax"/></xs:sequence>
</xs:complexType></xs:element></xs:schema>"""
WSDL = """<?xml version="1.0"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:wms="urn:wms" name="Wms" targetNamespace="urn:wms"><types>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:import namespace="urn:wms" schemaLocation="SCHEMA"/></xs:schema>
</types>
<message name="In"><part name="parameters" element="wms:GetStock"/></message>
<message name="Out"><part name="parameters" element="wms:GetStockResponse"/></message>
<portType name="Port">
<operation name="GetStock"><input message="wms:In"/><output message="wms:Out"/></operation></portType>
<binding name="Binding" type="wms:Port"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
<operation name="GetStock"><soap:operation soapAction="urn:wms/GetStock"/><input><soap:body use="literal"/></input>
<output><soap:body use="literal"/></output></operation></binding>
<service name="Wms"><port name="Port" binding="wms:Binding"><soap:address location="ADDRESS"/></port></service>
</definitions>"""


def envelope(body: str, status: int = 200) -> Response:
    text = f'<?xml version="1.0" encoding="utf-8"?><e:Envelope xmlns:e="{SOAP}"><e:Body>{body}</e:Body></e:Envelope>'
    return Response(text, status, media_type="text/xml")


def fault(words: str, code: str = "e:Server", detail: str = "", status: int = 500) -> Response:
    told = f"<faultstring>{words}</faultstring>" if words else ""
    return envelope(f"<e:Fault><faultcode>{code}</faultcode>{told}{detail}</e:Fault>", status)


def row(lot: str, changed: str, units: str = "1.50") -> str:
    return (
        f'<Item kind="lot"><LotNo>{lot}</LotNo><Sku>00{lot}</Sku><Name>龙井 &amp; 茶</Name><Units>{units}</Units>'
        f"<Changed>{changed}</Changed></Item>"
    )


@dataclass
class Warehouse:
    """Lots as XML by number, and what goes wrong, one per request."""

    rows: dict[str, str] = field(default_factory=dict)
    faults: list[Response] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)
    address: str = ""
    schema: str = "/schema.xsd"
    more: bool = False
    empty: str = "<Items/>"

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/wms", self.wsdl),
                Route("/schema.xsd", lambda request: Response(SCHEMA, media_type="text/xml")),
                Route("/wms", self.answer, methods=["POST"]),
            ]
        )

    def wsdl(self, request: Request) -> Response:
        address = self.address or str(request.url.replace(query=""))
        return Response(WSDL.replace("ADDRESS", address).replace("SCHEMA", self.schema), media_type="text/xml")

    async def answer(self, request: Request) -> Response:
        root = etree.fromstring(await request.body())
        query = {etree.QName(item).localname: item.text or "" for item in root.find(f".//{{{WMS}}}Query")}
        self.asked.append(query)
        if not self.is_signed(root):
            return fault("wrong user or password", "wsse:FailedAuthentication")
        if self.faults:
            return self.faults.pop(0)
        return self.page(query)

    def is_signed(self, root: Any) -> bool:
        """Whether the WS-Security token is right, and its nonce was never used before."""
        token = root.find(f".//{WSSE}UsernameToken")
        if token is None:
            return False
        given = token.find(f"{WSSE}Password")
        nonce, created = token.findtext(f"{WSSE}Nonce"), token.findtext(f"{WSU}Created")
        wanted = PASSWORD
        if given.get("Type", "").endswith("#PasswordDigest"):
            if nonce in self.nonces:
                return False
            self.nonces.add(nonce)
            digest = hashlib.sha1(base64.b64decode(nonce) + created.encode() + PASSWORD.encode()).digest()
            wanted = base64.b64encode(digest).decode()
        return bool(token.findtext(f"{WSSE}Username") == "mill" and given.text == wanted)

    def changed(self, number: str) -> str:
        return self.rows[number].partition("<Changed>")[2].partition("<")[0]

    def page(self, query: dict[str, str]) -> Response:
        numbers = sorted(number for number in self.rows if number > query.get("After", ""))
        numbers = [n for n in numbers if query.get("Since", "") <= self.changed(n) < query.get("Until", "~")]
        size = int(query.get("Size") or 1000)
        start = int(query["Offset"]) if "Offset" in query else (int(query.get("Page") or 1) - 1) * size
        found = numbers[start : start + size]
        items = "<Items>" + "".join(self.rows[number] for number in found) + "</Items>" if found else self.empty
        more = f"<More>{str(start + size < len(numbers)).lower()}</More>" if self.more else ""
        xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        return envelope(f'<GetStockResponse xmlns="{WMS}" {xsi}><Result>{items}{more}</Result></GetStockResponse>')
