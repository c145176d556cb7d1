"""Random histories of the whole product: several clients, an unreliable worker and time, in any order.

Everything is real but the worker processes, the sockets and the clock. After every step the service is held to what
must be true of every history (wsd-scan.md 9.7, 11 and 12, eventing.md 8).

SCANBRIDGE_HISTORIES=5000 tries about so many new random histories in the place of the same ones each time. A history
that fails is printed step by step, with a line that repeats it.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bridge.jobs import buffer
from bridge.scanner.protocol import Status
from bridge.settings import Jobs
from tests import envelope_watch
from tests.conversations.chronicle import watched_log
from tests.conversations.crowd import CLIENTS, SOURCES, Order
from tests.conversations.played_worker import NONSENSE, PIPE
from tests.conversations.scene import Fault, body_of, retrieve_body, ticket
from tests.conversations.theatre import Theatre

HISTORIES = 185
STEPS = 80
"""Together 10,000 steps in the default run, with the Hypothesis of either Debian: each chooses for itself when a
history ends."""

JOBS = Jobs(queue_limit=3, history_limit=4, retrieve_timeout_s=60)

HIGH_WATER, LOW_WATER = 8 * PIPE, 2 * PIPE
"""The bounds of the bridge's buffer, smaller than they are: nothing depends on their size but the time of this test."""

MUCH = 2 * HIGH_WATER

ELSEWHERE = 4 * PIPE
"""More than Twisted and a pipe hold of an image beside the bridge's own buffer."""

PICK = st.integers(0, 2**16)
CLIENT = st.sampled_from(CLIENTS)

MENDABLE = (Status.JAMMED, Status.COVER_OPEN, Status.DEVICE_BUSY, Status.NO_DOCUMENTS)
"""The failures after which something may go on; they come more often than the others."""

BESIDE = ("ask", "guess", "subscribe", "manage", "press", "carry", "manners")

QUESTIONS = {
    "ValidateScanTicket": f"<{{scan}}:ValidateScanTicketRequest>{ticket()}</{{scan}}:ValidateScanTicketRequest>",
    "GetScannerElements": "<{scan}:GetScannerElementsRequest><{scan}:RequestedElements>"
    "<{scan}:Name>{scan}:ScannerStatus</{scan}:Name>"
    "</{scan}:RequestedElements></{scan}:GetScannerElementsRequest>",
}


# When a rule can apply. No lambdas: their source would be looked up for every history.


def somebody_reads_slowly(histories: Histories) -> bool:
    return any(not visit.reading for visit in histories.crowd.visits)


def something_is_ordered(histories: Histories) -> bool:
    return bool(histories.crowd.orders)


def somebody_waits(histories: Histories) -> bool:
    return bool(histories.crowd.visits)


def a_process_lives(histories: Histories) -> bool:
    return bool(histories.theatre.alive())


def an_image_is_wanted(histories: Histories) -> bool:
    return bool(histories.theatre.in_state("asked", "scanning"))


def something_can_fail(histories: Histories) -> bool:
    return bool(histories.theatre.in_state("opening", "asked", "scanning"))


def an_image_is_made(histories: Histories) -> bool:
    return bool(histories.theatre.in_state("scanning"))


def there_is_work(histories: Histories) -> bool:
    return bool(histories.theatre.moves())


def a_job_waits_for_its_client(histories: Histories) -> bool:
    return bool(histories.theatre.waiting_for_clients())


