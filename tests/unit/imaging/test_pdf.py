"""PDF/A: pages in poppler's eyes, structure in qpdf's, colours in Little CMS's."""

from __future__ import annotations

import io
import json
import subprocess
import tempfile
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from bridge.imaging.encoder import ImagingError, Page
from bridge.imaging.formats import MAX_JPEG_SIDE, fits
from bridge.imaging.icc import srgb_profile
from bridge.imaging.pdf import PdfEncoder
from bridge.scanner.model import ColorMode, Format, InputSource, Resolution
from tests.unit.imaging.decoders import by_djpeg, difference, picture
from tests.unit.imaging.fax_decoder import decode
from tests.unit.imaging.files import (
    PATIENCE_S,
    SIZES,
    clean,
    encode,
    expected,
    page_of,
    pixels_of,
    read_pnm,
    run_on_file,
)

LINES = ColorMode.BLACK_AND_WHITE_1
COLORS = [ColorMode.RGB_24, ColorMode.GRAYSCALE_8, LINES]
INVERTED = bytes(255 - value for value in range(256))


def images(pdf: bytes, *options: str) -> list[bytes]:
    """The images of all pages by pdfimages, in order."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "file.pdf")
        source.write_bytes(pdf)
        done = subprocess.run(
            ["pdfimages", *options, str(source), str(Path(folder, "image"))],
            capture_output=True,
            check=True,
            timeout=PATIENCE_S,
        )
        assert done.stderr == b""
        return [path.read_bytes() for path in sorted(Path(folder).glob("image-*"))]


def objects(pdf: bytes) -> dict[str, Any]:
    """The objects by qpdf, without streams' data."""
    told = json.loads(run_on_file("qpdf", "--json=2", "--json-key=qpdf", "{}", input=pdf))
    found: dict[str, Any] = told["qpdf"][1]
    return found


def value(pdf_objects: dict[str, Any], reference: str) -> Any:
    """The object behind a reference: its value, or the dictionary of its stream."""
    found = pdf_objects[f"obj:{reference}"]
    return found["value"] if "value" in found else found["stream"]["dict"]


def stream(pdf: bytes, reference: str) -> bytes:
    """The data of a stream, as they are in the file."""
    return run_on_file("qpdf", f"--show-object={reference.split()[0]}", "--raw-stream-data", "{}", input=pdf)


def decoded_images(pdf: bytes, page: Page) -> list[bytes]:
    """The pixels of all pages by poppler, which writes gray as colour."""
    found = []
    for image in images(pdf):
        (decoded,) = read_pnm(image)
        assert (decoded.width, decoded.height) == (page.width, page.height)
        data = decoded.data
        if decoded.channels > page.color.channels:
            assert data[0::3] == data[1::3] == data[2::3]
            data = data[0::3]
        found.append(data)
    return found


def smooth(page: Page) -> bytes:
    return picture(page.width, page.height, page.color.channels)


def file_of(page: Page, *pictures: bytes) -> bytes:
    return encode(PdfEncoder(page), page, *pictures)


@pytest.mark.conformance(194, 195, 209)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_lines_survive_bit_by_bit(size: tuple[int, int]) -> None:
    """Poppler's own decoder, and ours, read every pixel of a page in black and white, and black is black."""
    page = page_of(size, LINES)
    data = pixels_of(page)
    pdf = file_of(page, data)
    (image,) = images(pdf)
    assert read_pnm(image) == [expected(page, data)]
    rows = decode(stream(pdf, "5 0 R"), page.width).translate(INVERTED)
    assert [clean(rows[at : at + page.row_bytes], page) for at in range(0, len(rows), page.row_bytes)] == [
        data[at : at + page.row_bytes] for at in range(0, len(data), page.row_bytes)
    ]


@pytest.mark.parametrize("color", COLORS[:2])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_colour_is_a_jpeg_of_the_page(color: ColorMode, size: tuple[int, int]) -> None:
    """The image of a page in colour or gray is a JPEG with its pixels, and poppler decodes it as djpeg does."""
    page = page_of(size, color, quality=95)
    data = smooth(page)
    pdf = file_of(page, data)
    (jpeg,) = images(pdf, "-j")
    shape, _, pixels = by_djpeg(jpeg)
    assert shape == size
    assert difference(pixels, data) < 6
    (decoded,) = decoded_images(pdf, page)
    assert difference(decoded, pixels) < 1.5


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("pages", [1, 2, 5])
def test_pages_stay_apart_and_in_order(color: ColorMode, pages: int) -> None:
    """Each page of a file has its own image, in the order in which they were scanned."""
    page = page_of((40, 24), color, quality=95)
    levels = [0, 255, 128, 200, 60][:pages]
    pictures = [
        bytes((255 if level > 100 else 0,)) * (page.row_bytes * page.height)
        if color is LINES
        else bytes((level,)) * (page.row_bytes * page.height)
        for level in levels
    ]
    pdf = file_of(page, *pictures)
    for decoded, data in zip(decoded_images(pdf, page), pictures, strict=True):
        assert difference(decoded, data) < 2


