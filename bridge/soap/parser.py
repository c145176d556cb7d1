"""The one door for XML from outside: bounded before, while and after parsing.

libxml2 as Debian 12 and 13 ship it takes time quadratic in the attributes of one element, knows encodings that no
client needs, and expands entities in attribute values whatever it is told. So bytes are capped and decoded here, a
document type is refused before libxml2 sees it, and the tree is capped afterwards (checklist 22, 23).
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

ENCODINGS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
"""What a message without a UTF-16 byte order mark may declare; one open client declares ASCII, and is read as UTF-8."""

WIDE_ENCODINGS = frozenset({"utf-16", "utf-16le", "utf-16be"})
"""What a message with a UTF-16 byte order mark may declare (discovery-and-metadata.md 8)."""

# Namespace declarations look like attributes; how many there are of each kind is counted in the tree. Possessive
# throughout, so that it takes one pass.
_ATTRIBUTE_FLOOD = re.compile(
    r"""<[^\s<>/!?][^\s<>/]*+(?:\s*+[^\s=<>"']++\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'))"""
    rf"""{{{MAX_ATTRIBUTES + MAX_NAMESPACES + 1}}}"""
)
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_DECLARATION = re.compile(
    r"""<\?xml\s+version\s*=\s*(?:"1\.[0-9]"|'1\.[0-9]')"""
    r"""(?:\s+encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,39})["'])?"""
    r"""(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>"""
)


class MalformedXml(Refusal):
    """The message is not XML that this service takes."""


class TooLarge(MalformedXml):
    """The message is larger than 32767 bytes."""


def parse_xml(data: bytes, limit: int = MAX_MESSAGE) -> etree._Element:
    """The root element of the XML document `data`.

    Raises TooLarge beyond `limit` bytes, and MalformedXml for what is not well-formed, not in UTF-8 or UTF-16, carries
    a document type or a processing instruction, or crosses a limit of this module.
    """
    if len(data) > limit:
        raise TooLarge(f"the message has {len(data)} bytes; at most {limit} are taken")
    text = _without_declaration(data)
    if "\0" in text:
        raise MalformedXml("a NUL character is not taken")
    if "<!DOCTYPE" in text:
        raise MalformedXml("a document type declaration is not taken")
    if _ATTRIBUTE_FLOOD.search(text):
        # At the size limit libxml2 would take most of a tenth of a second for them.
        raise MalformedXml(f"an element has more than {MAX_ATTRIBUTES} attributes")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        recover=False,
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedXml(f"not well-formed XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise MalformedXml("a document type declaration is not taken")
    if root.getprevious() is not None or root.getnext() is not None:
        raise MalformedXml("a processing instruction is not taken")
    _check_shape(root)
    return root


def _without_declaration(data: bytes) -> str:
    """The text of the document without byte order mark and XML declaration, which has no say but to contradict."""
    wide = _WIDE.get(data[:2])
    try:
        text = data[2:].decode(wide) if wide else data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedXml(f"not {wide or 'utf-8'} text: {error.reason}") from error
    if not text.startswith("<?xml"):
        return text
    declaration = _DECLARATION.match(text)
    if declaration is None:
        raise MalformedXml("the XML declaration is malformed")
    if text.startswith("<?xml", declaration.end()):
        raise MalformedXml("there are two XML declarations")
    encoding = (declaration[1] or "").lower()
    if encoding and encoding not in (WIDE_ENCODINGS if wide else ENCODINGS):
        raise MalformedXml(f"the message declares {encoding}; only UTF-8, and UTF-16 with a byte order mark, are taken")
    return text[declaration.end() :]


def _check_shape(root: etree._Element) -> None:
    """Raise MalformedXml where the tree is larger than this module's limits, or holds what no message needs."""
    elements = 0
    depth = 0
    namespaces = 0
    for event, node in etree.iterwalk(root, events=("start", "end", "start-ns", "end-ns", "pi")):
        if event == "start":
            depth += 1
            elements += 1
            if depth > MAX_DEPTH:
                raise MalformedXml(f"elements nest deeper than {MAX_DEPTH}")
            if elements > MAX_ELEMENTS:
                raise MalformedXml(f"more than {MAX_ELEMENTS} elements")
            if len(node.attrib) > MAX_ATTRIBUTES:
                raise MalformedXml(f"an element has more than {MAX_ATTRIBUTES} attributes")
        elif event == "end":
            depth -= 1
        elif event == "start-ns":
            namespaces += 1
            if namespaces > MAX_NAMESPACES:
                raise MalformedXml(f"more than {MAX_NAMESPACES} namespaces in scope")
        elif event == "end-ns":
            namespaces -= 1
        else:
            raise MalformedXml("a processing instruction is not taken")
