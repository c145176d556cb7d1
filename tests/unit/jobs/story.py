"""What every test of the queue needs: a queue, its clock, its scanner, and a record of all that it told."""

from __future__ import annotations

from itertools import count

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bridge.jobs.job import Job, JobObserver
from bridge.jobs.queue import JobQueue, QueueLimits
from bridge.jobs.retrieval import Retrieval
from bridge.jobs.states import JobStatus
from tests.deferreds import success_result_of
from tests.fakes.scripted_scanner import ScriptedScanner, utc


class Consumer:
    """Takes bytes as a socket does, and pauses when it is told to."""

    def __init__(self) -> None:
        self.data = b""
        self.producer = None

    def registerProducer(self, producer, streaming):
        assert streaming
        self.producer = producer

    def unregisterProducer(self):
        self.producer = None

    def write(self, data):
        self.data += data


class Story(JobObserver):
    """A queue under test; `events` are the words of all changes in their order."""

    def __init__(self, **limits: float) -> None:
        self.clock = Clock()
        self.scanner = ScriptedScanner(self.clock)
        ids = count(1)
        self.queue = JobQueue(
            self.scanner, self.clock, lambda: utc(self.clock), lambda: next(ids), QueueLimits(**limits)
        )
        self.events: list[str] = []
        self.queue.observe(self)

    def job_changed(self, status: JobStatus) -> None:
        reason = status.reasons[0].value
        self.events.append(f"{status.id} {status.state.value} {reason} {status.scans_completed}")

    def job_ended(self, job: Job) -> None:
        self.events.append(f"{job.id} ended")

    def ask(self, job: Job) -> Deferred[Retrieval]:
        """The job's client comes for an image."""
        return self.queue.retrieve(job.id, job.token, f"document {job.id}")

    def take(self, asked: Deferred[Retrieval]) -> Consumer:
        """The client takes a file that is ready, to its end."""
        consumer = Consumer()
        retrieval = success_result_of(asked)
        success_result_of(retrieval.deliver(consumer))
        retrieval.delivered()
        return consumer

    def state(self, job: Job) -> str:
        status = job.status
        return f"{status.state.value} {status.reasons[0].value} {status.scans_completed}"