@pytest.mark.parametrize("color", COLORS)
def test_a_page_is_drawn_as_large_as_its_paper(color: ColorMode) -> None:
    """The page has the size of what was scanned, and poppler renders the image over all of it, the right way up."""
    page = page_of((600, 400), color, resolution=Resolution(200, 100), quality=95)
    black_above = bytes(page.row_bytes * 100) + b"\xff" * page.row_bytes * 300
    pdf = file_of(page, black_above)
    told = run_on_file("pdfinfo", "{}", input=pdf).decode()
    assert "Page size:       216 x 288 pts" in told
    (drawn,) = read_pnm(run_on_file("pdftoppm", "-r", "100", "{}", input=pdf))
    assert (drawn.width, drawn.height) == (300, 400)
    row = drawn.width * 3
    assert max(drawn.data[: 98 * row]) <= 3
    assert min(drawn.data[102 * row :]) >= 252


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("pages", [1, 3])
def test_qpdf_finds_nothing_wrong(color: ColorMode, pages: int) -> None:
    """Table of objects, lengths of streams and syntax are right."""
    page = page_of((250, 129), color)
    pdf = file_of(page, *(pixels_of(page, number) for number in range(pages)))
    told = run_on_file("qpdf", "--check", "{}", input=pdf).decode()
    assert "No syntax or stream encoding errors found" in told


@pytest.mark.parametrize("color", COLORS)
def test_what_makes_it_an_archive_is_there(color: ColorMode) -> None:
    """Metadata that name PDF/A-2b, an output intent with a profile, an identifier; no fonts, scripts or encryption."""
    page = page_of((20, 10), color)
    pdf = file_of(page, pixels_of(page))
    assert pdf.startswith(b"%PDF-1.7\n%")
    assert all(byte > 127 for byte in pdf[10:14])
    assert pdf.endswith(b"%%EOF\n")
    found = objects(pdf)
    trailer = found["trailer"]["value"]
    assert len(trailer["/ID"]) == 2
    assert trailer.keys() == {"/Size", "/Root", "/ID"}
    catalog = value(found, trailer["/Root"])
    assert catalog.keys() == {"/Type", "/Pages", "/Metadata", "/OutputIntents"}
    (intent,) = catalog["/OutputIntents"]
    assert (intent["/Type"], intent["/S"]) == ("/OutputIntent", "/GTS_PDFA1")
    profile = value(found, intent["/DestOutputProfile"])
    assert profile["/N"] == 3
    assert zlib.decompress(stream(pdf, intent["/DestOutputProfile"])) == srgb_profile()
    metadata = value(found, catalog["/Metadata"])
    assert (metadata["/Type"], metadata["/Subtype"]) == ("/Metadata", "/XML")
    assert "/Filter" not in metadata
    (page_reference,) = value(found, catalog["/Pages"])["/Kids"]
    assert value(found, page_reference).keys() == {"/Type", "/Parent", "/MediaBox", "/Contents", "/Resources"}
    image = value(found, value(found, page_reference)["/Resources"]["/XObject"]["/Image"])
    assert image["/ColorSpace"] == ("/DeviceRGB" if color is ColorMode.RGB_24 else "/DeviceGray")
    assert not image.keys() & {"/Interpolate", "/Alternates", "/OPI", "/SMask"}


def test_the_metadata_are_xmp() -> None:
    """The packet is well-formed, begins and ends as it must, and says part 2, conformance B."""
    page = page_of((8, 8), ColorMode.GRAYSCALE_8)
    pdf = file_of(page, pixels_of(page))
    packet = stream(pdf, "3 0 R").decode()
    assert packet.startswith('<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>')
    assert packet.endswith('<?xpacket end="w"?>')
    root = ET.fromstring(packet)
    pdfa = "{http://www.aiim.org/pdfa/ns/id/}"
    assert [root.findtext(f".//{pdfa}{name}") for name in ("part", "conformance")] == ["2", "B"]


def test_the_profile_is_srgb() -> None:
    """Little CMS turns colours from our profile into its own sRGB and changes none by more than a level."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
    assert ImageCms.getProfileDescription(profile).strip() == "sRGB IEC61966-2.1"
    levels = (0, 1, 20, 64, 127, 128, 200, 254, 255)
    colors = bytes(level for red in levels for green in levels for blue in levels for level in (red, green, blue))
    image = Image.frombytes("RGB", (len(colors) // 3, 1), colors)
    turned = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"))
    assert turned is not None
    assert max(abs(a - b) for a, b in zip(turned.tobytes(), colors, strict=True)) <= 1


def test_data_leave_while_the_page_is_scanned() -> None:
    """Header, profile and most of the image are out before the page ends."""
    page = page_of((1000, 2000), ColorMode.RGB_24, quality=90)
    encoder = PdfEncoder(page)
    assert b"/DCTDecode" in encoder.begin()
    before = sum(len(encoder.rows(bytes(page.row_bytes * 100))) for _ in range(20))
    assert before > 0.6 * (before + sum(map(len, encoder.end())) - 3000)


def test_two_files_have_different_identifiers() -> None:
    """The identifier follows what was scanned."""
    page = page_of((64, 64), LINES)
    one, other = (objects(file_of(page, pixels_of(page, seed)))["trailer"]["value"]["/ID"] for seed in range(2))
    assert one != other


def test_impossible_pages_are_refused() -> None:
    """Missing rows, sides that no JPEG has, and a file too long for its table are errors."""
    encoder = PdfEncoder(page_of((4, 4), LINES))
    encoder.begin()
    with pytest.raises(ImagingError, match="4 rows"):
        encoder.next_page()
    with pytest.raises(ImagingError, match="4 rows"):
        encoder.end()
    long = page_of((8, MAX_JPEG_SIDE + 1), ColorMode.GRAYSCALE_8)
    assert not fits(InputSource.PLATEN, Format.PDF_A, long.color, long.width, long.height)
    with pytest.raises(ImagingError, match=str(MAX_JPEG_SIDE)):
        PdfEncoder(long)
    assert fits(InputSource.PLATEN, Format.PDF_A, LINES, long.width, long.height)
    page = page_of((8, 8), LINES)
    endless = PdfEncoder(page)
    endless.begin()
    endless._length = 10**10
    endless.rows(bytes(8))
    with pytest.raises(ImagingError, match="10 GB"):
        endless.end()
