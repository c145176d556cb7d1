"""A few rounds of what `worker_kills.py` and `daemon_kills.py` do by the hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.matrix import bench
from tests.soak import daemon_kills, worker_kills
from tests.soak.processes import growth_kib

SEED = 4
"""Its first four moments are of every kind, and its first kills are early, late and idle ones."""


@pytest.fixture(autouse=True)
def chaos_everywhere(chaos_library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process of these tests finds the chaos backend."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(chaos_library.parent))


def test_a_killed_worker_leaves_nothing(tmp_path: Path) -> None:
    """After each round there is one fresh worker, no zombie, as many descriptors as before, and a good page."""
    with bench(tmp_path, buttons=False) as place:
        outcome = worker_kills.rounds(place, 5, SEED)
    assert len(outcome.rests) == 5
    assert len(outcome.met) > 1


def test_a_killed_daemon_leaves_nothing(tmp_path: Path) -> None:
    """After each start the same scanner is there, newer than before, in good order, without litter."""
    outcome = daemon_kills.rounds(daemon_kills.Site(tmp_path), 4, SEED)
    assert len(outcome.matches) == 5
    assert set(outcome.moments) == set(daemon_kills.MOMENTS)


def test_growth_is_seen() -> None:
    """Memory that rises is growth, memory that only was taken while warming up is none."""
    assert growth_kib([100] * 5 + [500] * 45) == 0
    assert growth_kib(list(range(0, 5000, 100))) == 3000
