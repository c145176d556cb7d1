"""Every format, colour, resolution and region that is published, decoded by others and compared with the bare scanner.

The bare scanner is `scanimage` on the same backend: it shares libsane with us and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageStat

from bridge.imaging.encoder import Page
from bridge.imaging.formats import FORMAT_COLORS
from bridge.scanner.model import ColorMode, Format, InputSource, Region
from tests.chaos.fixtures import show
from tests.chaos.order import Order, write_order
from tests.unit.imaging.files import clean
from tests.unit.scanner.direct import assert_same_pages, directly, page_of, request_for
from tests.unit.scanner.scan_process import ScanProcess
from tests.unit.scanner.worker_process import WorkerUnderTest

LEAST = 500
"""Shortest side in 1/1000 inch that is asked of a device; less is cut out of it (tests of options)."""

RESOLUTIONS = (75, 100, 150, 300, 600, 1200)
"""All that the chaos scanner has."""

COMBINATIONS = [(name, color) for name in FORMAT_COLORS for color in sorted(FORMAT_COLORS[name], key=lambda c: c.value)]

ONLY_MODES = """
import bridge.scanner.options as options
every = options.modes
options.modes = lambda all: tuple(mode for mode in every(all) if (mode.channels, mode.depth) == {shape})
"""
"""Plays a scanner that has no other way to scan; the frames still come from the real backend."""


# -- the backend whose every pixel is known ------------------------------------------------------


@pytest.fixture(scope="module")
def chaos_config(chaos_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """SANE's configuration for a well-behaved chaos scanner, which every process started meanwhile finds."""
    folder = tmp_path_factory.mktemp("formats")
    write_order(folder, Order(sheets=3))
    with pytest.MonkeyPatch.context() as patch:
        show(chaos_library, patch)
        yield str(folder)


@pytest.fixture(scope="module")
def chaos_scans(chaos_config: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScanProcess]:
    """A process that scans on it."""
    with ScanProcess(tmp_path_factory.mktemp("scans"), "chaos:0", chaos_config) as process:
        yield process


