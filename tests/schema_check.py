"""Checks of whole messages: what Scanbridge sends must pass `check_message`, `check_datagram` or `check_multipart`.

The XSDs in `tests/schema/` say what they can; the rules beside them say the rest. Each check returns what it read, so
that a test can go on with it, and raises SchemaViolation, which names what is wrong and shows the piece.
"""

import re
from copy import deepcopy
from functools import cache
from pathlib import Path

from lxml import etree

from tests.schema.body_rules import check_body
from tests.schema.fault_rules import check_fault
from tests.schema.header_rules import check_headers
from tests.schema.mime import package_parts
from tests.schema.names import check_names, check_padding
from tests.schema.tables import (
    ACTION_TO_BODY,
    DATAGRAM_ACTIONS,
    DISCOVERY_URN,
    EVENT_ACTIONS,
    MATCHES_ACTIONS,
    MULTICAST_ACTIONS,
    PREFIXES,
    QUERY_ACTIONS,
    RETRIEVE_IMAGE_RESPONSE,
    SOAP,
    WSA,
    WSCN,
    XOP,
)
from tests.schema.violation import SchemaViolation, violation

__all__ = [
    "ACTION_TO_BODY",
    "DATAGRAM_COMFORT",
    "ENVELOPE_LIMIT",
    "EVENT_ACTIONS",
    "SchemaViolation",
    "check_datagram",
    "check_message",
    "check_multipart",
    "fits_mtu",
]

ENVELOPE_LIMIT = 32767  # octets, MAX_ENVELOPE_SIZE (checklist 38)
DATAGRAM_COMFORT = 1400  # octets that a datagram should not exceed (checklist 85)

_SCHEMAS = Path(__file__).with_name("schema")
_DECLARATION = re.compile(rb"""<\?xml version=(["'])1\.0\1 encoding=(["'])[Uu][Tt][Ff]-8\2\?>""")
_ENVELOPE = f"{{{SOAP}}}Envelope"


def check_message(data: bytes) -> etree._Element:
    """Check one envelope that we send, and return it parsed.

    A RetrieveImageResponse passes as well, for whoever sees the SOAP part alone; its package is for `check_multipart`.
    Raises SchemaViolation.
    """
    return _check_envelope(data)[0]


def check_datagram(data: bytes) -> etree._Element:
    """Check one envelope that we send by UDP, and return it parsed. Whether it fits the MTU is for `fits_mtu`.

    Raises SchemaViolation, also for what UDP never carries: other than discovery, faults, answers without a match,
    and queries that are not sent to the discovery urn (discovery-and-metadata.md 4).
    """
    envelope, action = _check_envelope(data)
    if action not in DATAGRAM_ACTIONS:
        raise violation(f"{action} is not sent by UDP", envelope)
    if action in MATCHES_ACTIONS and not len(envelope[-1][0]):
        raise violation("an answer without a match is not sent by UDP", envelope)
    if action in MULTICAST_ACTIONS | QUERY_ACTIONS and envelope.findtext(f"*/{{{WSA}}}To") != DISCOVERY_URN:
        raise violation(f"To of a multicast message is not {DISCOVERY_URN}", envelope)
    return envelope


def fits_mtu(data: bytes) -> bool:
    """Say whether a datagram has at most DATAGRAM_COMFORT octets, as it should (checklist 85)."""
    return len(data) <= DATAGRAM_COMFORT


def check_multipart(content_type: str, body: bytes) -> tuple[etree._Element, bytes]:
    """Check a RetrieveImageResponse with its Content-Type, and return its envelope and the octets of the image.

    Raises SchemaViolation (wsd-scan.md 13, checklist 190 to 193 and 205).
    """
    soap, image = package_parts(content_type, body)
    envelope, action = _check_envelope(soap.content)
    if action != RETRIEVE_IMAGE_RESPONSE:
        raise violation(f"{action} is not sent as multipart", envelope)
    include = envelope.find(f"*/{{{WSCN}}}RetrieveImageResponse/{{{WSCN}}}ScanData/{{{XOP}}}Include")
    if include.get("href") != f"cid:{image.content_id}":
        raise violation(f"xop:Include does not name the image part <{image.content_id}>", include)
    return envelope, image.content


def _check_envelope(data: bytes) -> tuple[etree._Element, str]:
    envelope = _parse(data)
    if envelope.tag != _ENVELOPE:
        raise violation(f"the root is {envelope.tag}, not the SOAP 1.2 Envelope", envelope)
    if envelope.attrib.get(f"{{{SOAP}}}encodingStyle") is not None:
        raise violation("soap:encodingStyle is not allowed on Envelope", data)
    check_names(envelope)
    _validate(envelope)
    check_padding(envelope)
    action = check_headers(envelope)
    check_fault(envelope, _validate)
    check_body(envelope)
    return envelope, action


def _parse(data: bytes) -> etree._Element:
    if len(data) > ENVELOPE_LIMIT:
        raise violation(f"the envelope has {len(data)} octets, more than {ENVELOPE_LIMIT}", data)
    if not _DECLARATION.match(data):
        raise violation("the message does not begin with an XML declaration for UTF-8", data)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise violation(f"the message is not well-formed XML: {error}", data) from error
    if root.getroottree().docinfo.doctype:
        raise violation("the message has a DOCTYPE", data)
    if root.getroottree().xpath("//processing-instruction()"):
        raise violation("the message has a processing instruction", data)
    return root


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(file=str(_SCHEMAS / "soap.xsd"))


def _validate(element: etree._Element) -> None:
    """Raise SchemaViolation unless `element` fits its global declaration in the schemas."""
    alone = element if element.getparent() is None else deepcopy(element)
    schema = _schema()
    if schema.validate(etree.ElementTree(alone)):
        return
    error = schema.error_log[0]
    raise violation(f"{error.message} (at {error.path})", _piece(alone, error.path))


def _piece(element: etree._Element, path: str | None) -> etree._Element:
    """Return what `path` of a schema error points to, or all of `element` when it cannot be followed."""
    prefixes = {prefix: namespace for namespace, prefix in PREFIXES.items()}
    try:
        found = element.xpath(path, namespaces=prefixes) if path else []
    except etree.XPathError:
        found = []
    return found[0] if found else element
