"""Whether two pages show the same picture, although one of them went through a JPEG.

A JPEG keeps the colour of each 2 x 2 pixels only, and SANE's colour pattern has cells of 5 x 5: pixel by pixel its
red differs by 22 of 255 after an honest compression, which is too near to the 34 of a shift by one line. So two things
are compared, each where the JPEG is faithful:

* the luma of every pixel, which tells a shift by one line or one pixel;
* each channel as means of 4 x 4 pixels, which tells swapped channels and a channel that has slipped by a line.

Both are mean absolute differences, taken over bands of 64 lines and of 64 columns so that a flaw in a small part of a
page is not averaged away, and the worst band counts. Luma is also taken over the outermost 8 lines and columns alone.

Measured on pages of 75, 150 and 300 dpi in colour and gray, of 255, the worst of all:

                                           luma       edge       4 x 4 means of a channel
    limit                                  9          10         12
    same page, through the bridge          3.7        4.0        7.3
    same page, Pillow's JPEG, quality 75   5.6        6.2        7.7
    shifted by one line or one pixel       21.5 up    20.9 up    -
    one channel slipped by one line        -          -          18.0 up
    two channels swapped                   11.6 up    14.8 up    54.5 up
    one line lost, 40 above the end        12.6 up    14.1 up    -
    last line or column white              -          20.1 up    -

A slip of blue alone by one pixel sideways (10.1) is below the limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Page: TypeAlias = npt.NDArray[np.uint8]
"""Lines x pixels x channels, one or three of them."""

LUMA_LIMIT = 9.0
"""Largest luma difference of a band."""

EDGE_LIMIT = 10.0
"""Largest luma difference of the outermost lines and columns, whose average is over few pixels."""

CHANNEL_LIMIT = 12.0
"""Largest difference of a channel in a band, in means of cells."""

BAND = 64
EDGE = 8
CELL = 4

_LUMA = np.array((0.299, 0.587, 0.114), dtype=np.float32)


class DifferentPage(AssertionError):
    """Two pages do not show the same."""


@dataclass(frozen=True)
class Difference:
    """How far two pages of the same size are from each other; 0 to 255, each of the worst band."""

    luma: float
    edge: float
    channels: tuple[float, ...]

    @property
    def same(self) -> bool:
        """Whether they show the same."""
        return self.luma <= LUMA_LIMIT and self.edge <= EDGE_LIMIT and max(self.channels) <= CHANNEL_LIMIT


def read_page(path: Path) -> Page:
    """The picture in a file, whole. Raises OSError when it is cut short."""
    with Image.open(path) as image:
        return page_of(image)


def page_of(image: Image.Image) -> Page:
    """The pixels of an image in gray or RGB."""
    assert image.mode in ("L", "RGB"), image.mode
    pixels = np.asarray(image)
    return pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels


def difference(page: Page, original: Page) -> Difference:
    """Compare two pages. Raises DifferentPage when their sizes or channels differ."""
    if page.shape != original.shape:
        raise DifferentPage(f"the page is {_size(page)} instead of {_size(original)}")
    lines = [_strip(page[top : top + BAND], original[top : top + BAND]) for top in _starts(page.shape[0])]
    columns = [
        _strip(page[:, left : left + BAND], original[:, left : left + BAND]) for left in _starts(page.shape[1])
    ]
    edges = [
        _strip(page[part], original[part])[0]
        for part in (np.s_[:EDGE], np.s_[-EDGE:], np.s_[:, :EDGE], np.s_[:, -EDGE:])
    ]
    strips = lines + columns
    return Difference(
        luma=max(luma for luma, _ in strips),
        edge=max(edges),
        channels=tuple(max(column) for column in zip(*(channels for _, channels in strips), strict=True)),
    )


def assert_same_page(page: Page, original: Page) -> None:
    """Raise DifferentPage, with the measured difference, unless both pages show the same."""
    found = difference(page, original)
    if not found.same:
        raise DifferentPage(f"the pages differ: {found}")


def _strip(page: Page, original: Page) -> tuple[float, tuple[float, ...]]:
    """The mean differences of one band: of luma, and of each channel in means of cells."""
    change = page.astype(np.float32) - original.astype(np.float32)
    luma = change @ _LUMA if change.shape[2] == 3 else change[:, :, 0]
    height, width, channels = (change.shape[0] // CELL, change.shape[1] // CELL, change.shape[2])
    cells = change[: height * CELL, : width * CELL].reshape(height, CELL, width, CELL, channels).mean(axis=(1, 3))
    return float(np.abs(luma).mean()), tuple(np.abs(cells).mean(axis=(0, 1)).tolist())


def _starts(length: int) -> list[int]:
    """Where bands begin that cover `length`; the last may overlap the one before, so that none is thin."""
    last = max(0, length - BAND)
    return [*range(0, last, BAND), last]


def _size(page: Page) -> str:
    return f"{page.shape[1]} x {page.shape[0]} pixels with {page.shape[2]} channels"
