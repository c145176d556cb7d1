"""The supervisor with processes that a test plays: warm worker, watchdog, certain end, replacement, back-off."""

from __future__ import annotations

import pytest

from bridge.errors import ScannerError
from bridge.scanner import protocol
from bridge.scanner.model import Device
from bridge.scanner.process import KILL_AFTER_S, LEAVE_AFTER_S, TERM_AFTER_S
from bridge.scanner.protocol import Status
from bridge.scanner.quirks import NO_QUIRKS, Quirks
from bridge.scanner.spawning import DESCRIBE_TIMEOUT_S, LISTING_TIMEOUT_S, Spawner
from bridge.scanner.status import ScannerStatus
from bridge.scanner.supervisor import (
    FAILURES_TO_STOP,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    PAGE_PATIENCE_S,
    PROVEN_S,
    READY_TIMEOUT_S,
    STOP_PATIENCE_S,
    SupervisedScanner,
)
from tests.deferreds import failure_result_of, no_result, success_result_of
from tests.fakes.process_reactor import FakeProcess, ProcessReactor
from tests.fakes.scripted_scanner import FLATBED_AND_FEEDER, request, utc

DEVICE = Device("test:0", "Noname", "frontend-tester")


class Sink:
    """Remembers all that it hears of an image."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.data = b""

    def image_started(self) -> None:
        self.heard.append("started")

    def image_data(self, data: bytes) -> None:
        self.data += data

    def page_scanned(self) -> None:
        self.heard.append("page")

    def image_cut_short(self, error: ScannerError) -> None:
        self.heard.append(f"cut short {Status(error.status).value}")

    def image_done(self) -> None:
        self.heard.append("done")

    def image_failed(self, error: ScannerError) -> None:
        self.heard.append(f"failed {Status(error.status).value}")


class Bench:
    """A supervised scanner over played processes."""

    def __init__(self, quirks: Quirks = NO_QUIRKS) -> None:
        self.reactor = ProcessReactor()
        spawner = Spawner(self.reactor, "/nowhere")
        self.status = ScannerStatus(lambda: utc(self.reactor))
        self.scanner = SupervisedScanner(
            DEVICE,
            "bench",
            FLATBED_AND_FEEDER,
            self.status,
            self.reactor,
            lambda: spawner.worker("bench"),
            start_timeout_s=60,
            read_timeout_s=30,
            quirks=quirks,
            spool_limit=777,
        )

    def opened(self):
        """A session on a fresh, warm worker, and that worker's process."""
        opening = self.scanner.open(request())
        process = self.reactor.process
        process.say(protocol.Ready(), protocol.Opened("all"))
        return success_result_of(opening), process


@pytest.fixture
def bench() -> Bench:
    return Bench()


def say_page(process: FakeProcess, data: bytes = b"page") -> None:
    process.say(protocol.ImageStarted())
    process.image(data)
    process.say(protocol.PageScanned(10), protocol.ImageDone(len(data)))


def test_a_worker_is_warm_before_it_is_needed(bench: Bench) -> None:
    """`start` spawns a worker that opens no device until a job asks for one."""
    bench.scanner.start()
    bench.reactor.process.say(protocol.Ready())
    assert bench.reactor.process.heard == []
    assert bench.scanner.worker_pid == 1000
    opening = bench.scanner.open(request())
    assert bench.reactor.process.heard == [protocol.Open("test:0", request(), spool_limit=777)]
    bench.reactor.process.say(protocol.Opened("all"))
    success_result_of(opening)
    assert len(bench.reactor.processes) == 1


def test_an_image_is_whole_when_all_its_bytes_are_there(bench: Bench) -> None:
    """The end comes by one pipe and the bytes by another: image_done waits for the last of both."""
    session, process = bench.opened()
    sink = Sink()
    session.start_image(sink)
    process.say(protocol.ImageStarted())
    process.image(b"abc")
    process.say(protocol.PageScanned(10), protocol.ImageDone(5))
    assert sink.heard == ["started", "page"]
    process.image(b"de")
    assert sink.heard == ["started", "page", "done"]
    assert sink.data == b"abcde"


