"""PDF/A-2b files: each image a page of its own size, written as the rows come.

Colour and gray are JPEG, black and white is CCITT Group 4. A stream's length stands in an object behind it, and all
that must know everything else, the tree of pages and the table of places, stands at the end of the file.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from typing import Protocol

from bridge.imaging.encoder import ImagingError, Page, RowCount, Rows
from bridge.imaging.exif import jfif_segment
from bridge.imaging.fax import FaxCoder
from bridge.imaging.icc import srgb_profile
from bridge.imaging.jpeg import JpegEncoder

MAX_PLACE = 9_999_999_999
"""Last place that the table of objects can tell: it has ten digits."""

POINTS_PER_INCH = 72

LEAST_SIDE = 3.0
"""Shortest side, in points, that a page of PDF/A may have; what is smaller is drawn in its corner."""

_HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_CATALOG, _PAGES, _METADATA, _PROFILE, _FIRST_PAGE = 1, 2, 3, 4, 5
_PAGE_OBJECTS = 4

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance><pdf:Producer>Scanbridge</pdf:Producer>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


class _ImageData(Protocol):
    """The coded data of one image."""

    def begin(self) -> bytes: ...

    def rows(self, data: Rows) -> bytes: ...

    def end(self) -> Iterable[bytes]: ...


class PdfEncoder:
    """All pages of a job in one file. Raises ImagingError for a page that its compression cannot hold."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._count = RowCount(page)
        self._places: dict[int, int] = {}
        self._length = 0
        self._pages = 0
        self._image_start = 0
        self._checksum = 0
        self._image = self._new_image()

    def begin(self) -> bytes:
        """The header, what the colours mean, and the beginning of the first page's image."""
        profile = zlib.compress(srgb_profile(), 9)
        metadata = _XMP.encode("utf-8")
        return b"".join(
            [
                self._counted(_HEADER),
                self._object(_METADATA, _stream(b"/Type /Metadata /Subtype /XML", metadata)),
                self._object(_PROFILE, _stream(b"/N 3 /Filter /FlateDecode", profile)),
                self._open_image(),
            ]
        )

    def rows(self, data: Rows) -> bytes:
        """Take whole packed rows; the coded data that are ready by now. Raises ImagingError."""
        self._count.take(data)
        return self._coded(self._image.rows(data))

    def next_page(self) -> Iterable[bytes]:
        """The end of the page, and the beginning of the next one. Raises ImagingError when rows are missing."""
        closing = self._close_page()
        self._image = self._new_image()
        return [*closing, self._open_image()]

    def end(self) -> Iterable[bytes]:
        """The end of the page and of the file. Raises ImagingError when rows are missing."""
        blocks = self._close_page()
        kids = b" ".join(b"%d 0 R" % self._number(page, 3) for page in range(self._pages))
        blocks.append(self._object(_PAGES, b"<< /Type /Pages /Count %d /Kids [%s] >>" % (self._pages, kids)))
        intent = (
            b"<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB IEC61966-2.1)"
            b" /Info (sRGB IEC61966-2.1) /DestOutputProfile %d 0 R >>" % _PROFILE
        )
        catalog = b"<< /Type /Catalog /Pages %d 0 R /Metadata %d 0 R /OutputIntents [%s] >>"
        blocks.append(self._object(_CATALOG, catalog % (_PAGES, _METADATA, intent)))
        if self._length > MAX_PLACE:
            raise ImagingError("A PDF holds 10 GB. Choose a lower resolution, or fewer pages for one file.")
        blocks.append(self._table())
        return blocks

    # -- pages -----------------------------------------------------------------------------------

    def _new_image(self) -> _ImageData:
        page = self._page
        return _FaxData(page) if page.color.depth == 1 else JpegEncoder(page, jfif_segment(page))

    def _open_image(self) -> bytes:
        page = self._page
        if page.color.depth == 1:
            coding = b"/ColorSpace /DeviceGray /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns %d /Rows %d >>"
            coding %= (page.width, page.height)
        else:
            space = b"RGB" if page.color.channels == 3 else b"Gray"
            coding = b"/ColorSpace /Device%s /Filter /DCTDecode" % space
        head = b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent %d %s /Length %d 0 R >>"
        head %= (page.width, page.height, page.color.depth, coding, self._number(self._pages, 1))
        opening = self._object(self._number(self._pages, 0), head + b"\nstream\n", ended=False)
        self._image_start = self._length
        return opening + self._coded(self._image.begin())

    def _close_page(self) -> list[bytes]:
        """The rest of the image, and the objects that make a page of it."""
        self._count.close()
        blocks = [self._coded(block) for block in self._image.end()]
        image, length, contents, page = (self._number(self._pages, part) for part in range(_PAGE_OBJECTS))
        size = self._length - self._image_start
        width = self._page.width * POINTS_PER_INCH / self._page.resolution.width
        height = self._page.height * POINTS_PER_INCH / self._page.resolution.height
        drawing = b"q %s 0 0 %s 0 0 cm /Image Do Q" % (_points(width), _points(height))
        box = b"[0 0 %s %s]" % (_points(max(width, LEAST_SIDE)), _points(max(height, LEAST_SIDE)))
        blocks += [
            self._counted(b"\nendstream\nendobj\n"),
            self._object(length, b"%d" % size),
            self._object(contents, _stream(b"", drawing)),
            self._object(
                page,
                b"<< /Type /Page /Parent %d 0 R /MediaBox %s /Contents %d 0 R"
                b" /Resources << /XObject << /Image %d 0 R >> >> >>" % (_PAGES, box, contents, image),
            ),
        ]
        self._pages += 1
        return blocks

    def _coded(self, data: bytes) -> bytes:
        self._checksum = zlib.crc32(data, self._checksum)
        return self._counted(data)

    # -- objects ---------------------------------------------------------------------------------

    def _number(self, page: int, part: int) -> int:
        """The number of an object of a page: its image, the image's length, its contents, itself."""
        return _FIRST_PAGE + page * _PAGE_OBJECTS + part

    def _object(self, number: int, content: bytes, *, ended: bool = True) -> bytes:
        self._places[number] = self._length
        return self._counted(b"%d 0 obj\n%s%s" % (number, content, b"\nendobj\n" if ended else b""))

    def _counted(self, data: bytes) -> bytes:
        self._length += len(data)
        return data

    def _table(self) -> bytes:
        """Where every object lies, and where to begin."""
        count = len(self._places) + 1
        entries = b"".join(b"%010d 00000 n \n" % self._places[number] for number in range(1, count))
        name = hashlib.sha256(entries + b"%d" % self._checksum).hexdigest()[:32].encode()
        trailer = b"trailer\n<< /Size %d /Root %d 0 R /ID [<%s> <%s>] >>\n" % (count, _CATALOG, name, name)
        end = b"startxref\n%d\n%%%%EOF\n" % self._length
        return b"xref\n0 %d\n0000000000 65535 f \n%s%s%s" % (count, entries, trailer, end)


class _FaxData:
    """A page of one bit; 0 is black in PDF as well as here."""

    def __init__(self, page: Page) -> None:
        self._coder = FaxCoder(page, 0)

    def begin(self) -> bytes:
        return b""

    def rows(self, data: Rows) -> bytes:
        return self._coder.rows(data)

    def end(self) -> Iterable[bytes]:
        return [self._coder.end()]


def _stream(entries: bytes, data: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data), data)


def _points(value: float) -> bytes:
    """A length in points, to a ten thousandth."""
    return b"%.4f" % value
