"""The SOAP 1.2 envelope: read from a client, written to one (discovery-and-metadata.md 8 and 9)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from lxml import etree
from lxml.builder import ElementMaker

from bridge.errors import BridgeError
from bridge.soap import namespaces as ns
from bridge.soap.faults import SoapFault
from bridge.soap.namespaces import tag
from bridge.soap.parser import MAX_MESSAGE, parse_xml

Element: TypeAlias = etree._Element

SOAP_E = ElementMaker(namespace=ns.SOAP, nsmap={"soap": ns.SOAP})
WSA_E = ElementMaker(namespace=ns.WSA, nsmap={"wsa": ns.WSA})
WSD_E = ElementMaker(namespace=ns.WSD, nsmap={"wsd": ns.WSD})
WSDP_E = ElementMaker(namespace=ns.WSDP, nsmap={"wsdp": ns.WSDP})
WSX_E = ElementMaker(namespace=ns.WSX, nsmap={"wsx": ns.WSX})
WSE_E = ElementMaker(namespace=ns.WSE, nsmap={"wse": ns.WSE})
WSCN_E = ElementMaker(namespace=ns.WSCN, nsmap={"wscn": ns.WSCN})

UNDERSTOOD = frozenset(
    [tag(ns.WSA, name) for name in ("To", "Action", "MessageID", "ReplyTo", "FaultTo", "From", "RelatesTo")]
    + [tag(ns.WSD, "AppSequence"), tag(ns.WSE, "Identifier")]
)
"""Headers that may be marked mustUnderstand (discovery-and-metadata.md 8)."""

_ROLES = (None, "", f"{ns.SOAP}/role/next", f"{ns.SOAP}/role/ultimateReceiver")


class TooLargeToSend(BridgeError, ValueError):
    """A message of ours is larger than 32767 bytes."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message from outside. Addressing values are trimmed; a header that is missing is None.

    `headers` are all header blocks in order, `body` the first child of Body, None when it is empty.
    """

    action: str | None
    message_id: str | None
    to: str | None
    reply_to: str | None
    relates_to: str | None
    headers: tuple[Element, ...]
    body: Element | None

    @property
    def fault_to(self) -> str | None:
        """The address in FaultTo, read as ReplyTo is."""
        return _address(self.headers, "FaultTo")

    def header(self, name: str) -> Element | None:
        """The first header block with the lxml name `name`."""
        return next((block for block in self.headers if block.tag == name), None)


def read_envelope(data: bytes) -> Envelope:
    """The envelope in `data`.

    Raises MalformedXml (bridge.soap.parser) for what is no XML, and SoapFault for what is XML and no SOAP 1.2 envelope
    with one body, or has an addressing header twice. What is missing or must be understood is the business of
    `addressing.check_request`.
    """
    root = parse_xml(data)
    if root.tag != tag(ns.SOAP, "Envelope"):
        if ns.local_name(str(root.tag)) == "Envelope":
            raise SoapFault.version_mismatch()
        raise SoapFault.sender("the document is no SOAP envelope")
    blocks = [child for child in root if child.tag == tag(ns.SOAP, "Header")]
    bodies = [child for child in root if child.tag == tag(ns.SOAP, "Body")]
    if len(blocks) > 1 or len(bodies) != 1 or root[-1] is not bodies[0]:
        raise SoapFault.sender("an envelope has at most one Header, then exactly one Body")
    headers = tuple(blocks[0]) if blocks else ()
    content = tuple(bodies[0])
    message_id = _single(headers, "MessageID")
    try:
        return Envelope(
            action=_single(headers, "Action"),
            message_id=message_id,
            to=_single(headers, "To"),
            reply_to=_address(headers, "ReplyTo"),
            relates_to=_single(headers, "RelatesTo"),
            headers=headers,
            body=content[0] if content else None,
        )
    except SoapFault as fault:
        fault.relates_to = message_id
        raise


def not_understood(envelope: Envelope) -> list[str]:
    """The names (lxml form) of headers that ask to be understood and are not (checklist 18)."""
    return [
        str(block.tag)
        for block in envelope.headers
        if (block.get(tag(ns.SOAP, "mustUnderstand")) or "").strip() in ("1", "true")
        and block.get(tag(ns.SOAP, "role")) in _ROLES
        and block.tag not in UNDERSTOOD
    ]


def write_envelope(
    action: str,
    body: Element | None,
    *,
    to: str = ns.ANONYMOUS,
    relates_to: str | None = None,
    message_id: str | None = None,
    headers: Iterable[Element] = (),
    prefixes: Mapping[str, str] = ns.PREFIXES,
) -> bytes:
    """A whole message as UTF-8 with an XML declaration; a fresh MessageID is made when none is given.

    All `prefixes` stand on the Envelope, so that QNames in text may use them (checklist 27, 28); a datagram, which has
    little room, names only those that it needs. Raises TooLargeToSend beyond MAX_MESSAGE (checklist 38).
    """
    envelope = etree.Element(tag(ns.SOAP, "Envelope"), nsmap=dict(prefixes))
    header = etree.SubElement(envelope, tag(ns.SOAP, "Header"))
    _text(header, "To", to)
    _text(header, "Action", action)
    _text(header, "MessageID", message_id or new_message_id())
    if relates_to is not None:
        _text(header, "RelatesTo", relates_to)
    header.extend(headers)
    block = etree.SubElement(envelope, tag(ns.SOAP, "Body"))
    if body is not None:
        block.append(body)
    data: bytes = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
    if len(data) > MAX_MESSAGE:
        raise TooLargeToSend(f"the message has {len(data)} bytes, no client takes that")
    return data


def new_message_id() -> str:
    """A MessageID never used before (checklist 11)."""
    return uuid.uuid4().urn


def text_of(element: Element | None) -> str:
    """The text of `element` with white space trimmed; empty for None. Child elements end it."""
    if element is None or element.text is None:
        return ""
    return element.text.strip()


def qname(element: Element, text: str) -> str | None:
    """The QName `text` as an lxml name, resolved where `element` stands; None for an undeclared prefix.

    A name without a prefix belongs to the default namespace, or to none.
    """
    prefix, colon, local = text.strip().rpartition(":")
    namespace = element.nsmap.get(prefix if colon else None)
    if not namespace:
        return None if colon else local
    return tag(namespace, local)


def _single(headers: Iterable[Element], name: str) -> str | None:
    """The text of the addressing header `name`. Raises SoapFault when it is there twice."""
    found = [block for block in headers if block.tag == tag(ns.WSA, name)]
    if len(found) > 1 and name != "RelatesTo":
        raise SoapFault.invalid_header(f"wsa:{name}", "the header is there twice")
    return text_of(found[0]) if found else None


def _address(headers: Iterable[Element], name: str) -> str | None:
    """The address in the header `name`, None without one; clients exist that leave the Address element out.

    Raises SoapFault when the header is there twice.
    """
    found = [block for block in headers if block.tag == tag(ns.WSA, name)]
    if not found:
        return None
    if len(found) > 1:
        raise SoapFault.invalid_header(f"wsa:{name}", "the header is there twice")
    address = found[0].find(tag(ns.WSA, "Address"))
    return text_of(found[0] if address is None else address)


def _text(parent: Element, name: str, text: str) -> None:
    etree.SubElement(parent, tag(ns.WSA, name)).text = text