def test_every_session_ends_with_a_fresh_worker(bench: Bench) -> None:
    """Closing a session ends its worker politely and spawns the next one."""
    session, process = bench.opened()
    sink = Sink()
    session.start_image(sink)
    say_page(process)
    success_result_of(session.close())
    assert isinstance(process.heard[-1], protocol.Close)
    assert process.signals == []
    assert [each.pid for each in bench.reactor.processes] == [None, 1001]
    assert bench.scanner.restarts == 0
    again, process = bench.opened()
    sink = Sink()
    again.start_image(sink)
    say_page(process)
    assert sink.heard == ["started", "page", "done"]


def test_a_dead_worker_is_told_once(bench: Bench) -> None:
    """A worker that dies in mid-page fails its image as died; the session closes at once; another worker comes."""
    session, process = bench.opened()
    sink = Sink()
    session.start_image(sink)
    process.say(protocol.ImageStarted())
    process.exit(None, 11)
    assert sink.heard == ["started", "failed died"]
    success_result_of(session.close())
    assert bench.reactor.process.pid == 1001
    assert bench.scanner.restarts == 1


def test_a_dead_worker_before_its_image_is_told_at_its_start(bench: Bench) -> None:
    """A worker that died between two images fails the next one."""
    session, process = bench.opened()
    process.exit(None, 6)
    sink = Sink()
    session.start_image(sink)
    assert sink.heard == ["failed died"]


@pytest.mark.parametrize(
    "line",
    [b"garbage\n", b'{"frame":"Ready"}\n', b'{"frame":"Close"}\n', b"x" * (protocol.MAX_FRAME + 1)],
    ids=["no frame", "wrong moment", "a command", "no end"],
)
def test_a_worker_that_misbehaves_is_ended(bench: Bench, line: bytes) -> None:
    """What is no frame, or comes at the wrong moment, ends the worker at once and fails the image."""
    session, process = bench.opened()
    sink = Sink()
    session.start_image(sink)
    process.protocol.childDataReceived(protocol.EVENT_FD, line)
    assert sink.heard == ["failed protocol"]
    assert process.signals == ["SIGKILL"]


def test_a_worker_that_sends_too_much_is_not_believed(bench: Bench) -> None:
    """More bytes than the worker says it wrote fail the image."""
    session, process = bench.opened()
    sink = Sink()
    session.start_image(sink)
    process.say(protocol.ImageStarted())
    process.image(b"abcdef")
    process.say(protocol.PageScanned(10), protocol.ImageDone(5))
    assert sink.heard[-1] == "failed protocol"


def test_a_scanner_that_never_starts_is_stalled(bench: Bench) -> None:
    """Without a first line within the start time-out the worker is killed and the image fails as stalled."""
    session, process = bench.opened()
    sink = Sink()
    session.start_image(sink)
    bench.reactor.advance(59.9)
    assert sink.heard == []
    bench.reactor.advance(0.1)
    assert sink.heard == ["failed stalled"]
    assert process.signals == ["SIGKILL"]
    success_result_of(session.close())


def test_progress_keeps_a_slow_scanner_alive(bench: Bench) -> None:
    """The read time-out runs from the last sign of progress, be it a frame or bytes."""
    session, process = bench.opened()
    sink = Sink()
    session.start_image(sink)
    process.say(protocol.ImageStarted())
    for lines in range(5):
        bench.reactor.advance(29)
        process.say(protocol.Progress(lines))
        bench.reactor.advance(29)
        process.image(b"x")
    assert sink.heard == ["started"]
    bench.reactor.advance(30)
    assert sink.heard == ["started", "failed stalled"]


def test_a_slow_client_is_no_stalled_scanner(bench: Bench) -> None:
    """While the pipe is left unread no time counts; afterwards the whole time-out is there again."""
    session, process = bench.opened()
    sink = Sink()
    session.start_image(sink)
    process.say(protocol.ImageStarted())
    session.pause()
    assert not process.pipes[protocol.IMAGE_FD].reading
    bench.reactor.advance(10_000)
    assert sink.heard == ["started"]
    session.resume()
    assert process.pipes[protocol.IMAGE_FD].reading
    bench.reactor.advance(29)
    assert sink.heard == ["started"]
    bench.reactor.advance(1)
    assert sink.heard == ["started", "failed stalled"]


