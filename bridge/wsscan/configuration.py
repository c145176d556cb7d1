"""What a scanner is and can do, on the wire: ScannerDescription, ScannerConfiguration (wsd-scan.md 6.1 and 6.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.fieldtext import field_text
from bridge.scanner.model import Resolution, Size, SourceCapabilities
from bridge.soap.envelope import WSCN_E, Element
from bridge.wsscan.offer import (
    CONTENT_TYPES,
    HIGHEST_QUALITY,
    LOWEST_QUALITY,
    ROTATIONS,
    SCALING_PERCENT,
    Offer,
)
from bridge.wsscan.parameters import word

MAX_NAME = 127
"""Longest ScannerName, ScannerInfo and ScannerLocation (checklist 122)."""


@dataclass(frozen=True, slots=True)
class ScannerNames:
    """What people are told about a scanner: `name` equals the DPWS FriendlyName (checklist 123).

    `info` and `location` may be empty and are then left out. What is too long is cut.
    """

    name: str
    info: str = ""
    location: str = ""


def scanner_description(names: ScannerNames) -> Element:
    """ScannerDescription."""
    element: Element = WSCN_E("ScannerDescription", WSCN_E("ScannerName", field_text(names.name, MAX_NAME)))
    for name, text in (("ScannerInfo", names.info), ("ScannerLocation", names.location)):
        fit = field_text(text, MAX_NAME)
        if fit:
            element.append(WSCN_E(name, fit))
    return element


def scanner_configuration(offer: Offer) -> Element:
    """ScannerConfiguration: only what the scanner has (checklist 124 to 130)."""
    abilities = offer.capabilities
    element: Element = WSCN_E("ScannerConfiguration", _device_settings(offer))
    if abilities.platen is not None:
        element.append(WSCN_E("Platen", *_source("Platen", abilities.platen)))
    if abilities.adf_front is not None:
        adf = WSCN_E("ADF", WSCN_E("ADFSupportsDuplex", word(abilities.duplex)))
        adf.append(WSCN_E("ADFFront", *_source("ADF", abilities.adf_front)))
        if abilities.adf_back is not None:
            adf.append(WSCN_E("ADFBack", *_source("ADF", abilities.adf_back)))
        element.append(adf)
    return element


def _device_settings(offer: Offer) -> Element:
    scaling = [_range(name, SCALING_PERCENT, SCALING_PERCENT) for name in ("ScalingWidth", "ScalingHeight")]
    lowest = LOWEST_QUALITY if any(format_.lossy for format_ in offer.formats) else HIGHEST_QUALITY
    element: Element = WSCN_E(
        "DeviceSettings",
        _list("FormatsSupported", "FormatValue", (format_.value for format_ in offer.formats)),
        _range("CompressionQualityFactorSupported", lowest, HIGHEST_QUALITY),
        _list("ContentTypesSupported", "ContentTypeValue", CONTENT_TYPES),
        WSCN_E("DocumentSizeAutoDetectSupported", word(False)),
        WSCN_E("AutoExposureSupported", word(False)),
        WSCN_E("BrightnessSupported", word(offer.capabilities.brightness)),
        WSCN_E("ContrastSupported", word(offer.capabilities.contrast)),
        WSCN_E("ScalingRangeSupported", *scaling),
        _list("RotationsSupported", "RotationValue", ROTATIONS),
    )
    return element


def _source(prefix: str, side: SourceCapabilities) -> tuple[Element, ...]:
    """The five children that describe one source, their names beginning with `prefix`."""
    numbers = [str(number) for number in side.resolutions]
    return (
        _resolution(f"{prefix}OpticalResolution", side.optical_resolution),
        WSCN_E(f"{prefix}Resolutions", _list("Widths", "Width", numbers), _list("Heights", "Height", numbers)),
        _list(f"{prefix}Color", "ColorEntry", (color.value for color in side.colors)),
        _size(f"{prefix}MinimumSize", side.minimum),
        _size(f"{prefix}MaximumSize", side.maximum),
    )


def _list(name: str, entry: str, values: Iterable[str]) -> Element:
    element: Element = WSCN_E(name, *(WSCN_E(entry, value) for value in values))
    return element


def _range(name: str, lowest: int, highest: int) -> Element:
    element: Element = WSCN_E(name, WSCN_E("MinValue", str(lowest)), WSCN_E("MaxValue", str(highest)))
    return element


def _resolution(name: str, resolution: Resolution) -> Element:
    return _pair(name, resolution.width, resolution.height)


def _size(name: str, size: Size) -> Element:
    """Never below 1, whatever a backend says (checklist 127)."""
    return _pair(name, max(1, size.width), max(1, size.height))


def _pair(name: str, width: int, height: int) -> Element:
    element: Element = WSCN_E(name, WSCN_E("Width", str(width)), WSCN_E("Height", str(height)))
    return element
