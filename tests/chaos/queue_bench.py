"""A job queue over the real supervisor, real worker processes and the chaos backend; only time is played.

    async def story():
        bench = QueueBench(chaos.config)
        job = bench.order(InputSource.ADF)
        data = await bench.fetch(job)
        await bench.stop()
    run(story())                                # tests.real_reactor
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from twisted.internet import reactor
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import Clock, deferLater

from bridge.jobs.job import Job
from bridge.jobs.order import JobOrder
from bridge.jobs.queue import JobQueue, QueueLimits
from bridge.scanner.buttons import ButtonWatch
from bridge.scanner.model import (
    Capabilities,
    ColorMode,
    Device,
    Format,
    InputSource,
    Region,
    Resolution,
    ScanRequest,
    Size,
    SourceCapabilities,
)
from bridge.scanner.process import WorkerProcess
from bridge.scanner.quirks import NO_QUIRKS, Quirks
from bridge.scanner.spawning import Spawner
from bridge.scanner.status import ScannerState, ScannerStatus
from bridge.scanner.supervisor import SupervisedScanner

DEVICE = Device("chaos:0", "Chaos", "Scanner", "virtual device")

_SIDE = SourceCapabilities(
    Resolution(1200, 1200), (75, 300), (ColorMode.RGB_24, ColorMode.GRAYSCALE_8), Size(100, 100), Size(8500, 11690)
)
CAPABILITIES = Capabilities((Format.EXIF, Format.JFIF), _SIDE, _SIDE, _SIDE)

_LOOK_S = 0.005


async def until(condition: Callable[[], bool]) -> None:
    """Look again until `condition` holds; the runner's hang guard bounds it."""
    real: Any = reactor
    while not condition():
        await deferLater(real, _LOOK_S)


class Consumer:
    """A client's socket that takes everything."""

    def __init__(self) -> None:
        self.data = b""

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        """Twisted's IConsumer."""

    def unregisterProducer(self) -> None:
        """Twisted's IConsumer."""

    def write(self, data: bytes) -> None:
        """Twisted's IConsumer."""
        self.data += data


class PlayedTime(Clock):
    """A reactor of which only the processes are real."""

    def spawnProcess(self, *arguments: Any, **others: Any) -> Any:
        """Twisted's IReactorProcess."""
        real: Any = reactor
        return real.spawnProcess(*arguments, **others)


class QueueBench:
    """One scanner with its queue; `clock` is the time of both and of the workers, `config` is SANE_CONFIG_DIR.

    `images_begun` counts those whose first line has come, `pressed` are the scanner's buttons that were pressed; they
    are watched once `buttons` is switched on. `quirks` are what is known of the scanner.
    """

    def __init__(self, config: str, capabilities: Capabilities = CAPABILITIES, quirks: Quirks = NO_QUIRKS) -> None:
        self.clock = PlayedTime()
        self.workers: list[WorkerProcess] = []
        self.images_begun = 0
        self.pressed: list[str] = []
        self.status = ScannerStatus(lambda: datetime.now(UTC))
        self._spawner = Spawner(self.clock, config)
        self.buttons = ButtonWatch(DEVICE.name, "bench", self.clock, self.pressed.append)
        self.scanner = SupervisedScanner(
            DEVICE, "bench", capabilities, self.status, self.clock, self._spawn, buttons=self.buttons, quirks=quirks
        )
        numbers = count(1)
        self.queue = JobQueue(
            self.scanner, self.clock, lambda: datetime.now(UTC), lambda: next(numbers), QueueLimits()
        )

    def _spawn(self) -> WorkerProcess:
        self.workers.append(self._spawner.worker("bench"))
        return self.workers[-1]

    def order(
        self, source: InputSource = InputSource.PLATEN, images: int = 1, name: Format = Format.JFIF
    ) -> Job:
        """A job for 2 by 4 inches in colour at 75 dpi."""
        region = Region(0, 0, 2000, 4000)
        request = ScanRequest(
            source, ColorMode.RGB_24, name, Resolution(75, 75), region, 150, 300, quality=100, images=images
        )
        return self.queue.create(JobOrder("letters", "ada", "", request, images, "192.0.2.1"))

    async def fetch(self, job: Job) -> bytes:
        """The job's next file, as its client gets it. Raises what its client meets: Refusal or a broken stream."""
        retrieval = await self.queue.retrieve(job.id, job.token, "page")
        self.images_begun += retrieval.started
        consumer = Consumer()
        try:
            await retrieval.deliver(consumer)
        except Exception as error:
            raise BrokenStream(retrieval.started) from error
        retrieval.delivered()
        return consumer.data

    async def settled(self, job: Job) -> None:
        """Wait until a job that ends has given the scanner back."""
        await until(lambda: not job.ending or (job.state.terminal and self.status.state is not ScannerState.PROCESSING))

    async def stop(self) -> None:
        """Leave no process behind."""
        await self.queue.stop()
        await self.scanner.stop()
        for worker in self.workers:
            await worker.dismiss()


class BrokenStream(Exception):
    """The connection ended before the image did; `in_image` says whether the image had begun."""

    def __init__(self, in_image: bool) -> None:
        super().__init__("a broken image" if in_image else "no image")
        self.in_image = in_image
