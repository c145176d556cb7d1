"""The same page without any code of ours, and whether a file shows it in the eyes of independent decoders."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from bridge.imaging.encoder import Page
from bridge.scanner.model import ColorMode, Format, InputSource, Region, Resolution, ScanRequest, pixels
from tests.unit.imaging.files import clean, read_pnm
from tests.unit.imaging.independent import decodings
from tests.unit.scanner.sane_process import HANG_GUARD_S, environment

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
