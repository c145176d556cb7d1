"""Which scanner is meant."""

from __future__ import annotations

import pytest

from bridge.client.address import read_address
from bridge.client.choice import pick
from bridge.client.device import Found
from bridge.errors import NothingFound, UsageError

HERE = read_address("http://192.0.2.7/")
LIDE = Found("urn:uuid:AAAA", "LiDE 210 (pi)", HERE)
LIDE_2 = Found("urn:uuid:BBBB", "LiDE 210 (attic)", HERE)
FI = Found("urn:uuid:CCCC", "LiDE", HERE)
ALL = (LIDE, LIDE_2, FI)


def test_the_only_one() -> None:
    """A single scanner needs no name."""
    assert pick([LIDE], None, "nothing") is LIDE


@pytest.mark.parametrize(
    ("device", "scanner"),
    [
        ("lide 210 (PI)", LIDE),
        ("attic", LIDE_2),
        ("aaaa", LIDE),
        ("urn:uuid:bbbb", LIDE_2),
        ("lide", FI),
        (" (pi) ", LIDE),
    ],
)
def test_by_name(device: str, scanner: Found) -> None:
    """A whole name counts before a UUID and that before a part of a name, in any capitals."""
    assert pick(ALL, device, "nothing") is scanner


@pytest.mark.parametrize("device", [None, "210"])
def test_more_than_one(device: str | None) -> None:
    """When several could be meant, none is taken and all are listed."""
    with pytest.raises(UsageError) as caught:
        pick(ALL, device, "nothing")

    assert "  LiDE 210 (attic)  bbbb" in str(caught.value).splitlines()


@pytest.mark.parametrize("device", ["epson", "", "  "])
def test_nobody_of_that_name(device: str) -> None:
    """A name that nobody has is answered with those that there are; no name matches all."""
    with pytest.raises(NothingFound, match=r"there are\n  LiDE 210 \(pi\)  aaaa"):
        pick(ALL, device, "nothing")


def test_nothing() -> None:
    """Without any scanner the advice is given."""
    with pytest.raises(NothingFound, match="nothing"):
        pick([], None, "nothing")
