"""Worker processes that do what workers may do, step by step, and what they must not.

A process stands where its commands have brought it; `moves` are the steps that it can take there. Bytes go through a
pipe: what it has written but nobody has read yet is `unread`, at most PIPE, and it writes no more while that is full.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.scanner import protocol
from bridge.scanner.protocol import Status
from tests.conversations.scene import Scene
from tests.fakes.process_reactor import FakeProcess

PIPE = 65536
"""Bytes that fit into a pipe."""

READ_TIMEOUT_S = 30.0
"""The shortest time-out that the daemon has for a worker."""

NONSENSE: dict[str, bytes] = {
    "plain text": b"Segmentation fault\n",
    "no text": b"\xff\xfe\x00\n",
    "no end": b"x" * (protocol.MAX_FRAME + 1),
    "an unknown frame": b'{"frame":"Dance"}\n',
    "a command": b'{"frame":"StartImage"}\n',
    "a wrong field": b'{"frame":"ImageDone","bytes":"many"}\n',
    "a wrong number": b'{"frame":"ImageDone","bytes":-7}\n',
    "an answer to nothing": b'{"frame":"Opened","settings":"again"}\n',
    "an end too early": b'{"frame":"ImageDone","bytes":9}\n',
    "a beginning": b'{"frame":"Ready"}\n',
}
"""What no worker says, or not now."""


class PlayedWorker:
    """One worker process.

    `image` is what it has written of its present image, for the job `job`; `mad` says that it has talked nonsense.
    `scanned` is told each page, with its file, which is empty when that is worth nothing.
    """

    def __init__(self, scene: Scene, process: FakeProcess, scanned: Callable[[PlayedWorker, bytes], None]) -> None:
        self.process = process
        self.state = "starting"
        self.image = b""
        self.unread = b""
        self.job: int | None = None
        self.mad = False
        self.leaving_since: float | None = None
        self._moved_at = scene.reactor.seconds()
        self._scene = scene
        self._scanned = scanned
        self._heard = 0
        self._images = 0
        self._number = process.pid

    @property
    def alive(self) -> bool:
        return self.process.pid is not None

    @property
    def has_device(self) -> bool:
        """Whether it may have the scanner open."""
        return self.alive and any(isinstance(command, protocol.Open) for command in self.process.heard)

    @property
    def stalled(self) -> bool:
        """Whether it has let the daemon wait longer than it may."""
        waiting = self.state not in ("idle", "open")
        return waiting and self._scene.reactor.seconds() - self._moved_at >= READ_TIMEOUT_S

    def listen(self, owner: int | None) -> None:
        """Take up the commands that have come; `owner` is the job for which images are made."""
        for command in self.process.heard[self._heard :]:
            self._heard += 1
            if not isinstance(command, protocol.Cancel | protocol.Close):
                self._moved_at = self._scene.reactor.seconds()
            if isinstance(command, protocol.Open):
                self.state = "opening"
            elif isinstance(command, protocol.StartImage):
                self.state, self.image, self.job = "asked", b"", owner
                self._images += 1
            elif isinstance(command, protocol.Close):
                self._leave()
        if self.process.signals and self.state != "leaving":
            self._leave()

    def _leave(self) -> None:
        self.state = "leaving"
        self.leaving_since = self._scene.reactor.seconds()

    # -- what it may do --------------------------------------------------------------------------

    def moves(self) -> dict[str, Callable[[], None]]:
        """The steps that bring a page nearer, by their names."""
        if not self.alive:
            return {}
        if self.unread and self._reads:
            return {"read": self.let_read}
        return {
            "starting": {"ready": lambda: self._say("idle", protocol.Ready())},
            "opening": {"opened": lambda: self._say("open", protocol.Opened("as asked"))},
            "asked": {"begin": lambda: self._say("scanning", protocol.ImageStarted())},
            "scanning": {"write": lambda: self.write(b"z" * 100), "finish": self.finish},
            "leaving": {"exit": lambda: self.exit(0)},
        }.get(self.state, {})

    def write(self, data: bytes) -> None:
        """Write some of the image, as much as the pipe takes."""
        if not self.image:
            data = f"image {self._images} of process {self._number}: ".encode() + data
        data = data[: PIPE - len(self.unread)]
        self.image += data
        self._moved_at = self._scene.reactor.seconds()
        self.unread += data
        self.let_read()

    def let_read(self) -> None:
        """Let the daemon read what the pipe holds, if it reads."""
        if self.unread and self._reads:
            data, self.unread = self.unread, b""
            self.process.image(data)
            self._scene.wire.pump()

    def finish(self) -> None:
        """End the image; its last bytes may still be in the pipe."""
        if not self.image:
            self.write(b"z")
        if self.state == "scanning":
            self._scanned(self, self.image)
            self._say("open", protocol.PageScanned(100), protocol.ImageDone(len(self.image)))

    def fail(self, status: Status) -> None:
        """Fail with what goes on."""
        after = {"opening": "idle", "asked": "open", "scanning": "open"}
        if self.state in after:
            self._say(after[self.state], protocol.Failed(status, f"played {status.value}"))

    def exit(self, status: int | None, signal: int | None = None) -> None:
        """End, by itself or as it was told."""
        self.process.exit(status, signal)
        self._scene.wire.pump()

    # -- what it must not do ---------------------------------------------------------------------

    def talk_nonsense(self, what: str) -> None:
        """Say what no worker says, or something right by chance."""
        self.mad = True
        by_chance = {("a beginning", "starting"): "idle", ("an answer to nothing", "opening"): "open"}
        self.state = by_chance.get((what, self.state), self.state)
        self.process.protocol.childDataReceived(protocol.EVENT_FD, NONSENSE[what])
        self._scene.wire.pump()

    def promise_less(self) -> None:
        """Say that the image has fewer bytes than were written."""
        if self.state == "scanning":
            self.write(b"too much")
        if self.state == "scanning":
            self._scanned(self, b"")
            self._say("open", protocol.PageScanned(100), protocol.ImageDone(len(self.image) - 1))

    def write_out_of_turn(self) -> None:
        """Write bytes that belong to no image."""
        if self._reads and self.state not in ("asked", "scanning"):
            self.process.image(b"nobody asked for these")
            self._scene.wire.pump()

    # -- inside ----------------------------------------------------------------------------------

    @property
    def _reads(self) -> bool:
        pipe = self.process.pipes.get(protocol.IMAGE_FD)
        return pipe is not None and pipe.reading

    def _say(self, state: str, *events: protocol.Event) -> None:
        self.state = state
        self._moved_at = self._scene.reactor.seconds()
        for event in events:
            if self.alive:
                self.process.say(event)
        self._scene.wire.pump()
