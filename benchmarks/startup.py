"""From the start of the program until it is ready, and until its first Hello is heard."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.daemon import PYTHON, ROOT, Daemon
from benchmarks.datagrams import Listener
from benchmarks.pages import MS
from benchmarks.table import Row

GROUP = "start-up"

_STAGES = {
    "import_ms": "import twisted.internet.reactor, bridge.app",
    "worker_ms": "import bridge.scanner.worker, bridge.scanner.session",
}
"""What most of the time goes into: the daemon's modules; a worker's, of which listing and describing need one each."""


def rows(rounds: int) -> Iterator[Row]:
    """One row."""
    ready, hello = [], []
    stages: dict[str, list[float]] = {name: [] for name in _STAGES}
    for _ in range(rounds):
        until_ready, until_hello = _start()
        ready.append(until_ready)
        hello.append(until_hello)
        for name, code in _STAGES.items():
            begun = time.perf_counter()
            subprocess.run([PYTHON, "-c", code], cwd=ROOT, check=True)
            stages[name].append(time.perf_counter() - begun)
    figures = {
        "ready_ms": median(ready) * MS,
        "hello_ms": median(hello) * MS,
        **{name: median(taken) * MS for name, taken in stages.items()},
    }
    share = (figures["import_ms"] + 2 * figures["worker_ms"]) / figures["ready_ms"]
    bound = (
        f"loading Python modules in three processes, one after another ({share:.0%} of the time until ready); "
        "then the random delay of up to 500 ms that WS-Discovery asks for"
    )
    yield Row(GROUP, "until ready, until Hello", figures, bound)


def _start() -> tuple[float, float]:
    """Seconds until the ready line and until Hello."""
    heard: list[float] = []
    listener = Listener()
    with tempfile.TemporaryDirectory() as directory:
        daemon = Daemon(Path(directory), 1)
        with daemon.process:
            try:
                daemon.wait()
                ready = time.perf_counter()
                # The group's socket keeps what comes in the meantime, but tells only when it is read.
                waiting = threading.Thread(target=lambda: heard.append(listener.hello(daemon.port)))
                waiting.start()
                waiting.join()
            finally:
                daemon.process.send_signal(signal.SIGTERM)
                daemon.process.communicate()
                listener.close()
    return ready - daemon.started, heard[0] - daemon.started
