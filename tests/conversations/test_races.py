"""Things that meet at the worst moment: requests sent too early, clients that read too late, workers that die too soon.

Random histories (test_stateful.py) come across most of these sooner or later; here each is met every time.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.jobs.buffer import HIGH_WATER
from bridge.jobs.retrieval import CANCEL_GRACE_S
from bridge.scanner import protocol
from bridge.scanner.process import KILL_AFTER_S, LEAVE_AFTER_S
from bridge.scanner.protocol import Status
from bridge.scanner.supervisor import READY_TIMEOUT_S
from tests.clients import scan_action, windows
from tests.conversations.chronicle import Chronicle
from tests.conversations.scene import ClientJob, Fault, Scene, body_of, feeder, retrieve_body, ticket
from tests.harness import Connection
from tests.http_answers import Answer
from tests.schema_check import check_multipart

OTHER = "192.0.2.30"
CHUNK = b"y" * 65536


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def come(scene: Scene, job: ClientJob, line: Connection) -> Answer:
    """Ask for the job's next image on `line`."""
    return line.post(scene.path, windows(scan_action("RetrieveImage"), retrieve_body(job.id, job.token)))


def fault_of(answer: Answer) -> str:
    with pytest.raises(Fault) as caught:
        body_of(answer)
    return str(caught.value)


@pytest.mark.conformance(205, 206, 229)
def test_a_slow_reader_never_takes_a_cancelled_page_for_a_whole_one(scene: Scene) -> None:
    """A page that is scanned but not yet read when its job is cancelled is broken off, however soon it is read."""
    job = scene.create(ticket())
    line = scene.wire.connect()
    answer = come(scene, job, line)
    scene.worker.open()
    scene.worker.begin(b"x")
    line.window = 0
    for _ in range(10):
        scene.worker.send(CHUNK)
    scene.worker.end(1 + 10 * len(CHUNK))
    scene.cancel(job)
    line.read_on()
    assert not answer.complete
    scene.wire.advance(CANCEL_GRACE_S)
    assert answer.cut
    assert scene.history() == [(job.id, "Canceled", "None", "1")]


@pytest.mark.conformance(225, 226, 245)
def test_the_next_request_is_there_before_the_jam(scene: Scene) -> None:
    """Of two requests sent together the first hears of the jam; the second gets the page, and no time-out hits it."""
    job = scene.create(ticket(parameters=feeder(2)))
    line = scene.wire.connect()
    first, second = come(scene, job, line), come(scene, job, line)
    scene.worker.open()
    scene.worker.fail(Status.JAMMED)
    assert fault_of(first) == "OperationFailed"
    assert scene.active() == [(job.id, "Processing", "JobScanning", "0")]
    scene.worker.begin(b"x")
    for _ in range(7):
        scene.wire.advance(10)
        scene.worker.say(protocol.Progress(1))
    scene.worker.end(1)
    assert second.complete
    assert scene.active() == [(job.id, "Processing", "None", "1")]
    scene.wire.advance(59)
    assert scene.scan_page(job).status == 200
    assert scene.history() == [(job.id, "Completed", "None", "2")]
    scene.wire.advance(60)


@pytest.mark.conformance(225, 229)
def test_the_time_of_a_job_runs_out_while_it_is_terminating(scene: Scene) -> None:
    """A job cancelled just before its time-out, whose worker takes long to leave, is Canceled and nothing else."""
    job = scene.create(ticket(parameters=feeder(2)))
    scene.scan_page(job)
    scene.worker.process.obedient = False
    scene.wire.advance(55)
    scene.cancel(job)
    scene.wire.advance(KILL_AFTER_S)
    assert scene.active() == [(job.id, "Terminating", "None", "1")]
    scene.wire.advance(LEAVE_AFTER_S - KILL_AFTER_S)
    assert scene.history() == [(job.id, "Canceled", "None", "1")]


