"""Every fault at every moment: the real daemon with the chaos scanner and a client attached, and what follows.

Deadlines are the daemon's own, with their defaults; the test pushes its clock while a process hangs, and counts how
far, so that a row of the matrix takes less than a second and a busy machine changes nothing (`driven_bridge.py`).
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from bridge.scanner.buttons import FAILURES_TO_GIVE_UP, LOOKS_BEFORE_SILENCE, SILENCE_S
from bridge.scanner.process import KILL_AFTER_S, TERM_AFTER_S
from bridge.settings import Scanner
from bridge.system import asking
from tests.chaos.attached_client import BROKEN, NO_IMAGE, WHOLE, AttachedClient, ClientJob, Fetching
from tests.chaos.order import ONCE, STATUSES, Fault, Order, Sensor, calls_by_process, write_order
from tests.chaos.picture import front, which_page
from tests.interop.daemon import HANG_S, Daemon, running

POLL_HZ = 20
MEMORY_MB = 192
SIDE_BY_SIDE = 4
"""Daemons at work at a time: most of the time each waits for something."""

MID_PAGE = 300
LINES = 600

BARELY_BEGUN = "a broken image or headers only"

_LOOK_S = 0.01
_SENSORS = (Sensor("page-loaded", [True]), Sensor("scan", [False]))
_PRESSED = (_SENSORS[0], Sensor("scan", [False, True]))


@dataclass(frozen=True)
class Misbehaviour:
    """What a driver does: `action` with `number` as in order.h; some only make sense where lines are read.

    `waits` says that its call does not come back, and names the signal that ends it.
    """

    name: str
    action: str
    number: int = 0
    waits: str = ""
    reading_only: bool = False


MISBEHAVIOURS = (
    Misbehaviour("crashes (SIGSEGV)", "signal", 11),
    Misbehaviour("aborts (SIGABRT)", "signal", 6),
    Misbehaviour("is killed (SIGKILL)", "signal", 9),
    Misbehaviour("is ended (SIGTERM)", "signal", 15),
    Misbehaviour("ends the process itself", "leave"),
    Misbehaviour("reports an I/O error", "status", STATUSES.index("IO_ERROR")),
    Misbehaviour("takes all the memory it may have", "greed"),
    Misbehaviour("writes rubbish to the bridge", "say", 4),
    Misbehaviour("writes half a line to the bridge", "stammer", 4),
    Misbehaviour("hangs", "hang", waits="SIGTERM"),
    Misbehaviour("hangs and ignores SIGTERM", "deaf", waits="SIGKILL"),
    Misbehaviour("is frozen, and reads no command", "freeze", waits="SIGKILL"),
    Misbehaviour("never delivers a line", "nothing", waits="SIGKILL", reading_only=True),
    Misbehaviour("ends its page in half a line", "torn", reading_only=True),
)


@dataclass(frozen=True)
class Moment:
    """When it does so: in `call` of the backend, at the start of `page` or before `line`."""

    name: str
    call: str
    page: int = 0
    line: int = 0


IDLE = Moment("idle, while its buttons are watched", "sensor")
CANCELLING = Moment("cancelling, after the client's CancelJob", "cancel")
GIVING_BACK = Moment("giving the device back", "close")
BETWEEN_PAGES = Moment("between pages, at the start of the second", "start", page=2)
MOMENTS = (
    IDLE,
    Moment("opening the device", "open"),
    Moment("setting options", "option"),
    Moment("starting", "start"),
    Moment("the first line", "read"),
    Moment("mid-page", "read", line=MID_PAGE),
    BETWEEN_PAGES,
    Moment("the last line", "read", line=LINES),
    CANCELLING,
    GIVING_BACK,
)


@dataclass(frozen=True)
class Case:
    """One cell of the matrix."""

    moment: Moment
    misbehaviour: Misbehaviour

    @property
    def limit_s(self) -> float:
        """The documented time after which a call that does not come back is given up; 0 where there is none."""
        if not self.misbehaviour.waits:
            return 0
        if self.moment is IDLE:
            return SILENCE_S + LOOKS_BEFORE_SILENCE / POLL_HZ
        if self.moment in (CANCELLING, GIVING_BACK):
            return TERM_AFTER_S if self.misbehaviour.waits == "SIGTERM" else KILL_AFTER_S
        return Scanner().read_timeout_s if self.moment.line else Scanner().start_timeout_s

    @property
    def signal(self) -> str:
        """The signal by which the bridge ends a call that does not come back."""
        polite = self.moment in (CANCELLING, GIVING_BACK)
        return self.misbehaviour.waits if polite else "SIGKILL"

    @property
    def step_s(self) -> float:
        """How far the clock is pushed at a time."""
        return self.limit_s / 20

    @property
    def fault(self) -> Fault:
        """The order for it."""
        moment, done = self.moment, self.misbehaviour
        # A fresh worker looks at the buttons at once, and would meet the same again. Failed looks are borne, though.
        once = moment is IDLE and done.action not in ("status", "greed")
        return Fault(moment.call, done.action, done.number, page=ONCE if once else moment.page, line=moment.line)


CASES = tuple(
    Case(moment, misbehaviour)
    for moment in MOMENTS
    for misbehaviour in MISBEHAVIOURS
    if moment.call == "read" or not misbehaviour.reading_only
)


@dataclass(frozen=True)
class Observation:
    """What was seen: what the client met, how its job and the scanner stood when a fresh worker was there.

    `pushed_s` is how far the clock was pushed until the process was gone, `took_s` how long all that took by the
    machine's own clock; `page` is what the next job delivered, `afterwards` how the scanner was then.
    """

    client: str
    job: str
    scanner: str
    conditions: str
    pushed_s: float
    took_s: float
    page: str
    afterwards: str


class Bench:
    """A daemon with the chaos scanner in `folder` and a client attached."""

    def __init__(self, daemon: Daemon, folder: Path) -> None:
        self.daemon = daemon
        self.client = AttachedClient(daemon.url)
        self._folder = folder
        self._pushed = 0.0
        self._ended = 0

    def observe(self, case: Case) -> Observation:
        """Let the driver misbehave, see what follows, and let another job have its page."""
        began = time.monotonic()
        self._pushed = 0.0
        self._ended = self.daemon.log.count(f"sending {case.signal} ")
        before = len(calls_by_process(self._folder))
        worker = self._warm_worker()
        if case.moment is IDLE:
            job, client = None, "no job"
            self.daemon.wait_for(lambda scanner: scanner["buttons"]["state"] == "watching")
            # A worker that watches has little to say; a press makes it speak.
            self.order(case.fault, sensors=_PRESSED)
        else:
            job = self.client.order(images=2 if case.moment is BETWEEN_PAGES else 1)
            fetching = self._lead_to(case, job)
            self._let_time_pass(case, before, lambda: fetching.over)
            client = fetching.outcome()
            if case.misbehaviour.action == "torn" and client in (BROKEN, NO_IMAGE):
                # The first bytes of the image and the word of its failure are on their way together.
                client = BARELY_BEGUN
        self._let_time_pass(case, before, lambda: self._settled(worker))
        pushed, took = self._pushed, time.monotonic() - began
        told = self.client.job(job) if job else "no job"
        scanner, conditions = self.client.scanner(), self.client.conditions()
        self.order()
        page = self.page()
        afterwards = ", ".join(filter(None, (self._idle_scanner(), self.client.conditions())))
        return Observation(client, told, scanner, conditions, pushed, took, page, afterwards)

    # -- the story -------------------------------------------------------------------------------

    def _lead_to(self, case: Case, job: ClientJob) -> Fetching:
        """Bring the job to the moment; what its client is waiting for then."""
        moment, held = case.moment, Fault("read", "hold", line=case.moment.line or MID_PAGE)
        before = self._holds()
        if moment is BETWEEN_PAGES:
            self.order(case.fault)
            assert self.client.fetch(job).outcome() == WHOLE
        elif moment is CANCELLING or moment.line:
            self.order(held)
            fetching = self.client.fetch(job)
            fetching.until_begun()
            self._until_held(1 + before)
            self.order(case.fault, *([held] if moment is CANCELLING else []))
            if moment is CANCELLING:
                # Only now does the backend know the order, and is in a read that a cancel has to end.
                self._until_held(2 + before)
                self.client.cancel(job)
            return fetching
        else:
            self.order(case.fault)
        return self.client.fetch(job)

    def _holds(self) -> int:
        """How often the backend has waited for an order so far."""
        return sum(call == "hold" for _, call in calls_by_process(self._folder))

    def _until_held(self, times: int) -> None:
        hang = time.monotonic() + HANG_S
        while self._holds() < times:
            assert time.monotonic() < hang, f"the scanner does not come to wait\n{self.daemon.log[-3000:]}"
            time.sleep(_LOOK_S)

    def _let_time_pass(self, case: Case, before: int, done: Callable[[], bool]) -> None:
        """Wait until `done`; the clock is pushed as long as the process that does not come back is there."""
        hang = time.monotonic() + HANG_S
        while not done():
            assert time.monotonic() < hang, f"{case} does not end\n{self.daemon.log[-3000:]}"
            waiting = [pid for pid, call in calls_by_process(self._folder)[before:] if call == case.misbehaviour.action]
            ended = self.daemon.log.count(f"sending {case.signal} ")
            if case.limit_s and waiting and ended == self._ended and _alive(waiting[-1]):
                asking.ask(self.daemon.socket, {"command": "push", "seconds": case.step_s})
                # An answer shows that whatever was due has been done.
                asking.ask(self.daemon.socket, {"command": "status"})
                self._pushed += case.step_s
            time.sleep(_LOOK_S)

    def _settled(self, worker: int) -> bool:
        """Whether nothing more follows by itself: the job is over, the scanner is free, another worker is there."""
        scanner = self.daemon.scanner()
        if scanner["active_jobs"] or scanner["state"] == "Processing" or not scanner["worker"]["pid"]:
            return False
        return bool(scanner["worker"]["pid"] != worker)

    def page(self) -> str:
        """What a job gets from the scanner: "a good page", or what its client met."""
        job = self.client.order()
        fetching = self.client.fetch(job)
        if fetching.outcome() != WHOLE:
            return fetching.outcome()
        with Image.open(io.BytesIO(fetching.file)) as image:
            image.load()
            good = image.size == (1200, LINES) and which_page(image) == front(1)
        return "a good page" if good else "another page"

    # -- its parts -------------------------------------------------------------------------------

    def order(self, *faults: Fault, sensors: Sequence[Sensor] = _SENSORS) -> None:
        """Let the scanner misbehave so from now on; be well without any."""
        write_order(self._folder, Order(sensors=sensors, faults=faults))

    def _warm_worker(self) -> int:
        """The process that is ready for the next job."""
        return int(self.daemon.wait_for(lambda scanner: bool(scanner["worker"]["pid"]))["worker"]["pid"])

    def _idle_scanner(self) -> str:
        self.daemon.wait_for(lambda scanner: scanner["state"] != "Processing")
        return self.client.scanner()


@contextmanager
def bench(directory: Path, *, buttons: bool) -> Iterator[Bench]:
    """A daemon on a chaos scanner, both with their files in `directory`, which looks at the scanner's `buttons`."""
    folder = directory / "chaos"
    folder.mkdir()
    write_order(folder, Order(sensors=_SENSORS))
    scanner = {
        "virtual": "never", "sane_config_dir": str(folder), "memory_limit_mb": MEMORY_MB,
        "buttons": buttons, "button_poll_hz": POLL_HZ,
    }
    with running(Daemon(directory, {"scanner": scanner}, program="tests.chaos.driven_bridge")) as daemon:
        yield Bench(daemon, folder)


