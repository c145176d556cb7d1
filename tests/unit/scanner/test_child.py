"""What a process that loads libsane may take of the machine's memory, tried in real processes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from bridge.scanner.child import LEAST_MEMORY, MOST_MEMORY, OOM_SCORE, automatic_memory
from bridge.scanner.spawning import Spawner
from tests.fakes.process_reactor import ProcessReactor
from tests.unit.scanner.sane_process import ROOT

LIMIT = 200_000_000

TAKE = """
import sys
from bridge.scanner.child import limit_memory
limit_memory(int(sys.argv[1]))
print(open("/proc/self/oom_score_adj").read().strip())
try:
    taken = bytearray(int(sys.argv[2]))
    print("taken")
except MemoryError:
    print("refused")
"""


def taking(size: int, **options: object) -> list[str]:
    """What a process says that is limited to LIMIT and takes `size` bytes."""
    command = [sys.executable, "-c", TAKE, str(LIMIT), str(size)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, **options)  # type: ignore[call-overload]
    lines: list[str] = ended.stdout.split()
    return lines


def test_a_limited_process_gets_no_more() -> None:
    """Below the limit memory is given, above it refused; and the kernel would end this process first."""
    assert taking(LIMIT // 2) == [str(OOM_SCORE), "taken"]
    assert taking(LIMIT) == [str(OOM_SCORE), "refused"]


def test_a_lower_limit_of_the_machine_holds() -> None:
    """Where the process may not have so much, it has less, and no error."""

    def less() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (LIMIT // 4, LIMIT // 4))

    assert taking(LIMIT // 2, preexec_fn=less)[-1] == "refused"


@pytest.mark.parametrize(
    ("machine", "limit"),
    [(400_000_000, LEAST_MEMORY), (950_000_000, 475_000_000), (8_000_000_000, MOST_MEMORY)],
    ids=["512 MB", "1 GB", "8 GB"],
)
def test_half_of_the_machine_within_bounds(monkeypatch: pytest.MonkeyPatch, machine: int, limit: int) -> None:
    """What Linux has of boards with so much memory, and what a worker may take there."""
    numbers = {"SC_PHYS_PAGES": machine // 1000, "SC_PAGE_SIZE": 1000}
    monkeypatch.setattr(os, "sysconf", numbers.__getitem__)
    assert automatic_memory() == limit


@pytest.mark.parametrize(("limit", "arguments"), [(0, []), (300_000_000, ["300000000"])])
def test_the_setting_reaches_every_process(limit: int, arguments: list[str]) -> None:
    """Workers and listings get the limit as their argument, none when it is up to them."""
    reactor = ProcessReactor()
    spawner = Spawner(reactor, "/nowhere", limit)
    spawner.worker("w")
    spawner.devices().addErrback(lambda _failure: None)
    assert [process.arguments[3:] for process in reactor.processes] == [arguments, arguments]
    for process in reactor.processes:
        process.exit(0)


CHURN = """
import resource, sys
from bridge.scanner.child import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def churn():
    for _ in range(200):
        pieces = [bytearray(300_000) for _ in range(3)]
churn()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
churn()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_freed_memory_is_not_asked_for_again() -> None:
    """Who takes and frees strips gets none of their pages anew from the kernel; without this it gets nearly all."""
    anew = {
        word: int(
            subprocess.run(
                [sys.executable, "-c", CHURN, word], cwd=ROOT, capture_output=True, text=True, check=True
            ).stdout
        )
        for word in ("keep", "give back")
    }
    assert anew["keep"] < 100
    assert anew["give back"] > 1000