@pytest.mark.conformance(222, 241)
def test_a_worker_dies_before_it_is_ready_and_two_jobs_wait(scene: Scene) -> None:
    """The first job fails with it, the second gets the scanner and one worker of its own."""
    first, second = scene.create(ticket()), scene.create(ticket())
    failed, held = scene.retrieve(first), scene.retrieve(second, peer=OTHER)
    scene.worker.die()
    assert fault_of(failed) == "ServerErrorTemporaryError"
    scene.wire.advance(READY_TIMEOUT_S - 1)
    scene.worker.open()
    scene.worker.begin(b"the second's")
    scene.wire.advance(2)
    scene.worker.end(len(b"the second's"))
    assert check_multipart(held.headers["content-type"], held.body)[1] == b"the second's"
    assert [status for _, status, _, _ in scene.history()] == ["Completed", "Aborted"]
    alive = [process for process in scene.reactor.processes if process.pid is not None]
    assert len(alive) == 1


@pytest.mark.conformance(205)
def test_a_worker_fills_the_buffer_and_fails_before_its_first_line(scene: Scene) -> None:
    """Bytes that came too early are worth nothing, and the next image of the job is read and watched as ever."""
    job = scene.create(ticket(parameters=feeder(1)))
    failed = scene.retrieve(job)
    scene.worker.open()
    for _ in range(HIGH_WATER // len(CHUNK)):
        scene.worker.send(CHUNK)
    assert not scene.worker.process.pipes[protocol.IMAGE_FD].reading
    scene.worker.fail(Status.JAMMED)
    assert fault_of(failed) == "OperationFailed"
    answer = scene.retrieve(job)
    assert scene.worker.process.pipes[protocol.IMAGE_FD].reading
    scene.worker.page(b"the page")
    assert check_multipart(answer.headers["content-type"], answer.body)[1] == b"the page"


@pytest.mark.conformance(205, 208)
def test_three_requests_at_once_for_a_glass_job(scene: Scene) -> None:
    """Requests on one connection are answered one after the other: the page, and then that there is no more."""
    job = scene.create(ticket())
    line = scene.wire.connect()
    first, second, third = (come(scene, job, line) for _ in range(3))
    on_another_line = scene.retrieve(job)
    assert fault_of(on_another_line) == "OperationFailed"
    scene.worker.open()
    scene.worker.page()
    assert first.status == 200
    assert fault_of(second) == fault_of(third) == "ClientErrorNoImagesAvailable"


@pytest.mark.conformance(241)
def test_the_line_moves_on_when_everybody_leaves(scene: Scene) -> None:
    """Clients that wait in line and go away leave no gap: who comes next after them is served next."""
    chronicle = Chronicle(scene)
    jobs = [scene.create(ticket(f"{number}")) for number in range(5)]
    scene.retrieve(jobs[0])
    scene.worker.open()
    lines = []
    for job in jobs[1:]:
        lines.append(scene.wire.connect(OTHER))
        come(scene, job, lines[-1])
    lines[0].disconnect()
    lines[2].disconnect()
    come(scene, jobs[1], scene.wire.connect(OTHER))
    scene.worker.page()
    for _ in range(3):
        scene.worker.open()
        scene.worker.page()
    assert chronicle.begun == [int(jobs[number].id) for number in (0, 2, 4, 1)]
    assert scene.active() == [(jobs[3].id, "Pending", "None", "0")]


@pytest.mark.conformance(206)
@pytest.mark.parametrize("moment", ["opening", "asked", "scanning"])
def test_a_client_goes_away_at_every_stage(scene: Scene, moment: str) -> None:
    """Whenever the client of a begun job hangs up, the job is aborted and the next client gets a whole page."""
    job = scene.create(ticket())
    line = scene.wire.connect()
    come(scene, job, line)
    if moment != "opening":
        scene.worker.open()
    if moment == "scanning":
        scene.worker.begin(b"half")
    line.disconnect()
    assert scene.history() == [(job.id, "Aborted", "ImageTransferError", "0")]
    answer = scene.scan_page(scene.create(ticket()), b"whole")
    assert check_multipart(answer.headers["content-type"], answer.body)[1] == b"whole"
