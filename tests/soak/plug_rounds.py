"""Plugs a scanner in and pulls it out, again and again, at random moments, and looks at what is left of each round:

    python3 -m tests.soak.plug_rounds                       100 rounds, about six minutes; needs root
    python3 -m tests.soak.plug_rounds --rounds 20 --seed 7

Another scanner stays plugged in all the time. After each round the bridge must be as it was before the first: no
zombie, no process and no file descriptor more, the same worker for the scanner that stays; and the one that came and
went was the same WSD device each time. Over all rounds its memory must be flat. What is real is told in
tests/interop/usb_site.py.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from tests.chaos.build import build
from tests.chaos.order import Fault
from tests.interop.daemon import HANG_S
from tests.interop.usb_site import LIDE, V39, UsbSite, usb_site
from tests.soak.processes import growth_kib, status_of, zombies_of

MOMENTS = ("idle", "scanning", "stalled", "asked", "at once")
"""When the scanner is pulled out: while nothing goes on, in mid-page, in mid-page of a driver that does not come back,
while it is asked what it can do, and before udev's events have settled."""

MEMORY_KIB = 2048
"""By so much may the last quarter of the rounds have more resident memory than the first after the warming up."""

SLOW_PAGE = ("--mode", "Gray", "--resolution", "1200")


@dataclass
class Rest:
    """The bridge while only the scanner that stays is there."""

    descriptors: int
    threads: int
    memory_kib: int
    worker: int


@dataclass
class Outcome:
    """What was seen: after each round, and the UUIDs of the scanner that came and went."""

    rests: list[Rest] = field(default_factory=list)
    uuids: set[str] = field(default_factory=set)
    moments: list[str] = field(default_factory=list)

    def growth_kib(self) -> float:
        """How much more memory there is at the end than after the warming up: medians of quarters."""
        return growth_kib([rest.memory_kib for rest in self.rests])


def rounds(site: UsbSite, count: int, seed: int) -> Outcome:
    """Go through `count` rounds. Raises AssertionError at the first one that leaves something behind."""
    random = Random(seed)
    outcome = Outcome()
    site.bus.plug(V39)
    site.write()
    site.daemon.start()
    (stays,) = site.wait_for_count(1)
    before = rest_of(site, None)
    for number in range(1, count + 1):
        moment = random.choice(MOMENTS)
        outcome.moments.append(moment)
        uuid = play(site, moment, random, stays)
        if uuid is not None:
            outcome.uuids.add(uuid)
        outcome.rests.append(rest_of(site, before))
        if number % 10 == 0 or number == count:
            seen = outcome.rests[-1]
            print(
                f"{number:4} rounds: {seen.descriptors} descriptors, {seen.threads} threads, {seen.memory_kib} KiB,"
                f" {len(outcome.uuids)} identity",
                flush=True,
            )
    site.daemon.stop()
    assert len(outcome.uuids) <= 1, outcome.uuids
    return outcome


def play(site: UsbSite, moment: str, random: Random, stays: str) -> str | None:
    """One round; the UUID under which the scanner was served, None when it was not."""
    faults = {"stalled": [Fault("read", "stall", line=random.randrange(1, 300))], "asked": [Fault("open", "hang")]}
    calls = site.calls("stall") + site.calls("hang")
    plug = site.plug(LIDE, replace(site.order, faults=faults.get(moment, [])))
    uuid = None
    if moment == "asked":
        site.wait_until(lambda: site.calls("stall") + site.calls("hang") > calls, "hang")
    elif moment != "at once":
        (uuid,) = (each for each in site.wait_for_count(2) if each != stays)
    scan = None
    if moment in ("scanning", "stalled"):
        assert uuid is not None
        scan = site.client(uuid).start(*SLOW_PAGE)
        if moment == "stalled":
            site.wait_until(lambda: site.calls("stall") + site.calls("hang") > calls, "stall")
        else:
            site.wait_for(lambda scanners: any(each["state"] == "Processing" for each in scanners))
    site.unplug(plug)
    if scan is not None:
        assert scan.end().status != 0, "a scanner that was pulled out gave a whole page"
        scan.file.unlink()
    site.write(replace(site.order, faults=[]))
    return uuid


def rest_of(site: UsbSite, before: Rest | None) -> Rest:
    """The bridge when all is quiet and as `before`. Raises AssertionError when it does not become so."""
    pid = site.daemon.pid
    hang = time.monotonic() + HANG_S
    while True:
        (scanner, *others) = site.scanners()
        worker = scanner["worker"]["pid"]
        processes, zombies = site.processes(), zombies_of(pid)
        rest = Rest(len(os.listdir(f"/proc/{pid}/fd")), status_of(pid, "Threads"), status_of(pid, "VmRSS"), worker)
        quiet = not others and set(processes) == {pid, worker} and not zombies
        if quiet and (before is None or (rest.descriptors, rest.worker) == (before.descriptors, before.worker)):
            return rest
        assert time.monotonic() < hang, f"left: {processes=} {zombies=} {rest=} {before=} {others=}\n{site.daemon.log}"
        time.sleep(0.02)


def main() -> int:
    """Play as the command line says; the exit status."""
    parser = argparse.ArgumentParser(description="Plug a scanner in and pull it out, again and again.")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        (directory / "library").mkdir()
        library = build(directory / "library")
        with usb_site(directory, library) as site:
            outcome = rounds(site, options.rounds, options.seed)
    growth = outcome.growth_kib()
    print(f"{options.rounds} rounds, seed {options.seed}: memory grew by {growth:.0f} KiB")
    return 0 if growth <= MEMORY_KIB else 1


if __name__ == "__main__":
    sys.exit(main())
