"""From a `ScanRequest` to settings on the device, and what the device will really deliver.

The order matters, because each setting can change the ranges of those behind it and activate or deactivate them:
source, paper size, mode and depth, resolution, region, exposure. What the device lacks is left out; what it rounds
is read back, and the difference is a `Placement` by which the promised pixels are cut out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from bridge.imaging.geometry import Placement
from bridge.scanner.capabilities import inch_of
from bridge.scanner.descriptors import Option, Options, Value
from bridge.scanner.failure import ScanFailure
from bridge.scanner.model import THOUSANDTHS_PER_INCH, InputSource, ScanRequest, pixels
from bridge.scanner.modes import choose, modes
from bridge.scanner.protocol import Status
from bridge.scanner.sources import source_settings

LEAST_WINDOW_INCH = 0.5
"""Shortest side asked of a device; some fail on less. Smaller regions are cut out of it."""

EXPOSURE_RANGE = 1000
"""Brightness and contrast of a request lie between minus this and this (wsd-scan.md 5.2)."""

PAPER_OPTIONS = ("page-width", "page-height")
"""A feeder's options for the size of the sheet, across and along."""

_TOLERABLE = (Status.INVALID, Status.UNSUPPORTED)
"""Refusals of a setting after which the scan can go on with what the device has set."""


class Adjustable(Protocol):
    """An open device as far as its options go."""

    def options(self) -> Options:
        """The options as they are now; resolutions and geometry with their values."""

    def set(self, option: Option, value: Value) -> None:
        """Set `option`. Raises ScanFailure."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a scan will deliver: where the promised pixels lie in it, and the settings in words for the log."""

    placement: Placement
    settings: str


def apply(device: Adjustable, request: ScanRequest) -> Delivery:
    """Set `device` up for `request`.

    Raises ScanFailure when it lacks the source or refuses what cannot be done without.
    """
    setup = _Setup(device)
    choose_source(device, request.source)
    setup.paper(request)
    mode = choose(modes(device.options()), request.color)
    for name, value in mode.settings:
        setup.put(name, value, needed=True)
    setup.put("preview", False)
    setup.resolution(request)
    setup.region(request)
    setup.exposure("brightness", request.brightness)
    setup.exposure("contrast", request.contrast)
    return setup.delivery(request)


def choose_source(device: Adjustable, source: InputSource, kind: str = "") -> None:
    """Set what chooses `source`. Raises ScanFailure(unsupported) when the device has no such source."""
    known = source_settings(device.options(), kind)
    if source not in known:
        # Without any option to choose by, the device feeds from where it feeds from.
        if any(known.values()):
            raise ScanFailure(Status.UNSUPPORTED, f"The scanner has no source {source.value}.")
        return
    for name, value in known[source]:
        option = device.options().get(name)
        if option is not None and option.usable:
            device.set(option, value)


class _Setup:
    """One device being set up; keeps what was refused for the log."""

    def __init__(self, device: Adjustable) -> None:
        self._device = device
        self._words: list[str] = []

    def put(self, name: str, value: Value, needed: bool = False) -> None:
        """Set the option `name` as near to `value` as it takes; raises ScanFailure when it is needed and refused."""
        option = self._device.options().usable(name)
        if option is None:
            return
        nearest = fit(option, value)
        try:
            self._device.set(option, nearest)
        except ScanFailure as failure:
            if needed or failure.status not in _TOLERABLE:
                raise ScanFailure(
                    failure.status, f"The scanner refused the setting {name} = {nearest}: {failure.message}"
                ) from failure
            self._words.append(f"{name}={nearest} refused")
        else:
            self._words.append(f"{name}={nearest}")

    def paper(self, request: ScanRequest) -> None:
        """Tell a feeder the sheet's size, by which many centre the sheet and bound the region."""
        if not request.source.is_feeder:
            return
        ends = _far_ends(request)
        for name, axis in zip(PAPER_OPTIONS, "xy", strict=True):
            options = self._device.options()
            option = options.usable(name)
            if option is not None and option.numeric:
                self.put(name, _onto_grid(option, ends[axis] * inch_of(option, options, axis), math.ceil))

    def resolution(self, request: ScanRequest) -> None:
        """Set one resolution for both axes, or one each."""
        wanted = request.resolution
        options = self._device.options()
        if options.usable("resolution", "scan-resolution") is not None:
            name = "resolution" if options.usable("resolution") is not None else "scan-resolution"
            self.put(name, max(wanted.width, wanted.height), needed=True)
        if wanted.width != wanted.height:
            self.put("resolution-bind", False)
        self.put("x-resolution", wanted.width, needed=True)
        self.put("y-resolution", wanted.height, needed=True)

    def region(self, request: ScanRequest) -> None:
        """Set the window so that it holds the region; tl before br may never pass it, so tl goes home first."""
        for axis in ("x", "y"):
            options = self._device.options()
            near, far = options.usable(f"tl-{axis}"), options.usable(f"br-{axis}")
            if near is None or far is None or not (near.numeric and far.numeric):
                continue
            start, end = _window(options, near, far, axis, request)
            self.put(near.name, _least(near))
            self.put(far.name, end)
            self.put(near.name, start)

    def exposure(self, name: str, value: int) -> None:
        """Map -1000..1000 to the range of the option; 0 leaves what the device has."""
        option = self._device.options().usable(name)
        if value == 0 or option is None or option.range is None or not option.numeric:
            return
        self.put(name, exposure_value(option.range.minimum, option.range.maximum, value))

    def delivery(self, request: ScanRequest) -> Delivery:
        """Read back what was set."""
        options = self._device.options()
        region = request.region
        left, rx = _origin(options, "x"), _resolution(options, "x", request.resolution.width)
        top, ry = _origin(options, "y"), _resolution(options, "y", request.resolution.height)
        placement = Placement(
            width=request.width,
            height=request.height,
            left=(Fraction(region.x, THOUSANDTHS_PER_INCH) - left) * rx,
            top=(Fraction(region.y, THOUSANDTHS_PER_INCH) - top) * ry,
            step_x=_step(rx, region.width, request.resolution.width, request.width),
            step_y=_step(ry, region.height, request.resolution.height, request.height),
        )
        real = f"delivers {float(rx):g} x {float(ry):g} dpi from {float(left):.3f}, {float(top):.3f} in"
        return Delivery(placement, ", ".join([*self._words, real]))


