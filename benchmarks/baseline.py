"""The same page without the bridge: SANE's own scanimage, on the same virtual scanner."""

from __future__ import annotations

import os
import subprocess
import time

from benchmarks.client import Page
from benchmarks.daemon import ROOT

VIRTUAL = ROOT / "bridge" / "scanner" / "sane.d" / "virtual"
_FORMATS = {"jfif": "jpeg", "exif": "jpeg", "png": "png"}
_MODES = {"RGB24": "Color", "Grayscale8": "Gray"}


def scanimage(page: Page, kind: str | None = None) -> float:
    """Seconds that `scanimage` takes for `page`, as a file of `kind` (its own choice for the page's format)."""
    command = [
        "scanimage",
        "-d",
        "test:0",
        f"--mode={_MODES[page.color]}",
        "--depth=8",
        f"--resolution={page.dpi}",
        f"-x{page.width_mm}",
        f"-y{page.height_mm}",
        f"--format={kind or _FORMATS.get(page.format, 'pnm')}",
    ]
    environment = {**os.environ, "SANE_CONFIG_DIR": str(VIRTUAL)}
    begun = time.perf_counter()
    with open(os.devnull, "wb") as nothing:
        subprocess.run(command, check=True, stdout=nothing, stderr=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - begun
