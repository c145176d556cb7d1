"""Where the pixels are from: scanners whose windows are coarse, in pixels or fixed, through the real libsane.

The chaos scanner's every pixel is known, so that the place can be told exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bridge.scanner.model import ColorMode, Format, Region
from tests.chaos import picture
from tests.chaos.order import Order, write_order
from tests.unit.imaging.files import read_pnm, run
from tests.unit.scanner.direct import request_for
from tests.unit.scanner.scan_process import ScanProcess

BED = (216.0, 297.0)
WINDOWS = {
    "fine": {},
    "coarse": {"grid": 4.0},
    "very coarse": {"grid": 25.4},
    "in pixels": {"units": "pixel"},
    "fixed": {"fixed_window": True},
    "fixed and coarse": {"fixed_window": True, "grid": 10.0},
}


@pytest.fixture(scope="module")
def scans(chaos_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScanProcess]:
    """A process that scans on it."""
    with ScanProcess(tmp_path_factory.mktemp("scans"), "chaos:0", str(chaos_folder)) as process:
        yield process


def gray_of(png: bytes) -> Image.Image:
    (decoded,) = read_pnm(run("pngtopnm", input=png))
    return Image.frombytes("L", (decoded.width, decoded.height), decoded.data)


def misplaced(image: Image.Image, page: int, left: int, top: int) -> tuple[int, int] | None:
    """By how many pixels `image` lies beside its place, which is `left`, `top`; None when it is somewhere else."""
    for down in (0, -1, 1):
        for right in (0, -1, 1):
            expected = picture.gray(page, image.width, image.height, left + right, top + down)
            if image.tobytes() == expected.tobytes():
                return right, down
    return None


@pytest.mark.conformance(194, 195)
@pytest.mark.parametrize("window", WINDOWS)
def test_any_region_at_any_resolution_is_from_its_place(scans: ScanProcess, chaos_folder: Path, window: str) -> None:
    """The promised pixels come from the promised place, to a pixel's rounding, whatever window the device takes."""

    # Windows on a grid of 4 mm end at 296 mm at the latest; what a scanner cannot reach is white.
    lowest = 11600 if window == "coarse" else 11690

    @settings(deadline=None, max_examples=40, database=None, derandomize=True)
    @given(resolution=st.integers(50, 300), data=st.data())
    def check(resolution: int, data: st.DataObject) -> None:
        write_order(chaos_folder, Order(resolutions=[resolution], bed=BED, **WINDOWS[window]))
        longest = min(3000, 120 * 1000 // resolution)
        width, height = data.draw(st.integers(40, longest)), data.draw(st.integers(40, longest))
        left, top = data.draw(st.integers(0, 8500 - width)), data.draw(st.integers(0, lowest - height))
        region = Region(left, top, width, height)
        asked = request_for(Format.PNG, ColorMode.GRAYSCALE_8, resolution, region)
        image = gray_of(scans.scan(asked))
        assert image.size == (asked.width, asked.height)
        left, top = (round(place * resolution / 1000) for place in (region.x, region.y))
        assert misplaced(image, picture.GLASS, left, top) is not None

    check()


def test_what_lies_outside_of_a_fixed_window_is_white(scans: ScanProcess, chaos_folder: Path) -> None:
    """A promise that goes beyond the bed is kept with white."""
    write_order(chaos_folder, Order(resolutions=[100], bed=(100.0, 100.0), fixed_window=True))
    asked = request_for(Format.PNG, ColorMode.GRAYSCALE_8, 100, Region(3000, 3500, 2000, 1000))
    image = gray_of(scans.scan(asked))
    inside = (94, 44)
    assert misplaced(image.crop((0, 0, *inside)), picture.GLASS, 300, 350) is not None
    assert image.crop((95, 0, 200, 100)).getextrema() == (255, 255)
    assert image.crop((0, 45, 200, 100)).getextrema() == (255, 255)
