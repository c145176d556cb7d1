"""From wishes and a scanner's abilities to a ScanTicket (wsd-scan.md 7.1 and 7.2).

What a person asked for carries MustHonor, so that a scanner that cannot do it says so; the rest it may change.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.client.wishes import ANY, Wishes, plain_word
from bridge.errors import UsageError
from bridge.scanner.model import Capabilities, ColorMode, Format, InputSource, SourceCapabilities
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Element
from bridge.soap.namespaces import tag

USUAL_RESOLUTION = 300
"""Pixels per inch when nobody asks for others; else the nearest that the scanner has."""

MAX_NAME = 255
"""Longest JobName and JobOriginatingUserName in characters (wsd-scan.md 7.1)."""

JOB_INFORMATION = "scanbridge scan"
"""One scanner refuses tickets without any JobInformation (wsd-scan.md 7.1)."""

_GROUP_4 = (Format.TIFF_SINGLE_G4, Format.TIFF_MULTI_G4)
_JPEG_INSIDE = (Format.EXIF, Format.JFIF)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A scan that this scanner can do; `images` is ImagesToTransfer, `wished` says what must not be changed."""

    format: Format
    source: InputSource
    color: ColorMode
    resolution: int
    images: int
    width: int
    height: int
    wished: frozenset[str] = frozenset()


def choose(wishes: Wishes, capabilities: Capabilities) -> Ticket:
    """The ticket for `wishes` on a scanner with `capabilities`.

    Raises UsageError, naming what there is, when the scanner cannot do what is asked.
    """
    source = _source(wishes, capabilities)
    side = capabilities.of(source)
    resolution = _resolution(wishes, side)
    chosen, color = _format_and_color(wishes, capabilities, side)
    wished = {
        "Format": True,
        "InputSource": wishes.source is not None,
        "ColorProcessing": wishes.color is not None,
        "Resolution": wishes.resolution is not None,
    }
    return Ticket(
        format=chosen,
        source=source,
        color=color,
        resolution=resolution,
        images=(wishes.pages or 0) if source.is_feeder else 1,
        width=side.maximum.width,
        height=side.maximum.height,
        wished=frozenset(name for name, asked in wished.items() if asked),
    )


def ticket_element(ticket: Ticket, job_name: str, user: str) -> Element:
    """`ticket` as ScanTicket, its children in the order of the schema."""

    def wish(name: str, *content: str | Element) -> Element:
        element: Element = WSCN_E(name, *content)
        if name in ticket.wished:
            element.set(tag(ns.WSCN, "MustHonor"), "true")
        return element

    region = WSCN_E.ScanRegion(
        WSCN_E.ScanRegionXOffset("0"),
        WSCN_E.ScanRegionYOffset("0"),
        WSCN_E.ScanRegionWidth(str(ticket.width)),
        WSCN_E.ScanRegionHeight(str(ticket.height)),
    )
    resolution = wish("Resolution", WSCN_E.Width(str(ticket.resolution)), WSCN_E.Height(str(ticket.resolution)))
    size = WSCN_E.InputMediaSize(WSCN_E.Width(str(ticket.width)), WSCN_E.Height(str(ticket.height)))
    parameters = WSCN_E.DocumentParameters(
        wish("Format", ticket.format.value),
        WSCN_E.ImagesToTransfer(str(ticket.images)),
        wish("InputSource", ticket.source.value),
        WSCN_E.InputSize(size),
        WSCN_E.MediaSides(WSCN_E.MediaFront(region, wish("ColorProcessing", ticket.color.value), resolution)),
    )
    description = WSCN_E.JobDescription(
        WSCN_E.JobName(job_name[:MAX_NAME]),
        WSCN_E.JobOriginatingUserName(user[:MAX_NAME]),
        WSCN_E.JobInformation(JOB_INFORMATION),
    )
    whole: Element = WSCN_E.ScanTicket(description, parameters)
    return whole


def holds(format: Format, color: ColorMode) -> bool:
    """Whether files of this format can hold pixels of this kind (wsd-scan.md 5.1)."""
    if format in _GROUP_4:
        return color is ColorMode.BLACK_AND_WHITE_1
    if format in _JPEG_INSIDE:
        return color.depth == 8
    return True


def _source(wishes: Wishes, capabilities: Capabilities) -> InputSource:
    """The source that is asked for, else the feeder for several pages, else the first that there is."""
    sources = capabilities.sources
    if not sources:
        raise UsageError("the scanner offers neither glass nor feeder that this client could use")
    if wishes.source is None:
        if wishes.pages in (None, 1):
            return sources[0]
        if InputSource.ADF in sources:
            return InputSource.ADF
        if wishes.pages:
            raise UsageError(f"--pages {wishes.pages}: the scanner has no feeder, and its glass holds one page")
        return sources[0]
    if wishes.source not in sources:
        raise UsageError(f"the scanner has no {plain_word(wishes.source)}; it has {_list(sources)}")
    return wishes.source


def _resolution(wishes: Wishes, side: SourceCapabilities) -> int:
    if wishes.resolution is None:
        return min(side.resolutions, key=lambda one: (abs(one - USUAL_RESOLUTION), one))
    if wishes.resolution not in side.resolutions:
        there = ", ".join(str(one) for one in side.resolutions)
        raise UsageError(f"the scanner has no resolution of {wishes.resolution}; it has {there}")
    return wishes.resolution


def _format_and_color(
    wishes: Wishes, capabilities: Capabilities, side: SourceCapabilities
) -> tuple[Format, ColorMode]:
    """The first format that will do and that holds the colours asked for, else the best colours it can hold."""
    usual = (ColorMode.RGB_24, ColorMode.GRAYSCALE_8)
    colors = [color for color in (*usual, *side.colors) if color in side.colors]
    if wishes.color is not None:
        if wishes.color not in side.colors:
            raise UsageError(f"the scanner has no {plain_word(wishes.color)}; it has {_list(side.colors)}")
        colors = [wishes.color]
    offered = [format for format in wishes.formats if format in capabilities.formats]
    if not offered:
        wanted = "a format that this client knows" if wishes.formats == ANY else _list(wishes.formats)
        raise UsageError(f"the scanner does not offer {wanted}; it offers {_list(capabilities.formats) or 'none'}")
    for format in offered:
        for color in colors:
            if holds(format, color):
                return format, color
    raise UsageError(f"{_list(offered)} cannot hold {_list(colors)}; choose another --format or --color")


def _list(words: tuple[Format | ColorMode | InputSource, ...] | list[Format] | list[ColorMode]) -> str:
    return ", ".join(plain_word(word) for word in words)
