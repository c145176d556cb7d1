"""The same page without the bridge: SANE's own scanimage, a bare `sane_read` loop, and SANE's own start."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.client import Page
from benchmarks.daemon import PYTHON, ROOT, VIRTUAL

_FORMATS = {"jfif": "jpeg", "exif": "jpeg", "pdf-a": "jpeg", "png": "png"}
_MODES = {
    "RGB24": ("Color", 8),
    "RGB48": ("Color", 16),
    "Grayscale8": ("Gray", 8),
    "Grayscale16": ("Gray", 16),
    "BlackAndWhite1": ("Gray", 1),
}

FEEDER = "Automatic Document Feeder"
"""What SANE's virtual scanner calls its feeder."""

_READ_BYTES = 65536
"""What the loop reads at once, as C programs do."""

_LOOP = """
import ctypes, json, os, time
import sane
from bridge.scanner.handle import handle_of, load_library
sane.init()
device = sane.open("test:0")
{settings}
library, handle = load_library(), handle_of(device.dev)
buffer, got = ctypes.create_string_buffer({size}), ctypes.c_int()
begun = time.perf_counter()
device.start()
device.dev.get_parameters()
started = time.perf_counter()
while not library.sane_read(handle, buffer, {size}, ctypes.byref(got)):
    pass
print(json.dumps([started - begun, time.perf_counter() - begun]), flush=True)
os._exit(0)
"""


def kind_of(page: Page) -> str:
    """The format in which scanimage's page is the fair comparison: PNM for all that is not compressed alike."""
    bilevel = page.color == "BlackAndWhite1"
    return "pnm" if bilevel and page.format != "png" else _FORMATS.get(page.format, "pnm")


def scanimage(page: Page, kind: str, *, device: str = "test:0", sane: Path = VIRTUAL) -> float:
    """Seconds that `scanimage` takes for `page` in its format `kind`, into nothing."""
    begun = time.perf_counter()
    with open(os.devnull, "wb") as nothing:
        subprocess.run(
            [*_command(page, kind, device), f"--format={kind}"],
            check=True,
            stdout=nothing,
            stderr=subprocess.DEVNULL,
            env=_environment(sane),
        )
    return time.perf_counter() - begun


def scanimage_batch(page: Page, kind: str, pages: int) -> float:
    """Seconds that `scanimage` takes for so many pages from the feeder, into files."""
    with tempfile.TemporaryDirectory() as directory:
        begun = time.perf_counter()
        subprocess.run(
            [
                *_command(page, kind, "test:0"),
                f"--format={kind}",
                f"--source={FEEDER}",
                f"--batch={directory}/%d",
                f"--batch-count={pages}",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(VIRTUAL),
        )
        return time.perf_counter() - begun


def sane_loop(page: Page) -> tuple[float, float]:
    """Seconds from `sane_start` until the scanner knows its parameters, and until a bare loop has read the page."""
    code = _LOOP.format(settings=scan_settings(page), size=_READ_BYTES)
    done = subprocess.run([PYTHON, "-c", code], check=True, capture_output=True, text=True, env=virtual_scanner())
    start, whole = json.loads(done.stdout)
    return float(start), float(whole)


def scan_settings(page: Page) -> str:
    """What sets python-sane's `device` up for `page`, as a line of Python."""
    mode, depth = _MODES[page.color]
    values = (mode, depth, page.dpi, page.width_mm, page.height_mm)
    return f"device.mode, device.depth, device.resolution, device.br_x, device.br_y = {values!r}"


def virtual_scanner() -> dict[str, str]:
    """The environment of a process of ours that uses SANE's virtual scanner."""
    return {**_environment(VIRTUAL), "PYTHONPATH": str(ROOT)}


def _command(page: Page, kind: str, device: str) -> list[str]:
    mode, depth = _MODES[page.color]
    if kind == "jpeg":
        # scanimage has no option for the quality of its JPEG: it is libjpeg's own, 75.
        assert page.quality == 75, "only comparable at quality 75"
    return [
        "scanimage",
        f"--device-name={device}",
        f"--mode={mode}",
        f"--depth={depth}",
        f"--resolution={page.dpi}",
        f"-x{page.width_mm}",
        f"-y{page.height_mm}",
    ]


def _environment(sane: Path) -> dict[str, str]:
    return {**os.environ, "SANE_CONFIG_DIR": str(sane)}