def test_cancelling_is_told_at_once(bench: Bench) -> None:
    """A cancelled image fails as cancelled whatever the worker does; nothing later is heard of it."""
    session, process = bench.opened()
    process.obedient = False
    sink = Sink()
    session.start_image(sink)
    process.say(protocol.ImageStarted())
    session.cancel()
    assert isinstance(process.heard[-1], protocol.Cancel)
    assert sink.heard == ["started", "failed cancelled"]
    process.image(b"late")
    process.say(protocol.PageScanned(1), protocol.ImageDone(4))
    assert sink.heard == ["started", "failed cancelled"]


def test_a_worker_that_does_not_end_is_made_to(bench: Bench) -> None:
    """Closing asks politely, then sends SIGTERM, then SIGKILL, each at its time."""
    session, process = bench.opened()
    process.obedient = False
    closed = session.close()
    bench.reactor.advance(TERM_AFTER_S - 0.1)
    assert process.signals == []
    bench.reactor.advance(0.1)
    assert process.signals == ["SIGTERM"]
    bench.reactor.advance(KILL_AFTER_S - TERM_AFTER_S)
    assert process.signals == ["SIGTERM", "SIGKILL"]
    no_result(closed)
    process.exit(None, 9)
    success_result_of(closed)
    assert bench.reactor.process.pid == 1001


def test_an_immortal_worker_is_left_behind(bench: Bench) -> None:
    """A process that SIGKILL does not end is not waited for: the scanner gets a new worker."""
    session, process = bench.opened()
    process.obedient = False
    closed = session.close()
    bench.reactor.advance(LEAVE_AFTER_S)
    success_result_of(closed)
    assert process.pid is not None
    assert bench.reactor.process.pid == 1001
    process.exit(None, 9)
    assert len(bench.reactor.processes) == 2


def test_a_refused_opening_gives_the_scanner_back(bench: Bench) -> None:
    """Failed in answer to Open is the opening's failure; the next opening gets a fresh worker."""
    opening = bench.scanner.open(request())
    bench.reactor.process.say(protocol.Ready(), protocol.Failed(Status.DEVICE_BUSY, "in use"))
    assert failure_result_of(opening, ScannerError).status == Status.DEVICE_BUSY  # type: ignore[attr-defined]
    session, _ = bench.opened()
    assert session is not None
    assert len(bench.reactor.processes) == 2


def test_an_opening_while_the_last_worker_still_leaves(bench: Bench) -> None:
    """An opening right after a refused one waits for the fresh worker, and never talks to the leaving one."""
    opening = bench.scanner.open(request())
    first = bench.reactor.process
    first.obedient = False
    first.say(protocol.Ready(), protocol.Failed(Status.DEVICE_BUSY, "in use"))
    failure_result_of(opening, ScannerError)
    again = bench.scanner.open(request())
    first.exit(0)
    bench.reactor.process.say(protocol.Ready(), protocol.Opened("all"))
    success_result_of(again)


def test_a_cancelled_opening_ends_the_worker(bench: Bench) -> None:
    """Cancelling the Deferred of `open` ends the worker, and the next job gets another."""
    opening = bench.scanner.open(request())
    bench.reactor.process.say(protocol.Ready())
    opening.cancel()
    failure_result_of(opening)
    session, process = bench.opened()
    assert session is not None
    assert process.pid == 1001


def test_an_opening_that_hangs_is_stalled(bench: Bench) -> None:
    """A worker that does not open the device within the start time-out is killed."""
    opening = bench.scanner.open(request())
    process = bench.reactor.process
    process.say(protocol.Ready())
    bench.reactor.advance(60)
    assert failure_result_of(opening, ScannerError).status == Status.STALLED  # type: ignore[attr-defined]
    assert process.signals == ["SIGKILL"]


def test_workers_that_keep_dying_are_tried_less_and_less(bench: Bench) -> None:
    """Pauses double; after some failures the scanner is Stopped with AttentionRequired until a worker serves."""
    bench.scanner.start()
    for failure in range(FAILURES_TO_STOP):
        assert bench.status.state.value == "Idle"
        bench.reactor.process.exit(None, 11)
        spawned = len(bench.reactor.processes)
        pause = FIRST_PAUSE_S * 2**failure
        bench.reactor.advance(pause - 0.01)
        assert len(bench.reactor.processes) == spawned
        bench.reactor.advance(0.01)
        assert len(bench.reactor.processes) == spawned + 1
    assert bench.status.state.value == "Stopped"
    assert [reason.value for reason in bench.status.reasons] == ["AttentionRequired"]
    bench.opened()
    assert bench.status.state.value == "Idle"


