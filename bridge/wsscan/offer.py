"""What a scanner offers to tickets: its capabilities, the formats' colours and the defaults, in one value.

The configuration that is published, the default ticket and the negotiation all ask here, so that they cannot
disagree (checklist 130, 132).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bridge.errors import TemporaryError
from bridge.scanner.model import Capabilities, ColorMode, Format, InputSource, Size, SourceCapabilities

CONTENT_TYPES = ("Auto",)
"""ContentType keywords that make a difference; the first is the default."""

ROTATIONS = ("0",)
"""Rotations that can be made; the first is the default (checklist 125)."""

SCALING_PERCENT = 100
"""The one scaling that is offered, in both directions (checklist 126)."""

LOWEST_QUALITY = 1
HIGHEST_QUALITY = 100
"""The published range of CompressionQualityFactor; 0 is taken all the same (wsd-scan.md 16, 22)."""

Fits: TypeAlias = Callable[[InputSource, Format, ColorMode, int, int], bool]
"""Whether a file of that format, colour, width and height in pixels can be made from that source."""


def any_size(source: InputSource, format_: Format, color: ColorMode, width: int, height: int) -> bool:
    """Every size can be made."""
    return True


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a ticket gets that does not say: the first of each list that the scanner has, else its own first."""

    formats: tuple[Format, ...] = (Format.JFIF, Format.EXIF)
    colors: tuple[ColorMode, ...] = (ColorMode.RGB_24, ColorMode.GRAYSCALE_8)
    resolution: int = 300
    quality: int = 85
    job_name: str = "Scan"


DEFAULTS = Defaults()
"""What is right for a scanner whose owner has no wishes (wsd-scan.md 6.4)."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One scanner's offer at this moment.

    `format_colors` says which colours each format can carry; `fits` refuses sizes that cannot be made;
    `dib_file_header` says whether a dib is a whole bitmap file. Raises TemporaryError when the scanner's capabilities
    are not known.
    """

    capabilities: Capabilities
    format_colors: Mapping[Format, frozenset[ColorMode]]
    defaults: Defaults = DEFAULTS
    fits: Fits = any_size
    dib_file_header: bool = True

    def __post_init__(self) -> None:
        if not self.sources:
            raise TemporaryError("the scanner has not told yet what it can do; try again in a moment")

    @property
    def sources(self) -> tuple[InputSource, ...]:
        """The sources that at least one format can be filled from, glass first."""
        return tuple(source for source in self.capabilities.sources if self.formats_of(source))

    @property
    def formats(self) -> tuple[Format, ...]:
        """The file formats, in the order in which they are published."""
        return self.capabilities.formats

    @property
    def default_source(self) -> InputSource:
        """The glass, or the feeder of a scanner without one."""
        return self.sources[0]

    def side(self, source: InputSource) -> SourceCapabilities:
        """What `source` can do; for two-sided scans what holds for both sides."""
        front = self.capabilities.of(source)
        back = self.capabilities.adf_back
        return front if source is not InputSource.ADF_DUPLEX or back is None else _both(front, back)

    def colors(self, source: InputSource, format_: Format) -> tuple[ColorMode, ...]:
        """The colours that `source` delivers and `format_` carries, best first."""
        carried = self.format_colors.get(format_, frozenset())
        return tuple(color for color in self.side(source).colors if color in carried)

    def formats_of(self, source: InputSource) -> tuple[Format, ...]:
        """The formats that can carry something from `source`."""
        return tuple(name for name in self.formats if self.colors(source, name))

    def default_format(self, source: InputSource, color: ColorMode | None = None) -> Format:
        """The format for a ticket that names none, one that carries `color` if there is one."""
        formats = self.formats_of(source)
        carrying = [name for name in formats if color in self.colors(source, name)] or list(formats)
        return next((name for name in self.defaults.formats if name in carrying), carrying[0])

    def default_color(self, source: InputSource, format_: Format) -> ColorMode:
        """The colour for a ticket that names none."""
        colors = self.colors(source, format_)
        return next((color for color in self.defaults.colors if color in colors), colors[0])

    def default_quality(self, format_: Format) -> int:
        """CompressionQualityFactor for a ticket that has none."""
        return self.defaults.quality if format_.lossy else HIGHEST_QUALITY


def _both(front: SourceCapabilities, back: SourceCapabilities) -> SourceCapabilities:
    """What two sides have in common; where they have nothing, the front counts."""
    width, height = min(front.maximum.width, back.maximum.width), min(front.maximum.height, back.maximum.height)
    least = Size(max(front.minimum.width, back.minimum.width), max(front.minimum.height, back.minimum.height))
    return SourceCapabilities(
        optical_resolution=front.optical_resolution,
        resolutions=tuple(number for number in front.resolutions if number in back.resolutions) or front.resolutions,
        colors=tuple(color for color in front.colors if color in back.colors) or front.colors,
        minimum=Size(min(least.width, width), min(least.height, height)),
        maximum=Size(width, height),
    )
