"""When the buttons of a scanner are watched: the supervisor and its button watch over played processes and time."""

from __future__ import annotations

import pytest

from bridge.errors import ScannerError
from bridge.scanner import outcomes, protocol
from bridge.scanner.buttons import (
    FAILURES_TO_GIVE_UP,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    LOOKS_BEFORE_SILENCE,
    PROVEN_S,
    SILENCE_S,
    ButtonWatch,
    WatchState,
)
from bridge.scanner.model import Device, InputSource
from bridge.scanner.protocol import Status
from bridge.scanner.spawning import Spawner
from bridge.scanner.status import ScannerStatus
from bridge.scanner.supervisor import FIRST_PAUSE_S as FIRST_WORKER_PAUSE_S
from bridge.scanner.supervisor import SupervisedScanner
from tests.deferreds import success_result_of
from tests.fakes.process_reactor import FakeProcess, ProcessReactor
from tests.fakes.scripted_scanner import FLATBED_AND_FEEDER, request, utc

PERIOD_S = 0.5
WATCH = protocol.Watch("test:0", 500)
WATCHING = protocol.Watching(("scan", "email"), None)


class Bench:
    """A supervised scanner over played processes; `pressed` are the buttons that were told."""

    def __init__(self) -> None:
        self.reactor = ProcessReactor()
        self.status = ScannerStatus(lambda: utc(self.reactor))
        self.pressed: list[str] = []
        spawner = Spawner(self.reactor, "/nowhere")
        self.buttons = ButtonWatch("test:0", "bench", self.reactor, self.pressed.append)
        self.scanner = SupervisedScanner(
            Device("test:0", "Noname", "frontend-tester"),
            "bench",
            FLATBED_AND_FEEDER,
            self.status,
            self.reactor,
            lambda: spawner.worker("bench"),
            buttons=self.buttons,
        )

    @property
    def process(self) -> FakeProcess:
        return self.reactor.process

    def start(self, period_s: float | None = PERIOD_S) -> None:
        """Start with a warm worker."""
        self.buttons.switch(period_s)
        self.scanner.start()
        self.process.say(protocol.Ready())

    def watch(self, watching: protocol.Watching = WATCHING) -> None:
        """Start with a worker that watches."""
        self.start()
        self.process.say(watching)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_nothing_is_watched_unless_it_is_asked_for(bench: Bench) -> None:
    """Without the setting a warm worker opens no device."""
    bench.start(None)
    bench.reactor.advance(3600)
    assert bench.process.heard == []
    assert bench.buttons.state is WatchState.OFF


def test_a_warm_worker_watches(bench: Bench) -> None:
    """As soon as it is warm the worker is asked to watch, at the pace of the setting; then presses are told."""
    bench.start()
    assert bench.process.heard == [WATCH]
    assert bench.buttons.state is WatchState.PAUSED
    bench.process.say(WATCHING)
    assert bench.buttons.state is WatchState.WATCHING
    assert bench.buttons.buttons == ("scan", "email")
    bench.process.say(protocol.ButtonPressed("email"), protocol.ButtonPressed("scan"))
    assert bench.pressed == ["email", "scan"]


def test_a_job_comes_first(bench: Bench) -> None:
    """A job opens the watched scanner at once, and what is still said of buttons does not disturb it."""
    bench.watch()
    opening = bench.scanner.open(request())
    assert bench.process.heard == [WATCH, protocol.Open("test:0", request())]
    assert bench.buttons.state is WatchState.PAUSED
    bench.process.say(protocol.ButtonPressed("scan"), WATCHING)
    bench.process.say(protocol.WatchFailed(Status.IO_ERROR, "no"), protocol.Opened("all"))
    session = success_result_of(opening)
    assert session is not None
    assert bench.pressed == []
    assert bench.process.signals == []


def test_after_the_job_the_next_worker_watches(bench: Bench) -> None:
    """Watching goes on with the worker that replaces the job's."""
    bench.watch()
    opening = bench.scanner.open(request())
    bench.process.say(protocol.Opened("all"))
    success_result_of(success_result_of(opening).close())
    assert bench.buttons.state is WatchState.PAUSED
    assert len(bench.reactor.processes) == 2
    bench.process.say(protocol.Ready(), WATCHING)
    assert bench.process.heard == [WATCH]
    assert bench.buttons.state is WatchState.WATCHING
    assert bench.scanner.restarts == 0


def test_a_job_that_waits_for_the_worker_comes_before_watching(bench: Bench) -> None:
    """A worker that becomes warm while a job waits is not asked to watch."""
    bench.buttons.switch(PERIOD_S)
    bench.scanner.open(request())
    bench.process.say(protocol.Ready())
    assert bench.process.heard == [protocol.Open("test:0", request())]