def test_a_night_of_failures_ends_when_the_scanner_is_well_again(bench: Bench) -> None:
    """However often workers have died, another is tried after the longest pause."""
    bench.scanner.start()
    for _ in range(1100):
        bench.reactor.process.exit(None, 11)
        spawned = len(bench.reactor.processes)
        bench.reactor.advance(LONGEST_PAUSE_S)
        assert len(bench.reactor.processes) == spawned + 1
    bench.opened()
    assert bench.status.state.value == "Idle"


def test_failures_are_over_when_a_worker_lasts(bench: Bench) -> None:
    """A Stopped scanner is Idle again when a worker has been ready for a while, without any job."""
    bench.scanner.start()
    for _ in range(FAILURES_TO_STOP):
        bench.reactor.process.exit(None, 11)
        bench.reactor.advance(LONGEST_PAUSE_S)
    bench.reactor.process.say(protocol.Ready())
    bench.reactor.advance(PROVEN_S - 0.1)
    assert bench.status.state.value == "Stopped"
    bench.reactor.advance(0.1)
    assert bench.status.state.value == "Idle"
    bench.reactor.process.exit(None, 11)
    bench.reactor.advance(FIRST_PAUSE_S)
    assert bench.status.state.value == "Idle"


def test_an_opening_that_is_cancelled_before_the_worker_is_ready(bench: Bench) -> None:
    """The time of a worker that was given back does not run on against it."""
    opening = bench.scanner.open(request())
    bench.reactor.process.obedient = False
    bench.reactor.advance(READY_TIMEOUT_S - 2)
    opening.cancel()
    failure_result_of(opening)
    bench.reactor.advance(2.5)
    assert len(bench.reactor.processes) == 1
    assert bench.scanner.restarts == 0


def test_a_worker_that_cannot_start_says_why(bench: Bench) -> None:
    """A worker that says Failed instead of Ready and ends is a failure in its own words."""
    opening = bench.scanner.open(request())
    bench.reactor.process.say(protocol.Failed(Status.UNSUPPORTED, "python-sane is missing"))
    bench.reactor.process.exit(2)
    assert "python-sane is missing" in str(failure_result_of(opening, ScannerError))


def test_a_worker_that_is_never_ready_is_replaced(bench: Bench) -> None:
    """A worker that says nothing after its start is killed, and another is tried."""
    bench.scanner.start()
    process = bench.reactor.process
    bench.reactor.advance(READY_TIMEOUT_S)
    assert process.signals == ["SIGKILL"]
    bench.reactor.advance(FIRST_PAUSE_S)
    assert bench.reactor.process is not process


def test_stopping_leaves_no_process(bench: Bench) -> None:
    """After `stop` the worker is gone and none is started again."""
    bench.scanner.start()
    bench.reactor.process.say(protocol.Ready())
    success_result_of(bench.scanner.stop())
    bench.reactor.advance(1000)
    assert [process.pid for process in bench.reactor.processes] == [None]
    assert bench.reactor.getDelayedCalls() == []


def test_listing_takes_one_frame() -> None:
    """The devices are those of the listing process's frame."""
    reactor = ProcessReactor()
    devices = Spawner(reactor, "/nowhere").devices()
    reactor.process.say(protocol.Listed((DEVICE,)))
    no_result(devices)
    reactor.process.exit(0)
    assert success_result_of(devices) == (DEVICE,)
    assert reactor.getDelayedCalls() == []


def test_listing_that_crashes_says_what_it_said() -> None:
    """A listing process that dies without a frame fails with its last words."""
    reactor = ProcessReactor()
    devices = Spawner(reactor, "/nowhere").devices()
    reactor.process.protocol.childDataReceived(2, b"double free or corruption\n")
    reactor.process.exit(None, 6)
    assert "double free" in str(failure_result_of(devices, ScannerError))


