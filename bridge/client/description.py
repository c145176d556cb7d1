"""What a scanner tells of itself: GetScannerElements, read with patience (wsd-scan.md 6 and 9.1).

Devices leave things out, so nothing here is an error that a scan can do without; keywords that this client does not
know are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from bridge.client.errors import BadAnswer
from bridge.scanner.model import Capabilities, ColorMode, Format, Resolution, Size, SourceCapabilities
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Element, text_of
from bridge.soap.namespaces import tag

GET_SCANNER_ELEMENTS = f"{ns.WSCN}/GetScannerElements"
SECTIONS = ("ScannerDescription", "ScannerConfiguration", "ScannerStatus")

MAX_NUMBER = 2**31 - 1
Word = TypeVar("Word", bound=Enum)


@dataclass(frozen=True, slots=True)
class Description:
    """One scanner: its name, what it can do, and how it is now; `reasons` without the keyword None."""

    name: str
    capabilities: Capabilities
    state: str
    reasons: tuple[str, ...]


def description_request() -> Element:
    """The body that asks for everything in a Description."""
    names = (WSCN_E.Name(f"wscn:{section}") for section in SECTIONS)
    request: Element = WSCN_E.GetScannerElementsRequest(WSCN_E.RequestedElements(*names))
    return request


def read_description(body: Element) -> Description:
    """What the GetScannerElementsResponse in `body` tells. Raises BadAnswer when it is something else."""
    if body.tag != tag(ns.WSCN, "GetScannerElementsResponse"):
        raise BadAnswer("the answer to GetScannerElements is something else")
    configuration = _find(body, ".//ScannerConfiguration")
    if configuration is None:
        raise BadAnswer("the scanner does not tell what it can do")
    status = _find(body, ".//ScannerStatus")
    reasons = () if status is None else _texts(status, "ScannerStateReasons/ScannerStateReason")
    return Description(
        name=text_of(_find(body, ".//ScannerDescription/ScannerName")),
        capabilities=_capabilities(configuration),
        state=text_of(_find(status, "ScannerState")),
        reasons=tuple(reason for reason in reasons if reason != "None"),
    )


def _capabilities(configuration: Element) -> Capabilities:
    settings = _find(configuration, "DeviceSettings")
    feeder = _find(configuration, "ADF")
    duplex = text_of(_find(feeder, "ADFSupportsDuplex")) in ("true", "1")
    front = _source(_find(feeder, "ADFFront"), "ADF")
    return Capabilities(
        formats=_keywords(Format, _texts(settings, "FormatsSupported/FormatValue")),
        platen=_source(_find(configuration, "Platen"), "Platen"),
        adf_front=front,
        adf_back=(_source(_find(feeder, "ADFBack"), "ADF") or front) if duplex else None,
        brightness=text_of(_find(settings, "BrightnessSupported")) in ("true", "1"),
        contrast=text_of(_find(settings, "ContrastSupported")) in ("true", "1"),
    )


def _source(side: Element | None, prefix: str) -> SourceCapabilities | None:
    """What one side of paper can be scanned with; None when there is no such side, or nothing usable is told."""
    if side is None:
        return None
    widths = _numbers(side, f"{prefix}Resolutions/Widths/Width")
    heights = _numbers(side, f"{prefix}Resolutions/Heights/Height") or widths
    resolutions = sorted(set(widths) & set(heights)) or sorted(set(widths))
    maximum = _size(_find(side, f"{prefix}MaximumSize"))
    colors = _keywords(ColorMode, _texts(side, f"{prefix}Color/ColorEntry"))
    if not resolutions or maximum is None or not colors:
        return None
    optical = _numbers(side, f"{prefix}OpticalResolution/Width") or resolutions[-1:]
    height = _numbers(side, f"{prefix}OpticalResolution/Height") or optical
    return SourceCapabilities(
        optical_resolution=Resolution(optical[0], height[0]),
        resolutions=tuple(resolutions),
        colors=colors,
        minimum=_size(_find(side, f"{prefix}MinimumSize")) or Size(1, 1),
        maximum=maximum,
    )


def _size(element: Element | None) -> Size | None:
    width, height = _numbers(element, "Width"), _numbers(element, "Height")
    return Size(width[0], height[0]) if width and height else None


def _keywords(keywords: type[Word], texts: list[str]) -> tuple[Word, ...]:
    """The keywords that we know among `texts`, in their order."""
    known = {str(keyword.value).lower(): keyword for keyword in keywords}
    return tuple(dict.fromkeys(known[text.lower()] for text in texts if text.lower() in known))


def _numbers(element: Element | None, path: str) -> list[int]:
    return [number for number in map(read_number, _texts(element, path)) if number]


def read_number(text: str) -> int:
    """A whole number above 0 as XML has it; 0 for everything else."""
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        return 0
    return min(int(text), MAX_NUMBER)


def _texts(element: Element | None, path: str) -> list[str]:
    return [] if element is None else [text_of(found) for found in element.iterfind(_path(path))]


def _find(element: Element | None, path: str) -> Element | None:
    return None if element is None else element.find(_path(path))


def _path(path: str) -> str:
    """`path` with every step in the namespace of the scan service."""
    return "/".join(step if step in ("", ".") else tag(ns.WSCN, step) for step in path.split("/"))
