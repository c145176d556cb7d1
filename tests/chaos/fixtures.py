"""Pytest fixtures for tests with the chaos backend."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.build import build
from tests.chaos.order import Order, calls, write_order

DEVICE = "chaos:0"


class Chaos:
    """One chaos scanner: its folder is SANE_CONFIG_DIR of whoever is to see it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.order(Order())

    @property
    def config(self) -> str:
        """The value of SANE_CONFIG_DIR."""
        return str(self.folder)

    def order(self, order: Order) -> None:
        """Be this scanner from now on."""
        write_order(self.folder, order)

    @property
    def calls(self) -> list[str]:
        """The calls of the backend so far."""
        return calls(self.folder)


def show(library: Path, patch: pytest.MonkeyPatch) -> None:
    """Let libsane find the backend `library` in every process that is started from now on."""
    inherited = os.environ.get("LD_LIBRARY_PATH")
    patch.setenv("LD_LIBRARY_PATH", ":".join([str(library.parent), *([inherited] if inherited else [])]))


@pytest.fixture(scope="session")
def chaos_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled backend."""
    return build(tmp_path_factory.mktemp("chaos"))


@pytest.fixture
def chaos(chaos_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chaos:
    """A scanner that every process of this test sees which has its `config` as SANE_CONFIG_DIR."""
    show(chaos_library, monkeypatch)
    folder = tmp_path / "chaos"
    folder.mkdir()
    return Chaos(folder)


@pytest.fixture(scope="module")
def chaos_folder(chaos_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The same for all tests of a module: the folder of a scanner to which each of them gives its own order."""
    folder = tmp_path_factory.mktemp("chaos")
    with pytest.MonkeyPatch.context() as patch:
        show(chaos_library, patch)
        write_order(folder, Order())
        yield folder
