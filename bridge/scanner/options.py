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
from bridge.imaging.pixels import Frame
from bridge.imaging.tone import EXPOSURE_RANGE, PLAIN, Tone
from bridge.scanner.capabilities import inch_of
from bridge.scanner.descriptors import Option, Options, Value
from bridge.scanner.failure import ScanFailure
from bridge.scanner.model import THOUSANDTHS_PER_INCH, ColorMode, InputSource, ScanRequest, pixels
from bridge.scanner.modes import Mode, choose, modes
from bridge.scanner.protocol import Status
from bridge.scanner.quirks import NO_QUIRKS, Quirks
from bridge.scanner.sources import source_settings
from bridge.scanner.window import TurnedSheet, paper_length, shift_of, spans, turns_backs

LEAST_WINDOW_INCH = 0.5
"""Shortest side asked of a device; some fail on less. Smaller regions are cut out of it."""

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
    """What a scan will deliver: where the promised pixels lie in it, and the settings in words for the log.

    `turned` is the place of those of pages that were turned upright, `tone` what the device leaves to us.
    """

    placement: Placement
    settings: str = ""
    tone: Tone = PLAIN
    turned: TurnedSheet | None = None

    def placement_of(self, frame: Frame) -> Placement:
        """Where the promised pixels lie in a page of this shape."""
        if not frame.turned or self.turned is None:
            return self.placement
        return self.turned.placement_of(frame.width, frame.lines, self.placement)


def apply(device: Adjustable, request: ScanRequest, quirks: Quirks = NO_QUIRKS) -> Delivery:
    """Set `device` up for `request`.

    Raises ScanFailure when it lacks the source or refuses what cannot be done without.
    """
    setup = _Setup(device, request, quirks)
    choose_source(device, request.source, quirks=quirks)
    setup.paper()
    setup.mode()
    setup.put("preview", False)
    setup.resolution()
    setup.region()
    setup.exposure()
    return setup.delivery()


def choose_source(device: Adjustable, source: InputSource, kind: str = "", quirks: Quirks = NO_QUIRKS) -> None:
    """Set what chooses `source`. Raises ScanFailure(unsupported) when the device has no such source."""
    known = source_settings(device.options(), kind, quirks)
    if source not in known:
        # Without any option to choose by, the device feeds from where it feeds from.
        if any(known.values()):
            raise ScanFailure(Status.UNSUPPORTED, f"The scanner has no source {source.value}.")
        return
    for name, value in known[source]:
        option = device.options().get(name)
        if option is None:
            missing = f"The scanner has no option {name}, which is to choose {source.value}."
            raise ScanFailure(Status.UNSUPPORTED, missing)
        if option.usable:
            device.set(option, fit(option, value))


