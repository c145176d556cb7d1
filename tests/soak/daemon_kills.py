"""Kills the daemon by SIGKILL, again and again, at random moments, and starts it anew in the same place:

    python3 -m tests.soak.daemon_kills                      100 rounds, about four minutes
    python3 -m tests.soak.daemon_kills --rounds 10 --seed 7

It is killed while it starts, while it is idle, while a client scans, and while it stops. Each time all its processes
must be gone; after the next start the scanner must be the same WSD device with the same metadata version, a higher
InstanceId and higher job numbers, its page must be good, and no file may have been left behind.
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
from tests.chaos.matrix import Bench
from tests.chaos.order import Fault, Order, write_order
from tests.interop.daemon import Daemon
from tests.interop.test_restart import Match, probed

MOMENTS = ("starting", "idle", "scanning", "stopping")

FILES = {"chaos", "control.sock", "scanbridge.toml", "spool", "state", "state/identity.json"}
"""All that a bridge and its scanner may have in their folder, but for the backend's own notes."""


@dataclass
class Outcome:
    """What was seen: how often it was killed at which moment, and what clients learned after each start."""

    moments: Counter[str] = field(default_factory=Counter)
    matches: list[Match] = field(default_factory=list)
    jobs: list[int] = field(default_factory=list)


class Site:
    """A bridge and its scanner in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._scanner = directory / "chaos"
        self._scanner.mkdir()
        (directory / "spool").mkdir()
        write_order(self._scanner, Order())

    def daemon(self) -> Daemon:
        """The bridge, to be started: for the first time, or again."""
        settings = {"scanner": {"virtual": "never", "sane_config_dir": str(self._scanner)}}
        return Daemon(self._directory, settings, environment={"TMPDIR": str(self._directory / "spool")})

    def bench(self, daemon: Daemon) -> Bench:
        """A client of it."""
        return Bench(daemon, self._scanner)

    def litter(self) -> set[str]:
        """The files that should not be there."""
        found = {str(path.relative_to(self._directory)) for path in self._directory.rglob("*")}
        return {name for name in found if not name.startswith("chaos/")} - FILES


def rounds(site: Site, count: int, seed: int) -> Outcome:
    """Go through `count` rounds. Raises AssertionError at the first one that is not as it should be."""
    random = Random(seed)
    outcome = Outcome()
    starting_s = 0.0
    for number in range(1, count + 1):
        began = time.monotonic()
        daemon = site.daemon()
        daemon.start()
        starting_s = time.monotonic() - began
        try:
            check(site, daemon, outcome)
            moment = random.choice(MOMENTS)
            outcome.moments[moment] += 1
            daemon = play(site, daemon, moment, random, starting_s)
        except BaseException:
            daemon.kill()
            raise
        left = daemon.kill()
        assert not left, f"round {number}: killed while {moment}, it left {left}"
        if number % 10 == 0 or number == count:
            print(f"{number:4} rounds: InstanceId {outcome.matches[-1].instance_id}", flush=True)
    daemon = site.daemon()
    daemon.start()
    try:
        check(site, daemon, outcome)
    finally:
        daemon.stop()
    return outcome


def check(site: Site, daemon: Daemon, outcome: Outcome) -> None:
    """The bridge after a start: the same scanner, newer than before, in good order, and nothing left from before."""
    match = probed(daemon.status()["http_port"])
    assert site.bench(daemon).page() == "a good page"
    job = daemon.wait_for(lambda scanner: scanner["history"])["history"][-1]["id"]
    for earlier in outcome.matches[-1:]:
        assert (match.address, match.metadata_version) == (earlier.address, earlier.metadata_version)
        assert match.instance_id > earlier.instance_id
        assert job > outcome.jobs[-1]
    outcome.matches.append(match)
    outcome.jobs.append(job)
    assert not site.litter(), site.litter()


def play(site: Site, daemon: Daemon, moment: str, random: Random, starting_s: float) -> Daemon:
    """Bring it to `moment`, at random within it; the daemon that is to be killed then."""
    if moment == "starting":
        daemon.stop()
        daemon = site.daemon()
        daemon.begin()
        time.sleep(random.uniform(0, starting_s))
    elif moment == "scanning":
        bench = site.bench(daemon)
        bench.order(Fault("read", "slow", 1))
        bench.client.fetch(bench.client.order())
        time.sleep(random.uniform(0, 0.8))
        bench.order()
    elif moment == "stopping":
        os.kill(daemon.pid, signal.SIGTERM)
        time.sleep(random.uniform(0, 0.3))
    return daemon


def main() -> int:
    """Play as the command line says; the exit status."""
    parser = argparse.ArgumentParser(description="Kill the daemon by SIGKILL, again and again.")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as library, tempfile.TemporaryDirectory() as folder:
        os.environ["LD_LIBRARY_PATH"] = str(build(Path(library)).parent)
        outcome = rounds(Site(Path(folder)), options.rounds, options.seed)
    identities = {match.address for match in outcome.matches}
    killed = ", ".join(f"{moment} {times} times" for moment, times in outcome.moments.most_common())
    print(f"{options.rounds} rounds, seed {options.seed}: {len(identities)} identity; killed while {killed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
