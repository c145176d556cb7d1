"""What is known of a scanner that its driver does not tell, or tells wrongly: plain values.

They come from files (quirk_files.py), are decided in the daemon, and reach the worker inside its commands. The
defaults are those of a scanner of which nothing is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MAX_SETTINGS = 8
"""Options that choose one source."""

MAX_BUTTONS = 32
"""Buttons of one scanner that are told what they are for."""

MAX_NAME = 64
"""Longest name of an option or of a button, in characters."""

MAX_VALUE = 128
"""Longest value of an option, in characters."""

MAX_OFFSET_MM = 50.0
GAMMA_LIMITS = (0.2, 5.0)
WHITE_LIMITS = (128, 255)
MAX_START_TIMEOUT_S = 3600
"""Limits of single quirks."""

EMPTY_WORDS = ("device-busy", "invalid", "end-of-file", "jammed", "cover-open", "io-error")
"""What a driver may say where others say that the feeder is empty; the words are those of protocol.Status."""

PURPOSES = ("scan", "print", "email", "fax", "ocr", "none")
"""What a button may be for."""


@dataclass(frozen=True, slots=True)
class OptionValue:
    """An option of the driver's, and what to set it to."""

    name: str
    value: bool | int | float | str


@dataclass(frozen=True, slots=True)
class SourceQuirk:
    """What chooses a source, in the order to set it; `there` is False for one that the scanner does not have."""

    settings: tuple[OptionValue, ...] = ()
    there: bool = True


@dataclass(frozen=True, slots=True)
class Offset:
    """How far right and down of where the driver says it is the picture lies, in millimetres."""

    x_mm: float = 0.0
    y_mm: float = 0.0


@dataclass(frozen=True, slots=True)
class ButtonMeaning:
    """A button and its purpose, one of PURPOSES."""

    name: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Quirks:
    """Everything that is known of one scanner. The manual (scanbridge-quirks.5) has a sentence for each field.

    Raises ValueError for what lies outside the limits.
    """

    platen: SourceQuirk | None = None
    adf: SourceQuirk | None = None
    adf_duplex: SourceQuirk | None = None
    page_sensor: bool = True
    empty_means: tuple[str, ...] = ()
    platen_offset_mm: Offset = Offset()
    feeder_offset_mm: Offset = Offset()
    gamma: float = 1.0
    white_level: int = 255
    backs_turned: bool = False
    backs_last: bool = False
    survives_cancel: bool = True
    start_timeout_s: int = 0
    buttons: tuple[ButtonMeaning, ...] = ()

    def __post_init__(self) -> None:
        sources = [source for source in (self.platen, self.adf, self.adf_duplex) if source is not None]
        offsets = (self.platen_offset_mm, self.feeder_offset_mm)
        good = (
            all(len(source.settings) <= MAX_SETTINGS for source in sources),
            all(is_good_setting(setting) for source in sources for setting in source.settings),
            len(self.empty_means) <= len(EMPTY_WORDS) and set(self.empty_means) <= set(EMPTY_WORDS),
            all(abs(side) <= MAX_OFFSET_MM for offset in offsets for side in (offset.x_mm, offset.y_mm)),
            GAMMA_LIMITS[0] <= self.gamma <= GAMMA_LIMITS[1],
            WHITE_LIMITS[0] <= self.white_level <= WHITE_LIMITS[1],
            0 <= self.start_timeout_s <= MAX_START_TIMEOUT_S,
            len(self.buttons) <= MAX_BUTTONS,
            all(is_good_name(button.name) and button.purpose in PURPOSES for button in self.buttons),
        )
        if not all(good):
            raise ValueError("a quirk is outside of its limits")


NO_QUIRKS = Quirks()
"""A scanner of which nothing is known."""


def is_good_name(name: str) -> bool:
    """Whether `name` can be that of an option or of a button."""
    return 0 < len(name) <= MAX_NAME and name.isprintable()


def is_good_setting(setting: OptionValue) -> bool:
    """Whether a driver can be asked to take this."""
    value = setting.value
    if isinstance(value, str):
        return is_good_name(setting.name) and len(value) <= MAX_VALUE and value.isprintable()
    return is_good_name(setting.name) and (math.isfinite(value) and abs(value) < 2**31)
