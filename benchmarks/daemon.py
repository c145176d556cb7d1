"""A bridge of our own on loopback for one measurement."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.beating import Heartbeat, create
from bridge.system import asking

PYTHON = "/usr/bin/python3"
ROOT = Path(__file__).resolve().parent.parent
VIRTUAL = ROOT / "bridge" / "scanner" / "sane.d" / "virtual"

WARM_S = 10.0
"""A worker that is not warm by then never will be."""

_SETTINGS = """
[network]
http_port = 0
interfaces = ["lo"]
[scanner]
virtual = "never"
sane_config_dir = "{sane}"
[state]
directory = "{directory}"
[control]
socket = "{directory}/control.sock"
[log]
level = "warn"
"""


class Daemon:
    """The running bridge: where it is, and its processes. `started` is when it was (`time.perf_counter`)."""

    def __init__(self, directory: Path, scanners: int) -> None:
        sane = sane_directory(directory, scanners)
        self._control = directory / "control.sock"
        settings = directory / "scanbridge.toml"
        settings.write_text(_SETTINGS.format(directory=directory, sane=sane))
        self.heartbeat: Heartbeat = create(directory / "heartbeat")
        command = [PYTHON, "-m", "benchmarks.beating", str(directory / "heartbeat"), "--config", str(settings)]
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [*command, "serve"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid
        self.port = 0

    def wait(self) -> None:
        """Return when it is ready; raises SystemExit when it will not be."""
        assert self.process.stderr is not None
        heard = []
        for line in self.process.stderr:
            heard.append(line)
            if line.startswith("ready "):
                self.port = int(line.split("http_port=")[1].split()[0])
                threading.Thread(target=self.process.stderr.read, daemon=True).start()
                return
        raise SystemExit("the bridge did not start:\n" + "".join(heard))

    @property
    def scanners(self) -> list[dict[str, Any]]:
        """What it tells of its scanners when asked for its status."""
        scanners: list[dict[str, Any]] = asking.ask(self._control, {"command": "status"})["scanners"]
        return scanners

    @property
    def paths(self) -> list[str]:
        """The paths of the scan services."""
        return ["/" + scanner["urls"]["service"].split("/", 3)[3] for scanner in self.scanners]

    def warm_worker(self, index: int = 0) -> int:
        """The process id of a scanner's worker, when that sleeps and so has started up."""
        until = time.monotonic() + WARM_S
        while time.monotonic() < until:
            pid = self.scanners[index]["worker"]["pid"]
            if pid is not None and self._sleeps(pid):
                return int(pid)
            time.sleep(0.02)
        raise SystemExit("no worker became warm")

    def _sleeps(self, pid: int) -> bool:
        """Whether the worker waits for a command; it has its second thread by then."""
        try:
            threads = os.listdir(f"/proc/{pid}/task")
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return len(threads) == 2 and state == "S"


@contextmanager
def running(scanners: int = 1) -> Iterator[Daemon]:
    """A bridge with so many virtual scanners, ended when the block is left."""
    with tempfile.TemporaryDirectory() as directory:
        daemon = Daemon(Path(directory), scanners)
        with daemon.process:
            try:
                daemon.wait()
                yield daemon
            finally:
                daemon.process.send_signal(signal.SIGTERM)
                daemon.process.communicate()


def sane_directory(directory: Path, scanners: int) -> Path:
    """A SANE_CONFIG_DIR below `directory` with so many of the virtual scanner, otherwise as the bridge has it."""
    sane = directory / f"sane.d-{scanners}"
    sane.mkdir(exist_ok=True)
    for file in VIRTUAL.glob("*.conf"):
        (sane / file.name).write_text(
            file.read_text().replace("number_of_devices 1\n", f"number_of_devices {scanners}\n")
        )
    (sane / "dll.d").mkdir(exist_ok=True)
    return sane
