"""How bright a picture becomes, by one table that every sample goes through.

What a scanner's driver can do it does itself; this is for the rest: brightness and contrast of a ticket where the
device has no such option, and what is known of a device's gamma and paper white (scanbridge-quirks.5).
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass

from bridge.imaging.encoder import Rows

EXPOSURE_RANGE = 1000
"""Brightness and contrast lie between minus this and this (wsd-scan.md 5.2)."""

LEVELS = 256


@dataclass(frozen=True, slots=True)
class Tone:
    """What is done to every sample, in this order.

    `white`, 1 to 255, is the level that the device gives to white paper; it becomes 255. `gamma` lightens the middle
    where it is above 1 and darkens it below. `contrast`, -1000 to 1000, turns the line of levels round its middle,
    from flat gray to black and white; `brightness`, likewise, moves it, from all black to all white.
    """

    brightness: int = 0
    contrast: int = 0
    gamma: float = 1.0
    white: int = LEVELS - 1

    @property
    def plain(self) -> bool:
        """Whether nothing is changed."""
        return self == PLAIN

    def level(self, share: float) -> float:
        """What becomes of a sample, both from 0 for black to 1 for white."""
        share = min(1.0, share * (LEVELS - 1) / self.white)
        share = share ** (1 / self.gamma)
        slope = math.tan((1 + self.contrast / EXPOSURE_RANGE) * math.pi / 4)
        share = 0.5 + (share - 0.5) * slope + self.brightness / EXPOSURE_RANGE
        return min(1.0, max(0.0, share))

    def bytes_table(self) -> bytes:
        """What becomes of each sample of 8 bits."""
        return bytes(round(self.level(value / (LEVELS - 1)) * (LEVELS - 1)) for value in range(LEVELS))

    def words_table(self) -> array[int]:
        """What becomes of each sample of 16 bits."""
        top = LEVELS * LEVELS - 1
        return array("H", (round(self.level(value / top) * top) for value in range(top + 1)))


PLAIN = Tone()
"""Nothing is changed."""


def through_words(data: Rows, table: array[int]) -> bytes:
    """Samples of 16 bits in the machine's order, each replaced by its entry in `table`."""
    return array("H", map(table.__getitem__, array("H", bytes(data)))).tobytes()
