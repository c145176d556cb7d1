"""The segments that say what a JPEG is: JFIF's APP0 and Exif's APP1."""

from __future__ import annotations

import struct

from bridge.imaging.encoder import Page
from bridge.imaging.ifd import LONG, SHORT, UNDEFINED, Directory, Tag

_IFD_OFFSET = 8
"""Where the first directory lies, counted from the byte-order mark."""


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
    make = Directory(">")
    main = [
        make.numbers(0x0112, SHORT, 1),  # Orientation: the first row is the top, the first column the left
        make.rational(0x011A, page.resolution.width),  # XResolution
        make.rational(0x011B, page.resolution.height),  # YResolution
        make.numbers(0x0128, SHORT, 2),  # ResolutionUnit: inch
        make.text(0x0131, "Scanbridge"),  # Software
    ]
    if color:
        main.append(make.numbers(0x0213, SHORT, 1))  # YCbCrPositioning: centred
    details = [
        Tag(0x9000, UNDEFINED, 4, b"0230"),  # ExifVersion
        Tag(0x9101, UNDEFINED, 4, b"\1\2\3\0" if color else b"\1\0\0\0"),  # ComponentsConfiguration
        Tag(0xA000, UNDEFINED, 4, b"0100"),  # FlashpixVersion
        make.numbers(0xA001, SHORT, 1),  # ColorSpace: sRGB
        make.numbers(0xA002, LONG, page.width),  # PixelXDimension
        make.numbers(0xA003, LONG, page.height),  # PixelYDimension
    ]
    pointer = make.numbers(0x8769, LONG, 0)
    start = _IFD_OFFSET + len(make.write([*main, pointer], _IFD_OFFSET))
    main.append(make.numbers(0x8769, LONG, start))
    body = b"Exif\0\0" + make.mark + struct.pack(">L", _IFD_OFFSET)
    body += make.write(main, _IFD_OFFSET) + make.write(details, start)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