def test_listing_that_leaves_a_child_behind() -> None:
    """A listing process that has ended while a child of its own holds its pipes fails when its time is over."""
    reactor = ProcessReactor()
    devices = Spawner(reactor, "/nowhere").devices()
    reactor.process.pid = None
    reactor.advance(LISTING_TIMEOUT_S)
    failure_result_of(devices, ScannerError)


def test_listing_that_hangs_is_killed() -> None:
    """A listing process gets its time and no more."""
    reactor = ProcessReactor()
    devices = Spawner(reactor, "/nowhere").devices()
    killed: list[str] = []
    reactor.process.signalProcess = killed.append  # type: ignore[method-assign, assignment]
    reactor.advance(LISTING_TIMEOUT_S)
    failure_result_of(devices, ScannerError)
    assert killed == ["KILL"]


def test_describing_frees_the_device_before_it_answers() -> None:
    """Capabilities are given when the describing worker is gone."""
    reactor = ProcessReactor()
    described = Spawner(reactor, "/nowhere").describe(DEVICE)
    reactor.process.obedient = False
    reactor.process.say(protocol.Ready())
    assert reactor.process.heard == [protocol.Describe("test:0")]
    reactor.process.say(protocol.Described(FLATBED_AND_FEEDER))
    no_result(described)
    reactor.process.exit(0)
    assert success_result_of(described) == FLATBED_AND_FEEDER


@pytest.mark.parametrize("how", ["failed", "died", "silent"])
def test_describing_that_fails_says_so(how: str) -> None:
    """A describing worker that fails, dies or says nothing is the answer's failure, and is gone."""
    reactor = ProcessReactor()
    described = Spawner(reactor, "/nowhere").describe(DEVICE)
    if how == "failed":
        reactor.process.say(protocol.Ready(), protocol.Failed(Status.IO_ERROR, "no"))
    elif how == "died":
        reactor.process.exit(None, 11)
    else:
        reactor.advance(DESCRIBE_TIMEOUT_S)
    failure_result_of(described, ScannerError)
    assert reactor.process.pid is None
    assert reactor.getDelayedCalls() == []


