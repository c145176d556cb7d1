"""The bridge as a process of its own, watched: each envelope it writes is checked, and it must end without a trace."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge.system import asking

REPOSITORY = Path(__file__).resolve().parents[2]

HANG_S = 60.0
"""After so long a process is taken to hang; no test relies on it."""

MARK = "SCANBRIDGE_TEST_DAEMON"
"""The environment variable by which the processes of one daemon are known, whoever their parent is by then."""

_LOOK_S = 0.01
_TROUBLE = re.compile(r"Traceback \(most recent call last\)|Unhandled|^[-0-9: ]*(?:error|critical): ", re.MULTILINE)

Launch = Callable[..., "subprocess.Popen[str]"]
"""Starts a program from its words and Popen's options: on this machine, or on another one (`namespaces.Host.start`)."""

Settings = Mapping[str, Mapping[str, Any]]


def here(*command: str, **options: Any) -> subprocess.Popen[str]:
    """Start a program on this machine."""
    return subprocess.Popen(command, text=True, **options)


class Daemon:
    """One run of `scanbridge serve`, with its files in `directory`.

    `settings` are laid over those of a daemon on loopback with the virtual scanner, at any free port; `environment`
    over this process's own; `program` is the module that is run. `start` returns when the daemon is ready, `stop`
    raises AssertionError with whatever was wrong with it. A second Daemon in the same directory is the same bridge
    after a restart. Lines of its log with words that are `expected` are not wrong.
    """

    def __init__(
        self,
        directory: Path,
        settings: Settings | None = None,
        *,
        launch: Launch = here,
        environment: Mapping[str, str] | None = None,
        program: str = "tests.checked_bridge",
    ) -> None:
        self.config = directory / "scanbridge.toml"
        self.socket = directory / "control.sock"
        self.violations = directory / "violations"
        self.mark = f"{MARK}={uuid.uuid4()}"
        self._launch = launch
        self._program = program
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("SANE_", "TJ_"))},
            "SCANBRIDGE_SCHEMA_LOG": str(self.violations),
            **(environment or {}),
            MARK: self.mark.partition("=")[2],
        }
        self.expected: list[str] = []
        self._lines: list[str] = []
        self._spoken = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        own: Settings = {
            "network": {"http_port": 0, "interfaces": ["lo"]},
            "scanner": {"virtual": "always"},
            "state": {"directory": str(directory / "state")},
            "control": {"socket": str(self.socket)},
        }
        self.config.write_text(toml(own, settings or {}), encoding="utf-8")

    # -- life ------------------------------------------------------------------------------------

    def start(self, scanners: int = 1) -> None:
        """Start it, and return when it is ready and serves so many scanners."""
        self.begin()
        try:
            with self._spoken:
                self._spoken.wait_for(lambda: self._said("ready ") or self._process_ended(), HANG_S)
            assert self._said("ready http_port="), f"the daemon did not become ready:\n{self.log}"
            assert self._said(f" scanners={scanners}"), f"the daemon does not serve {scanners} scanners:\n{self.log}"
        except BaseException:
            self._end()
            raise

    def begin(self) -> None:
        """Start it, and do not wait."""
        self._process = self._launch(
            sys.executable,
            *("-m", self._program, "--config", str(self.config), "serve"),
            cwd=REPOSITORY,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listener.start()

    def reload(self) -> None:
        """Have it read its settings again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def kill(self) -> list[str]:
        """End it by SIGKILL, as a crash would, and wait until all its processes are gone; those that stay are named."""
        assert self._process is not None
        assert self._listener is not None
        self._process.kill()
        self._process.wait()
        self._listener.join(HANG_S)
        hang = time.monotonic() + HANG_S
        while (left := survivors(self.mark)) and time.monotonic() < hang:
            time.sleep(_LOOK_S)
        return [f"{pid} ({command})" for pid, command in left]

    def stop(self) -> None:
        """End it by SIGTERM. Raises AssertionError, with the log, when anything was wrong with this run."""
        status, left = self._end()
        log = "".join(line for line in self._lines if not any(words in line for words in self.expected))
        violations = self.violations.read_text(encoding="utf-8") if self.violations.exists() else ""
        wrong = complaints(status, log, violations, left)
        assert not wrong, "\n".join([*wrong, "The daemon's log:", self.log])

    # -- what it says ----------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has written to standard error so far."""
        with self._spoken:
            return "".join(self._lines)

    def status(self) -> dict[str, Any]:
        """What `scanbridge status --json` shows."""
        return asking.ask(self.socket, {"command": "status"})

    def scanner(self) -> dict[str, Any]:
        """The one scanner in `status`."""
        (scanner,) = self.status()["scanners"]
        assert isinstance(scanner, dict)
        return scanner

    def wait_for(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The scanner's status as soon as `condition` holds for it."""
        hang = time.monotonic() + HANG_S
        while not condition(scanner := self.scanner()):
            assert time.monotonic() < hang, f"this did not come: {scanner}\n{self.log}"
            time.sleep(_LOOK_S)
        return scanner

    @property
    def url(self) -> str:
        """Where a client on the same machine reaches the scan service."""
        return str(self.scanner()["urls"]["service"])

    def command(self, *words: str) -> str:
        """What `scanbridge` prints with these words, such as ("status",), on the machine of the tests."""
        command = [sys.executable, "-m", "bridge", "--config", str(self.config), *words]
        ended = subprocess.run(
            command, cwd=REPOSITORY, env=self._environment, capture_output=True, text=True, timeout=HANG_S, check=False
        )
        assert ended.returncode == 0, ended
        return ended.stdout

    # -- inside ----------------------------------------------------------------------------------

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            with self._spoken:
                self._lines.append(line)
                self._spoken.notify_all()
        process.wait()
        with self._spoken:
            self._spoken.notify_all()

    def _said(self, text: str) -> bool:
        return any(text in line for line in self._lines if line.startswith("ready "))

    def _process_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _end(self) -> tuple[int | None, list[str]]:
        """Its exit status, None when it had to be killed, and the processes it has left behind, which end here."""
        process, listener = self._process, self._listener
        assert process is not None
        assert listener is not None
        status: int | None
        process.terminate()
        try:
            status = process.wait(HANG_S)
        except subprocess.TimeoutExpired:
            status = None
            process.kill()
            process.wait()
        left = survivors(self.mark)
        for pid, _ in left:
            os.kill(pid, signal.SIGKILL)
        listener.join(HANG_S)
        return status, [f"{pid} ({command})" for pid, command in left]


@contextmanager
def running(daemon: Daemon) -> Iterator[Daemon]:
    """`daemon` from ready to its end, which is checked."""
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.stop()


def complaints(status: int | None, log: str, violations: str, left: Iterable[str]) -> list[str]:
    """What is wrong with a run that ended with `status`, wrote `log` and `violations` and left processes behind."""
    wrong = []
    if violations:
        wrong.append(f"The daemon wrote invalid envelopes:\n{violations}")
    if _TROUBLE.search(log):
        wrong.append("The daemon logged an error that nobody handled.")
    if status is None:
        wrong.append(f"The daemon did not end within {HANG_S:g} s of SIGTERM.")
    elif status != 0:
        wrong.append(f"The daemon ended with exit status {status}.")
    wrong += [f"The daemon left a process behind: {process}." for process in left]
    return wrong


def survivors(mark: str) -> list[tuple[int, str]]:
    """The living processes whose environment has `mark`, each as its id and its command."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            if mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
                found.append((int(entry.name), command))
        except OSError:
            # Ended meanwhile, or somebody else's.
            continue
    return found


def toml(*layers: Settings) -> str:
    """A settings file; later layers lie over earlier ones, key by key."""
    sections: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for section, keys in layer.items():
            sections.setdefault(section, {}).update(keys)
    lines = []
    for section, keys in sections.items():
        # Strings, numbers, truth and lists of them are written alike in JSON and in TOML.
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    return "\n".join(lines) + "\n"
