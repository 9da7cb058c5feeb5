"""The warehouse's master data behind SOAP: a WSDL, a WS-Security UsernameToken, locations page by page."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from demo.systems import web

USER = "tillmill"
SIZE, MOST = 50, 100
WMS = "urn:harvest-lane:wms"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
ELEMENTS = {
    "site": "Site",
    "type": "Type",
    "region": "Region",
    "plant": "Plant",
    "owner": "Owner",
    "time_zone": "TimeZone",
    "changed_at": "ChangedAt",
}
WSDL = """<?xml version="1.0" encoding="utf-8"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:wms="urn:harvest-lane:wms"
  name="Warehouse" targetNamespace="urn:harvest-lane:wms">
<types>
  <xs:schema targetNamespace="urn:harvest-lane:wms" elementFormDefault="qualified">
    <xs:element name="GetLocations"><xs:complexType><xs:sequence>
      <xs:element name="ChangedAfter" type="xs:dateTime" minOccurs="0"/>
      <xs:element name="Page" type="xs:positiveInteger" minOccurs="0"/>
      <xs:element name="Size" type="xs:positiveInteger" minOccurs="0"/>
    </xs:sequence></xs:complexType></xs:element>
    <xs:element name="GetLocationsResponse"><xs:complexType><xs:sequence>
      <xs:element name="Locations"><xs:complexType><xs:sequence>
        <xs:element name="Location" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
          <xs:element name="Site" type="xs:string"/>
          <xs:element name="Type" type="xs:string"/>
          <xs:element name="Region" type="xs:string" nillable="true"/>
          <xs:element name="Plant" type="xs:string" nillable="true"/>
          <xs:element name="Owner" type="xs:string"/>
          <xs:element name="TimeZone" type="xs:string"/>
          <xs:element name="ChangedAt" type="xs:dateTime"/>
        </xs:sequence></xs:complexType></xs:element>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="More" type="xs:boolean"/>
    </xs:sequence></xs:complexType></xs:element>
  </xs:schema>
</types>
<message name="Question"><part name="parameters" element="wms:GetLocations"/></message>
<message name="Answer"><part name="parameters" element="wms:GetLocationsResponse"/></message>
<portType name="Locations"><operation name="GetLocations">
  <input message="wms:Question"/><output message="wms:Answer"/>
</operation></portType>
<binding name="Soap" type="wms:Locations">
  <soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
  <operation name="GetLocations">
    <soap:operation soapAction="urn:harvest-lane:wms/GetLocations"/>
    <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output>
  </operation>
</binding>
<service name="Warehouse"><port name="Soap" binding="wms:Soap"><soap:address location=ADDRESS/></port></service>
</definitions>
"""


def routes(root: Path, password: str) -> list[BaseRoute]:
    """GET /soap (the WSDL) and POST /soap: GetLocations with `ChangedAfter`, `Page`, `Size`."""
    table = web.Table(root, "wms.locations")

    async def describe(request: Request) -> Response:
        address = quoteattr(str(request.url.replace(query="")))
        return Response(WSDL.replace("ADDRESS", address), media_type="text/xml")

    async def answer(request: Request) -> Response:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        try:
            asked = etree.fromstring(await request.body(), parser)
        except etree.XMLSyntaxError as error:
            return _fault("Client", f"no XML: {error.msg}")
        if not _is_signed(asked, password):
            return _fault("Client", "wrong user or password")
        question = asked.find(f"{{{ENVELOPE}}}Body/{{{WMS}}}GetLocations")
        if question is None:
            return _fault("Client", "there is one operation: GetLocations")
        try:
            return _envelope(_locations(table, question))
        except ValueError as error:
            return _fault("Client", str(error))

    return [Route("/soap", describe), Route("/soap", answer, methods=["POST"])]


def _is_signed(asked: Any, password: str) -> bool:
    token = asked.find(f"{{{ENVELOPE}}}Header/{{{SECURITY}}}Security/{{{SECURITY}}}UsernameToken")
    if token is None:
        return False
    user, word = (token.findtext(f"{{{SECURITY}}}{name}", "") for name in ("Username", "Password"))
    return bool(user == USER and secrets.compare_digest(word.encode(), password.encode()))


def _locations(table: web.Table, question: Any) -> Any:
    """One page of the answer. Raises ValueError for a question that is none."""
    page = int(question.findtext(f"{{{WMS}}}Page", "1"))
    size = min(int(question.findtext(f"{{{WMS}}}Size", str(SIZE))), MOST)
    if page < 1 or size < 1:
        raise ValueError("Page and Size start at 1")
    since = question.findtext(f"{{{WMS}}}ChangedAfter")
    rows = table.known(web.moment(since) if since else None)
    answer = etree.Element(f"{{{WMS}}}GetLocationsResponse", nsmap={None: WMS})
    places = etree.SubElement(answer, f"{{{WMS}}}Locations")
    for row in rows.slice((page - 1) * size, size).select(ELEMENTS.keys()).iter_rows(named=True):
        place = etree.SubElement(places, f"{{{WMS}}}Location")
        for name, value in row.items():
            _put(place, ELEMENTS[name], value)
    _put(answer, "More", str(page * size < rows.height).lower())
    return answer


def _put(parent: Any, name: str, value: str | datetime | None) -> None:
    element = etree.SubElement(parent, f"{{{WMS}}}{name}")
    if value is None:
        element.set(NIL, "true")
    else:
        element.text = value if isinstance(value, str) else value.strftime("%Y-%m-%dT%H:%M:%SZ")


def _fault(who: str, words: str) -> Response:
    fault = etree.Element(f"{{{ENVELOPE}}}Fault")
    etree.SubElement(fault, "faultcode").text = f"soap:{who}"
    etree.SubElement(fault, "faultstring").text = words
    return _envelope(fault, 500)


def _envelope(content: Any, status: int = 200) -> Response:
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soap": ENVELOPE})
    etree.SubElement(envelope, f"{{{ENVELOPE}}}Body").append(content)
    return Response(etree.tostring(envelope, xml_declaration=True, encoding="utf-8"), status, media_type="text/xml")