def regions(resolution: int) -> st.SearchStrategy[Region]:
    """Regions anywhere on the bed of about 400 pixels at most in either direction.

    None begins half-way between two pixels: there scanimage and python-sane round SANE's fixed-point numbers apart.
    """

    def offset(most: int) -> st.SearchStrategy[int]:
        return st.integers(0, most).filter(lambda place: place * resolution % 1000 != 500)

    longest = min(8000, max(LEAST, 400 * 1000 // resolution))
    side = st.integers(LEAST, longest)
    return st.builds(Region, offset(450), offset(3000), side, side)


@pytest.mark.conformance(194, 195, 209)
@pytest.mark.parametrize(("name", "color"), COMBINATIONS, ids=lambda value: value.value)
def test_any_region_at_any_resolution(
    chaos_scans: ScanProcess, chaos_config: str, name: Format, color: ColorMode
) -> None:
    """At each resolution, for regions anywhere, at least two decoders see the bare scanner's pixels, all of them."""

    @settings(deadline=None, max_examples=3, database=None)
    @given(st.fixed_dictionaries({resolution: regions(resolution) for resolution in RESOLUTIONS}))
    def check(everywhere: dict[int, Region]) -> None:
        for resolution, region in everywhere.items():
            asked = request_for(name, color, resolution, region)
            assert_same_pages(asked, chaos_scans.scan(asked), directly("chaos:0", asked, chaos_config))

    check()


@pytest.mark.conformance(194, 195)
@pytest.mark.parametrize("lies", [{"unknown": 1}, {"lines": -40}, {"lines": 40}], ids=str)
@pytest.mark.parametrize(("name", "color"), COMBINATIONS, ids=lambda value: getattr(value, "value", ""))
def test_a_height_that_is_not_told_or_wrong(
    chaos_scans: ScanProcess, chaos_config: str, name: Format, color: ColorMode, lies: dict[str, int]
) -> None:
    """Every format keeps its promise though the scanner says that it does not know its lines, or says it wrong."""
    asked = request_for(name, color, 100, Region(700, 900, 1500, 1700))
    expected = directly("chaos:0", asked, chaos_config)
    write_order(Path(chaos_config), Order(lies=lies))
    try:
        file = chaos_scans.scan(asked)
    finally:
        write_order(Path(chaos_config), Order(sheets=3))
    assert_same_pages(asked, file, expected)


@pytest.mark.conformance(202)
@pytest.mark.parametrize(("name", "color"), [pair for pair in COMBINATIONS if pair[0].multi_page])
@pytest.mark.parametrize("source", [InputSource.ADF, InputSource.ADF_DUPLEX])
def test_a_stack_becomes_one_file(
    chaos_config: str, tmp_path: Path, name: Format, color: ColorMode, source: InputSource
) -> None:
    """All sides of a stack are in one file, in their order, each with the pixels of the bare scanner."""
    asked = replace(request_for(name, color, 75, Region(100, 200, 1500, 2100)), source=source, images=0)
    with ScanProcess(tmp_path, "chaos:0", chaos_config) as process:
        file = process.scan(asked)
    folder = tmp_path / "direct"
    folder.mkdir()
    expected = directly("chaos:0", asked, chaos_config, folder)
    assert len(expected) == (6 if source is InputSource.ADF_DUPLEX else 3)
    assert len(set(expected)) == len(expected)
    assert_same_pages(asked, file, expected)


# -- SANE's test backend, by real workers --------------------------------------------------------


@pytest.mark.conformance(194, 195)
@pytest.mark.parametrize(("name", "color"), COMBINATIONS, ids=lambda value: value.value)
def test_a_worker_delivers_what_scanimage_does(name: Format, color: ColorMode) -> None:
    """A whole worker, from command to pipe, delivers every combination with the pixels of the bare scanner."""
    asked = request_for(name, color, 150, Region(250, 500, 1501, 2203))
    with WorkerUnderTest() as worker:
        worker.open(asked)
        _, file = worker.scan()
    assert_same_pages(asked, file, directly("test:0", asked))


@pytest.mark.conformance(209)
@pytest.mark.parametrize("shape", [(1, 8), (3, 8), (1, 16)])
def test_black_and_white_without_lineart(shape: tuple[int, int]) -> None:
    """A scanner without lineart delivers black where its gray is darker than half, and white elsewhere."""
    asked = request_for(Format.PNG, ColorMode.BLACK_AND_WHITE_1, 150, Region(250, 500, 1501, 2203))
    with WorkerUnderTest(patch=ONLY_MODES.format(shape=shape)) as worker:
        worker.open(asked)
        _, file = worker.scan()
    delivered = {(1, 8): ColorMode.GRAYSCALE_8, (3, 8): ColorMode.RGB_24, (1, 16): ColorMode.GRAYSCALE_16}[shape]
    (picture,) = directly("test:0", replace(asked, color=delivered))
    if shape == (3, 8):
        picture = Image.frombytes("RGB", (asked.width, asked.height), picture).convert("L").tobytes()
    elif shape == (1, 16):
        picture = picture[1 if sys.byteorder == "little" else 0 :: 2]
    levels = Image.frombytes("L", (asked.width, asked.height), picture).point(lambda level: 255 * (level >= 128))
    assert 0.05 < ImageStat.Stat(levels).mean[0] / 255 < 0.95
    assert_same_pages(asked, file, [clean_rows(levels.convert("1").tobytes(), page_of(asked))])


def clean_rows(data: bytes, page: Page) -> bytes:
    """Rows with the unused bits at their ends cleared."""
    return b"".join(clean(data[at : at + page.row_bytes], page) for at in range(0, len(data), page.row_bytes))
