"""The door for XML: what it lets in, and what it keeps out of the bridge."""

from __future__ import annotations

import pytest
from lxml import etree

from bridge.soap import parser
from bridge.soap.parser import MalformedXml, TooLarge, parse_xml

DOCTYPE_ATTACKS = {
    "billion laughs": b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>',
    "laughs in an attribute": b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><x y="&b;"/>',
    "quadratic blow-up": b'<!DOCTYPE x [<!ENTITY a "' + b"x" * 9000 + b'">]><x>' + b"&a;" * 5000 + b"</x>",
    "external entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    "external subset": b'<!DOCTYPE x SYSTEM "http://192.0.2.66/x.dtd"><x/>',
    "parameter entity": b'<!DOCTYPE x [<!ENTITY % a SYSTEM "http://192.0.2.66/x"> %a;]><x/>',
    "bare": b"<!DOCTYPE x><x/>",
    "behind a comment": b"<!-- -->\n<!DOCTYPE x><x/>",
    "in UTF-16": "\ufeff<!DOCTYPE x><x/>".encode("utf-16-le"),
    "cut in the middle": b"<!DOCTYPE x [<!ENTITY a",
    "default attributes": b'<!DOCTYPE x [<!ATTLIST x y CDATA "z">]><x/>',
}


def filled(head: bytes, piece: bytes, tail: bytes, count: int) -> bytes:
    """`head`, then `piece` with %d replaced by 0, 1, 2 ..., then `tail`."""
    return head + b"".join(piece.replace(b"%d", str(i).encode()) for i in range(count)) + tail


@pytest.mark.conformance(23)
@pytest.mark.parametrize("data", DOCTYPE_ATTACKS.values(), ids=DOCTYPE_ATTACKS.keys())
def test_a_document_type_is_refused_before_anything_in_it_takes_effect(data: bytes) -> None:
    """A document type declaration is refused, wherever it hides."""
    with pytest.raises(MalformedXml, match="document type"):
        parse_xml(data)


@pytest.mark.conformance(23)
@pytest.mark.parametrize("data", [b"<x>&y;</x>", b"<x y='&z;'/>", b"<x>&#0;</x>", b"<x>&#xD800;</x>", b"<x>&#1;</x>"])
def test_only_the_five_entities_and_legal_characters_exist(data: bytes) -> None:
    """A reference to an entity or a character that XML does not have is refused."""
    with pytest.raises(MalformedXml):
        parse_xml(data)


def test_predefined_entities_and_character_references_are_read() -> None:
    """References that XML itself defines are text."""
    assert parse_xml(b"<x>&amp;&lt;&gt;&quot;&apos;&#65;&#x20ac;</x>").text == "&<>\"'A€"


@pytest.mark.conformance(37)
def test_the_size_limit_is_exact() -> None:
    """A message of the largest size is read, one byte more is not, and that is told apart from bad XML."""
    at_limit = b"<x>" + b"y" * (parser.MAX_MESSAGE - 7) + b"</x>"
    assert len(at_limit) == 32767
    assert len(parse_xml(at_limit).text or "") == 32760
    with pytest.raises(TooLarge, match="32768 bytes"):
        parse_xml(at_limit + b" ")


def test_size_is_checked_before_anything_is_parsed() -> None:
    """Too many bytes are refused even when they are no XML at all."""
    with pytest.raises(TooLarge):
        parse_xml(b"\xff" * 40000)


def test_the_depth_limit_is_exact() -> None:
    """Elements nest as deep as the limit says, and no deeper."""
    parse_xml(b"<x>" * 64 + b"</x>" * 64)
    for depth in (65, 255, 4000):
        with pytest.raises(MalformedXml, match=r"deeper|depth"):
            parse_xml(b"<x>" * depth + b"</x>" * depth)


def test_the_element_limit_is_exact() -> None:
    """A message has as many elements as the limit says, the root counted, and no more."""
    parse_xml(filled(b"<x>", b"<y/>", b"</x>", parser.MAX_ELEMENTS - 1))
    with pytest.raises(MalformedXml, match="elements"):
        parse_xml(filled(b"<x>", b"<y/>", b"</x>", parser.MAX_ELEMENTS))


