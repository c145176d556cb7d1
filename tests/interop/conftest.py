"""What the tests with foreign clients share: a running bridge, a client of it, and the pages that it should deliver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.interop.comparison import Page
from tests.interop.daemon import Daemon, running
from tests.interop.scanimage import Scanimage, bed_mm, slow_scanner, static_client, virtual_scanner

Originals: TypeAlias = Callable[[str, int], Page]
"""The whole bed of the virtual scanner in a mode (Color, Gray) and resolution, read without the bridge."""


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Originals:
    """Every page is scanned once only."""
    scanner = virtual_scanner(tmp_path_factory.mktemp("virtual"))
    bed = ("-l", "0", "-t", "0", "-x", bed_mm(), "-y", bed_mm())
    known: dict[tuple[str, int], Page] = {}

    def original(mode: str, resolution: int) -> Page:
        if (mode, resolution) not in known:
            known[mode, resolution] = scanner.page("--mode", mode, "--resolution", str(resolution), *bed)
        return known[mode, resolution]

    return original


@pytest.fixture(scope="module")
def bridge_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A bridge with the virtual scanner on loopback."""
    with running(Daemon(tmp_path_factory.mktemp("bridge"))) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def slow_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """The same with a scanner that takes its time, so that something can happen in the middle of a page."""
    directory = tmp_path_factory.mktemp("slow")
    settings = {"scanner": {"virtual": "never", "sane_config_dir": slow_scanner(directory)}}
    with running(Daemon(directory, settings)) as daemon:
        yield daemon


@pytest.fixture
def client(bridge_daemon: Daemon, tmp_path: Path) -> Scanimage:
    """sane-airscan, told the URL of `bridge_daemon`."""
    return static_client(tmp_path, bridge_daemon.url)
