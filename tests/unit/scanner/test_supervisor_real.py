"""The supervisor over real worker processes and SANE's real test backend.

The contract behind the fakes: what `tests/fakes/process_reactor.py` and `tests/fakes/scripted_scanner.py` play is
what real processes do.
"""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from bridge.errors import ScannerError
from bridge.interfaces import ScanSession
from bridge.scanner.configuration import config_directory
from bridge.scanner.model import ColorMode, Device, Format, InputSource, Region, Resolution, ScanRequest
from bridge.scanner.process import WorkerProcess
from bridge.scanner.spawning import Spawner
from bridge.scanner.status import ScannerStatus
from bridge.scanner.supervisor import SupervisedScanner
from tests.fakes.scripted_scanner import FLATBED_AND_FEEDER
from tests.real_reactor import run


def a_request(dpi: int = 75, source: InputSource = InputSource.PLATEN) -> ScanRequest:
    width, height = 8000 * dpi // 1000, 10000 * dpi // 1000
    return ScanRequest(
        source, ColorMode.RGB_24, Format.JFIF, Resolution(dpi, dpi), Region(0, 0, 8000, 10000), width, height
    )


class Sink:
    """Collects one image; `begun` and `over` fire as the image does."""

    def __init__(self) -> None:
        self.data = BytesIO()
        self.pages = 0
        self.begun: Deferred[None] = Deferred()
        self.over: Deferred[None] = Deferred()

    def image_started(self) -> None:
        self.begun.callback(None)

    def image_data(self, data: bytes) -> None:
        self.data.write(data)

    def page_scanned(self) -> None:
        self.pages += 1

    def image_cut_short(self, error: ScannerError) -> None:
        self.over.errback(error)

    def image_done(self) -> None:
        self.over.callback(None)

    def image_failed(self, error: ScannerError) -> None:
        self.over.errback(error)


class Bench:
    """A supervised virtual scanner; `workers` are all its worker processes, the newest last."""

    def __init__(self) -> None:
        self.workers: list[WorkerProcess] = []
        self.spawner = Spawner(reactor, config_directory("virtual"))
        self.scanner = SupervisedScanner(
            Device("test:0", "Noname", "frontend-tester"),
            "bench",
            FLATBED_AND_FEEDER,
            ScannerStatus(lambda: datetime.now(UTC)),
            self.spawner.clock,
            self._spawn,
        )

    def _spawn(self) -> WorkerProcess:
        self.workers.append(self.spawner.worker("bench"))
        return self.workers[-1]

    async def page(self, session: ScanSession) -> Image.Image:
        sink = Sink()
        session.start_image(sink)
        await sink.over
        assert sink.pages == 1
        return Image.open(sink.data)


async def until(condition) -> None:
    """Look again until `condition` holds; the runner's hang guard bounds it."""
    while not condition():
        await deferLater(reactor, 0.01)


def test_the_virtual_scanner_is_listed_and_described() -> None:
    """Real listing and describing processes tell of the test backend's device, with a glass for A4 and a feeder."""

    async def story() -> None:
        spawner = Spawner(reactor, config_directory("virtual"))
        (device,) = await spawner.devices()
        assert (device.name, device.vendor) == ("test:0", "Noname")
        capabilities = await spawner.describe(device)
        assert capabilities.platen is not None
        assert capabilities.platen.maximum.width >= 8504
        assert capabilities.platen.maximum.height >= 11693
        assert capabilities.sources == (InputSource.PLATEN, InputSource.ADF)

    run(story())


def test_describing_a_device_that_is_not_there() -> None:
    """A device that does not exist is a ScannerError with a SANE status, and no process is left."""

    async def story() -> None:
        spawner = Spawner(reactor, config_directory("virtual"))
        with pytest.raises(ScannerError) as caught:
            await spawner.describe(Device("nonsense:7", "No", "body"))
        assert caught.value.status == "device-busy"

    run(story())


def test_sessions_one_after_the_other() -> None:
    """Each session has a fresh worker, a feeder session delivers page after page, and stopping leaves no process."""

    async def story() -> None:
        bench = Bench()
        bench.scanner.start()
        session = await bench.scanner.open(a_request())
        assert (await bench.page(session)).size == (600, 750)
        await session.close()
        session = await bench.scanner.open(a_request(source=InputSource.ADF))
        for _ in range(3):
            assert (await bench.page(session)).size == (600, 750)
        await session.close()
        pids = [worker.pid for worker in bench.workers]
        assert pids[:-1] == [None, None]
        warm = pids[-1]
        await bench.scanner.stop()
        assert warm is not None
        assert not Path(f"/proc/{warm}").exists()
        assert bench.scanner.restarts == 0

    run(story())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_worker_that_dies_in_mid_page(number: signal.Signals) -> None:
    """Whatever ends the process, its image fails as died, and the next session gives a whole page."""

    async def story() -> None:
        bench = Bench()
        session = await bench.scanner.open(a_request(dpi=1200))
        sink = Sink()
        session.start_image(sink)
        await sink.begun
        session.pause()
        pid = bench.workers[-1].pid
        assert pid is not None
        os.kill(pid, number)
        with pytest.raises(ScannerError) as caught:
            await sink.over
        assert caught.value.status == "died"
        await session.close()
        session = await bench.scanner.open(a_request())
        assert (await bench.page(session)).size == (600, 750)
        await session.close()
        await bench.scanner.stop()
        assert bench.scanner.restarts == 1

    run(story())


def test_cancelling_in_mid_page_leaves_a_good_scanner() -> None:
    """A cancelled image fails as cancelled at once, its worker ends by itself, and the next page is whole."""

    async def story() -> None:
        bench = Bench()
        session = await bench.scanner.open(a_request(dpi=1200))
        sink = Sink()
        session.start_image(sink)
        await sink.begun
        session.cancel()
        with pytest.raises(ScannerError) as caught:
            await sink.over
        assert caught.value.status == "cancelled"
        await session.close()
        session = await bench.scanner.open(a_request())
        assert (await bench.page(session)).size == (600, 750)
        await session.close()
        await bench.scanner.stop()
        assert bench.scanner.restarts == 0

    run(story())


def test_a_pipe_that_nobody_reads_halts_the_scanner() -> None:
    """While paused nothing arrives, so that the worker stands still; resumed, the page comes whole."""

    async def story() -> None:
        bench = Bench()
        session = await bench.scanner.open(a_request(dpi=600))
        sink = Sink()
        session.start_image(sink)
        await sink.begun
        session.pause()
        pid = bench.workers[-1].pid
        assert pid is not None
        await until(lambda: sleeping_in_a_pipe(pid))
        held = sink.data.tell()
        assert sink.pages == 0
        session.resume()
        await sink.over
        assert sink.data.tell() > held
        assert Image.open(sink.data).size == (4800, 6000)
        await session.close()
        await bench.scanner.stop()

    run(story())


def sleeping_in_a_pipe(pid: int) -> bool:
    """Whether a thread of the process waits in the kernel for room in a pipe."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return any("pipe_w" in (thread / "wchan").read_text() for thread in threads)
