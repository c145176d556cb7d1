"""Every class of attack by XML, as requests to the scan service that are as large as they may be.

Each has what must come of it: `refused`, or `answered` where what looks like an attack is a good message.
"""

from __future__ import annotations

from bridge.soap import namespaces as ns
from bridge.soap.parser import MAX_MESSAGE
from tests.clients import scan_action, windows

ACTION = scan_action("GetActiveJobs")
BODY = "<{scan}:GetActiveJobsRequest/>"
GOOD = windows(ACTION, BODY)
_TEXT = GOOD.decode()
_DECLARATION, _ENVELOPE = _TEXT[: _TEXT.index("<soap:Envelope")], _TEXT[_TEXT.index("<soap:Envelope") :]


def _with_doctype(subset: str, reference: str) -> bytes:
    """A good message behind a document type, with `reference` in a header."""
    doctype = f"<!DOCTYPE Envelope [{subset}]>"
    return (_DECLARATION + doctype + _ENVELOPE.replace("</soap:Header>", f"<x>{reference}</x></soap:Header>")).encode()


def _filled(piece: str, before: str = "", after: str = "", *, where: str = "</soap:Header>") -> bytes:
    """A good message in which `piece`, with %d as 0, 1, 2 ..., stands before `where` as often as there is room."""
    room = MAX_MESSAGE - len(GOOD) - len(before) - len(after)
    pieces: list[str] = []
    while room >= (length := len(piece.replace("%d", str(len(pieces))).encode())):
        pieces.append(piece.replace("%d", str(len(pieces))))
        room -= length
    return _TEXT.replace(where, before + "".join(pieces) + after + where).encode()


def _nested(opening: str, closing: str, where: str = "</soap:Header>") -> bytes:
    """A good message with elements in one another as deep as there is room."""
    depth = (MAX_MESSAGE - len(GOOD)) // len(opening + closing)
    return _TEXT.replace(where, opening * depth + closing * depth + where).encode()


def _laughs() -> str:
    return '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))


def _twice(block: str) -> bytes:
    begin, end = _TEXT.index(f"<soap:{block}>"), _TEXT.index(f"</soap:{block}>") + len(f"</soap:{block}>")
    return (_TEXT[:end] + _TEXT[begin:end] + _TEXT[end:]).encode()


_HEADER_END, _BODY = "</soap:Header>", "<sca:GetActiveJobsRequest/>"

