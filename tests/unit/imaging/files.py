"""Whole files made by our encoders, and what independent programs make of them."""

from __future__ import annotations

import hashlib
import io
import random
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from bridge.imaging.encoder import Encoder, Page
from bridge.scanner.model import ColorMode, Resolution

SIZES = [(1, 1), (7, 9), (8, 3), (17, 33), (250, 129), (641, 100)]
RESOLUTION = Resolution(300, 300)

PATIENCE_S = 60
"""No program is waited for longer; nothing is measured by it."""


def page_of(size: tuple[int, int], color: ColorMode, **others: Any) -> Page:
    """A page of so many pixels."""
    return replace(Page(*size, color, RESOLUTION), **others)


def pixels_of(page: Page, seed: object = 0) -> bytes:
    """Packed rows for `page`: ramps, flat parts and noise, another picture for each seed."""
    digest = hashlib.sha256(repr((page.width, page.height, page.color.value, seed)).encode()).digest()
    source = random.Random(digest)
    rows = []
    flat = bytes(source.randbytes(1) * page.row_bytes)
    ramp = bytes((3 * at + digest[0]) & 0xFF for at in range(page.row_bytes))
    for number in range(page.height):
        kind = (number // 5 + digest[1]) % 4
        noise = source.randbytes(page.row_bytes)
        rows.append((flat, ramp, noise, ramp.translate(bytes((value + number) & 0xFF for value in range(256))))[kind])
    return b"".join(map(clean, rows, [page] * page.height))


def clean(row: bytes, page: Page) -> bytes:
    """`row` with the unused bits at its end cleared, so that rows can be compared."""
    unused = page.row_bytes * 8 - page.width * page.color.bits_per_pixel
    return row[:-1] + bytes([row[-1] >> unused << unused & 0xFF])


def encode(encoder: Encoder, page: Page, *pictures: bytes, rows_at_once: int = 5) -> bytes:
    """The file with these pages, fed with few rows at a time."""
    parts = [bytes(encoder.begin())]
    step = rows_at_once * page.row_bytes
    for number, data in enumerate(pictures):
        if number:
            parts += encoder.next_page()
        parts += [bytes(encoder.rows(data[start : start + step])) for start in range(0, len(data), step)]
    parts += encoder.end()
    return b"".join(parts)


@dataclass(frozen=True)
class Decoded:
    """What a decoder saw: size, samples of a pixel, bits of a sample, and packed rows as our encoders take them."""

    width: int
    height: int
    channels: int
    depth: int
    data: bytes


def expected(page: Page, data: bytes) -> Decoded:
    """What every decoder must see."""
    return Decoded(page.width, page.height, page.color.channels, page.color.depth, data)


def read_pnm(data: bytes) -> list[Decoded]:
    """The pictures in a stream of PNM files."""
    found = []
    stream = io.BytesIO(data)
    while kind := stream.readline().strip():
        numbers: list[int] = []
        while len(numbers) < (2 if kind == b"P4" else 3):
            numbers += map(int, stream.readline().partition(b"#")[0].split())
        width, height = numbers[:2]
        channels, depth = {b"P4": (1, 1), b"P5": (1, 8), b"P6": (3, 8)}[kind]
        if depth == 8 and numbers[2] > 255:
            depth = 16
        rows = stream.read((width * channels * depth + 7) // 8 * height)
        if depth == 1:
            # In PBM 1 is black.
            row_bytes = (width + 7) // 8
            page = Page(width, height, ColorMode.BLACK_AND_WHITE_1, RESOLUTION)
            inverted = rows.translate(bytes(255 - value for value in range(256)))
            rows = b"".join(clean(inverted[at : at + row_bytes], page) for at in range(0, len(inverted), row_bytes))
        elif depth == 16 and sys.byteorder == "little":
            swapped = bytearray(rows)
            swapped[0::2], swapped[1::2] = swapped[1::2], swapped[0::2]
            rows = bytes(swapped)
        found.append(Decoded(width, height, channels, depth, rows))
    return found


ZLIB_VERSION = re.compile(rb"zlib warning:  different version \(expected [0-9.]+, using [0-9.]+\)\s*")
"""Debian 13's pngcheck says so of itself, whatever the file."""


def run(*command: str, input: bytes) -> bytes:
    """What a program prints that reads standard input; it must neither fail nor complain."""
    done = subprocess.run(command, input=input, capture_output=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    assert ZLIB_VERSION.sub(b"", done.stderr) == b"", done.stderr
    return done.stdout


def run_on_file(*command: str, input: bytes, suffix: str = "") -> bytes:
    """The same for a program that reads a file; a word {} of the command stands for its name."""
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(input)
        file.flush()
        return run(*(file.name if word == "{}" else word for word in command), input=b"")


def by_pillow(file: bytes) -> list[Decoded]:
    """The pages by Pillow, which reads PNG, BMP and uncompressed TIFF with its own code."""
    image = Image.open(io.BytesIO(file))
    found = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        image.load()
        plain = image.convert("L") if image.mode == "P" else image
        channels, depth, mode = {
            "1": (1, 1, "1"),
            "L": (1, 8, "L"),
            "RGB": (3, 8, "RGB"),
            "I;16": (1, 16, "I;16"),
            "I;16B": (1, 16, "I;16B"),
            "I": (1, 16, "I"),
        }[plain.mode]
        data = plain.tobytes()
        if mode == "I;16B" and sys.byteorder == "little":
            data = b"".join(data[at : at + 2][::-1] for at in range(0, len(data), 2))
        elif mode == "I":
            low = 0 if sys.byteorder == "little" else 2
            data = b"".join(data[at + low : at + low + 2] for at in range(0, len(data), 4))
        found.append(Decoded(*image.size, channels, depth, data))
    return found
