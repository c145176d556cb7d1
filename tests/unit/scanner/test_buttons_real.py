"""The scanner's buttons through libsane: a finger on the chaos scanner, a real worker, the real supervisor."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from bridge.scanner.buttons import SILENCE_S, WatchState
from bridge.scanner.model import InputSource
from bridge.scanner.protocol import (
    ButtonPressed,
    Close,
    Open,
    Opened,
    Ready,
    Status,
    Unwatch,
    Unwatched,
    Watch,
    WatchFailed,
    Watching,
)
from tests.chaos.fixtures import DEVICE, Chaos
from tests.chaos.order import STATUSES, Fault, Order, Sensor
from tests.chaos.picture import front, which_page
from tests.chaos.queue_bench import QueueBench, until
from tests.real_reactor import run
from tests.unit.scanner.sane_process import HANG_GUARD_S
from tests.unit.scanner.worker_process import WorkerUnderTest, decoded, request

PERIOD_S = 0.02


def panel(*faults: Fault, scan: tuple[bool, ...] = (False,), email: bool = False, paper: bool = False) -> Order:
    """A scanner with two buttons and a sensor for paper, which hold these values."""
    sensors = [Sensor("scan", scan), Sensor("page-loaded", [paper]), Sensor("email", [email])]
    return Order(sensors=sensors, faults=faults)


def scanimage_may_open(chaos: Chaos) -> bool:
    """Whether another program can use the scanner."""
    done = subprocess.run(
        ["scanimage", "-d", DEVICE, "-n"],
        env={**os.environ, "SANE_CONFIG_DIR": chaos.config},
        capture_output=True,
        timeout=HANG_GUARD_S,
        check=False,
    )
    assert done.returncode == 0 or b"Device busy" in done.stderr
    return done.returncode == 0


class Watcher(WorkerUnderTest):
    """A worker that watches the chaos scanner."""

    def __init__(self, chaos: Chaos) -> None:
        super().__init__(chaos.config)
        self.expect(Ready)
        self.send(Watch(DEVICE, round(PERIOD_S * 1000)))


# -- the worker ----------------------------------------------------------------------------------


def test_a_press_is_told(chaos: Chaos) -> None:
    """A button that comes to be held is told once, by its name, and paper before the press."""
    chaos.order(panel())
    with Watcher(chaos) as worker:
        assert worker.expect(Watching) == Watching(("scan", "email"), False)
        chaos.order(panel(email=True, paper=True))
        assert worker.expect(Watching) == Watching(("scan", "email"), True)
        assert worker.expect(ButtonPressed) == ButtonPressed("email")
        chaos.order(panel(scan=(True,), paper=True))
        assert worker.expect(ButtonPressed) == ButtonPressed("scan")
        worker.send(Close())
        assert worker.end() == 0
        assert chaos.calls == ["open", "close"]


def test_a_press_that_waits_in_the_scanner(chaos: Chaos) -> None:
    """A device that keeps each change until it is read loses no press; what waited at first is none."""
    chaos.order(panel(scan=(True, True, False, True, False)))
    with Watcher(chaos) as worker:
        worker.expect(Watching)
        assert worker.expect(ButtonPressed) == ButtonPressed("scan")
        worker.send(Unwatch())
        worker.expect(Unwatched)


def test_an_option_that_names_the_button(chaos: Chaos) -> None:
    """A text option that says which button was pressed last tells each by name."""
    chaos.order(Order(sensors=[Sensor("button-pressed", ["none", "copy", "none"])]))
    with Watcher(chaos) as worker:
        assert worker.expect(Watching) == Watching(("button-pressed",), None)
        assert worker.expect(ButtonPressed) == ButtonPressed("copy")


def test_the_device_is_held_and_given_back(chaos: Chaos) -> None:
    """While it is watched no other program can use the scanner; Unwatch gives it back, and it can be watched again."""
    chaos.order(panel())
    with Watcher(chaos) as worker:
        worker.expect(Watching)
        assert not scanimage_may_open(chaos)
        worker.send(Unwatch())
        worker.expect(Unwatched)
        assert scanimage_may_open(chaos)
        worker.send(Watch(DEVICE, 20))
        worker.expect(Watching)
        assert not scanimage_may_open(chaos)


def test_a_job_takes_the_scanner_from_the_watch(chaos: Chaos) -> None:
    """Open ends the watch and gives the device back before it takes it; the page is whole, and nothing is watched."""
    chaos.order(panel())
    with Watcher(chaos) as worker:
        worker.expect(Watching)
        worker.send(Open(DEVICE, request()))
        worker.expect(Opened)
        chaos.order(panel(scan=(True,)))
        _, jpeg = worker.scan()
        assert which_page(decoded(jpeg)) == 0
        worker.send(Close())
        assert worker.end() == 0
        assert chaos.calls == ["open", "close", "open", "start", "cancel", "close"]


def test_a_scanner_without_buttons(chaos: Chaos) -> None:
    """A scanner that has none says so, and is given back."""
    with Watcher(chaos) as worker:
        assert worker.expect(WatchFailed).status is Status.UNSUPPORTED
        assert scanimage_may_open(chaos)


def test_a_scanner_in_use(chaos: Chaos) -> None:
    """A scanner that another process has cannot be watched; the worker can be asked again."""
    chaos.order(panel())
    with Watcher(chaos) as first:
        first.expect(Watching)
        with Watcher(chaos) as second:
            assert second.expect(WatchFailed).status is Status.DEVICE_BUSY
            first.send(Close())
            first.end()
            second.send(Watch(DEVICE, 20))
            second.expect(Watching)


def test_a_scanner_that_cannot_be_read_any_more(chaos: Chaos) -> None:
    """After a few looks in vain the watch ends with the device's status, and the device is given back."""
    chaos.order(panel())
    with Watcher(chaos) as worker:
        worker.expect(Watching)
        chaos.order(panel(Fault("sensor", "status", STATUSES.index("IO_ERROR"))))
        assert worker.expect(WatchFailed).status is Status.IO_ERROR
        assert chaos.calls == ["open", "close"]


