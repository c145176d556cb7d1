"""A bridge of our own on loopback for one measurement, and what it takes of the machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PYTHON = "/usr/bin/python3"
ROOT = Path(__file__).resolve().parent.parent
SAMPLE_S = 0.01

_SETTINGS = """
[network]
http_port = 0
interfaces = ["lo"]
[scanner]
virtual = "always"
[state]
directory = "{directory}"
[log]
level = "warn"
"""


class Daemon:
    """The running bridge: where it is, and its processes."""

    def __init__(self, process: subprocess.Popen[str], settings: Path, port: int) -> None:
        self.pid = process.pid
        self.port = port
        self._settings = settings

    def status(self) -> dict[str, Any]:
        """What `status --json` tells."""
        command = [PYTHON, "-m", "bridge", "--config", str(self._settings), "status", "--json"]
        told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        result: dict[str, Any] = json.loads(told.stdout)
        return result

    @property
    def scanner(self) -> dict[str, Any]:
        """The one scanner it serves."""
        scanner: dict[str, Any] = self.status()["scanners"][0]
        return scanner

    @property
    def path(self) -> str:
        """The path of the scan service."""
        url: str = self.scanner["urls"]["service"]
        return "/" + url.split("/", 3)[3]


@contextmanager
def running() -> Iterator[Daemon]:
    """A bridge with the virtual scanner, ended when the block is left."""
    with tempfile.TemporaryDirectory() as directory:
        settings = Path(directory) / "scanbridge.toml"
        settings.write_text(_SETTINGS.format(directory=directory))
        command = [PYTHON, "-m", "bridge", "--config", str(settings), "serve"]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                yield Daemon(process, settings, _port(process))
            finally:
                process.send_signal(signal.SIGTERM)
                process.communicate()


def memory(pid: int, key: str = "VmHWM") -> int:
    """KiB of a process: VmHWM is its peak, VmRSS what it holds now; 0 when it has ended."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) for line in status if line.startswith(key)), 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


class Peak:
    """Watches the peak memory of a process that may end at any time; use as a context."""

    def __init__(self, pid: int) -> None:
        self.kib = 0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_S):
            self.kib = max(self.kib, memory(self._pid))


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _port(process: subprocess.Popen[str]) -> int:
    """The port in the daemon's ready line."""
    assert process.stderr is not None
    heard = []
    for line in process.stderr:
        heard.append(line)
        if line.startswith("ready "):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return int(line.split("http_port=")[1].split()[0])
    raise SystemExit("the bridge did not start:\n" + "".join(heard))
