"""A real worker and a scanner that lies, hangs and grows: a whole page or a failure that says why, and never a hang."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from bridge.scanner.model import InputSource, Region
from bridge.scanner.process import KILL_AFTER_S, TERM_AFTER_S
from bridge.scanner.protocol import Close, Failed, ImageDone, Open, Opened, Ready, StartImage, Status
from tests.chaos.fixtures import DEVICE, Chaos
from tests.chaos.order import Fault, Order
from tests.chaos.picture import GLASS, front, which_page
from tests.chaos.queue_bench import QueueBench, until
from tests.real_reactor import run
from tests.unit.scanner.worker_process import WorkerUnderTest, decoded, request

PART = request(75, region=Region(0, 0, 3000, 4000))


def scanned(chaos: Chaos, order: Order) -> int | Failed:
    """The page that a worker delivers from such a scanner, or how it fails; then the worker ends as it should."""
    chaos.order(order)
    with WorkerUnderTest(chaos.config) as worker:
        worker.expect(Ready)
        worker.send(Open(DEVICE, PART))
        worker.expect(Opened)
        worker.read_image()
        worker.send(StartImage())
        outcome = worker.until(ImageDone, Failed)[-1]
        if isinstance(outcome, ImageDone):
            worker.wait_for(lambda: len(worker.image) == outcome.bytes)
            image = decoded(bytes(worker.image))
            assert image.size == (225, 300)
            outcome = which_page(image)
        worker.send(Close())
        assert worker.end() == 0
        return outcome


@pytest.mark.parametrize(
    "order",
    [
        Order(lies={"lines": 10}),
        Order(lies={"lines": -50}),
        Order(lies={"lines": -(10**6)}),
        Order(lies={"lines": 2**30}),
        Order(lies={"unknown": 1}),
        Order(lies={"last": -1}),
        Order(padding=7),
        Order(faults=[Fault("read", "say", 1, line=10), Fault("read", "say", 2, line=20)]),
    ],
    ids=["more lines", "fewer lines", "lines below zero", "endless", "unknown", "not the last", "padding", "chatter"],
)
def test_lies_that_do_not_matter(chaos: Chaos, order: Order) -> None:
    """The page is what comes, whatever was said of its length; padding is left out, chatter is only log."""
    assert scanned(chaos, order) == GLASS


@pytest.mark.parametrize(
    ("lies", "status"),
    [
        ({"pixels": 3}, Status.UNSUPPORTED),
        ({"pixels": -(10**6)}, Status.UNSUPPORTED),
        ({"pixels": 2**30}, Status.UNSUPPORTED),
        ({"stride": -3}, Status.UNSUPPORTED),
        ({"stride": -(10**6)}, Status.UNSUPPORTED),
        ({"stride": 2**30}, Status.UNSUPPORTED),
        ({"depth": 4}, Status.UNSUPPORTED),
        ({"depth": -8}, Status.UNSUPPORTED),
        ({"format": 1}, Status.IO_ERROR),
        ({"format": 77}, Status.UNSUPPORTED),
        ({"length": 10**6}, Status.IO_ERROR),
        ({"length": -(10**6)}, Status.IO_ERROR),
    ],
    ids=str,
)
def test_lies_that_make_no_sense(chaos: Chaos, lies: dict[str, int], status: Status) -> None:
    """A shape that cannot be, and a count of bytes that cannot be, fail the image; the worker lives on."""
    outcome = scanned(chaos, Order(lies=lies))
    assert isinstance(outcome, Failed)
    assert outcome.status is status
    assert outcome.message.endswith((".", "bytes."))


def test_a_page_that_ends_at_once(chaos: Chaos) -> None:
    """A page without a line is no page."""
    outcome = scanned(chaos, Order(faults=[Fault("read", "status", 5)]))
    assert isinstance(outcome, Failed)
    assert outcome.status is Status.END_OF_FILE


@pytest.mark.parametrize("moment", ["open", "option", "start", "read", "cancel", "close"])
@pytest.mark.parametrize("action", ["hang", "deaf"])
def test_a_driver_that_never_comes_back(chaos: Chaos, moment: str, action: str) -> None:
    """Wherever the driver hangs, and whether or not it hears SIGTERM, its worker is ended and the next job scans."""

    async def story() -> None:
        chaos.order(Order(faults=[Fault(moment, action, line=100 if moment == "read" else 0)]))
        bench = QueueBench(chaos.config)
        job = bench.order(InputSource.ADF)
        fetching = Deferred.fromCoroutine(bench.fetch(job))
        fetching.addErrback(lambda _failure: None)
        await until(lambda: action in chaos.calls)
        hanging = bench.workers[-1]
        if moment in ("cancel", "close"):
            await fetching
            bench.clock.advance(TERM_AFTER_S)
            if action == "deaf":
                bench.clock.advance(KILL_AFTER_S - TERM_AFTER_S)
        else:
            bench.clock.advance(60)
        await hanging.gone
        chaos.order(Order())
        await bench.settled(job)
        following = bench.order(InputSource.ADF)
        assert which_page(decoded(await bench.fetch(following))) == front(1)
        await bench.settled(following)
        await bench.stop()

    run(story())
