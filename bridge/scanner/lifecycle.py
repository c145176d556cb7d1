"""The life of a worker process as an explicit machine, seen from the daemon.

    starting -> idle -> describing -> idle
                 |
                 +-> watching -> unwatching -> idle
                 |     |
                 +-----+-> opening -> open -> asked -> scanning -> open ... -> leaving -> gone

From every state `leave` leads to leaving and `exited` to gone. A frame that does not fit the state raises
automat.NoTransition: the worker misbehaves, and the daemon ends it.
"""

from __future__ import annotations

from automat import MethodicalMachine


class WorkerLifecycle:
    """What a worker may say next; inputs named `said_...` are its frames, the others the daemon's doing."""

    _machine = MethodicalMachine()

    @_machine.state(initial=True)
    def starting(self) -> None:
        """Imports are being done and libsane is being loaded."""

    @_machine.state()
    def idle(self) -> None:
        """Warm; no device is open."""

    @_machine.state()
    def describing(self) -> None:
        """The device is opened, read and closed."""

    @_machine.state()
    def watching(self) -> None:
        """The device is open, or being opened, so that its buttons can be looked at."""

    @_machine.state()
    def unwatching(self) -> None:
        """The watched device is being given back."""

    @_machine.state()
    def opening(self) -> None:
        """The device is being opened and set up for a job."""

    @_machine.state()
    def open(self) -> None:
        """The device is open and waits for the next image."""

    @_machine.state()
    def asked(self) -> None:
        """An image is asked for and its first line is not there yet."""

    @_machine.state()
    def scanning(self) -> None:
        """An image is being scanned."""

    @_machine.state()
    def leaving(self) -> None:
        """The process was told to end; whatever it still says does not matter."""

    @_machine.state()
    def gone(self) -> None:
        """The process is no more."""

    @_machine.input()
    def said_ready(self) -> None:
        """Ready."""

    @_machine.input()
    def said_described(self) -> None:
        """Described."""

    @_machine.input()
    def said_watching(self) -> None:
        """Watching or ButtonPressed."""

    @_machine.input()
    def said_watch_failed(self) -> None:
        """WatchFailed."""

    @_machine.input()
    def said_unwatched(self) -> None:
        """Unwatched."""

    @_machine.input()
    def said_opened(self) -> None:
        """Opened."""

    @_machine.input()
    def said_image_started(self) -> None:
        """ImageStarted."""

    @_machine.input()
    def said_progress(self) -> None:
        """Progress or PageScanned."""

    @_machine.input()
    def said_image_done(self) -> None:
        """ImageDone."""

    @_machine.input()
    def said_failed(self) -> None:
        """Failed."""

    @_machine.input()
    def said_closed(self) -> None:
        """Closed."""

    @_machine.input()
    def describe(self) -> None:
        """Describe is sent."""

    @_machine.input()
    def watch(self) -> None:
        """Watch is sent."""

    @_machine.input()
    def unwatch(self) -> None:
        """Unwatch is sent."""

    @_machine.input()
    def open_device(self) -> None:
        """Open is sent."""

    @_machine.input()
    def start_image(self) -> None:
        """StartImage is sent."""

    @_machine.input()
    def leave(self) -> None:
        """Close is sent, or the process is being ended."""

    @_machine.input()
    def exited(self) -> None:
        """The process has ended."""

    starting.upon(said_ready, enter=idle, outputs=[])
    starting.upon(said_failed, enter=starting, outputs=[])
    idle.upon(describe, enter=describing, outputs=[])
    idle.upon(open_device, enter=opening, outputs=[])
    describing.upon(said_described, enter=idle, outputs=[])
    describing.upon(said_failed, enter=idle, outputs=[])
    idle.upon(watch, enter=watching, outputs=[])
    watching.upon(said_watching, enter=watching, outputs=[])
    watching.upon(said_watch_failed, enter=idle, outputs=[])
    watching.upon(unwatch, enter=unwatching, outputs=[])
    watching.upon(open_device, enter=opening, outputs=[])
    unwatching.upon(said_watching, enter=unwatching, outputs=[])
    unwatching.upon(said_watch_failed, enter=unwatching, outputs=[])
    unwatching.upon(said_unwatched, enter=idle, outputs=[])
    unwatching.upon(open_device, enter=opening, outputs=[])
    opening.upon(said_opened, enter=open, outputs=[])
    # What was said of the watch before Open arrived.
    for _said in (said_watching, said_watch_failed, said_unwatched):
        opening.upon(_said, enter=opening, outputs=[])
    opening.upon(said_failed, enter=idle, outputs=[])
    open.upon(start_image, enter=asked, outputs=[])
    asked.upon(said_image_started, enter=scanning, outputs=[])
    asked.upon(said_progress, enter=asked, outputs=[])
    asked.upon(said_failed, enter=open, outputs=[])
    scanning.upon(said_progress, enter=scanning, outputs=[])
    scanning.upon(said_image_done, enter=open, outputs=[])
    scanning.upon(said_failed, enter=open, outputs=[])

    for _state in (starting, idle, describing, watching, unwatching, opening, open, asked, scanning):
        _state.upon(leave, enter=leaving, outputs=[])
        _state.upon(exited, enter=gone, outputs=[])
    for _said in (
        *(said_ready, said_described, said_watching, said_watch_failed, said_unwatched, said_opened),
        *(said_image_started, said_progress, said_image_done, said_failed, said_closed),
    ):
        leaving.upon(_said, enter=leaving, outputs=[])
    leaving.upon(leave, enter=leaving, outputs=[])
    leaving.upon(exited, enter=gone, outputs=[])
    gone.upon(leave, enter=gone, outputs=[])
    del _state, _said
