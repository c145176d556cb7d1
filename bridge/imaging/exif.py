"""The segments that say what a JPEG is: JFIF's APP0 and Exif's APP1."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from bridge.imaging.encoder import Page

_ASCII, _SHORT, _LONG, _RATIONAL, _UNDEFINED = 2, 3, 4, 5, 7

_IFD_OFFSET = 8
"""Where the first directory lies, counted from the byte-order mark."""

Tag = tuple[int, int, int, bytes]
"""A tag's number, type, count of values, and the values."""


def jfif_segment(page: Page) -> bytes:
    """APP0 of JFIF 1.02 with the density in dots per inch."""
    body = struct.pack(
        ">5sBBBHHBB",
        b"JFIF\0",
        1,
        2,
        1,
        min(page.resolution.width, 0xFFFF),
        min(page.resolution.height, 0xFFFF),
        0,
        0,
    )
    return b"\xff\xe0" + struct.pack(">H", len(body) + 2) + body


def exif_segment(page: Page) -> bytes:
    """APP1 of Exif 2.3 with orientation, resolution and dimensions; an Exif file has it first and no APP0."""
    color = page.color.channels == 3
    main = [
        _short(0x0112, 1),  # Orientation: the first row is the top, the first column the left
        _rational(0x011A, page.resolution.width),  # XResolution
        _rational(0x011B, page.resolution.height),  # YResolution
        _short(0x0128, 2),  # ResolutionUnit: inch
        _ascii(0x0131, "Scanbridge"),  # Software
    ]
    if color:
        main.append(_short(0x0213, 1))  # YCbCrPositioning: centred
    details = [
        (0x9000, _UNDEFINED, 4, b"0230"),  # ExifVersion
        (0x9101, _UNDEFINED, 4, b"\1\2\3\0" if color else b"\1\0\0\0"),  # ComponentsConfiguration
        (0xA000, _UNDEFINED, 4, b"0100"),  # FlashpixVersion
        _short(0xA001, 1),  # ColorSpace: sRGB
        _long(0xA002, page.width),  # PixelXDimension
        _long(0xA003, page.height),  # PixelYDimension
    ]
    pointer = _long(0x8769, 0)
    start = _IFD_OFFSET + len(_directory([*main, pointer], _IFD_OFFSET))
    main.append(_long(0x8769, start))
    body = b"Exif\0\0" + b"MM\0*" + struct.pack(">L", _IFD_OFFSET)
    body += _directory(main, _IFD_OFFSET) + _directory(details, start)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _short(tag: int, value: int) -> Tag:
    return tag, _SHORT, 1, struct.pack(">H", value)


def _long(tag: int, value: int) -> Tag:
    return tag, _LONG, 1, struct.pack(">L", value)


def _rational(tag: int, value: int) -> Tag:
    return tag, _RATIONAL, 1, struct.pack(">LL", value, 1)


def _ascii(tag: int, text: str) -> Tag:
    data = text.encode("ascii") + b"\0"
    return tag, _ASCII, len(data), data


def _directory(tags: Sequence[Tag], offset: int) -> bytes:
    """An image file directory that begins at `offset`, with the values that do not fit in it behind it."""
    entries, values = b"", b""
    behind = offset + 2 + 12 * len(tags) + 4
    for number, kind, count, data in sorted(tags):
        if len(data) <= 4:
            field = data.ljust(4, b"\0")
        else:
            field = struct.pack(">L", behind + len(values))
            values += data + b"\0" * (len(data) % 2)
        entries += struct.pack(">HHL", number, kind, count) + field
    return struct.pack(">H", len(tags)) + entries + struct.pack(">L", 0) + values
