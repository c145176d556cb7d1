"""Watching the buttons of a scanner while it has nothing to do: when to watch, and when to leave it alone.

Buttons have to be looked at, and that keeps the device open, so it is done only when the settings say so; a job gets
the scanner at once, and watching goes on when its worker has been replaced. A scanner that another program holds is
tried again later. A driver that crashes or hangs when it is looked at costs the buttons, never the scans.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from bridge.errors import ScannerError
from bridge.scanner import protocol
from bridge.scanner.protocol import Command, Event, Status

FIRST_PAUSE_S = 5.0
"""Before a scanner that could not be watched is tried again; doubled each time."""

LONGEST_PAUSE_S = 60.0
"""The longest of these pauses."""

SILENCE_S = 60.0
"""A worker that watches and says nothing for so long, beside the time of a few looks, hangs."""

LOOKS_BEFORE_SILENCE = 4
"""Looks whose time is allowed beside: a slow poll rate is no silence."""

PROVEN_S = 600.0
"""Watching that has gone well for so long forgets the failures before it."""

FAILURES_TO_GIVE_UP = 3
"""So many workers lost while they watched, and the buttons are left alone until they are switched on again."""


class WatchState(str, Enum):
    """What becomes of the buttons at present."""

    OFF = "off"
    """The settings do not ask for them."""
    PAUSED = "paused"
    """A job has the scanner, or its worker is being started."""
    WATCHING = "watching"
    """The device is open; no other program can use it."""
    WAITING = "waiting"
    """The scanner could not be watched, mostly because another program has it; it is tried again."""
    NONE = "none"
    """The scanner has no buttons that its driver can read."""
    FAILED = "failed"
    """The driver failed several times when the buttons were looked at, so they are left alone."""


class WatchingWorker(Protocol):
    """The warm worker of a scanner that has nothing to do."""

    def send(self, command: Command) -> object:
        """Send it a command."""


class ButtonWatch:
    """The buttons of one scanner.

    `device` is SANE's name for it, `title` names it in the log, `pressed` is told the name of each button that is
    pressed, `hangs` that the worker does not look any more.

    `page_loaded` is what the sensor for paper says, None when nobody knows.
    """

    log = Logger()

    def __init__(self, device: str, title: str, clock: IReactorTime, pressed: Callable[[str], None]) -> None:
        self.state = WatchState.OFF
        self.buttons: tuple[str, ...] = ()
        self.page_loaded: bool | None = None
        self._paper_seen = False
        self.trouble = ""
        self.hangs: Callable[[], None] = lambda: None
        self._device = device
        self._title = title
        self._clock = clock
        self._pressed = pressed
        self._period_s: float | None = None
        self._worker: WatchingWorker | None = None
        self._asked = False
        self._giving_back = False
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._later: IDelayedCall | None = None
        self._silence: IDelayedCall | None = None
        self._proven: IDelayedCall | None = None

    @property
    def feeder_empty(self) -> bool:
        """Whether the feeder is known to be empty.

        A sensor that has never told of paper is not believed: where a driver's always says that there is none, nobody
        could ever use the feeder.
        """
        return self.page_loaded is False and self._paper_seen

    # -- settings --------------------------------------------------------------------------------

    def switch(self, period_s: float | None) -> None:
        """Look at the buttons every `period_s` seconds from now on; None: leave them alone."""
        if period_s == self._period_s:
            return
        self._period_s = period_s
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._stop()
        self._set(WatchState.OFF if period_s is None else WatchState.PAUSED)
        if self._worker is not None and self._asked:
            self._give_back()
        else:
            self._begin()

    # -- the supervisor's side -------------------------------------------------------------------

    def idle(self, worker: WatchingWorker) -> None:
        """`worker` is warm and nobody needs it."""
        self._worker = worker
        self._asked = self._giving_back = False
        if self._later is None or not self._later.active():
            self._begin()

    def released(self) -> None:
        """The worker in which looking failed is being replaced; the next one looks when the pause is over."""
        self._worker = None
        self._asked = self._giving_back = False

    def taken(self) -> None:
        """A job takes the scanner, or the worker ends."""
        self._worker = None
        self._asked = self._giving_back = False
        self._stop()
        if self.state in (WatchState.WATCHING, WatchState.WAITING):
            self._set(WatchState.PAUSED)

    def lost(self, error: ScannerError) -> bool:
        """The worker has failed; whether it was looking at the buttons, so that the scanner itself may be well."""
        looking = self._asked and not self._giving_back
        self.taken()
        if not looking:
            return False
        self._failures += 1
        self.trouble = str(error)
        if self._failures >= FAILURES_TO_GIVE_UP:
            self._set(WatchState.FAILED)
            self.log.error(
                "{title}: its driver failed {count} times while its buttons were looked at, so they are left alone; "
                "scanning goes on. Last: {error}",
                title=self._title,
                count=self._failures,
                error=str(error),
            )
        return True

    def heard(self, event: Event) -> None:
        """What the worker says while it has no job."""
        if isinstance(event, protocol.Unwatched):
            self._asked = self._giving_back = False
            self._begin()
        elif self._giving_back:
            return
        elif isinstance(event, protocol.Watching):
            self._watching(event)
        elif isinstance(event, protocol.ButtonPressed):
            self.log.info("{title}: its button {button!r} was pressed", title=self._title, button=event.name)
            self._pressed(event.name)
        elif isinstance(event, protocol.WatchFailed):
            self._refused(event)

    # -- inside ----------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Ask the worker to watch, if that is wanted and may be."""
        wanted = self._period_s is not None and self.state not in (WatchState.NONE, WatchState.FAILED)
        if not wanted or self._worker is None or self._asked:
            return
        assert self._period_s is not None
        self._stop()
        self._asked = True
        self._worker.send(protocol.Watch(self._device, round(self._period_s * 1000)))
        self._expect_word()

    def _give_back(self) -> None:
        assert self._worker is not None
        if not self._giving_back:
            self._giving_back = True
            self._worker.send(protocol.Unwatch())

    def _watching(self, event: protocol.Watching) -> None:
        if self.state is not WatchState.WATCHING:
            self.log.info(
                "{title}: its buttons are watched ({buttons}); other programs cannot use it meanwhile",
                title=self._title,
                buttons=", ".join(event.buttons),
            )
            self._proven = self._clock.callLater(PROVEN_S, self._is_proven)
        self._pause_s = FIRST_PAUSE_S
        self.trouble = ""
        self._set(WatchState.WATCHING)
        self._paper_seen = self._paper_seen or event.page_loaded is True
        self.buttons, self.page_loaded = event.buttons, event.page_loaded
        self._expect_word()

    def _refused(self, event: protocol.WatchFailed) -> None:
        self._asked = False
        self._stop()
        first = self.trouble != event.message
        self.trouble = event.message
        if event.status is Status.UNSUPPORTED:
            self._set(WatchState.NONE)
            self.log.info("{title}: {message}", title=self._title, message=event.message)
            return
        self._set(WatchState.WAITING)
        self._later = self._clock.callLater(self._pause_s, self._begin)
        if first:
            self.log.warn(
                "{title}: its buttons cannot be watched: {message} It is tried again from time to time",
                title=self._title,
                message=event.message,
            )
        self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s)

    def _expect_word(self) -> None:
        assert self._period_s is not None
        _cancel(self._silence)
        allowed = SILENCE_S + LOOKS_BEFORE_SILENCE * self._period_s
        self._silence = self._clock.callLater(allowed, lambda: self.hangs())

    def _is_proven(self) -> None:
        self._failures = 0

    def _stop(self) -> None:
        for call in (self._later, self._silence, self._proven):
            _cancel(call)
        self._later = self._silence = self._proven = None

    def _set(self, state: WatchState) -> None:
        self.state = state
        if state is not WatchState.WATCHING:
            self.buttons, self.page_loaded = (), None


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()
