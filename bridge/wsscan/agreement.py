"""What a ticket and a scanner agree on: final parameters, the promised image, the request to the scanner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from bridge.errors import InvalidArgument
from bridge.scanner.model import ColorMode, Format, Region, Resolution, ScanRequest, pixels
from bridge.wsscan.parameters import Value
from bridge.wsscan.ticket import ScanTicket


class Mark(Enum):
    """How a final value came about (wsd-scan.md 8)."""

    TAKEN = "taken"
    DEFAULT = "default"
    ADAPTED = "adapted"
    """Changed in a way that nobody can see in the image: said on the wire, but the ticket is as good as met."""
    ALTERED = "altered"


MARK_ATTRIBUTES: Mapping[Mark, tuple[str, ...]] = {
    Mark.TAKEN: (),
    Mark.DEFAULT: ("UsedDefault",),
    Mark.ADAPTED: ("Override",),
    Mark.ALTERED: ("Override",),
}
"""What DocumentFinalParameters says of each (checklist 144, 146, 147)."""


@dataclass(frozen=True, slots=True)
class Final:
    """One leaf of DocumentFinalParameters."""

    value: Value
    mark: Mark


FinalParameters: TypeAlias = Mapping[str, Final]
"""Every leaf of DocumentFinalParameters by its path."""


@dataclass(frozen=True, slots=True)
class ImageInformation:
    """The promise about every image: exactly so many pixels (wsd-scan.md 7.4).

    `bytes_per_line` counts padding and is 0 for compressed formats; `two_sided` says that backs come too.
    """

    pixels_per_line: int
    number_of_lines: int
    bytes_per_line: int
    two_sided: bool = False


@dataclass(frozen=True, slots=True)
class Agreement:
    """The outcome of a negotiation.

    `refusals` is what keeps a job from being created, the most important first; `corrections` are the leaves of the
    ticket that would have to be others, with what they would have to be.
    """

    ticket: ScanTicket
    final: FinalParameters
    request: ScanRequest
    images: int
    image: ImageInformation
    refusals: tuple[InvalidArgument, ...]
    corrections: Mapping[str, Value]

    @property
    def valid(self) -> bool:
        """Whether everything in the ticket can be used as it is (wsd-scan.md 9.2)."""
        return not self.refusals and not self.corrections

    @property
    def altered(self) -> bool:
        """Whether a job would get something else than was asked for (checklist 240)."""
        return any(final.mark is Mark.ALTERED for final in self.final.values())

    @property
    def corrected(self) -> ScanTicket:
        """The ticket that would be valid (checklist 167, 168)."""
        return self.ticket.corrected(self.corrections)


def promised_image(
    region: Region,
    resolution: Resolution,
    format_: Format,
    color: ColorMode,
    *,
    scaling: tuple[int, int] = (100, 100),
    rotation: str = "0",
    two_sided: bool = False,
) -> ImageInformation:
    """The image that these parameters make; `scaling` is width and height in percent (wsd-scan.md 7.4)."""
    width = pixels(region.width, resolution.width, scaling[0])
    height = pixels(region.height, resolution.height, scaling[1])
    if rotation in ("90", "270"):
        width, height = height, width
    return ImageInformation(width, height, _bytes_per_line(format_, width * color.bits_per_pixel), two_sided)


def _bytes_per_line(format_: Format, bits: int) -> int:
    if not format_.uncompressed:
        return 0
    return (bits + 31) // 32 * 4 if format_ is Format.DIB else (bits + 7) // 8
