"""The check of multipart/related packages: one good package, and everything that must not be in one."""

import pytest

from tests.schema.samples import sample
from tests.schema_check import SchemaViolation, check_multipart

CONTENT_TYPE = (
    'multipart/related; type="application/xop+xml"; boundary="6d0c"; start="<soap.17@scanbridge>"; '
    'start-info="application/soap+xml"'
)
SOAP_HEADERS = (
    b'Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\n'
    b"Content-Transfer-Encoding: binary\r\n"
    b"Content-ID: <soap.17@scanbridge>\r\n"
)
IMAGE_HEADERS = (
    b"Content-Type: image/jpeg\r\n"
    b"Content-Transfer-Encoding: binary\r\n"
    b"Content-ID: <image.17-1@scanbridge>\r\n"
)  # fmt: skip
IMAGE = b"\xff\xd8\r\n--6d0\r\n\r\n--\r\n--6d0d\x00\xff\xd9\r\n"


def package(
    soap: bytes | None = None,
    *,
    soap_headers: bytes = SOAP_HEADERS,
    image_headers: bytes = IMAGE_HEADERS,
    image: bytes = IMAGE,
) -> bytes:
    """Return a package of the sample, or of `soap`, and an image that looks like boundaries in places."""
    envelope = sample("retrieve-image-response") if soap is None else soap
    first = b"--6d0c\r\n" + soap_headers + b"\r\n" + envelope
    return first + b"\r\n--6d0c\r\n" + image_headers + b"\r\n" + image + b"\r\n--6d0c--\r\n"


def test_good_package() -> None:
    """The envelope and the exact octets of the image come back, also when the image nearly holds the boundary."""
    envelope, image = check_multipart(CONTENT_TYPE, package())
    assert envelope.tag == "{http://www.w3.org/2003/05/soap-envelope}Envelope"
    assert image == IMAGE


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("multipart/related", "multipart/mixed", "not multipart/related"),
        ('type="application/xop+xml"; ', "", "the parameter type"),
        ('type="application/xop+xml"', "type=application/xop+xml", "type has to be quoted"),
        ("start-info=", "startinfo=", "the parameter start-info"),
        ('start-info="application/soap+xml"', 'start-info="text/xml"', "the parameter start-info"),
        ('start="<soap.17@scanbridge>"', "start=<soap.17@scanbridge>", "start has to be quoted"),
        ('start="<soap.17@scanbridge>"', 'start="<image.17-1@scanbridge>"', "not the one named by start"),
        ('start="<soap.17@scanbridge>"; ', "", "not the one named by start"),
        ('boundary="6d0c"; ', "", "boundary is missing or malformed"),
        ('boundary="6d0c"', f'boundary="{"6" * 71}"', "boundary is missing or malformed"),
        ('boundary="6d0c"', 'boundary="6d0c"; boundary="6d0c"', "boundary is there twice"),
        ('boundary="6d0c"', 'boundary="6d0e"', "does not begin with its boundary"),
        ('"; start=', '" start=', "malformed"),
    ],
)
def test_content_type(old: str, new: str, complaint: str) -> None:
    """A Content-Type without one of its four parameters, or with an unquoted one, is refused."""
    assert old in CONTENT_TYPE
    with pytest.raises(SchemaViolation, match=complaint):
        check_multipart(CONTENT_TYPE.replace(old, new, 1), package())


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (b"--6d0c\r\nContent-Type: app", b"x\r\n--6d0c\r\nContent-Type: app", "does not begin with its boundary"),
        (b"\r\n--6d0c--\r\n", b"", "closing boundary is missing"),
        (b"\r\n--6d0c--\r\n", b"\r\n--6d0c--", "other than CRLF follows"),
        (b"\r\n--6d0c--\r\n", b"\r\n--6d0c--\r\nepilogue", "other than CRLF follows"),
        (b"\r\n--6d0d", b"\r\n--6d0c", "boundary occurs in the data"),
        (b"\r\n--6d0c\r\nContent-Type: image", b"--6d0c\r\nContent-Type: image", "1 parts instead of 2"),
        (b"\r\n--6d0c--", b"\r\n--6d0c\r\nContent-ID: <x>\r\n\r\nx\r\n--6d0c--", "3 parts instead of 2"),
        (b"binary\r\nContent-ID: <soap", b"8bit\r\nContent-ID: <soap", "Transfer-Encoding: binary"),
        (b"Content-Transfer-Encoding: binary\r\nContent-ID: <image", b"Content-ID: <image", "Encoding: binary"),
        (b"Content-ID: <soap.17@scanbridge>", b"Content-ID: soap.17@scanbridge", "Content-ID in angle brackets"),
        (b"Content-ID: <soap.17@scanbridge>", b"Content-ID: < soap.17@scanbridge>", "Content-ID in angle brackets"),
        (b"Content-ID: <image.17-1@scanbridge>", b"Content-ID: <image.17-2@scanbridge>", "does not name the image"),
        (b"Content-ID: <image.17-1@scanbridge>", b"Content-ID: <soap.17@scanbridge>", "same Content-ID"),
        (b"charset=UTF-8; ", b"", "the SOAP part is not"),
        (b"application/xop+xml;", b"application/soap+xml;", "the SOAP part is not"),
        (b'; type="application/soap+xml"\r\n', b"\r\n", "the SOAP part is not"),
        (b"image/jpeg", b"application/octet-stream", "no Content-Type of a format we produce"),
        (b"Content-Type: image/jpeg\r\n", b"Content-Type: image/jpeg\r\n" * 2, "malformed or repeated header"),
        (b"Content-Type: image", b" Content-Type: image", "malformed or repeated header"),
        (b"\r\n\r\n<?xml", b"\r\n<?xml", "malformed or repeated header|no blank line"),
        (b"cid:image.17-1@scanbridge", b"cid:other@scanbridge", "does not name the image part"),
        (b"<wscn:ScanData>", b"<wscn:ScanDatum>", "not well-formed"),
    ],
)
def test_package(old: bytes, new: bytes, complaint: str) -> None:
    """A package that differs in one place from the form of the digest is refused."""
    good = package()
    assert old in good
    with pytest.raises(SchemaViolation, match=complaint):
        check_multipart(CONTENT_TYPE, good.replace(old, new, 1))


def test_empty_image() -> None:
    """An image of no octets is no image."""
    with pytest.raises(SchemaViolation, match="image part is empty"):
        check_multipart(CONTENT_TYPE, package(image=b""))


def test_soap_part_comes_first() -> None:
    """The image before the envelope is refused, although start names the right part."""
    swapped = b"--6d0c\r\n" + IMAGE_HEADERS + b"\r\nx\r\n--6d0c\r\n" + SOAP_HEADERS + b"\r\n"
    with pytest.raises(SchemaViolation, match="not the one named by start"):
        check_multipart(CONTENT_TYPE, swapped + sample("retrieve-image-response") + b"\r\n--6d0c--\r\n")


@pytest.mark.parametrize("name", ["fault-not-accepting-jobs", "get-active-jobs-response"])
def test_nothing_else_is_multipart(name: str) -> None:
    """A fault, or any other answer, inside a package is refused."""
    with pytest.raises(SchemaViolation, match="is not sent as multipart"):
        check_multipart(CONTENT_TYPE, package(sample(name)))
