"""From the options of a device to what it can do, as the scan service tells it.

Pure: option dumps go in, one for each source because ranges change with the source, and `Capabilities` comes out.
A dump of a real scanner is therefore a test case (tests/devices/).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from bridge.imaging.formats import FORMAT_COLORS, MAX_SIDE
from bridge.scanner.descriptors import Option, Options
from bridge.scanner.model import (
    THOUSANDTHS_PER_INCH,
    Capabilities,
    ColorMode,
    Format,
    InputSource,
    Resolution,
    Size,
    SourceCapabilities,
    pixels,
)
from bridge.scanner.modes import modes

MM_PER_INCH = 25.4

STANDARD_RESOLUTIONS = (75, 100, 150, 200, 300, 400, 600, 1200, 2400, 4800)
"""What is published of a device that takes any resolution in a range."""

LOWEST_RESOLUTION = 25
"""Below this a range's lower end is of no use to anybody."""

MAX_RESOLUTIONS = 32
"""Resolutions published of one source."""

DEFAULT_RESOLUTION = 300
"""Assumed of a device that tells none."""

MAX_LENGTH = 44 * THOUSANDTHS_PER_INCH
"""Longest side published; feeders that take metres of paper would otherwise lose their high resolutions."""

DEFAULT_SIZE = Size(8500, 11690)
"""Assumed of a device that tells no size: letter's width and A4's height fit every glass of either."""

PREFERENCE = (
    ColorMode.RGB_24,
    ColorMode.GRAYSCALE_8,
    ColorMode.BLACK_AND_WHITE_1,
    ColorMode.RGB_48,
    ColorMode.GRAYSCALE_16,
)
"""Colour modes, the one that most people want first."""


def capabilities(dumps: Mapping[InputSource, Options]) -> Capabilities:
    """What a device can do whose options are `dumps[source]` once `source` is chosen.

    Only formats are named that can be produced, and only colours that one of them can carry (checklist 130).
    """
    sides = {source: _side(options) for source, options in dumps.items()}
    colors = {color for side in sides.values() for color in side.colors}
    return Capabilities(
        formats=tuple(name for name in Format if name in FORMAT_COLORS and colors & FORMAT_COLORS[name]),
        platen=sides.get(InputSource.PLATEN),
        adf_front=sides.get(InputSource.ADF),
        adf_back=sides.get(InputSource.ADF_DUPLEX),
        # What the device lacks of them is done by a table on the way (imaging/tone.py).
        brightness=True,
        contrast=True,
    )


