"""Kills the worker by SIGKILL, again and again, at random moments, and looks at what is left after each time:

    python3 -m tests.soak.worker_kills                      300 rounds, about eight minutes
    python3 -m tests.soak.worker_kills --rounds 20 --seed 7

The daemon is the real one, with the tests' checks of envelopes in it, its scanner the chaos backend, and a client scans
over HTTP. After each round the daemon must have no zombie, one child (the fresh worker) and as many descriptors as
before the first; the next job must give a good page, and the scanner must be the same WSD device. Over all rounds its
memory must be flat.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.chaos.build import build
from tests.chaos.matrix import Bench, bench
from tests.chaos.order import Fault
from tests.interop.daemon import HANG_S
from tests.soak.processes import Rest, children_of, growth_kib, rest_of, zombies_of

MEMORY_KIB = 2048
"""By so much may the last quarter of the rounds have more resident memory than the first after the warming up."""

LINE_MS = 1
"""What the scanner takes for a line while it is waited for a moment: the page of 600 lines has many then."""

SLOW = Fault("read", "slow", LINE_MS)


@dataclass
class Outcome:
    """What was seen: the daemon after each round, what the clients met, and the scanner's UUIDs."""

    rests: list[Rest] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    uuids: set[str] = field(default_factory=set)


def rounds(place: Bench, count: int, seed: int) -> Outcome:
    """Go through `count` rounds. Raises AssertionError at the first one that leaves something behind."""
    random = Random(seed)
    outcome = Outcome()
    assert place.page() == "a good page"
    before = quiet(place, None)
    place.order(SLOW)
    began = time.monotonic()
    assert place.page() == "a good page"
    longest_s = 1.1 * (time.monotonic() - began)
    for number in range(1, count + 1):
        place.order(SLOW)
        met, killed = play(place, random, longest_s)
        outcome.met[met] += 1
        place.order()
        # A job that asks a worker in the very moment in which it dies is that death's one job; this one comes after it.
        place.daemon.wait_for(lambda scanner, killed=killed: scanner["worker"]["pid"] != killed)
        page = place.page()
        assert page == "a good page", f"round {number}: {page}\n{place.daemon.log[-3000:]}"
        outcome.rests.append(quiet(place, before))
        outcome.uuids.add(place.daemon.scanner()["uuid"])
        if number % 50 == 0 or number == count:
            seen = outcome.rests[-1]
            print(f"{number:4} rounds: {seen.descriptors} descriptors, {seen.memory_kib} KiB", flush=True)
    assert len(outcome.uuids) == 1, outcome.uuids
    return outcome


def play(place: Bench, random: Random, longest_s: float) -> tuple[str, int]:
    """Kill the worker once, idle or at most `longest_s` after a job has begun; what its client met, and who it was."""
    if random.random() < 0.2:
        return "no job", kill(place)
    job = place.client.order()
    fetching = place.client.fetch(job)
    time.sleep(random.uniform(0, longest_s))
    killed = kill(place)
    return fetching.outcome(), killed


def kill(place: Bench) -> int:
    """End whoever is the worker now: a job's, or the one that warms up behind it."""
    while True:
        scanner = place.daemon.wait_for(lambda scanner: scanner["worker"]["pid"] is not None)
        pid: int = scanner["worker"]["pid"]
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            # It has ended meanwhile, and another takes its place.
            continue
        return pid


def quiet(place: Bench, before: Rest | None) -> Rest:
    """The daemon when nothing goes on any more, and as `before`. Raises AssertionError when that does not come."""
    pid = place.daemon.pid
    hang = time.monotonic() + HANG_S
    while True:
        scanner, rest = place.daemon.scanner(), rest_of(pid)
        worker = scanner["worker"]["pid"]
        calm = scanner["state"] != "Processing" and not scanner["active_jobs"] and list(children_of(pid)) == [worker]
        if calm and not zombies_of(pid) and (before is None or rest.descriptors == before.descriptors):
            return rest
        assert time.monotonic() < hang, f"left: {children_of(pid)} {rest=} {before=} {scanner=}\n{place.daemon.log}"
        time.sleep(0.02)


def main() -> int:
    """Play as the command line says; the exit status."""
    parser = argparse.ArgumentParser(description="Kill the worker by SIGKILL, again and again.")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LD_LIBRARY_PATH"] = str(build(Path(folder)).parent)
        with bench(Path(folder), buttons=False) as place:
            outcome = rounds(place, options.rounds, options.seed)
    growth = growth_kib([rest.memory_kib for rest in outcome.rests])
    print(f"{options.rounds} rounds, seed {options.seed}: memory grew by {growth:.0f} KiB; clients met", end=" ")
    print(", ".join(f"{what} {times} times" for what, times in outcome.met.most_common()))
    return 0 if growth <= MEMORY_KIB else 1


if __name__ == "__main__":
    sys.exit(main())
