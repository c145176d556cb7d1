"""When systemd is told that the daemon is alive."""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from bridge.system.watchdog import LOOKS, Watchdog, allowed_s

ALLOWED_S = 20.0
LOOK_S = ALLOWED_S / LOOKS


class Patient:
    """A daemon whose answers the test gives; `told` are the seconds at which systemd heard of it."""

    def __init__(self, allowed: float | None = ALLOWED_S) -> None:
        self.clock = Clock()
        self.questions: list[Deferred[None]] = []
        self.at_once: bool = True
        self.told: list[float] = []
        self.watchdog = Watchdog(self.clock, allowed, self.alive, lambda: self.told.append(self.clock.seconds()))

    def alive(self) -> Deferred[None]:
        """The question."""
        if self.at_once:
            return succeed(None)
        self.questions.append(Deferred())
        return self.questions[-1]

    def wait(self, looks: int) -> None:
        """Let time go on."""
        for _ in range(looks):
            self.clock.advance(LOOK_S)


@pytest.fixture(autouse=True)
def traced(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """How often Python was asked to write a trace at the end; pytest needs its own."""
    asked: list[bool] = []
    monkeypatch.setattr(faulthandler, "enable", lambda: asked.append(True))
    return asked


@pytest.fixture
def log() -> Iterator[list[str]]:
    """The levels and texts of what is logged."""
    lines: list[str] = []

    def note(event: dict[str, object]) -> None:
        if event.get("log_namespace") == "bridge.system.watchdog.Watchdog":
            lines.append(f"{event['log_level'].name}: {str(event['log_format']).format(**event)}")  # type: ignore[attr-defined]

    globalLogPublisher.addObserver(note)
    yield lines
    globalLogPublisher.removeObserver(note)


@pytest.mark.parametrize(
    ("environ", "allowed"),
    [
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "500000"}, 0.5),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
        ({"WATCHDOG_USEC": "٣"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_systemd_says_how_long(environ: dict[str, str], allowed: float | None) -> None:
    """The time is systemd's, and only for the process that it watches."""
    assert allowed_s(environ, 7) == allowed


def test_a_well_daemon_is_told_of_in_time() -> None:
    """A daemon that answers is told of at once and then four times in the allowed time."""
    patient = Patient()

    patient.watchdog.start()
    patient.wait(4)

    assert patient.told == [0, 5, 10, 15, 20]
    patient.watchdog.stop()


def test_nobody_asks() -> None:
    """Without systemd's watchdog nothing is looked at and nobody told."""
    patient = Patient(None)

    patient.watchdog.start()
    patient.wait(4)
    patient.watchdog.stop()

    assert patient.told == []
    assert not patient.clock.getDelayedCalls()


def test_silence_is_no_sign_of_life(log: list[str]) -> None:
    """A question without an answer tells systemd nothing, and no second one is asked meanwhile."""
    patient = Patient()
    patient.at_once = False

    patient.watchdog.start()
    patient.wait(4)

    assert patient.told == []
    assert len(patient.questions) == 1
    assert log == [
        "error: the bridge is not well: it does not answer itself. Unless that ends, systemd starts it anew 20 s "
        "after the last sign of life"
    ]


def test_a_late_answer_counts(log: list[str]) -> None:
    """An answer that comes late is a sign of life when it comes, and the log tells that all is well again."""
    patient = Patient()
    patient.at_once = False
    patient.watchdog.start()
    patient.wait(2)

    patient.questions[0].callback(None)

    assert patient.told == [10]
    assert log[-1] == "info: the bridge is well again"
    patient.wait(1)
    assert len(patient.questions) == 2


def test_an_ill_daemon_is_not_told_of(log: list[str]) -> None:
    """A daemon that answers that something is wrong is asked again, told of once in the log, and never to systemd."""
    patient = Patient()
    patient.at_once = False
    patient.watchdog.start()

    for look in range(3):
        patient.questions[look].errback(RuntimeError("a worker is dead"))
        patient.wait(1)

    assert patient.told == []
    assert len(log) == 1
    assert "a worker is dead" in log[0]


def test_the_end() -> None:
    """After its end nobody is asked or told, and the question that is under way is broken off."""
    patient = Patient()
    patient.at_once = False
    cancelled: list[bool] = []
    patient.watchdog.start()
    patient.questions[0].addErrback(cancelled.append)

    patient.watchdog.stop()
    patient.wait(2)

    assert patient.told == []
    assert not patient.clock.getDelayedCalls()
    assert patient.questions[0].called


def test_the_last_trace(traced: list[bool]) -> None:
    """A watched daemon writes where its threads are when systemd ends it; one that is not watched does not care."""
    Patient(None).watchdog.start()
    assert traced == []
    watched = Patient()
    watched.watchdog.start()
    assert traced == [True]
    watched.watchdog.stop()