def _side(options: Options) -> SourceCapabilities:
    minimum, maximum = _sizes(options)
    offered = _resolutions(options)
    longest = max(maximum.width, maximum.height)
    fitting = [number for number in offered if pixels(longest, number) <= MAX_SIDE]
    if not fitting:
        fitting, most = offered[:1], max(1, MAX_SIDE * THOUSANDTHS_PER_INCH // offered[0])
        maximum = Size(min(maximum.width, most), min(maximum.height, most))
        minimum = Size(min(minimum.width, maximum.width), min(minimum.height, maximum.height))
    return SourceCapabilities(
        optical_resolution=Resolution(fitting[-1], fitting[-1]),
        resolutions=tuple(fitting[-MAX_RESOLUTIONS:]),
        colors=_colors(options),
        minimum=minimum,
        maximum=maximum,
    )


def _colors(options: Options) -> tuple[ColorMode, ...]:
    """The colours that the device delivers, or that convert from them."""
    delivered = {mode.color for mode in modes(options)}
    if ColorMode.RGB_48 in delivered:
        delivered.add(ColorMode.RGB_24)
    # Everything converts to gray, and to black and white.
    delivered |= {ColorMode.GRAYSCALE_8, ColorMode.BLACK_AND_WHITE_1}
    return tuple(color for color in PREFERENCE if color in delivered)


def _resolutions(options: Options) -> list[int]:
    """The resolutions of the device, ascending, common to both axes."""
    axes = [option for name in ("resolution", "scan-resolution") if (option := _numeric(options, name))][:1]
    across, along = _numeric(options, "x-resolution"), _numeric(options, "y-resolution")
    if not axes:
        axes = [option for option in (across, along) if option is not None]
    if not axes:
        return [DEFAULT_RESOLUTION]
    if any(option.choices is not None for option in axes):
        lists = [option for option in axes if option.choices is not None]
        numbers = {_whole(choice) for choice in lists[0].choices or ()}
        candidates = numbers
    else:
        candidates = set(STANDARD_RESOLUTIONS)
        for option in axes:
            if option.range is not None:
                candidates |= {math.ceil(option.range.minimum), math.floor(option.range.maximum)}
    found = sorted(number for number in candidates if number > 0 and all(_takes(option, number) for option in axes))
    usual = [number for number in found if number >= LOWEST_RESOLUTION]
    return usual or found or [DEFAULT_RESOLUTION]


def _takes(option: Option, number: int) -> bool:
    """Whether `option` can be set to `number`."""
    if option.choices is not None:
        return number in {_whole(choice) for choice in option.choices}
    if option.range is None:
        return True
    span = option.range
    if not span.minimum <= number <= span.maximum:
        return False
    if span.quant <= 0:
        return True
    steps = (number - span.minimum) / span.quant
    return abs(steps - round(steps)) * span.quant < 0.01


def _sizes(options: Options) -> tuple[Size, Size]:
    """The least and the greatest region, in 1/1000 inch."""
    across, along = _extent(options, "x"), _extent(options, "y")
    width = across or (1, DEFAULT_SIZE.width)
    height = along or (1, DEFAULT_SIZE.height)
    least, most = Size(width[0], height[0]), Size(min(width[1], MAX_LENGTH), min(height[1], MAX_LENGTH))
    return Size(min(least.width, most.width), min(least.height, most.height)), most


def _extent(options: Options, axis: str) -> tuple[int, int] | None:
    """Least and greatest length along `axis` in 1/1000 inch; None when the options do not tell."""
    near, far = options.get(f"tl-{axis}"), options.get(f"br-{axis}")
    if far is None or not far.numeric:
        return None
    ends = _ends(far)
    if ends is None:
        return None
    origin = _ends(near) if near is not None and near.numeric else None
    start = origin[0] if origin is not None else 0.0
    inch = inch_of(far, options, axis)
    greatest = math.floor((ends[1] - start) / inch * THOUSANDTHS_PER_INCH + 0.01)
    least = max(1, math.ceil((ends[0] - start) / inch * THOUSANDTHS_PER_INCH))
    if greatest < 1:
        return None
    return min(least, greatest), greatest


def _ends(option: Option) -> tuple[float, float] | None:
    if option.range is not None:
        return option.range.minimum, option.range.maximum
    if option.choices:
        numbers = [float(choice) for choice in option.choices if not isinstance(choice, str)]
        return (min(numbers), max(numbers)) if numbers else None
    return None


def inch_of(option: Option, options: Options, axis: str) -> float:
    """How many of `option`'s units make an inch: millimetres, or pixels at the resolution that is set now."""
    if option.unit != "pixel":
        return MM_PER_INCH
    number = options.number(f"{axis}-resolution") or options.number("resolution")
    return number if number and number > 0 else float(DEFAULT_RESOLUTION)


def _numeric(options: Options, name: str) -> Option | None:
    option = options.get(name)
    return option if option is not None and option.settable and option.scalar and option.type != "bool" else None


def _whole(choice: object) -> int:
    """A resolution out of a list, which may say 300, 300.0 or "300dpi"; 0 when it says none."""
    text = str(choice).strip().lower().removesuffix("dpi").strip()
    try:
        number = float(text)
    except ValueError:
        return 0
    return round(number) if math.isfinite(number) and abs(number) < 1e6 else 0

