"""GetActiveJobs, GetJobHistory and GetJobElements, asked again and again between any two steps of a conversation.

Each plot below is a conversation that pauses after every single step: a frame of the worker, a byte of an image, a
piece of a request, a second. In each pause a stranger asks for everything, and every answer must be one that the
recorded life of the job's own machine explains: never a state that was not entered, never one that is left again,
never a job in both lists or in none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.jobs import job as job_module
from bridge.jobs.machine import JobMachine
from bridge.jobs.states import JobState
from bridge.scanner import protocol
from bridge.scanner.protocol import Status
from bridge.settings import Jobs
from tests.clients import scan_action, windows
from tests.conversations.chronicle import Chronicle, job_words
from tests.conversations.scene import NAMES, ClientJob, Scene, feeder, retrieve_body, text, ticket
from tests.harness import SOAP_HEADERS, request_bytes

OVER = (JobState.COMPLETED.value, JobState.CANCELED.value, JobState.ABORTED.value)
STRANGER = "192.0.2.66"

Plot = Callable[["Asked"], Iterator[None]]


class Asked(Scene):
    """A scene whose jobs are asked about; `lives` are the states that each job's machine has entered, oldest first."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lives: list[list[str]] = []
        lives = self.lives

        class RecordedMachine(JobMachine):
            """Writes down each state as the machine enters it."""

            def __init__(self, entered: Callable[[JobState], None]) -> None:
                life: list[str] = []
                lives.append(life)

                def record(state: JobState) -> None:
                    life.append(state.value)
                    entered(state)

                super().__init__(record)

        monkeypatch.setattr(job_module, "JobMachine", RecordedMachine)
        super().__init__(directory, jobs=Jobs(queue_limit=8, history_limit=50))
        self.chronicle = Chronicle(self)
        self.ordered: list[ClientJob] = []
        self.answers = 0
        self._seen: dict[str, int] = {}
        self._counts: dict[str, int] = {}

    def order(self, wanted: str = "") -> ClientJob:
        """A new job for `wanted`, a ticket of the glass unless told otherwise."""
        job = self.create(wanted or ticket())
        self.ordered.append(job)
        return job

    # -- asking ----------------------------------------------------------------------------------

    def interrogate(self) -> None:
        """Ask for everything, and see whether the answers are explained, and by the same moment."""
        active = self._list("GetActiveJobs")
        history = self._list("GetJobHistory")
        told = {each.split()[0]: each for each in active + history}
        assert len(told) == len(active + history), "a job is in both lists"
        assert sorted(told, key=int) == [job.id for job in self.ordered], "a job is lost"
        assert [each.split()[0] for each in active] == sorted((each.split()[0] for each in active), key=int)
        assert all(each.split()[1] in OVER for each in history), history
        assert not any(each.split()[1] in OVER for each in active), active
        for job, life in zip(self.ordered, self.lives, strict=True):
            words = told[job.id]
            assert self._elements(job) == words
            _, state, _, count = words.split()
            self._explain(job, state, life)
            assert int(count) >= self._counts.get(job.id, 0), "a count has shrunk"
            self._counts[job.id] = int(count)
            last = self.chronicle.last(int(job.id))
            assert words == (f"{job.id} Pending None 0" if last is None else self._words(last))

    def _explain(self, job: ClientJob, state: str, life: list[str]) -> None:
        """The machine has entered `state`, and no later than what was seen before."""
        seen = self._seen.get(job.id, 0)
        assert state in life[seen:], f"{state} was seen after {life[: seen + 1]}"
        self._seen[job.id] = life.index(state, seen)
        # Nothing happens between two steps, so that the newest is the only truth.
        assert state == life[-1], f"{state} is shown, {life[-1]} is true"

    def _words(self, status: Any) -> str:
        return f"{status.id} {status.state.value} {status.reasons[0].value} {status.scans_completed}"

    def _list(self, operation: str) -> list[str]:
        body = self._ask(operation, f"<{{scan}}:{operation}Request/>")
        return [job_words(each) for each in body.iterfind(".//wscn:JobSummary", NAMES)]

    def _elements(self, job: ClientJob) -> str:
        names = "".join(f"<{{scan}}:Name>{{scan}}:{name}</{{scan}}:Name>" for name in ("JobStatus", "Documents"))
        body = self._ask(
            "GetJobElements",
            f"<{{scan}}:GetJobElementsRequest><{{scan}}:JobId>{job.id}</{{scan}}:JobId><{{scan}}:RequestedElements>"
            f"{names}</{{scan}}:RequestedElements></{{scan}}:GetJobElementsRequest>",
        )
        status = body.find(".//wscn:JobStatus", NAMES)
        over = text(status, "wscn:JobState") in OVER
        assert (status.find("wscn:JobCompletedTime", NAMES) is not None) == over
        # The schema wants one at least, also before there is any.
        documents = len(body.findall(".//wscn:Document", NAMES))
        assert 1 <= documents <= max(1, int(text(status, "wscn:ScansCompleted"))), "a document that was not scanned"
        return job_words(status)

    def _ask(self, operation: str, body: str) -> Any:
        self.answers += 1
        answer = self.ask(operation, body, peer=STRANGER)
        self.wire.connections[-1].disconnect()
        del self.wire.connections[-1]
        return answer


# -- plots: each pauses after every step ---------------------------------------------------------


