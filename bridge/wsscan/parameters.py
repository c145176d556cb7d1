"""DocumentParameters as a table: every element, its place, its type (wsd-scan.md 7.2 and 7.3).

An element is named by its path below DocumentParameters, such as "Scaling/ScalingWidth". What a client asks for, what
it gets and what the scanner proposes are all mappings from these paths, written by one function in one order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from lxml import etree

from bridge.soap import namespaces as ns
from bridge.soap.envelope import Element
from bridge.soap.namespaces import tag
from bridge.wsscan.arguments import MAX_INT

Value: TypeAlias = "str | int | bool"
"""What stands in a leaf: a keyword, a number or a switch."""

FORMAT = "Format"
QUALITY = "CompressionQualityFactor"
IMAGES = "ImagesToTransfer"
SOURCE = "InputSource"
FILM_SCAN_MODE = "FilmScanMode"
CONTENT_TYPE = "ContentType"
SIZE_AUTO_DETECT = "InputSize/DocumentSizeAutoDetect"
MEDIA_WIDTH = "InputSize/InputMediaSize/Width"
MEDIA_HEIGHT = "InputSize/InputMediaSize/Height"
AUTO_EXPOSURE = "Exposure/AutoExposure"
CONTRAST = "Exposure/ExposureSettings/Contrast"
BRIGHTNESS = "Exposure/ExposureSettings/Brightness"
SHARPNESS = "Exposure/ExposureSettings/Sharpness"
SCALING_WIDTH = "Scaling/ScalingWidth"
SCALING_HEIGHT = "Scaling/ScalingHeight"
ROTATION = "Rotation"

FRONT = "MediaSides/MediaFront/"
BACK = "MediaSides/MediaBack/"
"""The two sides; what follows stands below either."""

REGION_X = "ScanRegion/ScanRegionXOffset"
REGION_Y = "ScanRegion/ScanRegionYOffset"
REGION_WIDTH = "ScanRegion/ScanRegionWidth"
REGION_HEIGHT = "ScanRegion/ScanRegionHeight"
COLOR = "ColorProcessing"
RESOLUTION_WIDTH = "Resolution/Width"
RESOLUTION_HEIGHT = "Resolution/Height"


class Kind(Enum):
    """The type of a leaf."""

    KEYWORD = "keyword"
    INTEGER = "integer"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf: its type, the bounds of a number, the standard's words of a keyword.

    A length of 0 is within bounds though the schema begins at 1: some clients mean "all of it" (wsd-scan.md 7.2).
    """

    path: str
    kind: Kind
    lowest: int = 0
    highest: int = MAX_INT
    words: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The local name of the element."""
        return self.path.rpartition("/")[2]


def _keyword(path: str, *words: str) -> Leaf:
    return Leaf(path, Kind.KEYWORD, words=words)


def _integer(path: str, lowest: int = 0, highest: int = MAX_INT) -> Leaf:
    return Leaf(path, Kind.INTEGER, lowest, highest)


def _side(side: str) -> tuple[Leaf, ...]:
    colors = ("BlackAndWhite1", "Grayscale4", "Grayscale8", "Grayscale16", "RGB24", "RGB48", "RGBa32", "RGBa64")
    return (
        _integer(side + REGION_X),
        _integer(side + REGION_Y),
        _integer(side + REGION_WIDTH),
        _integer(side + REGION_HEIGHT),
        _keyword(side + COLOR, *colors),
        _integer(side + RESOLUTION_WIDTH, 1),
        _integer(side + RESOLUTION_HEIGHT, 1),
    )


_SCHEMA: tuple[Leaf, ...] = (
    _keyword(
        FORMAT,
        *("dib", "exif", "jbig", "jfif", "jpeg2k", "pdf-a", "png", "xps"),
        *("tiff-single-uncompressed", "tiff-single-g4", "tiff-single-g3mh", "tiff-single-jpeg-tn2"),
        *("tiff-multi-uncompressed", "tiff-multi-g4", "tiff-multi-g3mh", "tiff-multi-jpeg-tn2"),
    ),
    _integer(QUALITY, 0, 100),
    _integer(IMAGES),
    _keyword(SOURCE, "ADF", "ADFDuplex", "Film", "Platen"),
    _keyword(FILM_SCAN_MODE, "NotApplicable", "ColorSlideFilm", "ColorNegativeFilm", "BlackandWhiteNegativeFilm"),
    _keyword(CONTENT_TYPE, "Auto", "Text", "Photo", "Halftone", "Mixed"),
    Leaf(SIZE_AUTO_DETECT, Kind.BOOLEAN),
    _integer(MEDIA_WIDTH),
    _integer(MEDIA_HEIGHT),
    Leaf(AUTO_EXPOSURE, Kind.BOOLEAN),
    _integer(CONTRAST, -1000, 1000),
    _integer(BRIGHTNESS, -1000, 1000),
    _integer(SHARPNESS, -100, 100),
    _integer(SCALING_WIDTH, 1, 1000),
    _integer(SCALING_HEIGHT, 1, 1000),
    _keyword(ROTATION, "0", "90", "180", "270"),
    *_side(FRONT),
    *_side(BACK),
)
"""Every leaf in schema order: the order of writing."""

LEAVES: Mapping[str, Leaf] = {leaf.path: leaf for leaf in _SCHEMA}
"""The leaves by their path."""


def above(path: str) -> tuple[str, ...]:
    """The containers around `path`, outermost first."""
    parts = path.split("/")
    return tuple("/".join(parts[:count]) for count in range(1, len(parts)))


ORDER: tuple[str, ...] = tuple(dict.fromkeys(step for leaf in _SCHEMA for step in (*above(leaf.path), leaf.path)))
"""Containers and leaves in schema order."""

CARRIERS = frozenset(
    [FORMAT, QUALITY, IMAGES, SOURCE, FILM_SCAN_MODE, CONTENT_TYPE, "InputSize", "Exposure", "Scaling", ROTATION]
    + [
        side + name
        for side in (FRONT, BACK)
        for name in (REGION_X, REGION_Y, REGION_WIDTH, REGION_HEIGHT, COLOR, "Resolution")
    ]
)
"""Where the schema has MustHonor; on a container it covers everything below (wsd-scan.md 8)."""

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "InputSize/InputMediaSize": ("Width", "Height"),
    "Scaling": ("ScalingWidth", "ScalingHeight"),
    "MediaSides": ("MediaFront",),
    **{side + "ScanRegion": ("ScanRegionWidth", "ScanRegionHeight") for side in (FRONT, BACK)},
    **{side + "Resolution": ("Width",) for side in (FRONT, BACK)},
}
"""Children without which a container means nothing."""

CHOICES: Mapping[str, str] = {
    SIZE_AUTO_DETECT: "InputSize/InputMediaSize",
    AUTO_EXPOSURE: "Exposure/ExposureSettings",
}
"""Switches and what stands in their place when they are off: a ticket has one of the two."""


def word(value: Value) -> str:
    """`value` as it stands in an element."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def with_containers(leaves: Mapping[str, Value]) -> dict[str, Value | None]:
    """`leaves` and the containers around them, these with None."""
    return {**{step: None for path in leaves for step in above(path)}, **leaves}


def write_parameters(
    name: str, values: Mapping[str, Value | None], attributes: Mapping[str, tuple[str, ...]]
) -> Element:
    """The element `name` with `values` in schema order; containers have None, `attributes` become "true" there.

    `attributes` are local names of the scan service's global attributes (checklist 165).
    """
    root = etree.Element(tag(ns.WSCN, name), nsmap={"wscn": ns.WSCN})
    written: dict[str, Element] = {"": root}
    for path in ORDER:
        if path not in values:
            continue
        container, _, local = path.rpartition("/")
        written[path] = element = etree.SubElement(written[container], tag(ns.WSCN, local))
        value = values[path]
        if value is not None:
            element.text = word(value)
        for attribute in attributes.get(path, ()):
            element.set(tag(ns.WSCN, attribute), "true")
    return root