def test_the_attribute_limit_is_exact() -> None:
    """An element has as many attributes as the limit says, and no more."""
    assert len(parse_xml(filled(b"<x", b" a%d=''", b"/>", parser.MAX_ATTRIBUTES)).attrib) == 64
    with pytest.raises(MalformedXml, match="attributes"):
        parse_xml(filled(b"<x", b" a%d=''", b"/>", parser.MAX_ATTRIBUTES + 1))
    with pytest.raises(MalformedXml, match="attributes"):
        parse_xml(filled(b"<x><y", b" a%d=''", b"/></x>", parser.MAX_ATTRIBUTES + 1))


@pytest.mark.parametrize("piece", [b" a%d=''", b' a%d = ">"', b"\n a%d\t=\n'x'", b" xmlns:p%d='u'"])
def test_a_flood_of_attributes_never_reaches_libxml2(monkeypatch: pytest.MonkeyPatch, piece: bytes) -> None:
    """Its time grows with their square; what no element may have is refused by a look at the text."""
    flood = filled(b"<e><x", piece, b"/></e>", parser.MAX_ATTRIBUTES + parser.MAX_NAMESPACES + 1)
    most = filled(b"<e><x", b" xmlns:p%d='u'", b"", parser.MAX_NAMESPACES) + filled(b"", b" a%d='>'", b"/></e>", 64)
    assert len(parse_xml(most)[0].attrib) == parser.MAX_ATTRIBUTES
    monkeypatch.setattr(etree, "fromstring", lambda *_arguments: pytest.fail("it was parsed"))
    with pytest.raises(MalformedXml, match="attributes"):
        parse_xml(flood)


def test_text_that_looks_like_attributes_is_text() -> None:
    """Only a tag has attributes."""
    text = " ".join(f'a{number}="x"' for number in range(300))
    assert parse_xml(f"<x>{text}</x>".encode()).text == text


def test_the_namespace_limit_counts_what_is_in_scope() -> None:
    """Declarations count along one path of elements; beside each other there may be more."""
    parse_xml(filled(b"<x", b" xmlns:p%d='u'", b"/>", parser.MAX_NAMESPACES))
    parse_xml(filled(b"<x>", b"<y xmlns='u%d'/>", b"</x>", 200))
    with pytest.raises(MalformedXml, match="namespaces"):
        parse_xml(filled(b"<x", b" xmlns:p%d='u'", b"/>", parser.MAX_NAMESPACES + 1))
    nested = filled(b"", b"<x xmlns:p%d='u'>", b"", 50) + filled(b"<y", b" xmlns:q%d='u'", b"/>", 15) + b"</x>" * 50
    with pytest.raises(MalformedXml, match="namespaces"):
        parse_xml(nested)


READABLE = {
    "UTF-8": "<x>ä€</x>".encode(),
    "UTF-8 with byte order mark": b"\xef\xbb\xbf" + "<?xml version='1.0' encoding='UTF-8'?><x>ä€</x>".encode(),
    "declared UTF-8": "<?xml version='1.0' encoding='utf-8' standalone=\"yes\" ?>\n<x>ä€</x>".encode(),
    "UTF-16, little end first": "\ufeff<?xml version='1.0' encoding='UTF-16'?><x>ä€</x>".encode("utf-16-le"),
    "UTF-16, big end first": "\ufeff<x>ä€</x>".encode("utf-16-be"),
    "declared ASCII": "<?xml version='1.0' encoding='us-ascii'?><x>ä€</x>".encode(),
}


@pytest.mark.parametrize("data", READABLE.values(), ids=READABLE.keys())
def test_utf_8_and_utf_16_are_read(data: bytes) -> None:
    """The encodings that SOAP prescribes are read, with and without byte order mark and declaration."""
    assert parse_xml(data).text == "ä€"


