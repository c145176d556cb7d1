"""How small a page of text becomes as PNG, and what other settings of zlib would make of it."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Iterator
from statistics import median

from PIL import Image, ImageDraw

from benchmarks.pages import MS
from benchmarks.table import Row
from bridge.imaging.encoder import Page
from bridge.imaging.png import LEVEL, MEMORY_LEVEL, PngEncoder
from bridge.scanner.model import ColorMode, Resolution

GROUP = "PNG of a page of text"
DPI = 300
WIDTH, HEIGHT = 2480, 3508
SHARE = 0.25
"""The most that the file may be of the page's pixels."""

LETTERS = 11
"""Height in pixels of the letters that are drawn, before they are enlarged to print of about 10 points."""

ENLARGED = 4
ROWS_AT_ONCE = 32
LEVELS = (1, 3, 6)


def text_page(*, noise: int) -> bytes:
    """A page of 45 lines in colour, as a scanner delivers it; paper and ink vary by `noise` levels up and down."""
    source = random.Random(4)
    page = Image.new("L", (WIDTH // ENLARGED, HEIGHT // ENLARGED), 250)
    pen = ImageDraw.Draw(page)
    for line in range(45):
        words = ["".join(source.choices("etaoinshrdlu", k=source.randrange(2, 9))) for _ in range(14)]
        pen.text((50, 60 + line * (LETTERS + 5)), " ".join(words)[:86], fill=30)
    large = page.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    pixels: bytes = Image.merge("RGB", (large, large, large)).tobytes()
    if not noise:
        return pixels
    grain = Image.frombytes("L", (WIDTH * 3, HEIGHT), source.randbytes(len(pixels))).point(
        [level % (2 * noise + 1) for level in range(256)]
    )
    return bytes(map(int.__add__, (min(value, 255 - 2 * noise) for value in pixels), grain.tobytes()))


def rows(rounds: int) -> Iterator[Row]:
    """A row for clean paper and one for grainy paper, which only tells; then zlib alone at other levels."""
    for name, noise in (("clean paper", 0), ("paper that varies by 2 levels", 1)):
        pixels = text_page(noise=noise)
        taken = []
        for _ in range(rounds):
            begun = time.perf_counter()
            size = encoded_size(pixels)
            taken.append(time.perf_counter() - begun)
        targets = {} if noise else {"share": SHARE}
        yield Row(
            GROUP, f"{name}, as the bridge makes it", _figures(size, pixels, taken), "one thread: zlib", targets
        )
        for level in LEVELS:
            taken = []
            for _ in range(1 if level > LEVEL else rounds):
                begun = time.perf_counter()
                deflate = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS, MEMORY_LEVEL)
                size = len(deflate.compress(pixels)) + len(deflate.flush())
                taken.append(time.perf_counter() - begun)
            yield Row(GROUP, f"{name}, zlib level {level}", _figures(size, pixels, taken), "one thread: zlib")


def _figures(size: int, pixels: bytes, taken: list[float]) -> dict[str, float | int | None]:
    return {"share": size / len(pixels), "file_mib": size / 2**20, "encode_ms": median(taken) * MS}


def encoded_size(pixels: bytes) -> int:
    """Bytes of the PNG that the bridge makes of a page."""
    page = Page(WIDTH, HEIGHT, ColorMode.RGB_24, Resolution(DPI, DPI))
    encoder = PngEncoder(page)
    size = len(encoder.begin())
    step = page.row_bytes * ROWS_AT_ONCE
    for at in range(0, len(pixels), step):
        size += len(encoder.rows(pixels[at : at + step]))
    return size + sum(map(len, encoder.end()))
