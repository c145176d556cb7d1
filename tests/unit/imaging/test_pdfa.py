"""PDF/A-2b by a check of our own: our files pass it, and files with one thing wrong each do not."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from PIL import Image

from bridge.imaging.pdf import PdfEncoder
from bridge.scanner.model import ColorMode, Resolution
from tests.unit.imaging.files import encode, page_of, pixels_of
from tests.unit.imaging.pdfa import complaints

COLORS = [ColorMode.RGB_24, ColorMode.GRAYSCALE_8, ColorMode.BLACK_AND_WHITE_1]


def file_of(color: ColorMode, size: tuple[int, int] = (250, 129), pages: int = 1, dpi: int = 300) -> bytes:
    page = page_of(size, color, resolution=Resolution(dpi, dpi))
    return encode(PdfEncoder(page), page, *(pixels_of(page, number) for number in range(pages)))


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("pages", [1, 3])
def test_our_files_are_pdf_a(color: ColorMode, pages: int) -> None:
    """Nothing is wrong with a file in any colour, of one page or several."""
    assert complaints(file_of(color, pages=pages)) == []


@pytest.mark.parametrize("color", COLORS)
def test_tiny_pages_are_as_large_as_pages_must_be(color: ColorMode) -> None:
    """A region of a few pixels is drawn in its size on a page that is not smaller than a page may be."""
    pdf = file_of(color, (5, 2), dpi=1200)
    assert complaints(pdf) == []
    assert b"q 0.3000 0 0 0.1200 0 0 cm" in pdf


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """A change of the same length, so that no place of the file moves."""
    assert len(old) == len(new)

    def change(pdf: bytes) -> bytes:
        assert pdf.count(old) >= 1, old
        return pdf.replace(old, new)

    return change


CHANGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "no second line": (replaced(b"%\xe2\xe3\xcf\xd3", b"%abcd"), "6.1.2"),
    "something at the end": (lambda pdf: pdf + b"% more\n", "6.1.3"),
    "no identifier": (replaced(b"/ID [<", b"/IX [<"), "6.1.3"),
    "no output intent": (replaced(b"/OutputIntents", b"/OutputIntentz"), "6.2.3"),
    "an output intent of another kind": (replaced(b"/GTS_PDFA1", b"/GTS_PDFX1"), "6.2.3"),
    "no condition": (replaced(b"/OutputConditionIdentifier", b"/OutputConditionIdentifies"), "6.2.3"),
    "a wrong number of components": (replaced(b"/N 3", b"/N 4"), "6.2.4.2"),
    "no metadata": (lambda pdf: re.sub(rb"/Metadata (\d)", rb"/Metadatb \1", pdf), "6.6.2.1"),
    "another part": (replaced(b"<pdfaid:part>2", b"<pdfaid:part>1"), "6.6.4"),
    "another level": (replaced(b"conformance>B<", b"conformance>U<"), "6.6.4"),
    "broken metadata": (replaced(b"</rdf:RDF>", b"</rdf:RDG>"), "6.6.2.1"),
    "a tiny page": (replaced(b"MediaBox [0 0 60.0000", b"MediaBox [0 0 2.00000"), "6.1.13"),
    "interpolation": (replaced(b"/Type /XObject", b"/Interpolate 1"), "6.2.8"),
    "another colour space": (replaced(b"/DeviceGray", b"/DeviceCMYK"), "6.2.4.3"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_one_thing_wrong_is_seen(name: str) -> None:
    """Each requirement that is broken alone is told with its clause."""
    change, clause = CHANGES[name]
    found = complaints(change(file_of(ColorMode.GRAYSCALE_8)))
    assert any(line.startswith(clause) for line in found), found


def test_what_other_programs_write_is_judged_too() -> None:
    """The check is not made for our files alone: a plain PDF of another program lacks what it lacks."""
    written = io.BytesIO()
    Image.new("L", (30, 20)).save(written, format="PDF")
    found = " ".join(complaints(written.getvalue()))
    for clause in ("6.2.3", "6.6.2.1"):
        assert clause in found
