"""Jobs from a two-sided feeder, from the ticket to the images, through libsane and a real worker process."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from itertools import pairwise

import pytest
from PIL import Image
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from bridge.errors import NoImagesAvailable, NotPossibleNow
from bridge.imaging.encoders import FORMAT_COLORS
from bridge.jobs.order import JobOrder
from bridge.scanner.model import ColorMode, Format, InputSource, Region
from bridge.scanner.spawning import Spawner
from bridge.soap.envelope import Element, read_envelope, write_envelope
from bridge.soap.exchange import AnyReply, Reply, StreamedReply
from bridge.wsscan.configuration import ScannerNames
from bridge.wsscan.service import ScanService
from tests.chaos.fixtures import Chaos
from tests.chaos.order import STATUSES, Fault, Order
from tests.chaos.picture import back, front, gray, which_page
from tests.chaos.queue_bench import DEVICE, BrokenStream, Consumer, QueueBench
from tests.fakes import scan_service
from tests.fakes.scan_service import text
from tests.fakes.tickets import ticket_xml
from tests.real_reactor import run
from tests.unit.imaging.decoders import difference
from tests.unit.imaging.independent import decodings
from tests.unit.scanner.direct import page_of, request_for
from tests.unit.scanner.test_formats import clean_rows

TICKET = ticket_xml(
    "<sca:Format>jfif</sca:Format><sca:CompressionQualityFactor>100</sca:CompressionQualityFactor>"
    "<sca:ImagesToTransfer>{images}</sca:ImagesToTransfer><sca:InputSource>{source}</sca:InputSource>"
    "<sca:MediaSides><sca:MediaFront>"
    "<sca:ScanRegion><sca:ScanRegionXOffset>0</sca:ScanRegionXOffset><sca:ScanRegionYOffset>0</sca:ScanRegionYOffset>"
    "<sca:ScanRegionWidth>3000</sca:ScanRegionWidth><sca:ScanRegionHeight>4000</sca:ScanRegionHeight></sca:ScanRegion>"
    "<sca:ColorProcessing>RGB24</sca:ColorProcessing>"
    "<sca:Resolution><sca:Width>75</sca:Width><sca:Height>75</sca:Height></sca:Resolution>"
    "</sca:MediaFront></sca:MediaSides>"
)
"""Three by four inches, told for the front alone."""

SIZE = (225, 300)


class Client:
    """A client of the scan service in front of a real scanner, which is described as the daemon does it."""

    def __init__(self, bench: QueueBench, service: ScanService) -> None:
        self._bench = bench
        self._service = service

    async def _ask(self, operation: str, body: str) -> AnyReply:
        envelope = scan_service.request(operation, body)
        assert envelope.action is not None
        answered = self._service.operation(envelope.action)
        assert answered is not None
        return await Deferred.fromCoroutine(answered(envelope, scan_service.exchange()))

    async def create(self, source: InputSource, images: int) -> Element:
        """The body of the answer to CreateScanJob, read from its message."""
        ticket = TICKET.format(source=source.value, images=images)
        reply = await self._ask("CreateScanJob", f"<sca:CreateScanJobRequest>{ticket}</sca:CreateScanJobRequest>")
        assert isinstance(reply, Reply)
        message = write_envelope(reply.action, reply.body, relates_to=scan_service.MESSAGE_ID)
        body = read_envelope(message).body
        assert body is not None
        return body

    async def pages(self, job: Element) -> list[Image.Image]:
        """The images of the job, until there are no more."""
        number, token = text(job, "JobId"), text(job, "JobToken")
        document = "<sca:DocumentDescription><sca:DocumentName>page</sca:DocumentName></sca:DocumentDescription>"
        shown = f"<sca:JobId>{number}</sca:JobId><sca:JobToken>{token}</sca:JobToken>{document}"
        body = f"<sca:RetrieveImageRequest>{shown}</sca:RetrieveImageRequest>"
        images = []
        while True:
            try:
                reply = await self._ask("RetrieveImage", body)
            except NoImagesAvailable:
                return images
            assert isinstance(reply, StreamedReply)
            consumer = Consumer()
            await reply.image.deliver(consumer)
            reply.image.delivered()
            images.append(Image.open(BytesIO(consumer.data)))

    def status(self, job: Element) -> tuple[str, str, int]:
        """State, reason and count of the job."""
        status = self._bench.queue.job(int(text(job, "JobId"))).status
        return status.state.value, status.reasons[0].value, status.scans_completed


async def client_of(chaos: Chaos) -> tuple[QueueBench, Client]:
    """A client, and the bench to stop."""
    capabilities = await Spawner(reactor, chaos.config).describe(DEVICE)
    assert capabilities.duplex
    bench = QueueBench(chaos.config, capabilities)
    names = ScannerNames("Chaos")
    return bench, Client(bench, ScanService(bench.scanner, bench.queue, names, FORMAT_COLORS))


def sides(images: list[Image.Image]) -> list[int]:
    """Which sides of the stack were scanned."""
    assert all(image.size == SIZE for image in images)
    return [which_page(image) for image in images]


@pytest.mark.conformance(155, 186, 204, 216)
@pytest.mark.parametrize(
    ("images", "scanned"),
    [
        (0, [front(1), back(1), front(2), back(2), front(3), back(3)]),
        (1, [front(1)]),
        (3, [front(1), back(1), front(2)]),
        (4, [front(1), back(1), front(2), back(2)]),
        (9, [front(1), back(1), front(2), back(2), front(3), back(3)]),
    ],
)
def test_a_duplex_job(chaos: Chaos, images: int, scanned: list[int]) -> None:
    """Front, back, front: an odd count ends with a front, each side counts, and the front's settings hold for both."""

    async def story() -> None:
        bench, client = await client_of(chaos)
        job = await client.create(InputSource.ADF_DUPLEX, images)
        for side in ("MediaFrontImageInfo", "MediaBackImageInfo"):
            assert text(job, f"ImageInformation/{side}/PixelsPerLine") == "225"
            assert text(job, f"ImageInformation/{side}/NumberOfLines") == "300"
        final = "DocumentFinalParameters/MediaSides/MediaBack"
        assert text(job, f"{final}/ColorProcessing") == "RGB24"
        assert text(job, f"{final}/Resolution/Width") == "75"
        assert text(job, f"{final}/ScanRegion/ScanRegionWidth") == "3000"
        assert sides(await client.pages(job)) == scanned
        assert client.status(job) == ("Completed", "None", len(scanned))
        await bench.stop()

    run(story())


