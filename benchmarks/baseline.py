"""The same page without the bridge: SANE's own scanimage, and SANE's own start, on the same virtual scanner."""

from __future__ import annotations

import os
import subprocess
import time

from benchmarks.client import Page
from benchmarks.daemon import PYTHON, ROOT

VIRTUAL = ROOT / "bridge" / "scanner" / "sane.d" / "virtual"
_FORMATS = {"jfif": "jpeg", "exif": "jpeg", "pdf-a": "jpeg", "png": "png"}
_MODES = {
    "RGB24": ("Color", 8),
    "RGB48": ("Color", 16),
    "Grayscale8": ("Gray", 8),
    "Grayscale16": ("Gray", 16),
    "BlackAndWhite1": ("Gray", 1),
}

_START = """
import sane, time
sane.init()
device = sane.open("test:0")
device.mode, device.depth, device.resolution = {mode!r}, {depth}, {dpi}
begun = time.perf_counter()
device.start()
device.dev.get_parameters()
print(time.perf_counter() - begun, flush=True)
time.sleep(0.01)
import os
os._exit(0)
"""


def kind_of(page: Page) -> str:
    """The format in which scanimage's page is the fair comparison: PNM for all that is not compressed alike."""
    bilevel = page.color == "BlackAndWhite1"
    return "pnm" if bilevel and page.format != "png" else _FORMATS.get(page.format, "pnm")


def scanimage(page: Page, *, piped: bool = False) -> float:
    """Seconds that `scanimage` takes for `page`, into nothing or, `piped`, into a process that reads it."""
    mode, depth = _MODES[page.color]
    command = [
        "scanimage",
        "-d",
        "test:0",
        f"--mode={mode}",
        f"--depth={depth}",
        f"--resolution={page.dpi}",
        f"-x{page.width_mm}",
        f"-y{page.height_mm}",
        f"--format={kind_of(page)}",
    ]
    begun = time.perf_counter()
    if piped:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
        ) as process:
            assert process.stdout is not None
            buffer = bytearray(1 << 20)
            while process.stdout.readinto(buffer):  # type: ignore[attr-defined]
                pass
        if process.returncode:
            raise SystemExit("scanimage failed")
    else:
        with open(os.devnull, "wb") as nothing:
            subprocess.run(command, check=True, stdout=nothing, stderr=subprocess.DEVNULL, env=_environment())
    return time.perf_counter() - begun


def sane_start(page: Page) -> float:
    """Seconds that the scanner takes from `sane_start` until it knows its parameters, without any code of ours."""
    mode, depth = _MODES[page.color]
    code = _START.format(mode=mode, depth=depth, dpi=page.dpi)
    done = subprocess.run([PYTHON, "-c", code], check=True, capture_output=True, text=True, env=_environment())
    return float(done.stdout)


def _environment() -> dict[str, str]:
    return {**os.environ, "SANE_CONFIG_DIR": str(VIRTUAL)}
