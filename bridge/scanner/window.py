"""Which part of the bed is asked of a device, and where the promised pixels lie in pages that are turned upright.

Lengths are in inches from the bed's corner, exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from bridge.imaging.geometry import Placement
from bridge.scanner.model import THOUSANDTHS_PER_INCH, InputSource, ScanRequest
from bridge.scanner.quirks import Quirks

MM_PER_INCH = Fraction(254, 10)

EARLY_LINES = 2
"""So many lines fewer than the window has, and the sheet has ended in it; less is a matter of rounding."""

Span = tuple[Fraction, Fraction]
"""Begin and end on one axis."""


def turns_backs(request: ScanRequest, quirks: Quirks) -> bool:
    """Whether the back sides of `request` have to be turned upright."""
    return quirks.backs_turned and request.source is InputSource.ADF_DUPLEX


def spans(request: ScanRequest, quirks: Quirks) -> dict[str, Span]:
    """The part of the bed that holds what is promised, on the axes x and y, where the driver counts them.

    It ends a pixel later than it must: a driver that rounds its rows down to whole pixels would leave a white edge
    otherwise. Where backs are to be turned it holds the region's mirror image on the sheet too.
    """
    shift = shift_of(request, quirks)
    found = {}
    for axis in "xy":
        begin, end = _region(request, axis)
        if turns_backs(request, quirks):
            sheet = _sheet(request, axis)
            begin, end = min(begin, sheet - end), max(end, sheet - begin)
        found[axis] = begin + shift[axis], end + shift[axis] + _pixel(request, axis)
    return found


def paper_length(request: ScanRequest, axis: str) -> float:
    """The sheet's length on one axis, as far as it is known: never less than what is scanned of it."""
    return float(max(_region(request, axis)[1] + _pixel(request, axis), _sheet(request, axis)))


def shift_of(request: ScanRequest, quirks: Quirks) -> dict[str, Fraction]:
    """How far the picture lies from where the driver says it is."""
    offset = quirks.feeder_offset_mm if request.source.is_feeder else quirks.platen_offset_mm
    return {"x": Fraction(offset.x_mm) / MM_PER_INCH, "y": Fraction(offset.y_mm) / MM_PER_INCH}


@dataclass(frozen=True, slots=True)
class TurnedSheet:
    """A sheet that is scanned upside down in a window that begins at `origin` and has `resolution` pixels an inch.

    `shift` is that of the driver, `window_end` where the window ends along the feed, None when that is not known.
    """

    request: ScanRequest
    shift: Mapping[str, Fraction]
    origin: tuple[Fraction, Fraction]
    resolution: tuple[Fraction, Fraction]
    window_end: Fraction | None

    def placement_of(self, width: int, lines: int, upright: Placement) -> Placement:
        """Where the promised pixels lie in a page of `width` x `lines` pixels, once it is turned.

        Its first column is then the window's last, and the sheet's left edge lies at the window's far side. A sheet
        that ended before the window did begins with the first line that is left.
        """
        across, along = self.resolution
        end_x, end_y = self.origin[0] + width / across, self.origin[1] + lines / along
        sheet_x = _sheet(self.request, "x") + self.shift["x"]
        sheet_y = _sheet(self.request, "y") + self.shift["y"]
        if self.window_end is not None and end_y < self.window_end - EARLY_LINES / along:
            sheet_y = min(sheet_y, end_y)
        left = (_region(self.request, "x")[0] - sheet_x + end_x) * across
        top = (_region(self.request, "y")[0] - sheet_y + end_y) * along
        return replace(upright, left=left, top=top)


def _region(request: ScanRequest, axis: str) -> Span:
    region = request.region
    begin, length = (region.x, region.width) if axis == "x" else (region.y, region.height)
    return Fraction(begin, THOUSANDTHS_PER_INCH), Fraction(begin + length, THOUSANDTHS_PER_INCH)


def _sheet(request: ScanRequest, axis: str) -> Fraction:
    """The sheet's length as the ticket tells it, else what the region needs of it."""
    end = _region(request, axis)[1]
    if request.media is None:
        return end
    length = request.media.width if axis == "x" else request.media.height
    return max(end, Fraction(length, THOUSANDTHS_PER_INCH))


def _pixel(request: ScanRequest, axis: str) -> Fraction:
    return Fraction(1, request.resolution.width if axis == "x" else request.resolution.height)
