"""The one door for XML from outside: bounded before, while and after parsing.

libxml2 as Debian 12 and 13 ship it takes time quadratic in the attributes of one element, so bytes are capped
before it sees them and the tree is capped after; entities are never expanded and a document type is refused
(checklist 22, 23).
"""

from __future__ import annotations

import re

from lxml import etree

from bridge.errors import Refusal

MAX_MESSAGE = 32767
"""Largest XML message in bytes that is taken (DPWS MAX_ENVELOPE_SIZE, checklist 37)."""

MAX_DEPTH = 64
"""Deepest nesting of elements, the root counted."""

MAX_ELEMENTS = 5000
"""Most elements in one message."""

MAX_ATTRIBUTES = 64
"""Most attributes on one element."""

MAX_NAMESPACES = 64
"""Most namespace declarations in scope of one element."""

ENCODINGS = frozenset({"utf-8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii"})
"""What a message may be encoded in (discovery-and-metadata.md 8); one open client declares ASCII."""

_DECLARED_ENCODING = re.compile(rb"""^[^>]{0,120}?encoding\s*=\s*["']([^"'<>]{1,40})["']""")
_UTF_32 = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff", b"\x00\x00\x00<", b"<\x00\x00\x00")


class MalformedXml(Refusal):
    """The message is not XML that this service takes."""


class TooLarge(MalformedXml):
    """The message is larger than 32767 bytes."""


def parse_xml(data: bytes, limit: int = MAX_MESSAGE) -> etree._Element:
    """The root element of the XML document `data`.

    Raises TooLarge beyond `limit` bytes, and MalformedXml for what is not well-formed, carries a document type or a
    processing instruction, or crosses a limit of this module.
    """
    if len(data) > limit:
        raise TooLarge(f"the message has {len(data)} bytes; at most {limit} are taken")
    _check_encoding(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        recover=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedXml(f"not well-formed XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise MalformedXml("a document type declaration is not taken")
    _check_shape(root)
    return root


def _check_encoding(data: bytes) -> None:
    """Raise MalformedXml for an encoding that no client needs: libxml2 would load a converter for any name."""
    if data.startswith(_UTF_32):
        raise MalformedXml("the encoding UTF-32 is not taken")
    if data.lstrip()[:5] == b"<?xml":
        declared = _DECLARED_ENCODING.match(data.lstrip())
        if declared and declared[1].decode("latin-1").lower() not in ENCODINGS:
            raise MalformedXml("only UTF-8 and UTF-16 are taken")


def _check_shape(root: etree._Element) -> None:
    """Raise MalformedXml where the tree is larger than this module's limits, or holds what no message needs."""
    elements = 0
    depth = 0
    for event, node in etree.iterwalk(root, events=("start", "end", "pi")):
        if event == "pi":
            raise MalformedXml("a processing instruction is not taken")
        if event == "end":
            depth -= 1
            continue
        depth += 1
        elements += 1
        if depth > MAX_DEPTH:
            raise MalformedXml(f"elements nest deeper than {MAX_DEPTH}")
        if elements > MAX_ELEMENTS:
            raise MalformedXml(f"more than {MAX_ELEMENTS} elements")
        if len(node.attrib) > MAX_ATTRIBUTES:
            raise MalformedXml(f"an element has more than {MAX_ATTRIBUTES} attributes")
        if len(node.nsmap) > MAX_NAMESPACES:
            raise MalformedXml(f"more than {MAX_NAMESPACES} namespaces in scope")