def test_the_sensor_for_paper_tells_the_source(bench: Bench) -> None:
    """While it is watched, paper in the feeder makes it the source of a scan without one; else the glass is."""
    bench.watch(protocol.Watching(("scan",), False))
    assert bench.scanner.loaded_source() is InputSource.PLATEN
    bench.process.say(protocol.Watching(("scan",), True))
    assert bench.scanner.loaded_source() is InputSource.ADF
    bench.scanner.open(request())
    assert bench.scanner.loaded_source() is InputSource.PLATEN


def shown(bench: Bench) -> list[tuple[str, str, str]]:
    """The scanner's active conditions."""
    return [(each.name.value, each.component.value, each.severity.value) for each in bench.status.conditions]


EMPTY = [("InputTrayEmpty", "ADF", "Informational")]
LOADED, UNLOADED = protocol.Watching(("scan",), True), protocol.Watching(("scan",), False)


@pytest.mark.conformance(246)
def test_the_sensor_for_paper_is_shown(bench: Bench) -> None:
    """An empty feeder is a condition of the scanner and does not stop it; paper ends it."""
    bench.watch(LOADED)
    bench.process.say(UNLOADED)
    assert shown(bench) == EMPTY
    assert bench.status.state.value == "Idle"
    bench.process.say(LOADED)
    assert shown(bench) == []
    assert not bench.scanner.feeder_is_empty()
    assert [condition.name.value for condition in bench.status.history] == ["InputTrayEmpty"]


def test_what_the_sensor_said_lasts_over_a_job_from_the_glass(bench: Bench) -> None:
    """A job from the glass changes nothing about the feeder, and makes no events of it; one from the feeder does."""
    bench.watch(LOADED)
    bench.process.say(UNLOADED)
    opening = bench.scanner.open(request())
    bench.process.say(protocol.Opened("all"))
    outcomes.forget(bench.status, InputSource.PLATEN)
    assert shown(bench) == EMPTY
    success_result_of(success_result_of(opening).close())
    bench.process.say(protocol.Ready(), UNLOADED)
    assert shown(bench) == EMPTY
    assert bench.status.history == ()
    outcomes.forget(bench.status, InputSource.ADF)
    assert shown(bench) == []


def test_nobody_looks_any_more(bench: Bench) -> None:
    """Without the watch nobody knows about the paper, whether it was switched off or the scanner is used elsewhere."""
    bench.watch(LOADED)
    bench.process.say(UNLOADED)
    bench.process.say(protocol.WatchFailed(Status.DEVICE_BUSY, "In use."))
    assert shown(bench) == []
    bench.reactor.advance(FIRST_PAUSE_S)
    bench.process.say(UNLOADED)
    assert shown(bench) == EMPTY
    bench.buttons.switch(None)
    bench.process.say(protocol.Unwatched())
    assert shown(bench) == []


def test_a_feeder_that_empties_under_a_job_is_remembered_apart(bench: Bench) -> None:
    """What a failed job showed ends by time; what the sensor says does not."""
    bench.watch(protocol.Watching(("scan",), None))
    outcomes.report(bench.status, ScannerError(Status.NO_DOCUMENTS, "empty"), InputSource.ADF)
    assert shown(bench) == EMPTY
    bench.process.say(protocol.Watching(("scan",), None))
    assert shown(bench) == EMPTY
    outcomes.forget(bench.status)
    assert shown(bench) == []


def test_an_empty_feeder_is_believed_once_paper_was_seen(bench: Bench) -> None:
    """A sensor that has told of paper before is believed when there is none, also by the next worker."""
    bench.watch(LOADED)
    assert not bench.scanner.feeder_is_empty()
    bench.process.say(UNLOADED)
    assert bench.scanner.feeder_is_empty()
    opening = bench.scanner.open(request())
    assert not bench.scanner.feeder_is_empty()
    bench.process.say(protocol.Opened("all"))
    success_result_of(success_result_of(opening).close())
    bench.process.say(protocol.Ready(), UNLOADED)
    assert bench.scanner.feeder_is_empty()


def test_a_sensor_that_has_always_said_empty_is_not_believed(bench: Bench) -> None:
    """Drivers exist whose sensor never tells of paper: their feeders are tried, whatever it says."""
    bench.watch(UNLOADED)
    bench.process.say(UNLOADED)
    assert not bench.scanner.feeder_is_empty()
    assert shown(bench) == []
    assert bench.scanner.loaded_source() is InputSource.PLATEN


# -- scanners that cannot be watched -------------------------------------------------------------


