"""Every format, colour, resolution and region that is published, decoded by others and compared with the bare scanner.

The bare scanner is `scanimage` on the same backend: it shares libsane with us and nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageStat

from bridge.imaging.encoder import Page
from bridge.imaging.formats import FORMAT_COLORS
from bridge.scanner.model import ColorMode, Format, InputSource, Region, Resolution, ScanRequest, pixels
from tests.chaos.order import Order, write_order
from tests.unit.imaging.files import clean, read_pnm
from tests.unit.imaging.independent import decodings
from tests.unit.scanner.sane_process import HANG_GUARD_S, environment
from tests.unit.scanner.scan_process import ScanProcess
from tests.unit.scanner.worker_process import WorkerUnderTest

LEAST = 500
"""Shortest side in 1/1000 inch that is asked of a device; less is cut out of it (tests of options)."""

COMBINATIONS = [(name, color) for name in FORMAT_COLORS for color in sorted(FORMAT_COLORS[name], key=lambda c: c.value)]

LOSS = 1.2
"""Mean difference of a sample that JPEG may make at its best quality."""

MODES = {
    "chaos:0": {
        ColorMode.RGB_24: ("--mode=Color", "--depth=8"),
        ColorMode.GRAYSCALE_8: ("--mode=Gray", "--depth=8"),
        ColorMode.BLACK_AND_WHITE_1: ("--mode=Lineart",),
        ColorMode.RGB_48: ("--mode=Color", "--depth=16"),
        ColorMode.GRAYSCALE_16: ("--mode=Gray", "--depth=16"),
    },
    "test:0": {
        ColorMode.RGB_24: ("--mode=Color", "--depth=8"),
        ColorMode.GRAYSCALE_8: ("--mode=Gray", "--depth=8"),
        ColorMode.BLACK_AND_WHITE_1: ("--mode=Gray", "--depth=1"),
        ColorMode.RGB_48: ("--mode=Color", "--depth=16"),
        ColorMode.GRAYSCALE_16: ("--mode=Gray", "--depth=16"),
    },
}
ONLY_MODES = """
import bridge.scanner.options as options
every = options.modes
options.modes = lambda all: tuple(mode for mode in every(all) if (mode.channels, mode.depth) == {shape})
"""
"""Plays a scanner that has no other way to scan; the frames still come from the real backend."""

SOURCES = {InputSource.ADF: "ADF", InputSource.ADF_DUPLEX: "ADF Duplex"}


def request_for(name: Format, color: ColorMode, resolution: int, region: Region) -> ScanRequest:
    return ScanRequest(
        InputSource.PLATEN,
        color,
        name,
        Resolution(resolution, resolution),
        region,
        pixels(region.width, resolution),
        pixels(region.height, resolution),
        quality=100,
    )


def page_of(asked: ScanRequest) -> Page:
    return Page(asked.width, asked.height, asked.color, asked.resolution)


def directly(device: str, asked: ScanRequest, config: str | None = None, batch: Path | None = None) -> list[bytes]:
    """The promised rows of the page that scanimage delivers, or of a stack into the folder `batch`.

    It scans a pixel more, as we do.
    """
    resolution, region = asked.resolution.width, asked.region
    lengths = (region.x, region.y, region.width, region.height)
    left, top, width, height = (length / 1000 * 25.4 for length in lengths)
    more = 25.4 / resolution
    geometry = [f"-l{left}", f"-t{top}", f"-x{width + more}", f"-y{height + more}"]
    command = ["scanimage", "-d", device, "--format=pnm", f"--resolution={resolution}", *MODES[device][asked.color]]
    options = [] if batch is None else [f"--source={SOURCES[asked.source]}", f"--batch={batch}/%02d.pnm"]
    done = subprocess.run(
        [*command, *options, *geometry], env=environment(config), capture_output=True, timeout=HANG_GUARD_S, check=False
    )
    pages = [done.stdout] if batch is None else [path.read_bytes() for path in sorted(batch.glob("*.pnm"))]
    assert all(pages), done.stderr
    page, found = page_of(asked), []
    for picture in (picture for data in pages for picture in read_pnm(data)):
        assert (picture.channels, picture.depth) == (asked.color.channels, asked.color.depth)
        stride = len(picture.data) // picture.height
        rows = [picture.data[at : at + page.row_bytes] for at in range(0, stride * asked.height, stride)]
        assert len(rows) == asked.height
        found.append(b"".join(clean(row, page) for row in rows))
    return found


def assert_same_pages(asked: ScanRequest, file: bytes, expected: list[bytes]) -> None:
    """Every decoder sees the same pages: sample by sample, or within the loss of the format."""
    page = page_of(asked)
    lossy = asked.format.lossy and asked.color.depth == 8
    seen = 0
    for decoder, pictures in decodings(asked.format, page, file):
        seen += 1
        assert len(pictures) == len(expected), decoder
        for picture, original in zip(pictures, expected, strict=True):
            if lossy:
                assert_nearest(picture, original, page)
            else:
                assert picture == original, decoder
    assert seen >= 2


def assert_nearest(picture: bytes, original: bytes, page: Page) -> None:
    """The two differ by LOSS at most, and each shift by a pixel makes them differ more."""
    shape = (page.height, page.width, page.color.channels)
    seen, wanted = (np.frombuffer(data, np.uint8).reshape(shape).astype(int) for data in (picture, original))

    def distance(down: int, right: int) -> float:
        rows, columns = slice(1 + down, page.height - 1 + down), slice(1 + right, page.width - 1 + right)
        return float(np.abs(seen[1:-1, 1:-1] - wanted[rows, columns]).mean())

    here = distance(0, 0)
    assert here <= LOSS
    assert all(distance(*shift) > here for shift in ((-1, 0), (1, 0), (0, -1), (0, 1)))


# -- the backend whose every pixel is known ------------------------------------------------------


@pytest.fixture(scope="module")
def chaos_config(chaos_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """SANE's configuration for a well-behaved chaos scanner, which every process started meanwhile finds."""
    folder = tmp_path_factory.mktemp("formats")
    write_order(folder, Order(sheets=3))
    inherited = os.environ.get("LD_LIBRARY_PATH")
    with pytest.MonkeyPatch.context() as patch:
        searched = [str(chaos_library.parent), *([inherited] if inherited else [])]
        patch.setenv("LD_LIBRARY_PATH", ":".join(searched))
        yield str(folder)


