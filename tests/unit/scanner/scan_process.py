"""A process that scans one file after another with the worker's own parts, for tests that scan very often.

    request -> options.apply -> pages_of -> ImageFile -> a file; libsane and its backend are loaded once
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType

from bridge.scanner.model import ScanRequest
from bridge.scanner.protocol import Open, write_frame
from bridge.scanner.quirks import NO_QUIRKS, Quirks
from tests.unit.scanner.sane_process import ROOT, environment

_LOOP = """
import os, sys, time, traceback
from bridge.scanner.cancellation import Cancellation
from bridge.scanner.imagefile import ImageFile
from bridge.scanner.options import apply
from bridge.scanner.protocol import read_frame
from bridge.scanner.pages import Pace
from bridge.scanner.session import Backend
from bridge.scanner.worker import pages_of
backend, never = Backend(), Cancellation()
for line in sys.stdin.buffer:
    path, _, frame = line.partition(b" ")
    command = read_frame(frame)
    try:
        session = backend.open(command.device, never)
        delivery = apply(session, command.request, command.quirks)
        pages = pages_of(session, command, Pace(lambda event: None, time.monotonic))
        with open(path, "wb") as file:
            size = ImageFile(pages, command.request, delivery, file.write, lambda event: None).scan()
        session.close()
        print("done", size, flush=True)
    except Exception:
        traceback.print_exc()
        print("failed", flush=True)
os._exit(0)
"""


class ScanProcess:
    """Scans on `device`, with the SANE configuration in `config`; use as a context."""

    def __init__(self, folder: Path, device: str, config: str | None = None) -> None:
        self._file = folder / "scan"
        self._device = device
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LOOP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(config),
            cwd=ROOT,
        )

    def __enter__(self) -> ScanProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait()

    def scan(self, request: ScanRequest, quirks: Quirks = NO_QUIRKS) -> bytes:
        """The file that `request` makes of a scanner with these `quirks`."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(str(self._file).encode() + b" " + write_frame(Open(self._device, request, quirks)))
        stdin.flush()
        word, _, size = stdout.readline().partition(b" ")
        assert word == b"done", "the scan failed; its traceback is on standard error"
        data = self._file.read_bytes()
        assert len(data) == int(size)
        return data
