"""From wishes to a ticket."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.client.ticket import Ticket, choose, holds, ticket_element
from bridge.client.wishes import JPEG, TIFF, Wishes
from bridge.errors import UsageError
from bridge.scanner.model import Capabilities, ColorMode, Format, InputSource
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Element, write_envelope
from bridge.soap.namespaces import tag
from tests.fakes.scan_service import FEEDER, FLATBED, MULTI_FUNCTION

FEEDER_ONLY = Capabilities(tuple(Format), adf_front=FEEDER)


def ticket(capabilities: Capabilities = MULTI_FUNCTION, **wishes: Any) -> Ticket:
    """The ticket for `wishes`."""
    return choose(Wishes(**wishes), capabilities)


def test_when_nothing_is_asked() -> None:
    """The glass, all of it, in colour, at the usual resolution, as JPEG; nothing but the format must be so."""
    assert ticket() == Ticket(
        format=Format.JFIF,
        source=InputSource.PLATEN,
        color=ColorMode.RGB_24,
        resolution=300,
        images=1,
        width=8500,
        height=11700,
        wished=frozenset({"Format"}),
    )


def test_what_is_asked_must_be_so() -> None:
    """Everything a person asked for is marked."""
    asked = ticket(source=InputSource.ADF, color=ColorMode.GRAYSCALE_8, resolution=600, formats=(Format.PNG,))

    assert (asked.source, asked.color, asked.resolution, asked.format) == (
        InputSource.ADF,
        ColorMode.GRAYSCALE_8,
        600,
        Format.PNG,
    )
    assert asked.wished == {"Format", "InputSource", "ColorProcessing", "Resolution"}
    assert (asked.width, asked.height) == (8500, 14000)


@pytest.mark.parametrize(
    ("capabilities", "wishes", "source", "images"),
    [
        (MULTI_FUNCTION, {}, InputSource.PLATEN, 1),
        (MULTI_FUNCTION, {"pages": 1}, InputSource.PLATEN, 1),
        (MULTI_FUNCTION, {"pages": 0}, InputSource.ADF, 0),
        (MULTI_FUNCTION, {"pages": 5}, InputSource.ADF, 5),
        (MULTI_FUNCTION, {"source": InputSource.ADF}, InputSource.ADF, 0),
        (MULTI_FUNCTION, {"source": InputSource.ADF_DUPLEX, "pages": 3}, InputSource.ADF_DUPLEX, 3),
        (FLATBED, {"pages": 0}, InputSource.PLATEN, 1),
        (FEEDER_ONLY, {}, InputSource.ADF, 0),
    ],
)
def test_source_and_pages(
    capabilities: Capabilities, wishes: dict[str, Any], source: InputSource, images: int
) -> None:
    """One page is scanned from the glass, several from the feeder, all of them when no number is given."""
    chosen = ticket(capabilities, **wishes)

    assert (chosen.source, chosen.images) == (source, images)


@pytest.mark.parametrize(("resolutions", "chosen"), [((75, 150), 150), ((200, 400), 200), ((600,), 600)])
def test_the_nearest_resolution(resolutions: tuple[int, ...], chosen: int) -> None:
    """Without the usual resolution the nearest is taken, the lower of two."""
    assert FLATBED.platen is not None
    capabilities = replace(FLATBED, platen=replace(FLATBED.platen, resolutions=resolutions))

    assert ticket(capabilities).resolution == chosen


@pytest.mark.parametrize(
    ("wishes", "format", "color"),
    [
        ({"formats": JPEG}, Format.JFIF, ColorMode.RGB_24),
        ({"formats": TIFF}, Format.TIFF_SINGLE_UNCOMPRESSED, ColorMode.RGB_24),
        ({"formats": (Format.TIFF_SINGLE_G4,)}, Format.TIFF_SINGLE_G4, ColorMode.BLACK_AND_WHITE_1),
        ({"color": ColorMode.BLACK_AND_WHITE_1}, Format.PNG, ColorMode.BLACK_AND_WHITE_1),
    ],
)
def test_format_and_color_fit(wishes: dict[str, Any], format: Format, color: ColorMode) -> None:
    """The first format that holds the colour asked for is taken, or the best colour that the format holds."""
    chosen = ticket(**wishes)

    assert (chosen.format, chosen.color) == (format, color)


def test_the_format_that_is_there() -> None:
    """Of several formats that would do, one that the scanner has is taken."""
    assert ticket(replace(FLATBED, formats=(Format.EXIF,)), formats=JPEG).format is Format.EXIF


def test_what_formats_hold() -> None:
    """JPEG holds 8 bits a sample, Group 4 one bit a pixel, everything else all."""
    held = {format: {color for color in ColorMode if holds(format, color)} for format in Format}

    eight = {ColorMode.RGB_24, ColorMode.GRAYSCALE_8}
    assert held[Format.EXIF] == held[Format.JFIF] == eight
    assert held[Format.TIFF_SINGLE_G4] == held[Format.TIFF_MULTI_G4] == {ColorMode.BLACK_AND_WHITE_1}
    assert held[Format.PNG] == held[Format.TIFF_SINGLE_UNCOMPRESSED] == set(ColorMode)


@pytest.mark.parametrize(
    ("capabilities", "wishes", "complaint"),
    [
        (FLATBED, {"source": InputSource.ADF}, "the scanner has no feeder (ADF); it has glass (Platen)"),
        (FLATBED, {"pages": 3}, "the scanner has no feeder, and its glass holds one page"),
        (FLATBED, {"resolution": 299}, "no resolution of 299; it has 75, 100, 150, 200, 300, 600, 1200"),
        (
            FLATBED,
            {"color": ColorMode.RGB_48},
            "the scanner has no RGB48; it has color (RGB24), gray (Grayscale8), lineart (BlackAndWhite1)",
        ),
        (
            replace(FLATBED, formats=(Format.JFIF,)),
            {"formats": (Format.PDF_A,)},
            "the scanner does not offer pdf (pdf-a); it offers jpeg (jfif)",
        ),
        (
            replace(FLATBED, formats=(Format.PDF_A,)),
            {},
            "the scanner does not offer a format that this client knows; it offers pdf (pdf-a)",
        ),
        (
            FLATBED,
            {"formats": JPEG, "color": ColorMode.BLACK_AND_WHITE_1},
            "jpeg (jfif), jpeg (exif) cannot hold lineart (BlackAndWhite1); choose another --format or --color",
        ),
        (Capabilities(()), {}, "neither glass nor feeder"),
    ],
)
def test_what_cannot_be(capabilities: Capabilities, wishes: dict[str, Any], complaint: str) -> None:
    """What the scanner cannot do is refused with what it can."""
    with pytest.raises(UsageError) as caught:
        ticket(capabilities, **wishes)

    assert complaint in str(caught.value)


def element(chosen: Ticket, name: str = "page.jpg", user: str = "ada") -> Element:
    """`chosen` as XML; writing the message checks it against the schemas."""
    whole = ticket_element(chosen, name, user)
    write_envelope(f"{ns.WSCN}/ValidateScanTicket", WSCN_E.ValidateScanTicketRequest(whole), to="http://192.0.2.7/")
    return whole


def test_the_ticket_on_the_wire() -> None:
    """A ticket is valid XML of the standard with our values in it."""
    whole = element(ticket(source=InputSource.ADF, pages=2))

    def text(name: str) -> str | None:
        found: str | None = whole.findtext(f".//{tag(ns.WSCN, name)}")
        return found

    assert [text(name) for name in ("JobName", "JobOriginatingUserName", "Format", "ImagesToTransfer")] == [
        "page.jpg",
        "ada",
        "jfif",
        "2",
    ]
    assert [text(name) for name in ("InputSource", "ScanRegionHeight", "ColorProcessing")] == ["ADF", "14000", "RGB24"]


def test_marks_on_the_wire() -> None:
    """MustHonor stands at what was asked for, in its namespace, and nowhere else."""
    whole = element(ticket(resolution=600))

    marked = {ns.local_name(str(one.tag)) for one in whole.iter() if one.get(tag(ns.WSCN, "MustHonor")) == "true"}

    assert marked == {"Format", "Resolution"}


def test_long_names() -> None:
    """Names are cut to what the standard allows."""
    whole = element(ticket(), "x" * 300, "y" * 300)

    assert whole.findtext(f".//{tag(ns.WSCN, 'JobName')}") == "x" * 255
    assert whole.findtext(f".//{tag(ns.WSCN, 'JobOriginatingUserName')}") == "y" * 255
