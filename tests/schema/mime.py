"""Reads the multipart/related package of RetrieveImageResponse, as strictly as we have to write it."""

import re
from dataclasses import dataclass

from tests.schema.violation import violation

BOUNDARY_LIMIT = 70  # characters, RFC 2046
HEADERS_LIMIT = 4096  # octets of one part's headers
MUST_BE_QUOTED = frozenset('/+<>@()[]:;,="\\? ')

IMAGE_TYPES = frozenset(("image/jpeg", "image/png", "image/tiff", "image/bmp", "application/pdf"))
"""Content types of the image part for the formats we produce (wsd-scan.md 13)."""

_PARAMETER = re.compile(r';\s*([A-Za-z0-9!#$&.+^_-]+)=("(?:[^"\\]|\\.)*"|[^\s;"]+)\s*')
_CONTENT_ID = re.compile(r"<([A-Za-z0-9.@-]+)>")


@dataclass(frozen=True)
class Part:
    """One part: its header fields by lower-case name, and its octets."""

    headers: dict[str, str]
    content: bytes

    @property
    def content_id(self) -> str:
        """The Content-ID without its angle brackets; SchemaViolation when it is not of that form."""
        match = _CONTENT_ID.fullmatch(self.headers.get("content-id", ""))
        if match is None:
            raise violation("a part needs a Content-ID in angle brackets", str(self.headers))
        return match[1]


def content_type(value: str) -> tuple[str, dict[str, str]]:
    """Return the media type in lower case and the parameters by lower-case name.

    Raises SchemaViolation when the value is malformed, repeats a parameter, or leaves one unquoted that needs quotes.
    """
    media_type, semicolon, _ = value.partition(";")
    rest = value[len(media_type):] if semicolon else ""
    parameters: dict[str, str] = {}
    position = 0
    while position < len(rest):
        match = _PARAMETER.match(rest, position)
        if match is None:
            raise violation("the parameters of the Content-Type are malformed", value)
        name, raw = match[1].lower(), match[2]
        quoted = raw.startswith('"')
        if not quoted and MUST_BE_QUOTED & set(raw):
            raise violation(f"the parameter {name} has to be quoted", value)
        if name in parameters:
            raise violation(f"the parameter {name} is there twice", value)
        parameters[name] = re.sub(r"\\(.)", r"\1", raw[1:-1]) if quoted else raw
        position = match.end()
    return media_type.strip().lower(), parameters


def package_parts(value: str, body: bytes) -> tuple[Part, Part]:
    """Return the SOAP part and the image part of a package with the Content-Type `value`.

    The image may be large: the body is searched, and copied once. Raises SchemaViolation for whatever differs from
    wsd-scan.md 13 (checklist 190 to 193, without the contents of the parts).
    """
    media_type, parameters = content_type(value)
    if media_type != "multipart/related":
        raise violation(f"the Content-Type is {media_type}, not multipart/related", value)
    for name, wanted in (("type", "application/xop+xml"), ("start-info", "application/soap+xml")):
        if parameters.get(name) != wanted:
            raise violation(f'the parameter {name} is not "{wanted}"', value)
    parts = _split(body, _boundary(parameters.get("boundary", ""), value))
    if len(parts) != 2:
        raise violation(f"the package has {len(parts)} parts instead of 2", value)
    soap, image = parts
    for part in parts:
        if part.headers.get("content-transfer-encoding") != "binary":
            raise violation("every part needs Content-Transfer-Encoding: binary", str(part.headers))
    if parameters.get("start") != f"<{soap.content_id}>":
        raise violation("the first part is not the one named by start", f"{value} {soap.headers}")
    if image.content_id == soap.content_id:
        raise violation("both parts have the same Content-ID", str(image.headers))
    _check_soap_type(soap.headers.get("content-type", ""))
    if content_type(image.headers.get("content-type", ""))[0] not in IMAGE_TYPES:
        raise violation("the image part has no Content-Type of a format we produce", str(image.headers))
    if not image.content:
        raise violation("the image part is empty", str(image.headers))
    return soap, image


def _boundary(boundary: str, value: str) -> bytes:
    if not re.fullmatch(r"[0-9A-Za-z'()+_,./:=?-]+", boundary) or len(boundary) > BOUNDARY_LIMIT:
        raise violation("the boundary is missing or malformed", value)
    return boundary.encode("ascii")


def _check_soap_type(value: str) -> None:
    media_type, parameters = content_type(value)
    if (
        media_type != "application/xop+xml"
        or parameters.get("charset", "").lower() != "utf-8"
        or parameters.get("type") != "application/soap+xml"
    ):
        raise violation('the SOAP part is not application/xop+xml; charset=UTF-8; type="application/soap+xml"', value)


def _split(body: bytes, boundary: bytes) -> list[Part]:
    """Cut `body` at its delimiters; there is nothing before the first and nothing after the last."""
    opening = b"--" + boundary + b"\r\n"
    if not body.startswith(opening):
        raise violation("the package does not begin with its boundary", body[:200])
    delimiter = b"\r\n--" + boundary
    parts = []
    start = len(opening)
    while True:
        end = body.find(delimiter, start)
        if end < 0:
            raise violation("the closing boundary is missing", body[-200:])
        parts.append(_part(body, start, end))
        start = end + len(delimiter)
        if body.startswith(b"--", start):
            if body[start:] != b"--\r\n":
                raise violation("something other than CRLF follows the closing boundary", body[start : start + 200])
            return parts
        if not body.startswith(b"\r\n", start):
            raise violation("the boundary occurs in the data", body[end : end + 200])
        start += 2


def _part(body: bytes, start: int, end: int) -> Part:
    blank = body.find(b"\r\n\r\n", start, min(end, start + HEADERS_LIMIT))
    if blank < 0:
        raise violation("a part has no blank line after its headers", body[start : min(end, start + 200)])
    headers: dict[str, str] = {}
    for line in body[start:blank].decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or name.lower() in headers:
            raise violation("a part has a malformed or repeated header", line)
        headers[name.lower()] = value.strip()
    return Part(headers, body[blank + 4 : end])