def test_workers_do_not_inherit_what_is_the_daemons(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service manager's sockets stay with the daemon; the SANE configuration is ours."""
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setenv("SANE_CONFIG_DIR", "/etc/sane.d")
    reactor = ProcessReactor()
    Spawner(reactor, "/ours").worker("w")
    assert "NOTIFY_SOCKET" not in reactor.process.environment
    assert reactor.process.environment["SANE_CONFIG_DIR"] == "/ours"


def test_a_failed_opening_may_be_followed_by_another_at_once(bench: Bench) -> None:
    """Whoever hears that the scanner did not open may open it again there and then: one worker is started for both."""
    bench.scanner.start()
    again = []
    bench.scanner.open(request()).addErrback(lambda _failure: again.append(bench.scanner.open(request())))
    bench.reactor.process.exit(None, 11)
    (opening,) = again
    no_result(opening)
    process = bench.reactor.process
    process.say(protocol.Ready(), protocol.Opened("all"))
    success_result_of(opening)
    bench.reactor.advance(READY_TIMEOUT_S)
    assert len(bench.reactor.processes) == 2
    assert process.pid is not None


def test_a_pause_ends_with_its_image(bench: Bench) -> None:
    """When an image fails that was paused, the next one is read and watched like any other."""
    session, process = bench.opened()
    session.start_image(Sink())
    session.pause()
    process.say(protocol.Failed(Status.JAMMED, "jam"))
    again = Sink()
    session.start_image(again)
    assert process.pipes[protocol.IMAGE_FD].reading
    bench.reactor.advance(60)
    assert again.heard == ["failed stalled"]


def test_a_killed_worker_is_waited_for_before_it_is_replaced(bench: Bench) -> None:
    """A worker that was killed may still hold the device: its successor comes when it is gone, and after its pause."""
    bench.scanner.start()
    process = bench.reactor.process
    process.obedient = False
    bench.reactor.advance(READY_TIMEOUT_S)
    bench.reactor.advance(FIRST_PAUSE_S)
    assert bench.reactor.processes == [process]
    process.exit(None, 9)
    bench.reactor.advance(FIRST_PAUSE_S - 0.1)
    assert bench.reactor.processes == [process]
    bench.reactor.advance(0.1)
    assert len(bench.reactor.processes) == 2


def test_a_job_waits_for_a_killed_worker_to_go_and_for_no_pause(bench: Bench) -> None:
    """A job that comes meanwhile gets a fresh worker as soon as the old process is gone."""
    bench.scanner.start()
    process = bench.reactor.process
    process.obedient = False
    bench.reactor.advance(READY_TIMEOUT_S)
    opening = bench.scanner.open(request())
    assert bench.reactor.processes == [process]
    process.exit(None, 9)
    bench.reactor.process.say(protocol.Ready(), protocol.Opened("all"))
    success_result_of(opening)
    assert len(bench.reactor.processes) == 2


def test_stopping_waits_for_a_killed_worker(bench: Bench) -> None:
    """`stop` fires when a worker that was killed is gone too, or was left behind."""
    for how in ("gone", "left behind"):
        bench = Bench()
        bench.scanner.start()
        process = bench.reactor.process
        process.obedient = False
        bench.reactor.advance(READY_TIMEOUT_S)
        stopped = bench.scanner.stop()
        no_result(stopped)
        if how == "gone":
            process.exit(None, 9)
        else:
            bench.reactor.advance(LEAVE_AFTER_S)
        success_result_of(stopped)
        bench.reactor.advance(1000)
        assert bench.reactor.processes == [process]
        assert bench.reactor.getDelayedCalls() == []


def test_a_process_that_is_left_behind_holds_no_pipe_of_ours(bench: Bench) -> None:
    """Its descriptors in the daemon are closed, so that nothing is left of it but an entry in the log."""
    session, process = bench.opened()
    process.obedient = False
    session.close()
    bench.reactor.advance(LEAVE_AFTER_S)
    assert process.pipes == {}


def test_jobs_that_keep_failing_stop_the_scanner(bench: Bench) -> None:
    """A driver that dies under every job is reported, tried again all the same, and well after one whole image."""
    for failure in range(FAILURES_TO_STOP):
        assert bench.status.state.value == "Idle"
        session, process = bench.opened()
        session.start_image(Sink())
        if failure % 2:
            process.say(protocol.ImageStarted())
        process.exit(None, 11)
        session.close()
    assert bench.status.state.value == "Stopped"
    assert [reason.value for reason in bench.status.reasons] == ["AttentionRequired"]
    session, process = bench.opened()
    assert bench.status.state.value == "Stopped"
    session.start_image(Sink())
    say_page(process)
    session.close()
    assert bench.status.state.value == "Idle"
    session, process = bench.opened()
    process.exit(None, 11)
    session.close()
    assert bench.status.state.value == "Idle"


def test_a_scanner_whose_jobs_keep_failing_may_be_tried_again(bench: Bench) -> None:
    """After a while it is Idle, so that a client which asks first tries again; one more failure is enough then."""
    for _ in range(FAILURES_TO_STOP):
        session, process = bench.opened()
        process.exit(None, 11)
        session.close()
    assert bench.status.state.value == "Stopped"
    bench.reactor.process.say(protocol.Ready())
    bench.reactor.advance(PROVEN_S)
    assert bench.status.state.value == "Idle"
    opening = bench.scanner.open(request())
    bench.reactor.process.exit(None, 11)
    failure_result_of(opening, ScannerError)
    assert bench.status.state.value == "Stopped"


def test_a_cancelled_job_says_nothing_of_the_driver(bench: Bench) -> None:
    """A job that ended without an image and without a failure neither counts nor clears."""
    for _ in range(FAILURES_TO_STOP - 1):
        session, process = bench.opened()
        process.exit(None, 11)
        session.close()
    session, process = bench.opened()
    session.close()
    assert bench.status.state.value == "Idle"
    session, process = bench.opened()
    process.exit(None, 11)
    session.close()
    assert bench.status.state.value == "Stopped"


def test_a_file_that_was_cut_short_says_why_at_its_end(bench: Bench) -> None:
    """What kept pages from coming is told when all bytes are there, just before the end."""
    session, process = bench.opened()
    sink = Sink()
    session.start_image(sink)
    process.say(protocol.ImageStarted(), protocol.PageScanned(10))
    process.say(protocol.ImageDone(4, protocol.Trouble(Status.JAMMED, "Paper is jammed.")))
    assert sink.heard == ["started", "page"]
    process.image(b"page")
    assert sink.heard == ["started", "page", "cut short jammed", "done"]


def test_what_is_known_of_a_scanner_goes_to_its_worker() -> None:
    """A job's Open carries the quirks and the limit of the spool."""
    quirks = Quirks(gamma=1.5, backs_turned=True)
    bench = Bench(quirks)
    bench.opened()
    assert bench.reactor.process.heard == [protocol.Open("test:0", request(), quirks, 777)]


def test_a_slow_scanner_has_its_own_start_time_out() -> None:
    """A scanner that is known to start slowly has so long for its opening and its first line."""
    bench = Bench(Quirks(start_timeout_s=200))
    session, _ = bench.opened()
    sink = Sink()
    session.start_image(sink)
    bench.reactor.advance(199)
    assert sink.heard == []
    bench.reactor.advance(1)
    assert sink.heard == ["failed stalled"]


@pytest.mark.parametrize("trusted", [True, False])
def test_a_page_sensor_that_lies_is_not_asked(trusted: bool) -> None:
    """What a sensor says of the feeder counts unless it is known to lie."""
    bench = Bench(Quirks(page_sensor=trusted))
    bench.scanner.start()
    bench.reactor.process.say(protocol.Ready())
    bench.scanner.buttons.switch(0.5)
    for loaded in (True, False):
        bench.reactor.process.say(protocol.Watching(("scan",), loaded))
        assert bench.scanner.feeder_is_empty() is (trusted and not loaded)
        assert bench.scanner.loaded_source().is_feeder is (trusted and loaded)
        assert [condition.name.value for condition in bench.status.conditions] == (
            ["InputTrayEmpty"] if trusted and not loaded else []
        )


def test_a_scanner_that_survives_no_cancel_has_time_to_finish_its_page() -> None:
    """Its worker gets so much longer before it is ended by force, and is ended all the same."""
    bench = Bench(Quirks(survives_cancel=False))
    session, process = bench.opened()
    process.obedient = False
    session.start_image(Sink())
    process.say(protocol.ImageStarted())
    session.close()
    bench.reactor.advance(PAGE_PATIENCE_S)
    assert process.signals == []
    bench.reactor.advance(TERM_AFTER_S)
    assert process.signals == ["SIGTERM"]
    bench.reactor.advance(KILL_AFTER_S - TERM_AFTER_S)
    assert process.signals == ["SIGTERM", "SIGKILL"]


@pytest.mark.parametrize("leaving", [False, True])
def test_a_bridge_that_stops_does_not_wait_for_a_whole_page(leaving: bool) -> None:
    """Then such a scanner's worker has less time, whether or not it was asked to end before."""
    bench = Bench(Quirks(survives_cancel=False))
    session, process = bench.opened()
    process.obedient = False
    session.start_image(Sink())
    if leaving:
        session.close()
        bench.reactor.advance(1)
    stopped = bench.scanner.stop()
    session.close()
    bench.reactor.advance(STOP_PATIENCE_S + TERM_AFTER_S)
    assert process.signals == ["SIGTERM"]
    bench.reactor.advance(KILL_AFTER_S - TERM_AFTER_S)
    assert process.signals == ["SIGTERM", "SIGKILL"]
    no_result(stopped)
    process.exit(None, 9)
    success_result_of(stopped)
    assert bench.reactor.getDelayedCalls() == []
    assert STOP_PATIENCE_S + LEAVE_AFTER_S < 45


def test_a_slow_scanner_has_time_to_describe_itself() -> None:
    """What is known of a scanner goes along when it is described, and a slow one gets its own time."""
    reactor = ProcessReactor()
    quirks = Quirks(start_timeout_s=200)
    described = Spawner(reactor, "/nowhere").describe(DEVICE, quirks)
    reactor.process.say(protocol.Ready())
    assert reactor.process.heard == [protocol.Describe("test:0", "", quirks)]
    reactor.advance(199)
    no_result(described)
    reactor.advance(1)
    failure_result_of(described, ScannerError)
