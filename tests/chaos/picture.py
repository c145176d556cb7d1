"""What the chaos scanner sees: the pixel at any place of any page, computed apart from the backend."""

from __future__ import annotations

import sys

from PIL import Image

GLASS = 0
"""The page that lies on the glass."""


def front(sheet: int) -> int:
    """The page that is the front of a sheet; sheets count from 1."""
    return 2 * sheet - 1


def back(sheet: int) -> int:
    """The page that is the back of a sheet."""
    return 2 * sheet


def level(page: int, x: int, y: int, channel: int) -> int:
    """Red, green, blue (0 to 2) or gray (3), 0 to 255, at the pixel `x`, `y` of the bed: waves with slow flanks."""
    step = (x + 37 * page, y + 91 * page, x + y + 53 * page, x + 2 * y + 61 * page)[channel] % 512
    return step if step < 256 else 511 - step


def sample(page: int, x: int, y: int, channel: int) -> int:
    """The same with 16 bits."""
    return level(page, x, y, channel) << 8 | (3 * x + 5 * y + page) % 256


def color(page: int, width: int, height: int, left: int = 0, top: int = 0) -> Image.Image:
    """The part of a page that a scan in colour shows, 8 bits deep."""
    data = bytearray()
    for y in range(top, top + height):
        for x in range(left, left + width):
            data += bytes((level(page, x, y, 0), level(page, x, y, 1), level(page, x, y, 2)))
    return Image.frombytes("RGB", (width, height), bytes(data))


def gray(page: int, width: int, height: int, left: int = 0, top: int = 0) -> Image.Image:
    """The same in gray."""
    data = bytes(level(page, x, y, 3) for y in range(top, top + height) for x in range(left, left + width))
    return Image.frombytes("L", (width, height), data)


def lineart(page: int, width: int, height: int, left: int = 0, top: int = 0) -> Image.Image:
    """The same in black, where gray is dark, and white."""
    return gray(page, width, height, left, top).point(lambda value: 0 if value < 128 else 255).convert("1")


def deep_color(page: int, width: int, height: int, left: int = 0, top: int = 0) -> bytes:
    """The same in colour with 16 bits, as SANE delivers it: in the machine's byte order."""
    data = bytearray()
    for y in range(top, top + height):
        for x in range(left, left + width):
            for channel in range(3):
                data += sample(page, x, y, channel).to_bytes(2, sys.byteorder)
    return bytes(data)


def which_page(image: Image.Image, candidates: range = range(12)) -> int:
    """The page of which `image` is a colour scan from the bed's corner, however it was compressed.

    Raises LookupError when it is none of `candidates` by more than compression explains.
    """
    rgb = image.convert("RGB")
    places = [(x, y) for x in range(20, rgb.width - 20, 67) for y in range(20, rgb.height - 20, 71)]

    def distance(page: int) -> float:
        differences = [
            abs(rgb.getpixel(place)[channel] - level(page, *place, channel)) for place in places for channel in range(3)
        ]
        return sum(differences) / len(differences)

    nearest = min(candidates, key=distance)
    if distance(nearest) > 6:
        raise LookupError(f"page {nearest} is nearest, and {distance(nearest):.1f} levels away")
    return nearest
