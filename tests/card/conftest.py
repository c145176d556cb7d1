"""Tests of the card's image: hw/test-image names it, nothing else does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.card.board import network
from tests.card.image import Card, flash, image
from tests.interop.namespaces import Host

BOARDS = os.environ.get("SCANBRIDGE_CARD_MODELS", "pc").split()
"""The boards that QEMU plays for the image: names in tests/card/models.py."""

if image() is None:
    collect_ignore_glob = ["test_*.py"]
elif BOARDS == ["pc"]:
    collect_ignore = ["test_5_boards.py"]
else:
    # The kernel's modules for it are the same, and a start here takes three times as long.
    collect_ignore = ["test_4_usb.py"]


@pytest.fixture(scope="session")
def flashed() -> Path:
    """The image as it was built."""
    found = image()
    assert found is not None
    return found


@pytest.fixture(params=BOARDS)
def card(flashed: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Card:
    """A freshly flashed card for each board that is to be tried."""
    return flash(flashed, tmp_path / "card.img", request.param)


@pytest.fixture
def computer(tmp_path: Path) -> Iterator[Host]:
    """The computer at the other end of the board's cable."""
    with network(tmp_path) as host:
        yield host
