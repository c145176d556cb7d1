"""The ICC profile of sRGB (IEC 61966-2-1), made from its definition: what a PDF/A says its colours mean.

A matrix profile of version 2.1, which every reader of PDF/A knows: three primaries, one curve.
"""

from __future__ import annotations

import struct

CURVE_POINTS = 1024
"""Points of the transfer curve; readers take straight lines between them."""

_HEADER_BYTES = 128
_D50 = (0.9642, 1.0, 0.8249)
_PRIMARIES = {
    b"rXYZ": (0.43607, 0.22249, 0.01392),
    b"gXYZ": (0.38515, 0.71687, 0.09708),
    b"bXYZ": (0.14307, 0.06061, 0.71410),
}
"""Red, green and blue of sRGB, adapted from D65 to D50 by the method of Bradford."""

_NAME = "sRGB IEC61966-2.1"


def srgb_profile() -> bytes:
    """The profile."""
    curve = _curve()
    tags = {
        b"desc": _description(_NAME),
        b"cprt": b"text" + bytes(4) + b"No copyright, use freely\0",
        b"wtpt": _xyz(*_D50),
        **{name: _xyz(*values) for name, values in _PRIMARIES.items()},
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    places: dict[bytes, int] = {}
    table, data = [], bytearray()
    start = _HEADER_BYTES + 4 + 12 * len(tags)
    for name, content in tags.items():
        if content not in places:
            places[content] = start + len(data)
            data += content + bytes(-len(content) % 4)
        table.append(struct.pack(">4sLL", name, places[content], len(content)))
    size = start + len(data)
    return _header(size) + struct.pack(">L", len(tags)) + b"".join(table) + bytes(data)


def _header(size: int) -> bytes:
    made = (2000, 1, 1, 0, 0, 0)
    return struct.pack(
        ">L4sL4s4s4s6H4s4sLLL8sL12s4s44x",
        size,
        bytes(4),
        0x02100000,
        b"mntr",
        b"RGB ",
        b"XYZ ",
        *made,
        b"acsp",
        bytes(4),
        0,
        0,
        0,
        bytes(8),
        0,
        _xyz(*_D50)[8:],
        bytes(4),
    )


def _xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3l", *(round(value * 65536) for value in values))


def _description(text: str) -> bytes:
    name = text.encode("ascii") + b"\0"
    return b"desc" + bytes(4) + struct.pack(">L", len(name)) + name + bytes(4 + 4 + 2 + 1 + 67)


def _curve() -> bytes:
    points = [_linear(at / (CURVE_POINTS - 1)) for at in range(CURVE_POINTS)]
    values = struct.pack(f">{CURVE_POINTS}H", *(round(value * 65535) for value in points))
    return b"curv" + bytes(4) + struct.pack(">L", CURVE_POINTS) + values


def _linear(value: float) -> float:
    """The light of an encoded value, both 0 to 1."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4  # type: ignore[no-any-return]