class Histories(RuleBasedStateMachine):
    """A scanner that is served to a crowd."""

    steps: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        # Each history ends with a collection of garbage, which need not look at what was there before.
        gc.freeze()
        self.stack = ExitStack()
        directory = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.log = self.stack.enter_context(watched_log("is left behind"))
        self.theatre = Theatre(Path(directory), JOBS)
        self.crowd = self.theatre.crowd

    def done(self, name: str) -> None:
        """A step is made."""
        self.steps[name] += 1
        self.theatre.look()

    def some_order(self, pick: int) -> Order:
        """One of the latest orders, so that those that are over come up as well."""
        latest = self.crowd.orders[-8:]
        return latest[pick % len(latest)]

    @initialize(
        sources=st.lists(st.tuples(CLIENT, st.sampled_from(sorted(SOURCES))), max_size=4),
        comers=st.integers(0, 4),
        moves=st.integers(0, 10),
    )
    def begin(self, sources: list[tuple[str, str]], comers: int, moves: int) -> None:
        """Most histories begin where something goes on already."""
        for client, source in sources:
            assert self.crowd.order(client, source) == ""
        for order in self.crowd.orders[:comers]:
            self.theatre.come(order)
        self.theatre.work(moves)
        self.done("begin")

    # -- clients ---------------------------------------------------------------------------------

    @rule(client=CLIENT, source=st.sampled_from(sorted(SOURCES)))
    def order(self, client: str, source: str) -> None:
        active = len(self.theatre.queue.active)
        refused = self.crowd.order(client, source)
        if refused != "no connection":
            assert refused == ("ServerErrorNotAcceptingJobs" if active > JOBS.queue_limit else "")
        self.done("order")

    @precondition(a_job_waits_for_its_client)
    @rule(pick=PICK, moves=st.sampled_from([0, 1, 2, 4, 4, 8]))
    def come(self, pick: int, moves: int) -> None:
        orders = self.theatre.waiting_for_clients()
        self.theatre.come(orders[pick % len(orders)])
        self.theatre.work(moves)
        self.done("come")

    @precondition(something_is_ordered)
    @rule(pick=PICK)
    def come_for_any_job(self, pick: int) -> None:
        self.theatre.come(self.some_order(pick))
        self.done("come for any job")

    @precondition(somebody_waits)
    @rule(pick=PICK)
    def ask_for_the_next_before_the_first_has_come(self, pick: int) -> None:
        visit = self.crowd.visits[pick % len(self.crowd.visits)]
        if len([other for other in self.crowd.visits if other.line is visit.line]) < 3:
            self.crowd.come(visit.order, visit.line)
        self.done("pipeline")

    @precondition(something_is_ordered)
    @rule(pick=PICK, stranger=st.sampled_from([False, False, True]))
    def cancel(self, pick: int, stranger: bool) -> None:
        order = self.some_order(pick)
        client = next(one for one in CLIENTS if (one != order.client) == stranger)
        may = not stranger and order.id not in self.theatre.chronicle.ended
        order.cancelled |= may and order.ended_by is None
        number = f"<{{scan}}:JobId>{order.id}</{{scan}}:JobId>"
        answer = self.crowd.ask(client, "CancelJob", f"<{{scan}}:CancelJobRequest>{number}</{{scan}}:CancelJobRequest>")
        if answer is not None:
            with nullcontext() if may else pytest.raises(Fault, match=r"^ClientErrorJobIdNotFound$"):
                assert len(body_of(answer)) == 0
        self.done("cancel")

    @precondition(somebody_waits)
    @rule(pick=PICK)
    def vanish(self, pick: int) -> None:
        self.theatre.vanish(pick)
        self.done("vanish")

    @precondition(somebody_waits)
    @rule(pick=PICK, more=st.sampled_from([0, 0, 100, 70000]))
    def read_slowly(self, pick: int, more: int) -> None:
        lines = self.crowd.lines()
        self.crowd.read_slowly(lines[pick % len(lines)], more)
        self.done("read slowly")

    @precondition(somebody_reads_slowly)
    @rule(pick=PICK)
    def read_on(self, pick: int) -> None:
        slow = [line for line in self.crowd.lines() if line.window is not None]
        slow[pick % len(slow)].read_on()
        self.done("read on")

    @rule(client=CLIENT, pick=PICK, what=st.sampled_from(BESIDE))
    def do_something_beside(self, client: str, pick: int, what: str) -> None:
        if what == "ask":
            operation = sorted(QUESTIONS)[pick % len(QUESTIONS)]
            answer = self.crowd.ask(client, operation, QUESTIONS[operation])
            assert answer is None or len(body_of(answer))
        elif what == "guess" and self.crowd.orders:
            self.come_with_a_wrong_token(client, self.some_order(pick))
        elif what == "subscribe":
            kinds = ("taking", "taking", "taking", "dead", "silent")
            self.theatre.audience.subscribe(self.crowd, client, pick, kinds[pick % len(kinds)])
        elif what == "manage" and self.theatre.audience.members:
            operations = ("Renew", "GetStatus", "Unsubscribe")
            self.theatre.audience.manage(self.crowd, pick, operations[pick % len(operations)])
        elif what == "press":
            self.theatre.audience.press()
        elif what == "carry":
            self.theatre.carry(f"shelf {pick % 3}")
        elif what == "manners":
            self.theatre.teach_manners(bool(pick % 2))
        self.done(what)

    def come_with_a_wrong_token(self, client: str, order: Order) -> None:
        queue = self.theatre.queue
        known = order.id in {status.id for status in (*queue.active, *queue.history)}
        answer = self.crowd.ask(client, "RetrieveImage", retrieve_body(order.job.id, "guessed"))
        if answer is not None:
            with pytest.raises(Fault, match="ClientErrorInvalidJobToken" if known else "ClientErrorJobIdNotFound"):
                body_of(answer)

    # -- the worker ------------------------------------------------------------------------------

    @precondition(there_is_work)
    @rule(pick=PICK, moves=st.integers(1, 6))
    def work(self, pick: int, moves: int) -> None:
        self.theatre.work(moves, pick)
        self.done("work")

    @precondition(an_image_is_wanted)
    @rule()
    def make_a_page(self) -> None:
        self.theatre.finish_page(self.theatre.in_state("asked", "scanning")[0])
        self.done("page")

    @precondition(an_image_is_made)
    @rule(size=st.sampled_from([70, 5000, PIPE, MUCH]))
    def write(self, size: int) -> None:
        if size == MUCH:
            # The bridge holds something only for a client that does not read.
            for line in self.crowd.lines():
                self.crowd.read_slowly(line, 0)
        worker = self.theatre.in_state("scanning")[0]
        for _ in range(0, size, PIPE):
            worker.write(bytes([size % 251]) * min(size, PIPE))
        self.done("write")

    @precondition(something_can_fail)
    @rule(status=st.sampled_from([*Status, *MENDABLE, *MENDABLE]))
    def fail(self, status: Status) -> None:
        self.theatre.fail(self.theatre.in_state("opening", "asked", "scanning")[0], status)
        self.done("fail")

    @precondition(a_process_lives)
    @rule(pick=PICK, how=st.sampled_from(["exit", "crash", "less", "out of turn", *NONSENSE]))
    def work_or_break_down(self, pick: int, how: str) -> None:
        # Mostly it works, so that there are histories in which something is achieved.
        if pick % 5:
            self.theatre.work(pick % 5)
        else:
            workers = self.theatre.alive()
            self.theatre.break_down(workers[pick % len(workers)], how)
        self.done("work" if pick % 5 else "break down")

    # -- time ------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.1, 0.1, 0.5, 1.0, 1.0, 1.0, 2.9, 5.0, 9.5, 10.0, 29.0, 31.0, 55.0, 60.0, 121.0]))
    def wait(self, seconds: float) -> None:
        self.theatre.pass_time(seconds)
        self.done("wait")

    @precondition(somebody_waits)
    @rule(pick=PICK)
    def work_or_settle(self, pick: int) -> None:
        if pick % 3:
            self.theatre.work(pick % 3)
        else:
            self.theatre.settle()
        self.done("work" if pick % 3 else "settle")

    # -- what holds after every step -------------------------------------------------------------

    @invariant()
    def check(self) -> None:
        """Nothing is lost, twice, untold, unbounded or for ever."""
        assert not self.log, "\n".join(self.log)
        assert not envelope_watch.VIOLATIONS
        self.theatre.check_lists()
        self.theatre.check_owner()
        self.theatre.check_patience()
        for worker in self.theatre.alive():
            for visit in self.crowd.served_now():
                if visit.order.id == worker.job and worker.state == "scanning":
                    held = len(worker.image) - len(worker.unread) - len(visit.answer.body)
                    assert held <= HIGH_WATER + ELSEWHERE, f"{held} bytes are held"

    def teardown(self) -> None:
        with self.stack:
            if sys.exc_info()[0] is not None:
                return
            if len(self.theatre.chronicle.told) % 2:
                self.theatre.settle()
            self.theatre.stop()


MORE = int(os.environ.get("SCANBRIDGE_HISTORIES", "0"))


@pytest.mark.timeout(0 if MORE else 600)
@pytest.mark.conformance(218, 219, 220, 221, 222, 223, 224, 225, 226, 230, 241, 272, 281, 282, 283, 289)
def test_what_holds_in_every_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever clients, worker and time do, every job has one place, one count, one end, and is told of truthfully."""
    monkeypatch.setattr(buffer, "HIGH_WATER", HIGH_WATER)
    monkeypatch.setattr(buffer, "LOW_WATER", LOW_WATER)
    # Each history has a state directory of its own, and on a busy disk waiting for all of them takes minutes.
    monkeypatch.setattr(os, "fsync", lambda _file: None)
    Histories.steps.clear()
    # In batches, because the time that Hypothesis takes grows with their square.
    for _ in range(0, MORE or 1, HISTORIES):
        run_state_machine_as_test(
            Histories,
            settings=settings(
                max_examples=HISTORIES,
                stateful_step_count=STEPS,
                derandomize=not MORE,
                database=None,
                deadline=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
    gc.unfreeze()
    assert sum(Histories.steps.values()) >= 10_000, Histories.steps
