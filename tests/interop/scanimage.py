"""Debian's scanimage: as a client of the bridge through sane-airscan, and on the virtual scanner itself."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.scanner.configuration import config_directory
from tests.interop.comparison import Page, read_page
from tests.interop.daemon import HANG_S, Launch, here

NAME = "Bridge"
"""What a scanner with a static URL is called."""


@dataclass(frozen=True)
class Ended:
    """A run of scanimage that is over: its exit status, what it printed and what it complained of."""

    status: int
    printed: str
    messages: str


class Scanimage:
    """Runs of scanimage on `device`, or on the first that SANE finds.

    The SANE configuration is in `sane_config_dir`, and files go below `directory`.

    `options` come with every scan; `launch` decides the machine.
    """

    def __init__(
        self,
        directory: Path,
        sane_config_dir: str,
        device: str | None = None,
        *options: str,
        launch: Launch = here,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._directory = _folder(directory, "pages")
        self._options = options if device is None else (f"--device-name={device}", *options)
        self._launch = launch
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SANE_")},
            "LC_ALL": "C.UTF-8",
            "SANE_CONFIG_DIR": sane_config_dir,
            **(environment or {}),
        }
        self._count = 0

    def page(self, *options: str) -> Page:
        """Scan one page, which must succeed."""
        return self.page_of(self.start(*options))

    def start(self, *options: str) -> Scan:
        """Begin to scan one page."""
        self._count += 1
        file = self._directory / f"page-{self._count}.pnm"
        with open(file, "wb") as output:
            process = self._run("--format=pnm", *self._options, *options, stdout=output)
        return Scan(process, file)

    def page_of(self, scan: Scan) -> Page:
        """The page of a scan, which must succeed."""
        ended = scan.end()
        assert ended.status == 0, ended
        page = read_page(scan.file)
        scan.file.unlink()
        return page

    def batch(self, *options: str) -> tuple[Ended, list[Page]]:
        """Scan until the feeder is empty; the pages in order."""
        self._count += 1
        folder = self._directory / f"batch-{self._count}"
        folder.mkdir()
        words = ("--format=pnm", *self._options, *options, f"--batch={folder}/%d.pnm")
        ended = Scan(self._run(*words, stdout=subprocess.PIPE), folder).end()
        numbers = sorted(int(file.stem) for file in folder.iterdir())
        assert numbers == list(range(1, len(numbers) + 1)), numbers
        return ended, [read_page(folder / f"{number}.pnm") for number in numbers]

    def search(self) -> Scan:
        """Begin to look for devices, which are printed in the end."""
        return Scan(self._run("-L", stdout=subprocess.PIPE), self._directory)

    def _run(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        return self._launch(
            "scanimage",
            *words,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            **options,
        )


@dataclass(frozen=True)
class Scan:
    """A run of scanimage under way, and the file it writes to."""

    process: subprocess.Popen[str]
    file: Path

    def end(self) -> Ended:
        """Wait for its end."""
        try:
            printed, messages = self.process.communicate(timeout=HANG_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            printed, messages = self.process.communicate()
            raise AssertionError(f"this hangs: {self.process.args}: {messages}") from None
        return Ended(self.process.returncode, printed or "", messages)

    def abandon(self) -> None:
        """End it, unless it has ended by itself."""
        self.process.kill()
        self.process.communicate()


def static_client(directory: Path, url: str, launch: Launch = here) -> Scanimage:
    """A client by sane-airscan that was told the URL of the scan service."""
    folder = _airscan(directory, f'[devices]\n"{NAME}" = {url}, WSD\n[options]\ndiscovery = disable\n')
    return Scanimage(directory, folder, f"airscan:w0:{NAME}", launch=launch)


def virtual_scanner(directory: Path) -> Scanimage:
    """The daemon's virtual scanner without the daemon."""
    return Scanimage(directory, config_directory("virtual"), "test:0", "--depth=8")


def discovery_configuration(directory: Path) -> str:
    """SANE_CONFIG_DIR of a client by sane-airscan that searches the network for WSD alone."""
    return _airscan(directory, "[options]\ndiscovery = enable\nws-discovery = full\n")


def bed_mm() -> str:
    """The side of the virtual scanner's square bed, in millimetres."""
    text = Path(config_directory("virtual"), "test.conf").read_text(encoding="ascii")
    found = re.search(r"^geometry_max (\S+)$", text, re.MULTILINE)
    assert found is not None
    return found[1]


def slow_scanner(directory: Path) -> str:
    """A SANE configuration with the virtual scanner, but slow.

    It pauses 0.03 s for each of its buffers: 1 s for a page of 75 dpi in colour, 3 s in gray, 50 s at 1200 dpi in gray.
    """
    own = Path(config_directory("virtual"))
    folder = _folder(directory, "slow")
    (folder / "dll.conf").write_text((own / "dll.conf").read_text(encoding="ascii"), encoding="ascii")
    slow = "read-delay true\nread-delay-duration 30000\n"
    (folder / "test.conf").write_text((own / "test.conf").read_text(encoding="ascii") + slow, encoding="ascii")
    return str(folder)


def _airscan(directory: Path, configuration: str) -> str:
    folder = _folder(directory, "airscan")
    (folder / "dll.conf").write_text("airscan\n", encoding="ascii")
    (folder / "airscan.conf").write_text(configuration, encoding="utf-8")
    return str(folder)


def _folder(directory: Path, name: str) -> Path:
    """A new folder in `directory`."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=directory))