def test_a_scanner_in_use_is_tried_again(bench: Bench) -> None:
    """While another program has the scanner, it is tried again with pauses that double up to a minute."""
    bench.start()
    pause, busy = FIRST_PAUSE_S, protocol.WatchFailed(Status.DEVICE_BUSY, "in use")
    for tries in range(1, 8):
        bench.process.say(busy)
        assert (bench.buttons.state, bench.buttons.trouble) == (WatchState.WAITING, "in use")
        bench.reactor.advance(pause - 1)
        assert bench.process.heard == [WATCH] * tries
        bench.reactor.advance(1)
        assert bench.process.heard == [WATCH] * (tries + 1)
        pause = min(LONGEST_PAUSE_S, 2 * pause)
    bench.process.say(WATCHING)
    assert (bench.buttons.state, bench.buttons.trouble) == (WatchState.WATCHING, "")
    bench.process.say(busy)
    bench.reactor.advance(FIRST_PAUSE_S)
    assert bench.process.heard[-1] == WATCH
    assert len(bench.process.heard) == 9


def test_a_driver_that_fails_when_it_is_looked_at_is_left(bench: Bench) -> None:
    """Where the driver itself failed, a fresh worker is ready for the next job, and looks after the same pause."""
    bench.watch()
    failed = bench.process
    bench.process.say(protocol.WatchFailed(Status.NO_MEMORY, "No memory."))
    assert bench.buttons.state is WatchState.WAITING
    assert failed.heard[-1] == protocol.Close()
    assert bench.process is not failed
    bench.process.say(protocol.Ready())
    bench.reactor.advance(FIRST_PAUSE_S - 0.1)
    assert bench.process.heard == []
    bench.reactor.advance(0.1)
    assert bench.process.heard == [WATCH]
    bench.process.say(WATCHING)
    assert bench.buttons.state is WatchState.WATCHING
    assert bench.scanner.restarts == 0


def test_a_fresh_worker_that_comes_after_the_pause(bench: Bench) -> None:
    """When the old worker takes longer to end than the pause, the fresh one looks as soon as it is warm."""
    bench.watch()
    bench.process.obedient = False
    failed = bench.process
    bench.process.say(protocol.WatchFailed(Status.IO_ERROR, "Gone."))
    bench.reactor.advance(FIRST_PAUSE_S + 1)
    assert bench.process is failed
    failed.exit(0)
    bench.process.say(protocol.Ready())
    assert bench.process.heard == [WATCH]


def test_a_job_does_not_wait_for_a_pause(bench: Bench) -> None:
    """A scanner that could not be watched can be opened for a job at any time."""
    bench.start()
    bench.process.say(protocol.WatchFailed(Status.DEVICE_BUSY, "in use"))
    bench.scanner.open(request())
    assert bench.process.heard[-1] == protocol.Open("test:0", request())
    bench.reactor.advance(FIRST_PAUSE_S)
    assert len(bench.process.heard) == 2


def test_a_scanner_without_buttons_is_left_alone(bench: Bench) -> None:
    """A scanner that has no buttons is asked once, by whichever worker; it goes on scanning."""
    bench.start()
    bench.process.say(protocol.WatchFailed(Status.UNSUPPORTED, "no buttons"))
    assert bench.buttons.state is WatchState.NONE
    bench.reactor.advance(3600)
    opening = bench.scanner.open(request())
    bench.process.say(protocol.Opened("all"))
    success_result_of(success_result_of(opening).close())
    bench.process.say(protocol.Ready())
    assert bench.process.heard == []


def test_a_driver_that_crashes_when_it_is_looked_at(bench: Bench) -> None:
    """A few workers that die while they watch cost the buttons and nothing else: the scanner is never Stopped."""
    bench.start()
    for _ in range(FAILURES_TO_GIVE_UP):
        assert bench.process.heard == [WATCH]
        bench.process.say(WATCHING)
        bench.process.exit(None, 11)
        bench.reactor.advance(FIRST_WORKER_PAUSE_S)
        bench.process.say(protocol.Ready())
    assert bench.buttons.state is WatchState.FAILED
    assert "ended by itself" in bench.buttons.trouble
    assert bench.process.heard == []
    assert bench.status.state.value == "Idle"
    assert bench.scanner.restarts == FAILURES_TO_GIVE_UP
    opening = bench.scanner.open(request())
    bench.process.say(protocol.Opened("all"))
    success_result_of(opening)


def test_rare_crashes_are_forgotten(bench: Bench) -> None:
    """Failures count in a row: watching that has gone well for long forgets those before it."""
    bench.start()
    for _ in range(2 * FAILURES_TO_GIVE_UP):
        bench.process.say(WATCHING)
        for _ in range(round(PROVEN_S / 10)):
            bench.reactor.advance(10)
            bench.process.say(WATCHING)
        bench.process.exit(None, 11)
        bench.reactor.advance(FIRST_WORKER_PAUSE_S)
        bench.process.say(protocol.Ready())
    assert bench.process.heard == [WATCH]


