"""A real worker process on real pipes, as the daemon holds it but without a reactor."""

from __future__ import annotations

import io
import os
import re
import select
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from PIL import Image

from bridge.scanner.model import ColorMode, Format, InputSource, Region, Resolution, ScanRequest, pixels
from bridge.scanner.protocol import (
    Closed,
    Command,
    Event,
    Failed,
    ImageDone,
    Open,
    Opened,
    Progress,
    Ready,
    StartImage,
    read_frame,
    write_frame,
)
from tests.unit.scanner.sane_process import HANG_GUARD_S, ROOT, environment

A4 = Region(0, 0, 8268, 11693)

PLACE_PIPES = """
import fcntl, os, sys
image, events = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 20) for fd in sys.argv[1:3])
os.dup2(image, 3)
os.dup2(events, 4)
os.closerange(5, 64)
os.execv(sys.executable, [sys.executable, *sys.argv[3:]])
"""

RUN_PATCHED = """
{patch}
import os
from bridge.scanner.worker import main
os._exit(main())
"""


class WorkerUnderTest:
    """Starts `bridge.scanner.worker`; `patch` is code to run in it first, to play a scanner with fewer modes.

    The image pipe is read from the moment `read_image` is called, into `image`.
    """

    def __init__(self, config: str | None = None, patch: str | None = None) -> None:
        command_read, self.commands = os.pipe()
        self.image_pipe, image_write = os.pipe()
        self._events, event_write = os.pipe()
        code = ["-m", "bridge.scanner.worker"] if patch is None else ["-c", RUN_PATCHED.format(patch=patch)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", PLACE_PIPES, str(image_write), str(event_write), *code],
            stdin=command_read,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(config),
            cwd=ROOT,
            pass_fds=(image_write, event_write),
        )
        for fd in (command_read, image_write, event_write):
            os.close(fd)
        self._pending = b""
        self.image = bytearray()
        self._reader: threading.Thread | None = None

    def __enter__(self) -> WorkerUnderTest:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        log = self.process.stderr.read().decode("utf-8", "replace")
        self.process.stderr.close()
        if self._reader is not None:
            self._reader.join()
        self.close_commands()
        self.close_image_pipe()
        os.close(self._events)
        if kind is not None:
            print(log, file=sys.stderr)

    def send(self, command: Command) -> None:
        """Send a command."""
        os.write(self.commands, write_frame(command))

    def close_commands(self) -> None:
        """Close the daemon's end of the command pipe."""
        if self.commands >= 0:
            os.close(self.commands)
            self.commands = -1

    def close_image_pipe(self) -> None:
        """Close the daemon's end of the image pipe."""
        if self.image_pipe >= 0:
            os.close(self.image_pipe)
            self.image_pipe = -1

    def next_event(self) -> Event | None:
        """The next event; None when the worker has closed its pipe."""
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self._events], [], [], HANG_GUARD_S)
            assert ready, "the worker says nothing"
            data = os.read(self._events, 65536)
            if not data:
                return None
            self._pending += data
        line, self._pending = self._pending.split(b"\n", 1)
        event: Any = read_frame(line)
        return event

    def until(self, *kinds: type[Any]) -> list[Any]:
        """The events up to and with the first of `kinds`, Progress left out."""
        events: list[Any] = []
        while True:
            event = self.next_event()
            assert event is not None, f"the worker ended after {events}"
            if not isinstance(event, Progress) or Progress in kinds:
                events.append(event)
            if isinstance(event, kinds):
                return events

    def expect(self, kind: type[Any]) -> Any:
        """The next event, which must be of `kind`."""
        event = self.next_event()
        assert isinstance(event, kind), event
        return event

    def open(self, request: ScanRequest, device: str = "test:0") -> str:
        """Wait until ready and open `device`; the settings that it told."""
        self.expect(Ready)
        self.send(Open(device, request))
        settings: str = self.expect(Opened).settings
        return settings

    def read_image(self) -> None:
        """Begin to read the image pipe."""

        def read() -> None:
            while data := os.read(self.image_pipe, 65536):
                self.image += data

        self._reader = threading.Thread(target=read, daemon=True)
        self._reader.start()

    def scan(self) -> tuple[list[Any], bytes]:
        """Scan a file; the events, the last being ImageDone, and the file."""
        if self._reader is None:
            self.read_image()
        before = len(self.image)
        self.send(StartImage())
        events = self.until(ImageDone, Failed)
        done = events[-1]
        assert isinstance(done, ImageDone), done
        self.wait_for(lambda: len(self.image) >= before + done.bytes)
        assert len(self.image) == before + done.bytes
        return events, bytes(self.image[before:])

    def wait_for(self, condition: Any) -> None:
        """Wait until `condition()` holds; fails after HANG_GUARD_S."""
        never = threading.Event()
        for _ in range(HANG_GUARD_S * 200):
            if condition():
                return
            never.wait(0.005)
        raise AssertionError("waited in vain")

    def end(self) -> int:
        """Wait for Closed, the end of the events and of the process; its exit status."""
        self.until(Closed)
        assert self.next_event() is None
        return self.process.wait(timeout=HANG_GUARD_S)

    def memory_peak(self) -> int:
        """The most memory that was resident, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found.group(1)) // 1024


def request(
    resolution: int = 75,
    color: ColorMode = ColorMode.RGB_24,
    region: Region = A4,
    source: InputSource = InputSource.PLATEN,
    name: Format = Format.JFIF,
    quality: int = 100,
) -> ScanRequest:
    """A request for A4 from the glass in colour, with what is given changed."""
    return ScanRequest(
        source,
        color,
        name,
        Resolution(resolution, resolution),
        region,
        pixels(region.width, resolution),
        pixels(region.height, resolution),
        quality,
    )


def scanimage(asked: ScanRequest, *options: str, config: str | None = None) -> Image.Image:
    """What `scanimage` delivers for the region of `asked`: the same libsane without any code of ours."""
    region, number = asked.region, asked.resolution.width
    millimetres = [str(length * 25.4 / 1000) for length in (region.x, region.y, region.width + 50, region.height + 50)]
    corners = [part for pair in zip(("-l", "-t", "-x", "-y"), millimetres, strict=True) for part in pair]
    mode = "Color" if asked.color is ColorMode.RGB_24 else "Gray"
    command = ["scanimage", "-d", "test:0", "--resolution", str(number), "--format=pnm", "--mode", mode]
    done = subprocess.run(
        [*command, *corners, *options], env=environment(config), capture_output=True, check=True, timeout=HANG_GUARD_S
    )
    image = Image.open(io.BytesIO(done.stdout))
    return image.crop((0, 0, asked.width, asked.height))


def decoded(jpeg: bytes) -> Image.Image:
    """The image in a file."""
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image