@pytest.fixture(scope="module")
def chaos_scans(chaos_config: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScanProcess]:
    """A process that scans on it."""
    with ScanProcess(tmp_path_factory.mktemp("scans"), "chaos:0", chaos_config) as process:
        yield process


def regions(resolution: int) -> st.SearchStrategy[Region]:
    """Regions anywhere on the bed of about 400 pixels at most in either direction."""
    longest = min(8000, max(LEAST, 400 * 1000 // resolution))
    side = st.integers(LEAST, longest)
    return st.builds(Region, st.integers(0, 450), st.integers(0, 3000), side, side)


@pytest.mark.conformance(194, 195, 209)
@pytest.mark.parametrize(("name", "color"), COMBINATIONS, ids=lambda value: value.value)
def test_any_region_at_any_resolution(
    chaos_scans: ScanProcess, chaos_config: str, name: Format, color: ColorMode
) -> None:
    """Whatever is asked for, at least two decoders see the promised size and the pixels of the bare scanner."""

    @settings(deadline=None, max_examples=3, database=None)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        resolution = data.draw(st.sampled_from([75, 100, 150, 300, 600, 1200]))
        asked = request_for(name, color, resolution, data.draw(regions(resolution)))
        assert_same_pages(asked, chaos_scans.scan(asked), directly("chaos:0", asked, chaos_config))

    check()


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