def test_a_worker_that_dies_idle_is_the_scanners_failure(bench: Bench) -> None:
    """A worker that dies while nothing is watched counts against the scanner, as without any buttons."""
    bench.start()
    for _ in range(3):
        bench.process.say(protocol.WatchFailed(Status.DEVICE_BUSY, "in use"))
        bench.process.exit(None, 11)
        bench.reactor.advance(60)
        bench.process.say(protocol.Ready())
    assert bench.status.state.value == "Stopped"


@pytest.mark.parametrize("begun", [False, True])
def test_a_worker_that_does_not_come_back_from_a_look(bench: Bench, begun: bool) -> None:
    """A worker that watches and says nothing for long is killed and replaced; the pace of looking is allowed for."""
    bench.start()
    if begun:
        bench.process.say(WATCHING)
    hanging = bench.process
    bench.reactor.advance(SILENCE_S + LOOKS_BEFORE_SILENCE * PERIOD_S - 1)
    assert hanging.signals == []
    bench.reactor.advance(1)
    assert hanging.signals == ["SIGKILL"]
    bench.reactor.advance(FIRST_WORKER_PAUSE_S)
    bench.process.say(protocol.Ready())
    assert bench.process is not hanging
    assert bench.process.heard == [WATCH]
    assert bench.status.state.value == "Idle"


def test_a_sign_of_life_is_enough(bench: Bench) -> None:
    """A worker that says now and then that it watches is left alone however long nobody presses."""
    bench.watch()
    for _ in range(100):
        bench.reactor.advance(SILENCE_S)
        bench.process.say(WATCHING)
    assert bench.process.signals == []


# -- switching -----------------------------------------------------------------------------------


def test_switching_off_gives_the_device_back(bench: Bench) -> None:
    """Switched off, the device is given back at once; presses that were under way are not told any more."""
    bench.watch()
    bench.buttons.switch(None)
    assert bench.process.heard == [WATCH, protocol.Unwatch()]
    assert bench.buttons.state is WatchState.OFF
    bench.process.say(protocol.ButtonPressed("scan"), protocol.Unwatched())
    bench.reactor.advance(3600)
    assert bench.pressed == []
    assert len(bench.process.heard) == 2
    assert bench.process.signals == []


def test_switching_on_while_the_worker_is_warm(bench: Bench) -> None:
    """Switched on, a warm worker begins at once."""
    bench.start(None)
    bench.buttons.switch(PERIOD_S)
    assert bench.process.heard == [WATCH]


def test_switching_off_and_on_at_once(bench: Bench) -> None:
    """Watching begins anew when the device has been given back, not before."""
    bench.watch()
    bench.buttons.switch(None)
    bench.buttons.switch(PERIOD_S)
    assert bench.process.heard == [WATCH, protocol.Unwatch()]
    bench.process.say(WATCHING, protocol.WatchFailed(Status.IO_ERROR, "crossed"), protocol.Unwatched())
    assert bench.process.heard == [WATCH, protocol.Unwatch(), WATCH]
    bench.process.say(WATCHING)
    assert bench.buttons.state is WatchState.WATCHING


def test_another_pace(bench: Bench) -> None:
    """A new pace begins with the next watch; the same setting again changes nothing."""
    bench.watch()
    bench.buttons.switch(PERIOD_S)
    assert bench.process.heard == [WATCH]
    bench.buttons.switch(0.1)
    bench.process.say(protocol.Unwatched())
    assert bench.process.heard == [WATCH, protocol.Unwatch(), protocol.Watch("test:0", 100)]


def test_switching_on_again_forgets_failures(bench: Bench) -> None:
    """Who switches the buttons off and on wants them tried again, whatever became of them."""
    bench.start()
    bench.process.say(protocol.WatchFailed(Status.UNSUPPORTED, "no buttons"))
    bench.buttons.switch(None)
    bench.buttons.switch(PERIOD_S)
    assert bench.process.heard == [WATCH, WATCH]


def test_a_job_while_the_device_is_given_back(bench: Bench) -> None:
    """A job that comes while the watch ends opens the scanner all the same."""
    bench.watch()
    bench.buttons.switch(None)
    opening = bench.scanner.open(request())
    bench.process.say(protocol.Unwatched(), protocol.Opened("all"))
    success_result_of(opening)


def test_stopping_leaves_nothing(bench: Bench) -> None:
    """After the end of the scanner there is no process and no timer."""
    bench.watch()
    success_result_of(bench.scanner.stop())
    assert bench.process.pid is None
    assert bench.reactor.getDelayedCalls() == []


def test_words_at_the_wrong_moment_end_the_worker(bench: Bench) -> None:
    """A worker that speaks of buttons without having been asked misbehaves."""
    bench.start(None)
    process = bench.process
    process.say(protocol.ButtonPressed("scan"))
    assert process.signals == ["SIGKILL"]
    assert bench.pressed == []
