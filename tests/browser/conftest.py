"""One browser for all tests of the page, and bridges to look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Browser
from tests.interop.daemon import Daemon, running
from tests.interop.scanimage import slow_scanner


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser's process."""
    downloads = tmp_path_factory.mktemp("browser") / "downloads"
    downloads.mkdir()
    browser = Browser(downloads)
    yield browser
    browser.quit()


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """The browser, as new."""
    chromium.reset()
    return chromium


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A bridge with the virtual scanner on loopback."""
    with running(Daemon(tmp_path_factory.mktemp("bridge"))) as daemon:
        yield daemon


@pytest.fixture
def slow_daemon(tmp_path: Path) -> Iterator[Daemon]:
    """The same with a scanner that takes a second for a preview."""
    settings = {"scanner": {"virtual": "never", "sane_config_dir": slow_scanner(tmp_path)}}
    with running(Daemon(tmp_path, settings)) as daemon:
        yield daemon


def front(daemon: Daemon) -> str:
    """The address of the page."""
    return f"http://127.0.0.1:{daemon.status()['http_port']}/"
