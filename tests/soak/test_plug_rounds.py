"""A few of the rounds of plug_rounds.py in every run of the tests; the file there has the many."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.usb_site import usb_site
from tests.soak.plug_rounds import MEMORY_KIB, MOMENTS, Outcome, Rest, rounds

SEED = 2
"""Its first eight moments are of every kind."""


@pytest.mark.interop
@pytest.mark.timeout(300)
def test_scanners_that_come_and_go_leave_nothing_behind(tmp_path: Path, chaos_library: Path) -> None:
    """No zombie, no process, no descriptor more after each round, and the same identity in all of them."""
    with usb_site(tmp_path, chaos_library) as site:
        outcome = rounds(site, 8, SEED)
    assert set(outcome.moments) == set(MOMENTS)
    assert len(outcome.uuids) == 1


def test_growing_memory_is_seen() -> None:
    """The measure tells a leak from what is taken once."""
    taken_once = Outcome([Rest(9, 1, 40_000 + min(number, 9) * 500, 1) for number in range(100)])
    leak = Outcome([Rest(9, 1, 40_000 + number * 50, 1) for number in range(100)])
    assert taken_once.growth_kib() == 0
    assert leak.growth_kib() > MEMORY_KIB