class _Setup:
    """One device being set up; keeps what was refused for the log."""

    def __init__(self, device: Adjustable, request: ScanRequest, quirks: Quirks) -> None:
        self._device = device
        self._request = request
        self._quirks = quirks
        self._words: list[str] = []
        self._levels = True
        self._left_to_us = {"brightness": request.brightness, "contrast": request.contrast}

    def put(self, name: str, value: Value, needed: bool = False) -> bool:
        """Set the option `name` as near to `value` as it takes; raises ScanFailure when it is needed and refused.

        Returns whether it was set.
        """
        option = self._device.options().usable(name)
        if option is None:
            return False
        nearest = fit(option, value)
        try:
            self._device.set(option, nearest)
        except ScanFailure as failure:
            if needed or failure.status not in _TOLERABLE:
                raise ScanFailure(
                    failure.status, f"The scanner refused the setting {name} = {nearest}: {failure.message}"
                ) from failure
            self._words.append(f"{name}={nearest} refused")
            return False
        self._words.append(f"{name}={nearest}")
        return True

    def paper(self) -> None:
        """Tell a feeder the sheet's size, by which many centre the sheet and bound the region."""
        if not self._request.source.is_feeder:
            return
        for name, axis in zip(PAPER_OPTIONS, "xy", strict=True):
            options = self._device.options()
            option = options.usable(name)
            if option is not None and option.numeric:
                length = paper_length(self._request, axis)
                self.put(name, _onto_grid(option, length * inch_of(option, options, axis), math.ceil))

    def mode(self) -> None:
        """Set mode and depth; where we have to lighten or darken a picture in black and white, we need its grays."""
        available = modes(self._device.options())
        self._choose(choose(available, self._request.color))
        gray = tuple(mode for mode in available if mode.depth > 1)
        if not self._levels and gray and any(self._lacks(name) for name in self._left_to_us):
            self._choose(choose(gray, ColorMode.GRAYSCALE_8))

    def _choose(self, mode: Mode) -> None:
        for name, value in mode.settings:
            self.put(name, value, needed=True)
        self._levels = mode.depth > 1

    def _lacks(self, name: str) -> bool:
        """Whether the device cannot do what is asked of `name`."""
        return self._left_to_us[name] != 0 and _exposure_option(self._device.options(), name) is None

    def resolution(self) -> None:
        """Set one resolution for both axes, or one each."""
        wanted = self._request.resolution
        options = self._device.options()
        if options.usable("resolution", "scan-resolution") is not None:
            name = "resolution" if options.usable("resolution") is not None else "scan-resolution"
            self.put(name, max(wanted.width, wanted.height), needed=True)
        if wanted.width != wanted.height:
            self.put("resolution-bind", False)
        self.put("x-resolution", wanted.width, needed=True)
        self.put("y-resolution", wanted.height, needed=True)

    def region(self) -> None:
        """Set the window so that it holds the region; tl before br may never pass it, so tl goes home first."""
        for axis, span in spans(self._request, self._quirks).items():
            options = self._device.options()
            near, far = options.usable(f"tl-{axis}"), options.usable(f"br-{axis}")
            if near is None or far is None or not (near.numeric and far.numeric):
                continue
            start, end = _window(options, near, far, axis, span)
            self.put(near.name, _least(near))
            self.put(far.name, end)
            self.put(near.name, start)

    def exposure(self) -> None:
        """Let the device do as much of brightness and contrast as it can."""
        for name, value in self._left_to_us.items():
            option = _exposure_option(self._device.options(), name)
            if value == 0 or option is None or option.range is None:
                continue
            if self.put(name, exposure_value(option.range.minimum, option.range.maximum, value)):
                self._left_to_us[name] = 0

    def delivery(self) -> Delivery:
        """Read back what was set."""
        options, request = self._device.options(), self._request
        region, shift = request.region, shift_of(request, self._quirks)
        left, rx = _origin(options, "x"), _resolution(options, "x", request.resolution.width)
        top, ry = _origin(options, "y"), _resolution(options, "y", request.resolution.height)
        placement = Placement(
            width=request.width,
            height=request.height,
            left=(Fraction(region.x, THOUSANDTHS_PER_INCH) + shift["x"] - left) * rx,
            top=(Fraction(region.y, THOUSANDTHS_PER_INCH) + shift["y"] - top) * ry,
            step_x=_step(rx, region.width, request.resolution.width, request.width),
            step_y=_step(ry, region.height, request.resolution.height, request.height),
        )
        quirks = self._quirks
        tone = Tone(gamma=quirks.gamma, white=quirks.white_level, **(self._left_to_us if self._levels else {}))
        turned = None
        if turns_backs(request, quirks):
            turned = TurnedSheet(request, shift, (left, top), (rx, ry), _end(options, "y"))
        real = f"delivers {float(rx):g} x {float(ry):g} dpi from {float(left):.3f}, {float(top):.3f} in"
        words = [*self._words, real] + ([] if tone.plain else [f"then {tone}"])
        return Delivery(placement, ", ".join(words), tone, turned)


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


def _exposure_option(options: Options, name: str) -> Option | None:
    """The device's own option for brightness or contrast, where it has one that can be used now."""
    option = options.usable(name)
    return option if option is not None and option.numeric and option.range is not None else None


def _window(
    options: Options, near: Option, far: Option, axis: str, span: tuple[Fraction, Fraction]
) -> tuple[float, float]:
    """Start and end of the window along `axis` in the options' unit: `span`, in inches, grown to what they take."""
    inch, home = inch_of(far, options, axis), _least(near)
    start, end = (home + float(place) * inch for place in span)
    end = max(end, start + LEAST_WINDOW_INCH * inch)
    if far.range is not None:
        end = min(_onto_grid(far, end, math.ceil), far.range.maximum)
    start = min(start, max(home, end - LEAST_WINDOW_INCH * inch))
    return max(_onto_grid(near, start, math.floor), home), end


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


def _end(options: Options, axis: str) -> Fraction | None:
    """Where the window ends, as `_origin` tells where it begins; None when the device does not tell."""
    far, near = options.get(f"br-{axis}"), options.get(f"tl-{axis}")
    value = options.number(f"br-{axis}")
    if far is None or near is None or value is None or not math.isfinite(value):
        return None
    return Fraction(value - _least(near)) / Fraction(inch_of(far, options, axis))


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
