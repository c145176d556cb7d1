"""Which of a device's own mode and depth settings deliver colour, gray or lines.

Mode names are free text in SANE, and some carry the depth ("48 bits color") or a method ("Gray[Error Diffusion]").
What a mode really delivers is told by the scanner after the start; here it is only chosen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.scanner.descriptors import Options
from bridge.scanner.model import ColorMode
from bridge.scanner.sources import Setting

MODE_OPTIONS = ("mode", "scan-mode", "color-mode")
DEPTH_OPTIONS = ("depth", "bit-depth", "bitdepth")

_INFRARED = re.compile(r"infra.?red|\bir\b")
_COLOR = re.compile(r"colou?r|\brgb\b")
_DITHERED = re.compile(r"half.?tone|dither|diffusion")
_BILEVEL = re.compile(rf"line.?art|binary|black|b ?w\b|\btext\b|mono|threshold|\b1 bit|{_DITHERED.pattern}")
_GRAY = re.compile(r"gr[ae]y|\bluma\b")
_SECOND_RATE = re.compile(r"fast|draft|raw|calibrat")
_DEEP = re.compile(r"\b(16|48) ?bit")


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to scan: `settings` choose it; it delivers `channels` samples of `depth` bits for a pixel."""

    settings: tuple[Setting, ...]
    channels: int
    depth: int

    @property
    def color(self) -> ColorMode:
        """The standard's keyword for it."""
        for keyword in ColorMode:
            if (keyword.channels, keyword.depth) == (self.channels, self.depth):
                return keyword
        raise ValueError(f"{self.channels} channels of {self.depth} bits")


def classify(name: str) -> tuple[int, int | None] | None:
    """Channels and, where the name tells it, depth of the mode called `name`; None for infrared and the unknown."""
    words = re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()
    if _INFRARED.search(words):
        return None
    color = _COLOR.search(words)
    if _BILEVEL.search(words):
        return None if color else (1, 1)
    if color:
        return 3, 16 if _DEEP.search(words) else None
    if _GRAY.search(words):
        return 1, 16 if _DEEP.search(words) else None
    return None


def modes(options: Options) -> tuple[Mode, ...]:
    """All ways to scan that the device's options offer, the preferred way first for each colour and depth.

    Dithered lines are used only where there is nothing else: gray makes sharper ones. A device without a mode option
    delivers what it delivers; it counts as gray, to which everything converts.
    """
    option = options.usable(*MODE_OPTIONS)
    depths = _depths(options)
    found: dict[tuple[int, int], Mode] = {}
    names = [str(choice) for choice in option.choices or ()] if option is not None else []
    for name in sorted(names, key=_is_second_rate):
        known = classify(name)
        if option is None or known is None:
            continue
        channels, depth = known
        for bits in [depth] if depth is not None else depths or [8]:
            # A one-bit depth of a colour mode has a layout of its own that nothing here reads.
            if channels == 3 and bits == 1:
                continue
            extra = _depth_setting(options, bits) if depth is None else ()
            found.setdefault((channels, bits), Mode(((option.name, name), *extra), channels, bits))
    lines = found.get((1, 1))
    dithered = lines is not None and any(_DITHERED.search(str(value).lower()) for _, value in lines.settings)
    if dithered and len(found) > 1:
        del found[1, 1]
    if not found:
        found[1, 8] = Mode(_depth_setting(options, 8), 1, 8)
    return tuple(found.values())


def _is_second_rate(name: str) -> bool:
    return any(kind.search(name.lower()) for kind in (_SECOND_RATE, _DITHERED))


def choose(available: tuple[Mode, ...], color: ColorMode) -> Mode:
    """The mode to scan with when `color` is wanted: the same, else the one that loses least on the way to it."""

    def loss(mode: Mode) -> tuple[int, int, int]:
        lacks_color = color.channels > mode.channels
        lacks_depth = color.depth > mode.depth
        return (2 * lacks_color + lacks_depth, abs(mode.channels - color.channels), abs(mode.depth - color.depth))

    return min(available, key=loss)


def _depths(options: Options) -> list[int]:
    """Bits per sample that the depth option offers and the rest of the worker can read."""
    for name in DEPTH_OPTIONS:
        option = options.get(name)
        if option is None or not option.settable or not option.scalar:
            continue
        if option.choices is not None:
            numbers = [re.match(r"\d+", str(choice)) for choice in option.choices]
            offered = {int(number.group()) for number in numbers if number is not None}
        elif option.range is not None:
            offered = {bits for bits in (1, 8, 16) if option.range.minimum <= bits <= option.range.maximum}
        else:
            continue
        return [bits for bits in (8, 16, 1) if bits in offered]
    return []


def _depth_setting(options: Options, bits: int) -> tuple[Setting, ...]:
    for name in DEPTH_OPTIONS:
        option = options.get(name)
        if option is None or not option.settable or not option.scalar:
            continue
        if option.type != "string":
            return ((name, bits),) if bits in _depths(options) else ()
        for choice in option.choices or ():
            if re.match(rf"{bits}\b", str(choice)):
                return ((name, choice),)
    return ()