ATTACKS: dict[str, tuple[bytes, str]] = {
    "entity bomb (billion laughs)": (_with_doctype(_laughs(), "&a11;"), "refused"),
    "entity bomb in an attribute": (_with_doctype(_laughs(), '<y z="&a11;"/>'), "refused"),
    "quadratic blow-up": (_with_doctype(f'<!ENTITY a "{"x" * 9000}">', "&a;" * 7000), "refused"),
    "external entity, a file": (_with_doctype('<!ENTITY a SYSTEM "file:///etc/passwd">', "&a;"), "refused"),
    "external entity, a URL": (_with_doctype('<!ENTITY a SYSTEM "http://127.0.0.1:1/">', "&a;"), "refused"),
    "external parameter entity": (_with_doctype('<!ENTITY % a SYSTEM "http://127.0.0.1:1/"> %a;', ""), "refused"),
    "external subset": (
        GOOD.replace(b"<soap:Env", b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><soap:Env'), "refused",
    ),
    "undeclared entity": (GOOD.replace(b"</soap:Header>", b"<x>&y;</x></soap:Header>"), "refused"),
    "XInclude of a file": (
        _TEXT.replace(
            _HEADER_END,
            '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>' + _HEADER_END,
        ).encode(),
        "answered",
    ),
    "stylesheet instruction": (_TEXT.replace("<soap:Env", '<?xml-stylesheet href="x"?><soap:Env').encode(), "refused"),
    "deep": (_nested("<x>", "</x>"), "refused"),
    "deep in the body": (_nested("<x>", "</x>", "</soap:Body>"), "refused"),
    "deep with a namespace each": (_nested('<x xmlns="u">', "</x>"), "refused"),
    "wide": (_filled("<x/>"), "refused"),
    "wide, as wide as allowed": (_TEXT.replace(_HEADER_END, "<x/>" * 4900 + _HEADER_END).encode(), "answered"),
    "attribute flood": (_filled(" a%d=''", "<x", "/>"), "refused"),
    "attribute flood on many elements": (_filled("<x" + "".join(f" a{n}=''" for n in range(64)) + "/>"), "answered"),
    "namespace flood": (_filled(" xmlns:p%d='u'", "<x", "/>"), "refused"),
    "namespace flood on many elements": (_filled("<x xmlns='u%d'/>"), "answered"),
    "huge name": (_filled("x", "<x", "/>"), "answered"),
    "huge attribute": (_filled("y", "<x a='", "'/>"), "answered"),
    "huge text": (_filled("y", "<x>", "</x>"), "answered"),
    "huge comment": (_filled("y", "<!--", "-->"), "answered"),
    "huge CDATA section": (_filled("y", "<x><![CDATA[", "]]></x>"), "answered"),
    "huge MessageID": (_filled("y", where="</wsa:MessageID>"), "refused"),
    "huge Action": (_filled("y", where="</wsa:Action>"), "refused"),
    "character references": (_filled("&#65;", "<x>", "</x>"), "answered"),
    "one byte too many": (GOOD + b" " * (MAX_MESSAGE + 1 - len(GOOD)), "refused"),
    "invalid UTF-8": (GOOD.replace(b"<soap:Body>", b"<soap:Body>\xc0\xaf"), "refused"),
    "surrogate in UTF-8": (GOOD.replace(b"<soap:Body>", b"<soap:Body>\xed\xa0\x80"), "refused"),
    "surrogate by reference": (GOOD.replace(b"<soap:Body>", b"<soap:Body>&#xD800;"), "refused"),
    "NUL": (GOOD.replace(b"<soap:Body>", b"<soap:Body>\0"), "refused"),
    "NUL by reference": (GOOD.replace(b"<soap:Body>", b"<soap:Body>&#0;"), "refused"),
    "UTF-16 with its mark": (_TEXT.replace("utf-8", "utf-16").encode("utf-16"), "answered"),
    "UTF-16 without a mark": (_TEXT.replace("utf-8", "utf-16").encode("utf-16-le"), "refused"),
    "UTF-16, half a character": (_TEXT.replace("utf-8", "utf-16").encode("utf-16")[:-1], "refused"),
    "UTF-32": (_ENVELOPE.encode("utf-32"), "refused"),
    "UTF-7": (GOOD.replace(b"utf-8", b"utf-7"), "refused"),
    "EBCDIC": (_TEXT.replace("utf-8", "cp037").encode("cp037"), "refused"),
    "another encoding than declared": (GOOD.replace(b"utf-8", b"utf-16"), "refused"),
    "prefix redeclared in the body": (_TEXT.replace("<sca:GetA", '<sca:GetA', 1).replace(
        _BODY, f'<sca:GetActiveJobsRequest xmlns:sca="urn:other"><x xmlns="{ns.WSCN}"/></sca:GetActiveJobsRequest>'
    ).encode(), "refused"),
    "another prefix for the body": (
        _TEXT.replace(_BODY, f'<soap:GetActiveJobsRequest xmlns:soap="{ns.WSCN}"/>').encode(), "answered",
    ),
    "prefix taken back": (_TEXT.replace(_BODY, '<sca:GetActiveJobsRequest><x:y xmlns:x=""/></sca:GetActiveJobsRequest>'
    ).encode(), "refused"),
    "prefix xml bound anew": (_TEXT.replace(_BODY, _BODY[:-2] + ' xmlns:xml="urn:x"/>').encode(), "refused"),
    "Envelope of another namespace": (GOOD.replace(ns.SOAP.encode(), b"urn:soap"), "refused"),
    "two Headers": (_twice("Header"), "refused"),
    "two Bodies": (_twice("Body"), "refused"),
    "Body before Header": (
        _TEXT.replace("<soap:Header>", f"<soap:Body>{_BODY}</soap:Body><soap:Header>").encode(), "refused",
    ),
    "Envelope in a Header": (_TEXT.replace(_HEADER_END, _ENVELOPE + _HEADER_END).encode(), "answered"),
    "two Actions": (
        _TEXT.replace(_HEADER_END, f"<wsa:Action>{scan_action('CancelJob')}</wsa:Action>{_HEADER_END}").encode(),
        "refused",
    ),
    "Action and body that disagree": (windows(scan_action("CancelJob"), BODY), "refused"),
    "an answer that is to go elsewhere": (
        _TEXT.replace(ns.ANONYMOUS, "http://198.51.100.9/").encode(), "refused",
    ),
    "a header that must be understood": (
        _TEXT.replace(_HEADER_END, f'<x xmlns="urn:x" soap:mustUnderstand="1"/>{_HEADER_END}').encode(), "refused",
    ),
}  # fmt: skip