def test_a_driver_that_crashes_at_a_look(chaos: Chaos) -> None:
    """The worker dies, as it does in any other call."""
    chaos.order(panel())
    with Watcher(chaos) as worker:
        worker.expect(Watching)
        chaos.order(panel(Fault("sensor", "crash")))
        assert worker.next_event() is None
        assert worker.process.wait(HANG_GUARD_S) == -signal.SIGSEGV


# -- the supervisor ------------------------------------------------------------------------------


def test_watching_goes_on_after_a_job(chaos: Chaos) -> None:
    """A press, the job that follows and the next press have the device in turn, each job with a fresh worker."""

    async def story() -> None:
        chaos.order(panel())
        bench = QueueBench(chaos.config)
        bench.buttons.switch(PERIOD_S)
        bench.scanner.start()
        await until(lambda: bench.buttons.state is WatchState.WATCHING)
        chaos.order(panel(scan=(True,), paper=True))
        await until(lambda: bench.pressed == ["scan"])
        assert bench.scanner.loaded_source() is InputSource.ADF
        job = bench.order(bench.scanner.loaded_source())
        assert which_page(decoded(await bench.fetch(job))) == front(1)
        await bench.settled(job)
        chaos.order(panel())
        await until(lambda: bench.buttons.state is WatchState.WATCHING)
        assert bench.scanner.loaded_source() is InputSource.PLATEN
        assert not scanimage_may_open(chaos)
        chaos.order(panel(email=True))
        await until(lambda: bench.pressed == ["scan", "email"])
        assert len(bench.workers) == 2
        assert bench.scanner.restarts == 0
        await bench.stop()
        assert scanimage_may_open(chaos)

    run(story())


def test_a_held_button_is_one_press_even_over_a_job(chaos: Chaos) -> None:
    """A button that is still held when watching begins again is no second press."""

    async def story() -> None:
        chaos.order(panel())
        bench = QueueBench(chaos.config)
        bench.buttons.switch(PERIOD_S)
        bench.scanner.start()
        await until(lambda: bench.buttons.state is WatchState.WATCHING)
        chaos.order(panel(scan=(True,)))
        await until(lambda: bench.pressed == ["scan"])
        job = bench.order()
        await bench.fetch(job)
        await bench.settled(job)
        await until(lambda: bench.buttons.state is WatchState.WATCHING)
        chaos.order(panel(scan=(True,), email=True))
        await until(lambda: len(bench.pressed) > 1)
        assert bench.pressed == ["scan", "email"]
        await bench.stop()

    run(story())


@pytest.mark.parametrize("action", ["hang", "deaf"])
def test_a_look_that_hangs(chaos: Chaos, action: str) -> None:
    """A worker that does not come back from a look is killed, the next one watches, and scanning goes on."""

    async def story() -> None:
        chaos.order(panel())
        bench = QueueBench(chaos.config)
        bench.buttons.switch(PERIOD_S)
        bench.scanner.start()
        await until(lambda: bench.buttons.state is WatchState.WATCHING)
        chaos.order(panel(Fault("sensor", action)))
        await until(lambda: action in chaos.calls)
        hanging = bench.workers[-1]
        bench.clock.advance(2 * SILENCE_S)
        await hanging.gone
        chaos.order(panel())
        bench.clock.advance(1)
        await until(lambda: bench.buttons.state is WatchState.WATCHING)
        job = bench.order()
        await bench.fetch(job)
        await bench.settled(job)
        await bench.stop()

    run(story())