def served(scene: Asked, image: bytes = b"\xff\xd8 a page") -> Iterator[None]:
    """The worker makes one image, byte by byte."""
    process = scene.reactor.process
    if not any(isinstance(command, protocol.StartImage) for command in process.heard):
        if not process.heard:
            yield scene.worker.say(protocol.Ready())
        yield scene.worker.say(protocol.Opened("as asked"))
    yield scene.worker.say(protocol.ImageStarted())
    for index in range(len(image)):
        yield scene.worker.send(image[index : index + 1])
    yield scene.worker.say(protocol.PageScanned(100))
    yield scene.worker.say(protocol.ImageDone(len(image)))


def glass(scene: Asked) -> Iterator[None]:
    """A request arrives in pieces, and its client reads byte by byte."""
    job = scene.order()
    yield
    line = scene.wire.connect()
    body = windows(scan_action("RetrieveImage"), retrieve_body(job.id, job.token))
    request = request_bytes("POST", scene.path, body, headers=SOAP_HEADERS)
    for start in range(0, len(request), 100):
        yield line.send(request[start : start + 100])
    line.window = 0
    yield from served(scene)
    while not line.answers or not line.answers[0].complete:
        yield line.read(50)
    assert line.answers[0].status == 200


def feeder_and_a_waiting_job(scene: Asked) -> Iterator[None]:
    """Two pages and an empty feeder, then the job that has waited for the scanner."""
    batch, other = scene.order(ticket("batch", parameters=feeder())), scene.order(ticket("other"))
    scene.retrieve(batch)
    held = scene.retrieve(other)
    yield
    yield from served(scene)
    scene.retrieve(batch)
    yield
    yield from served(scene)
    empty = scene.retrieve(batch)
    yield scene.worker.fail(Status.NO_DOCUMENTS)
    assert empty.status == 400
    yield from served(scene)
    assert held.complete


def cancels(scene: Asked) -> Iterator[None]:
    """Jobs are cancelled that nobody has come for, that wait, that are opened, and in mid-page; the worker is slow."""
    nobody, waits, opened, scanned = (scene.order(ticket(name)) for name in ("nobody", "waits", "opened", "scanned"))
    yield
    scene.cancel(nobody)
    yield
    for job, steps in ((opened, 0), (scanned, 5)):
        scene.retrieve(job)
        process = scene.reactor.process
        process.obedient = False
        if job is opened:
            scene.retrieve(waits)
            yield scene.cancel(waits)
        making = served(scene)
        for _ in range(steps):
            yield next(making)
        scene.cancel(job)
        yield
        scene.wire.advance(2)
        yield
        process.exit(0)
        scene.wire.pump()
        yield


def mended(scene: Asked) -> Iterator[None]:
    """The feeder jams, is mended, jams again, and the client does not come back."""
    job = scene.order(ticket(parameters=feeder(2)))
    scene.retrieve(job)
    yield scene.worker.open()
    yield scene.worker.fail(Status.JAMMED)
    scene.retrieve(job)
    yield from served(scene)
    scene.retrieve(job)
    yield scene.worker.fail(Status.JAMMED)
    for _ in range(7):
        yield scene.wire.advance(10)


def losses(scene: Asked) -> Iterator[None]:
    """A client vanishes in mid-page, a worker dies in mid-page, and another says too little."""
    for number in range(3):
        job = scene.order(ticket(f"lost {number}"))
        scene.retrieve(job)
        line = scene.wire.connections[-1]
        yield
        making = served(scene)
        for _ in range(6):
            yield next(making)
        if number == 0:
            yield line.disconnect()
        elif number == 1:
            yield scene.worker.die()
        else:
            yield scene.worker.say(protocol.PageScanned(100), protocol.ImageDone(1))
        yield scene.wire.advance(1)


def patience(scene: Asked) -> Iterator[None]:
    """Nobody comes for one job; another waits so long for the scanner that it gets its headers first."""
    forgotten, slow, held = (scene.order(ticket(name)) for name in ("forgotten", "slow", "held"))
    scene.retrieve(slow)
    answer = scene.retrieve(held)
    scene.worker.open()
    assert forgotten.id == "1"
    for second in range(0, 66, 3):
        yield scene.wire.advance(3)
        if second % 15 == 0:
            yield scene.worker.say(protocol.Progress(second))
    assert answer.status == 200
    yield scene.worker.page()
    yield from served(scene)
    assert answer.complete


def end(scene: Asked) -> Iterator[None]:
    """The daemon stops with one job at work, one in line, and one that nobody has come for."""
    jobs = [scene.order(ticket(name)) for name in ("works", "in line", "nobody")]
    scene.retrieve(jobs[0])
    scene.retrieve(jobs[1])
    making = served(scene)
    for _ in range(6):
        yield next(making)
    scene.reactor.process.obedient = False
    scene.served.queue.stop()
    yield
    scene.wire.advance(2)
    yield scene.reactor.process.exit(0)


@pytest.mark.parametrize("plot", [glass, feeder_and_a_waiting_job, cancels, mended, losses, patience, end])
@pytest.mark.conformance(212, 214, 215, 218, 219, 220, 221, 222, 229, 237, 239)
def test_every_answer_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plot: Plot) -> None:
    """Whenever somebody asks, both lists and the job's own elements tell the state that its machine is in."""
    scene = Asked(tmp_path, monkeypatch)
    scene.interrogate()
    steps = 0
    for _ in plot(scene):
        scene.interrogate()
        steps += 1
    scene.interrogate()
    ends = [life[-1] for life in scene.lives]
    assert all(state in OVER for state in ends), ends
    assert scene.answers >= 3 * steps