class Benches:
    """Several benches at work at a time, kept from one call of `observe` to the next; files go into `directory`.

    A context manager; at its end each daemon must have had a good run.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._kept: list[Bench] = []
        self._started = 0
        self._stack = ExitStack()

    def __enter__(self) -> Benches:
        return self

    def __exit__(self, *raised: Any) -> None:
        self._stack.__exit__(*raised)

    def observe(self, cases: Sequence[Case]) -> dict[Case, Observation]:
        """What follows from each of `cases`."""
        watched = [case for case in cases if case.moment is IDLE]
        others = [case for case in cases if case.moment is not IDLE]
        # A driver that fails under the watch three times is not looked at any more.
        at_once = FAILURES_TO_GIVE_UP - 1
        groups = [watched[first : first + at_once] for first in range(0, len(watched), at_once)]
        while len(self._kept) < min(SIDE_BY_SIDE, len(others)):
            self._kept.append(self._stack.enter_context(bench(self._place(), buttons=False)))
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            parts = [pool.submit(self._observe_idle, group, self._place()) for group in groups]
            for number, each in enumerate(self._kept):
                parts.append(pool.submit(_observe, each, others[number :: len(self._kept)]))
            return {case: seen for part in parts for case, seen in part.result().items()}

    def _observe_idle(self, cases: Sequence[Case], place: Path) -> dict[Case, Observation]:
        with bench(place, buttons=True) as watched:
            return _observe(watched, cases)

    def _place(self) -> Path:
        self._started += 1
        place = self._directory / str(self._started)
        place.mkdir()
        return place


def _observe(each: Bench, cases: Sequence[Case]) -> dict[Case, Observation]:
    return {case: each.observe(case) for case in cases}


def _alive(pid: int) -> bool:
    """Whether the process is there and has not ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

