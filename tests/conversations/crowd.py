"""Clients of a scene: their connections, their jobs, and what they know of the answers they wait for."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.jobs.states import JobReason, JobState, JobStatus
from tests.clients import scan_action, windows
from tests.conversations.chronicle import Chronicle, words
from tests.conversations.scene import ClientJob, Fault, Scene, body_of, feeder, retrieve_body, ticket
from tests.harness import Connection
from tests.http_answers import Answer
from tests.schema_check import check_multipart

CLIENTS = ("192.0.2.20", "192.0.2.21", "192.0.2.22")

LINES = 8
"""Connections that a client has open at most; the service takes 16."""

SOURCES = {
    "glass": (ticket("glass"), 1),
    "one sheet": (ticket("one sheet", parameters=feeder(1)), 1),
    "three sheets": (ticket("three sheets", "eva", feeder(3)), 3),
    "all sheets": (ticket("all sheets", "eva", feeder()), 0),
    "glass twice": (ticket("glass twice", parameters="<{scan}:ImagesToTransfer>2</{scan}:ImagesToTransfer>"), 2),
    "altered": (ticket("altered", parameters="<{scan}:Rotation>90</{scan}:Rotation>"), 1),
}
"""Tickets, and how many images each orders, 0 for as many as there are."""

SCANNER_FAULTS = ("OperationFailed", "ServerErrorTemporaryError")
"""What a request meets when the scanner does not work."""


@dataclass(eq=False)
class Order:
    """A job that a client has ordered; `made` are the files that the scanner made of it and nobody has fetched yet;
    `scanned` counts its pages, `doubtful` those of a worker that had talked nonsense before.

    `idle_since` is when its client last had something of it; `shaky` that the client did not always read.
    """

    job: ClientJob
    client: str
    images: int
    idle_since: float
    made: list[bytes] = field(default_factory=list)
    scanned: int = 0
    doubtful: int = 0
    shaky: bool = False
    gone: bool = False
    cancelled: bool = False
    no_paper: bool = False
    failed: bool = False
    cancelled_there: bool = False
    altered: bool = False
    ended_by: JobReason | None = None

    @property
    def id(self) -> int:
        return int(self.job.id)


@dataclass(eq=False)
class Visit:
    """One RetrieveImage under way; `doubled` when another of the same job was under way already, `behind` when another
    was on the same connection."""

    order: Order
    line: Connection
    answer: Answer
    doubled: bool
    since: int
    behind: bool

    @property
    def reading(self) -> bool:
        """Whether the client takes what comes."""
        return self.line.window is None


class Crowd:
    """Several clients. `orders` are all their jobs, `visits` the requests for images that have no end yet.

    `service_ends`: the scanner leaves the network.
    """

    def __init__(self, scene: Scene, chronicle: Chronicle) -> None:
        self.service_ends = False
        self.orders: list[Order] = []
        self.visits: list[Visit] = []
        self._scene = scene
        self._chronicle = chronicle

    # -- connections -----------------------------------------------------------------------------

    def line(self, client: str) -> Connection | None:
        """A connection of the client's on which nothing is under way; None when all are in use."""
        self.forget_closed()
        mine = [line for line in self._scene.wire.connections if line.transport.getPeer().host == client]
        for line in mine:
            if line.window is None and not line.half_closed and all(answer.complete for answer in line.answers):
                return line
        return self._scene.wire.connect(client) if len(mine) < LINES else None

    def forget_closed(self) -> None:
        """The wire need not look at connections that have ended."""
        lines = self._scene.wire.connections
        lines[:] = [line for line in lines if not line.closed]

    def lines(self) -> list[Connection]:
        """Connections with a request for an image under way, those of slow readers too, oldest first."""
        return list(dict.fromkeys(visit.line for visit in self.visits))

    def read_slowly(self, line: Connection, more: int) -> None:
        """The client reads `more` bytes on a connection and then stops."""
        for visit in self.visits:
            if visit.line is line:
                visit.order.shaky = True
        line.window = 0
        line.read(more)

    def vanish(self, line: Connection) -> list[Order]:
        """The client drops a connection; the jobs whose image was under way on it."""
        lost = [visit.order for visit in self.visits if visit.line is line]
        for order in lost:
            order.gone, order.idle_since = True, self._scene.reactor.seconds()
        self.visits = [visit for visit in self.visits if visit.line is not line]
        line.disconnect()
        return lost

    # -- requests --------------------------------------------------------------------------------

    def ask(self, client: str, operation: str, body: str, extra: str = "") -> Answer | None:
        """A question whose answer comes at once; None when the client has no connection left."""
        line = self.line(client)
        if line is None:
            return None
        action = operation if ":" in operation else scan_action(operation)
        answer = line.post(self._scene.path, windows(action, body, extra=extra))
        assert answer.complete, f"{operation} is not answered"
        return answer

    def order(self, client: str, source: str) -> str:
        """Order a job; the fault's name, or nothing when it was taken."""
        wanted, images = SOURCES[source]
        body = f"<{{scan}}:CreateScanJobRequest>{wanted}</{{scan}}:CreateScanJobRequest>"
        answer = self.ask(client, "CreateScanJob", body)
        if answer is None:
            return "no connection"
        try:
            created = body_of(answer)
        except Fault as fault:
            return str(fault)
        job = ClientJob(created[0].text, created[1].text, created)
        order = Order(job, client, images, self._scene.reactor.seconds(), altered=source == "altered")
        self.orders.append(order)
        return ""

    def come(self, order: Order, line: Connection) -> Visit:
        """Ask for the next image of a job on `line`, perhaps behind other requests."""
        body = windows(scan_action("RetrieveImage"), retrieve_body(order.job.id, order.job.token))
        doubled, since = self.busy(order), len(self._chronicle.changes.get(order.id, ()))
        behind = any(visit.line is line for visit in self.visits)
        visit = Visit(order, line, line.post(self._scene.path, body), doubled, since, behind)
        self.visits.append(visit)
        return visit

    def served_now(self) -> list[Visit]:
        """The visits that the service works at: on each connection the first."""
        first: dict[Connection, Visit] = {}
        for visit in self.visits:
            first.setdefault(visit.line, visit)
        return list(first.values())

    def busy(self, order: Order) -> bool:
        """Whether the job has a request under way."""
        return any(visit.order is order for visit in self.visits)

    # -- answers ---------------------------------------------------------------------------------

    def look(self) -> None:
        """See which visits have ended, and whether each ended as it may."""
        now = self._scene.reactor.seconds()
        for visit in tuple(self.visits):
            if visit.answer.complete or visit.answer.cut or visit.line.closed:
                self.visits.remove(visit)
                self._ended(visit)
                visit.order.idle_since = now
        for visit in self.served_now():
            visit.order.idle_since = now

    def _ended(self, visit: Visit) -> None:
        order, answer = visit.order, visit.answer
        if answer.complete and answer.content_type == "multipart/related":
            _, image = check_multipart(answer.headers["content-type"], answer.body)
            assert image in order.made, f"job {order.id} got what was not made for it, or got it again"
            order.made.remove(image)
            return
        if self.service_ends and answer.status == 404:
            # It stood behind another request until the scanner's address was gone.
            assert visit.behind, f"a request for job {order.id} that nothing kept waiting got 404"
            return
        # What the job has been through since the request came, which may have had to wait behind another.
        through = self._chronicle.changes.get(order.id, [])[max(0, visit.since - 1) :]
        if answer.complete:
            fault = _fault_of(answer)
            possible = {name for status in through for name in _explained(status)}
            if visit.doubled:
                possible.add("OperationFailed")
            if order.id not in self._remembered():
                possible.add("ClientErrorJobIdNotFound")
            assert fault in possible, f"{fault} after {[words(status) for status in through]}"
        else:
            # Cut: the client must not take it for whole, and the job cannot go on.
            assert through, f"a connection was cut, and job {order.id} waits on"
            over = through[-1].state.terminal or through[-1].state is JobState.TERMINATING
            assert over, f"a connection was cut, and the job goes on: {words(through[-1])}"

    def _remembered(self) -> set[int]:
        queue = self._scene.served.queue
        return {status.id for status in (*queue.active, *queue.history)}


def _fault_of(answer: Answer) -> str:
    try:
        body_of(answer)
    except Fault as fault:
        return str(fault)
    raise AssertionError(f"neither an image nor a fault: {answer.body!r}")


def _explained(status: JobStatus) -> tuple[str, ...]:
    """The faults that RetrieveImage may meet while its job is in `status`."""
    if JobReason.SCANNER_STOPPED in status.reasons:
        return SCANNER_FAULTS if status.state is JobState.PROCESSING else (*SCANNER_FAULTS, "ClientErrorJobCancelled")
    if status.state is JobState.COMPLETED:
        return ("ClientErrorNoImagesAvailable",)
    if JobReason.JOB_COMPLETED_WITH_ERRORS in status.reasons:
        return ("ClientErrorNoImagesAvailable", "ClientErrorJobCancelled")
    if status.state in (JobState.TERMINATING, JobState.CANCELED, JobState.ABORTED):
        return ("ClientErrorJobCancelled",)
    return ()