def test_a_job_after_an_odd_one_begins_with_a_front(chaos: Chaos) -> None:
    """The side that an odd count leaves out is not the first side of the next job."""

    async def story() -> None:
        bench, client = await client_of(chaos)
        assert sides(await client.pages(await client.create(InputSource.ADF_DUPLEX, 1))) == [front(1)]
        chaos.order(Order(sheets=1))
        assert sides(await client.pages(await client.create(InputSource.ADF_DUPLEX, 0))) == [front(1), back(1)]
        await bench.stop()
        starts = [call for call in chaos.calls if call in ("open", "start", "cancel", "close")]
        assert all(pair != ("start", "open") for pair in pairwise(starts))

    run(story())


@pytest.mark.conformance(204, 216)
def test_a_one_sided_job_leaves_the_backs_alone(chaos: Chaos) -> None:
    """From the feeder for one side come the fronts of all sheets; from the glass one image, whatever was asked."""

    async def story() -> None:
        bench, client = await client_of(chaos)
        job = await client.create(InputSource.ADF, 0)
        assert sides(await client.pages(job)) == [front(1), front(2), front(3)]
        assert client.status(job) == ("Completed", "None", 3)
        job = await client.create(InputSource.PLATEN, 0)
        assert sides(await client.pages(job)) == [0]
        await bench.stop()

    run(story())


@pytest.mark.parametrize("name", [name for name in Format if name.multi_page], ids=lambda name: name.value)
@pytest.mark.parametrize("line", [0, 100], ids=["before the page", "in mid-page"])
def test_a_jam_in_a_stack_brings_the_pages_so_far(chaos: Chaos, name: Format, line: int) -> None:
    """A jam in the fifth side: one whole file of what came before, a job that says so, and a scanner that shows it."""
    fault = Fault("read", "status", STATUSES.index("JAMMED"), page=5, line=line)
    chaos.order(Order(sheets=4, faults=[fault]))
    color = ColorMode.BLACK_AND_WHITE_1 if name is Format.TIFF_MULTI_G4 else ColorMode.GRAYSCALE_8
    region = Region(0, 0, 2000, 4000)
    asked = replace(
        request_for(name, color, 75, region), source=InputSource.ADF_DUPLEX, images=0, quality=100
    )

    async def story() -> bytes:
        bench = QueueBench(chaos.config)
        job = bench.queue.create(JobOrder("letters", "ada", "", asked, 0, "192.0.2.1"))
        file = await bench.fetch(job)
        assert [condition.name.value for condition in bench.status.conditions] == ["MediaJam"]
        await bench.settled(job)
        status = job.status
        assert (status.state.value, status.reasons[0].value) == ("Completed", "JobCompletedWithErrors")
        assert status.scans_completed == 4
        chaos.order(Order())
        following = bench.order(InputSource.ADF)
        assert which_page(Image.open(BytesIO(await bench.fetch(following)))) == front(1)
        await bench.stop()
        return file

    file = run(story())
    whole = [gray(side, 150, 300) for side in (front(1), back(1), front(2), back(2))]
    if line:
        torn = gray(front(3), 150, 300)
        torn.paste(255, (0, line, 150, 300))
        whole.append(torn)
    if color.depth == 1:
        whole = [page.point(lambda level: 255 * (level >= 128)).convert("1") for page in whole]
    expected = [clean_rows(page.tobytes(), page_of(asked)) for page in whole]
    for decoder, pages in decodings(name, page_of(asked), file):
        assert len(pages) == len(expected), decoder
        for page, right in zip(pages, expected, strict=True):
            assert difference(page, right) < (1 if name is Format.PDF_A else 0.001), decoder


@pytest.mark.parametrize("line", [0, 100], ids=["before the page", "in mid-page"])
def test_a_jam_between_single_files(chaos: Chaos, line: int) -> None:
    """One file a side: two sides come whole, the third meets the jam, and the job tells how many it has."""
    fault = Fault("read", "status", STATUSES.index("JAMMED"), page=3, line=line)
    chaos.order(Order(sheets=4, faults=[fault]))

    async def story() -> None:
        bench = QueueBench(chaos.config)
        job = bench.order(InputSource.ADF_DUPLEX, images=0)
        for side in (front(1), back(1)):
            assert which_page(Image.open(BytesIO(await bench.fetch(job)))) == side
        with pytest.raises(BrokenStream if line else NotPossibleNow):
            await bench.fetch(job)
        await bench.settled(job)
        status = job.status
        assert [condition.name.value for condition in bench.status.conditions] == ["MediaJam"]
        ended = ("Aborted", "ScannerStopped", 2)
        waits = ("Processing", "ScannerStopped", 2)
        assert (status.state.value, status.reasons[0].value, status.scans_completed) == (ended if line else waits)
        await bench.stop()

    run(story())
