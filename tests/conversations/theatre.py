"""A scene with everybody in it: clients, subscribers, worker processes, and a chronicle that judges what happens.

After each move of anybody, `look` takes up what it has brought, and fails when that has no good reason.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.jobs.states import JobReason, JobState
from bridge.scanner.process import LEAVE_AFTER_S
from bridge.scanner.protocol import Status
from bridge.settings import Jobs
from tests.conversations.audience import Audience
from tests.conversations.chronicle import Chronicle, job_words, words
from tests.conversations.crowd import Crowd, Order
from tests.conversations.played_worker import NONSENSE, PlayedWorker
from tests.conversations.scene import NAMES, Scene
from tests.fakes.event_bench import RecordingPoster

OBSERVER = "192.0.2.99"
"""A client that only asks."""

ENDS = ("Terminating", "Completed", "Canceled", "Aborted")
"""The states in which a job has its last reason; all but the first are for ever."""

DONE = (JobReason.NONE, JobReason.JOB_COMPLETED_WITH_WARNINGS)

ROUNDING_S = 1e-6
"""What sums of floating-point seconds may be wrong."""

PATIENCE_S = 300
"""More than everything together that anybody waits for."""


class Theatre:
    """Everybody. `workers` are all processes that there were, `line` the jobs that came for an image and wait."""

    def __init__(self, directory: Path, jobs: Jobs) -> None:
        self.jobs = jobs
        self.poster = RecordingPoster()
        self.scene = Scene(directory, jobs=jobs, poster=self.poster)
        self.clock = self.scene.reactor
        self.queue = self.scene.served.queue
        self.chronicle = Chronicle(self.scene)
        self.crowd = Crowd(self.scene, self.chronicle)
        self.audience = Audience(self.scene, self.chronicle, self.poster)
        self.workers: list[PlayedWorker] = []
        self.line: list[int] = []
        self.polite = True
        self.place = ""
        self.stopping = False
        self._told = 0
        self._compared = self._compared_ends = -1
        self.look()

    # -- clients ---------------------------------------------------------------------------------

    def come(self, order: Order) -> None:
        """The client of a job comes for an image."""
        line = self.crowd.line(order.client)
        if line is None:
            return
        if self.chronicle.last(order.id) is None and order.id not in self.line:
            self.line.append(order.id)
        self.crowd.come(order, line)

    def vanish(self, number: int) -> None:
        """A client drops one of the connections on which images are under way."""
        lines = self.crowd.lines()
        lost = lines[number % len(lines)]
        for visit in self.crowd.visits:
            if visit.line is lost and visit.order.id in self.line:
                self.line.remove(visit.order.id)
        self.crowd.vanish(lost)

    def order_of(self, job_id: int) -> Order:
        """The order of a job."""
        (order,) = (order for order in self.crowd.orders if order.id == job_id)
        return order

    def waiting_for_clients(self) -> list[Order]:
        """Jobs that are not over, and for which nobody is there."""
        active = [order for order in self.crowd.orders if order.id not in self.chronicle.ended]
        return [order for order in active if not self.crowd.busy(order)]

    def listed(self, operation: str) -> list[str]:
        """The jobs that GetActiveJobs or GetJobHistory tells, in words."""
        body = self._observe(operation, f"<{{scan}}:{operation}Request/>")
        return [job_words(each) for each in body.iterfind(".//wscn:JobSummary", NAMES)]

    def described(self, job_id: int) -> str:
        """The JobStatus that GetJobElements tells of a job, in words."""
        names = "<{scan}:RequestedElements><{scan}:Name>{scan}:JobStatus</{scan}:Name></{scan}:RequestedElements>"
        body = f"<{{scan}}:GetJobElementsRequest><{{scan}}:JobId>{job_id}</{{scan}}:JobId>{names}"
        answer = self._observe("GetJobElements", f"{body}</{{scan}}:GetJobElementsRequest>")
        return job_words(answer.find(".//wscn:JobStatus", NAMES))

    def _observe(self, operation: str, body: str) -> Any:
        answer = self.scene.ask(operation, body, peer=OBSERVER)
        self.scene.wire.connections[-1].disconnect()
        self.crowd.forget_closed()
        return answer

    def carry(self, place: str) -> None:
        """Somebody carries the scanner elsewhere; no observer tells of that, so it is written down here."""
        if place != self.place:
            self.place = place
            self.chronicle.told.append(("ScannerElementsChangeEvent", "ScannerDescription"))
        self.scene.served.move_to(place)

    # -- workers ---------------------------------------------------------------------------------

    def alive(self) -> list[PlayedWorker]:
        """The processes that have not ended, oldest first."""
        return [worker for worker in self.workers if worker.alive]

    def in_state(self, *states: str) -> list[PlayedWorker]:
        """Those of them that stand there."""
        return [worker for worker in self.alive() if worker.state in states]

    def moves(self) -> list[Callable[[], None]]:
        """What the processes can do to bring things on."""
        return [move for worker in self.alive() for move in worker.moves().values()]

    def work(self, moves: int, pick: int = 0) -> None:
        """The processes make so many moves, as far as there are any."""
        for _ in range(moves):
            possible = self.moves()
            if possible:
                possible[pick % len(possible)]()
                self.look()

    def finish_page(self, worker: PlayedWorker) -> None:
        """Bring the image that was asked for to its end."""
        if worker.state == "asked":
            worker.moves()["begin"]()
        if worker.state == "scanning":
            worker.finish()

    def fail(self, worker: PlayedWorker, status: Status) -> None:
        """The worker fails with what it does."""
        self.blame_the_scanner()
        if self.chronicle.owner is not None:
            order = self.order_of(self.chronicle.owner)
            order.no_paper |= status is Status.NO_DOCUMENTS
            order.cancelled_there |= status is Status.CANCELLED
        worker.fail(status)

    def break_down(self, worker: PlayedWorker, how: str) -> None:
        """A process dies, or does what it must not."""
        self.blame_the_scanner()
        if how in NONSENSE:
            worker.talk_nonsense(how)
        elif how == "less":
            worker.promise_less()
        elif how == "out of turn":
            worker.write_out_of_turn()
        else:
            worker.exit(*((1, None) if how == "exit" else (None, 11)))

    def teach_manners(self, polite: bool) -> None:
        """Whether processes end at once when they are told to, or some time, or never."""
        self.polite = polite
        for worker in self.workers:
            worker.process.obedient = polite

    def blame_the_scanner(self) -> None:
        """From now on the job that has the scanner, or waits for it, may fail for the scanner's sake."""
        for order in self.crowd.orders:
            order.failed = True

    # -- time ------------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Let time pass from one thing that is due to the next, as it does."""
        end = self.clock.seconds() + seconds
        while True:
            due = min((call.getTime() for call in self.clock.getDelayedCalls()), default=end)
            self.clock.advance(max(0.0, min(due, end) - self.clock.seconds()))
            self.scene.wire.pump()
            self.look()
            if due >= end:
                return

    def settle(self) -> None:
        """Everybody does his work until no client waits any more: each request must come to an end."""
        give_up = self.clock.seconds() + PATIENCE_S
        while self.crowd.visits:
            assert self.clock.seconds() < give_up, f"nobody serves {self.crowd.visits}"
            for line in self.crowd.lines():
                line.read_on()
            moves = self.moves()
            if not moves:
                self.pass_time(1)
            elif self.in_state("scanning"):
                self.in_state("scanning")[0].finish()
            else:
                moves[0]()
            self.look()

    def stop(self) -> None:
        """The daemon ends: every job comes to its end, and nothing stays behind."""
        self.stopping = self.crowd.service_ends = True
        stopped: list[object] = []
        self.scene.served.stop(self.scene.tree).addBoth(stopped.append)
        self.look()
        give_up = self.clock.seconds() + PATIENCE_S
        while not stopped:
            assert self.clock.seconds() < give_up, "the service does not end"
            self.pass_time(1)
        assert stopped == [None], stopped
        assert self.queue.active == []
        assert sorted(self.chronicle.ended) == sorted(order.id for order in self.crowd.orders)
        assert not self.audience.members
        for connection in self.scene.wire.connections:
            connection.disconnect()
        if self.alive():
            self.pass_time(LEAVE_AFTER_S)
        left = [str(call) for call in self.clock.getDelayedCalls()]
        assert left == []

    # -- judging ---------------------------------------------------------------------------------

    def look(self) -> None:
        """Take up what the last move has brought."""
        self.scene.wire.pump()
        for process in self.scene.reactor.processes[len(self.workers) :]:
            process.obedient = self.polite
            self.workers.append(PlayedWorker(self.scene, process, self._scanned))
        for worker in self.workers:
            worker.listen(self.chronicle.owner)
        self._follow()
        self.crowd.look()
        self.audience.look()

    def check_lists(self) -> None:
        """Compare the lists with the chronicle, and over HTTP when they have changed since the last time."""
        self.chronicle.check_lists([order.id for order in self.crowd.orders], self.jobs.history_limit)
        changes = len(self.chronicle.told) + len(self.crowd.orders)
        if changes == self._compared:
            return
        listed = self.listed("GetActiveJobs")
        assert listed == [words(status) for status in self.queue.active]
        if len(self.chronicle.ended) != self._compared_ends:
            history = self.listed("GetJobHistory")
            assert history == [words(status) for status in self.queue.history]
            listed += history
        if listed:
            said = listed[changes % len(listed)]
            assert self.described(int(said.split()[0])) == said
        self._compared, self._compared_ends = changes, len(self.chronicle.ended)

    def check_owner(self) -> None:
        """One job at most has the scanner, one process at most has it open, and the scanner's state says so."""
        owner = self.chronicle.owner
        owning = (JobState.STARTED, JobState.PROCESSING, JobState.TERMINATING)
        assert [status.id for status in self.queue.active if status.state in owning] == ([owner] if owner else [])
        now = self.clock.seconds()
        holding = [
            worker
            for worker in self.alive()
            if worker.has_device and (worker.leaving_since is None or now - worker.leaving_since < LEAVE_AFTER_S)
        ]
        # A scanner that is being given back is still at work, although its job is over.
        states = ("Processing",) if owner else ("Processing", "Idle") if holding else ("Idle",)
        assert self.scene.served.status.state.value in ("Stopped", *states)
        assert len(holding) <= 1, "two processes have the scanner open"

    def check_patience(self) -> None:
        """No job outlives the time that its client has."""
        for order in self.waiting_for_clients():
            last = self.chronicle.last(order.id)
            idle = self.clock.seconds() - order.idle_since
            if last is None or last.state is not JobState.TERMINATING:
                lives_on = idle > self.jobs.retrieve_timeout_s + ROUNDING_S and not order.shaky
                assert not lives_on, f"nobody has come for job {order.id} for {idle} s"

    def _follow(self) -> None:
        """Hold what was told since the last look to its causes."""
        told, self._told = self.chronicle.told[self._told :], len(self.chronicle.told)
        for event, said in told:
            if event != "JobStatusEvent":
                continue
            job, state, reason, count = said.split()
            order = self.order_of(int(job))
            if state == "Started":
                assert not self.stopping, f"job {job} is begun while the service ends"
                assert self.line[:1] == [order.id], f"job {job} got the scanner before {self.line}"
                self.line.remove(order.id)
            elif state in ENDS and order.id in self.line:
                self.line.remove(order.id)
            if state in ENDS and order.ended_by is None:
                order.ended_by = JobReason(reason)
                self._check_cause(order, state, order.ended_by, int(count))
            if state in ENDS:
                assert reason == order.ended_by, f"{said} after {order.ended_by}"
            if state in ENDS[1:]:
                canceled = order.cancelled or order.ended_by is JobReason.JOB_CANCELED_AT_DEVICE
                assert (state == "Canceled") == canceled, said
                assert (state == "Completed") == (order.ended_by in DONE and not canceled), said
                least = order.scanned - order.doubtful
                assert least <= int(count) <= order.scanned, f"{said}, but {order.scanned} pages were scanned"

    def _check_cause(self, order: Order, state: str, reason: JobReason, count: int) -> None:
        """Whether there is a reason for a job to end like this."""
        if order.cancelled:
            assert reason is JobReason.NONE
        elif state == "Completed":
            assert reason is (JobReason.JOB_COMPLETED_WITH_WARNINGS if order.altered else JobReason.NONE)
            enough = bool(order.images) and count == order.images
            assert enough or (order.no_paper and count), f"{count} of {order.images} images"
        elif reason is JobReason.JOB_TIMED_OUT:
            idle = self.clock.seconds() - order.idle_since
            busy = self.crowd.busy(order)
            assert order.shaky or (not busy and idle >= self.jobs.retrieve_timeout_s - ROUNDING_S), f"after {idle} s"
        elif reason is JobReason.IMAGE_TRANSFER_ERROR:
            assert order.shaky or order.gone, "nobody went away"
        elif reason is JobReason.JOB_COMPLETED_WITH_ERRORS:
            assert order.no_paper
        elif reason is JobReason.JOB_CANCELED_AT_DEVICE:
            assert order.cancelled_there
        else:
            assert reason is JobReason.SCANNER_STOPPED, f"{state} for {reason}"
            assert self.stopping or order.failed or any(worker.stalled for worker in self.workers)

    def _scanned(self, worker: PlayedWorker, image: bytes) -> None:
        if worker.job is not None:
            order = self.order_of(worker.job)
            order.scanned += 1
            order.doubtful += worker.mad
            if image:
                order.made.append(image)