UNREADABLE = {
    "UTF-7": b"<?xml version='1.0' encoding='utf-7'?><x/>",
    "Latin-1": "<?xml version='1.0' encoding='iso-8859-1'?><x>ä</x>".encode("latin-1"),
    "Latin-1 far behind": b"<?xml version='1.0'" + b" " * 500 + b"encoding='iso-8859-1'?><x/>",
    "EBCDIC, undeclared": "<?xml version='1.0'?><x/>".encode("cp037"),
    "EBCDIC, declared": "<?xml version='1.0' encoding='cp037'?><x/>".encode("cp037"),
    "UTF-32": "<x/>".encode("utf-32"),
    "UTF-32 without mark": "<x/>".encode("utf-32-be"),
    "UTF-16 without mark": "<x/>".encode("utf-16-le"),
    "UTF-16 that says Latin-1": "\ufeff<?xml version='1.0' encoding='latin-1'?><x/>".encode("utf-16-le"),
    "UTF-8 that says UTF-16": b"<?xml version='1.0' encoding='utf-16'?><x/>",
    "two declarations": b"<?xml version='1.0'?><?xml version='1.0' encoding='iso-8859-1'?><x>\xc3\xa4</x>",
    "half a UTF-16 character": "\ufeff<x/>".encode("utf-16-le") + b"\x00",
    "lone surrogate": b"\xff\xfe" + b"<\0x\0>\0" + b"\x00\xd8" + b"<\0/\0x\0>\0",
    "overlong UTF-8": b"<x>\xc0\xaf</x>",
    "surrogate in UTF-8": b"<x>\xed\xa0\x80</x>",
    "cut UTF-8": b"<x>\xe2\x82</x>",
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_other_and_contradictory_encodings_are_refused(data: bytes) -> None:
    """No other encoding is decoded, whatever name it goes by."""
    with pytest.raises(MalformedXml):
        parse_xml(data)


MALFORMED = {
    "nothing": b"",
    "white space": b" \n",
    "text": b"hello",
    "unclosed": b"<x>",
    "crossed": b"<x><y></x></y>",
    "two roots": b"<x/><x/>",
    "text behind": b"<x/>y",
    "NUL inside": b"<x>\0</x>",
    "NUL behind": b"<x/>\0",
    "control character": b"<x>\x01</x>",
    "no character": "<x>\uffff</x>".encode(),
    "undeclared prefix": b"<p:x/>",
    "undeclared attribute prefix": b"<x p:y=''/>",
    "attribute twice": b"<x y='' y=''/>",
    "attribute twice by namespace": b"<x xmlns:p='u' xmlns:q='u' p:y='' q:y=''/>",
    "prefix undeclared again": b"<p:x xmlns:p='u'><p:y xmlns:p=''/></p:x>",
    "xml prefix rebound": b"<x xmlns:xml='u'/>",
    "xmlns prefix bound": b"<x xmlns:xmlns='u'/>",
    "declaration too late": b" <?xml version='1.0'?><x/>",
    "declaration malformed": b"<?xml version='1.0' encoding=utf-8?><x/>",
    "declaration without end": b"<?xml version='1.0'",
    "stylesheet before": b"<?xml-stylesheet href='u'?><x/>",
    "instruction before": b"<?y?><x/>",
    "instruction inside": b"<x><?y?></x>",
    "instruction behind": b"<x/><?y?>",
}


@pytest.mark.conformance(22)
@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_well_formed_is_refused(data: bytes) -> None:
    """Whatever XML or its namespaces forbid is MalformedXml, never another error."""
    with pytest.raises(MalformedXml):
        parse_xml(data)


def test_comments_leave_the_text_whole() -> None:
    """A comment in the middle of a text hides none of it, so that no check sees less than its user."""
    assert parse_xml(b"<x>12<!-- &y; <z> -->34</x>").text == "1234"


def test_nothing_outside_the_message_is_read() -> None:
    """XInclude and xml:base are names like others."""
    data = b"<x xmlns:i='http://www.w3.org/2001/XInclude'><i:include href='/etc/passwd' parse='text'/></x>"
    root = parse_xml(data)
    assert len(root) == 1
    assert root[0].text is None


def test_another_limit_can_be_asked_for() -> None:
    """A caller that reads larger messages, or smaller ones, names its limit."""
    assert parse_xml(b"<x>" + b"y" * 40000 + b"</x>", limit=50000).tag == "x"
    with pytest.raises(TooLarge):
        parse_xml(b"<xyz/>", limit=5)