def fit(option: Option, value: Value) -> Value:
    """The value that `option` takes and that is nearest to `value`, of two the greater; strings as they are."""
    if option.type == "bool":
        return bool(value)
    if not option.numeric or isinstance(value, str):
        return str(value) if option.type == "string" else value
    number = float(value)
    if option.choices:
        numbers = [choice for choice in option.choices if isinstance(choice, (int, float))]
        number = min(numbers, key=lambda choice: (abs(choice - number), -choice), default=number)
    elif option.range is not None:
        span = option.range
        if span.quant > 0:
            number = span.minimum + round((number - span.minimum) / span.quant) * span.quant
        number = min(max(number, span.minimum), span.maximum)
    return round(number) if option.type == "int" else number


def exposure_value(minimum: float, maximum: float, value: int) -> float:
    """Where `value` of -1000..1000 lies between `minimum` and `maximum`.

    0 lies at 0, or in the middle where 0 is outside or at an end.
    """
    neutral = 0.0 if minimum < 0 < maximum else (minimum + maximum) / 2
    share = min(max(value, -EXPOSURE_RANGE), EXPOSURE_RANGE) / EXPOSURE_RANGE
    return neutral + share * (maximum - neutral if share > 0 else neutral - minimum)


def _window(options: Options, near: Option, far: Option, axis: str, request: ScanRequest) -> tuple[float, float]:
    """Start and end of the window along `axis` in the options' unit: the region, grown outward to what they take."""
    horizontal = axis == "x"
    region = request.region
    inch, home = inch_of(far, options, axis), _least(near)
    start = home + (region.x if horizontal else region.y) / THOUSANDTHS_PER_INCH * inch
    end = max(home + _far_ends(request)[axis] * inch, start + LEAST_WINDOW_INCH * inch)
    if far.range is not None:
        end = min(_onto_grid(far, end, math.ceil), far.range.maximum)
    start = min(start, max(home, end - LEAST_WINDOW_INCH * inch))
    return max(_onto_grid(near, start, math.floor), home), end


def _far_ends(request: ScanRequest) -> dict[str, float]:
    """Where the region ends on each axis, in inches, and a pixel more.

    A driver that rounds its rows down to whole pixels would leave a white edge otherwise.
    """
    region, resolution = request.region, request.resolution
    return {
        "x": (region.x + region.width) / THOUSANDTHS_PER_INCH + 1 / resolution.width,
        "y": (region.y + region.height) / THOUSANDTHS_PER_INCH + 1 / resolution.height,
    }


def _onto_grid(option: Option, value: float, rounding: Callable[[float], int]) -> float:
    if option.range is None:
        return value
    quant = option.range.quant if option.range.quant > 0 else (1.0 if option.type == "int" else 0.0)
    if quant == 0:
        return value
    steps = (value - option.range.minimum) / quant
    return float(option.range.minimum + rounding(round(steps, 6)) * quant)


def _least(option: Option) -> float:
    return option.range.minimum if option.range is not None else 0.0


def _origin(options: Options, axis: str) -> Fraction:
    """Where the window begins, in inches from the bed's edge, as the device has it."""
    near = options.get(f"tl-{axis}")
    value = options.number(f"tl-{axis}")
    if near is None or value is None or not math.isfinite(value):
        return Fraction(0)
    return Fraction(value - _least(near)) / Fraction(inch_of(near, options, axis))


def _resolution(options: Options, axis: str, wanted: int) -> Fraction:
    """Pixels per inch along `axis` as the device has them; as wanted when it does not tell."""
    for name in (f"{axis}-resolution", "resolution", "scan-resolution"):
        value = options.number(name)
        if value is not None and math.isfinite(value) and value > 0:
            return Fraction(value)
    return Fraction(wanted)


def _step(delivered: Fraction, length: int, wanted: int, promised: int) -> Fraction:
    """Delivered pixels for a promised pixel; exactly 1 when the difference is below half a pixel over the image."""
    if promised == pixels(length, wanted):
        step = delivered / wanted
    else:
        step = delivered * length / (THOUSANDTHS_PER_INCH * promised)
    return Fraction(1) if abs(step - 1) * promised < Fraction(1, 2) else step
