"""The operations of a scan service, asked by the client."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bridge.client.address import read_address
from bridge.client.errors import BadAnswer, NoAnswer, ServiceFault
from bridge.client.http import SoapClient
from bridge.client.job import CANCEL_TIMEOUT_S, IMAGE_START_TIMEOUT_S, Job, Outcome, ScanService
from bridge.client.ticket import choose, ticket_element
from bridge.client.wishes import Wishes
from bridge.errors import JobNotFound, NoImagesAvailable
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Element
from bridge.soap.namespaces import tag
from tests.deferreds import failure_result_of, success_result_of
from tests.fakes.scan_service import MULTI_FUNCTION
from tests.fakes.soap_device import FakeDevice, FakeResponse, image, raw, refusal, reply, silence

JOB = Job("7", " token ", 10, 20, 0)


class Bench:
    """A scan service, its device and a clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.device = FakeDevice()
        self.service = ScanService(SoapClient(self.device, self.clock), read_address("http://192.0.2.7/scan"))

    def retrieve(self) -> tuple[Deferred[None], bytearray]:
        """Ask for an image; what came of it, and its bytes."""
        data = bytearray()
        asked = self.service.retrieve(JOB, "page 1", lambda _expected: data.extend)
        return Deferred.fromCoroutine(asked), data


def information(width: int, lines: int, bytes_per_line: int) -> Element:
    """The promise of an image."""
    front = WSCN_E.MediaFrontImageInfo(
        WSCN_E.PixelsPerLine(str(width)), WSCN_E.NumberOfLines(str(lines)), WSCN_E.BytesPerLine(str(bytes_per_line))
    )
    whole: Element = WSCN_E.ImageInformation(front)
    return whole


def ticket() -> Element:
    """A ticket that asks for nothing special."""
    return ticket_element(choose(Wishes(), MULTI_FUNCTION), "page.jpg", "ada")


def envelope(body: str) -> bytes:
    """A message that leaves out what our schemas demand, as some devices' do."""
    return f'<e:Envelope xmlns:e="{ns.SOAP}" xmlns="{ns.WSCN}"><e:Body>{body}</e:Body></e:Envelope>'.encode()


def test_a_ticket_that_is_taken() -> None:
    """A valid ticket has no complaints."""
    bench = Bench()
    info = WSCN_E.ValidationInfo(WSCN_E.ValidTicket("true"), information(10, 20, 0))
    bench.device.answers("ValidateScanTicket", reply(WSCN_E.ValidateScanTicketResponse(info)))

    assert success_result_of(bench.service.validate(ticket())) == []


def test_a_ticket_that_would_be_changed() -> None:
    """Each value that the device would change is told with both."""
    bench = Bench()
    corrected = ticket()
    corrected.tag = tag(ns.WSCN, "ValidScanTicket")
    for height in corrected.iterfind(f".//{tag(ns.WSCN, 'Resolution')}/{tag(ns.WSCN, 'Height')}"):
        height.text = "200"
    info = WSCN_E.ValidationInfo(WSCN_E.ValidTicket("false"), information(10, 20, 0), corrected)
    bench.device.answers("ValidateScanTicket", reply(WSCN_E.ValidateScanTicketResponse(info)))

    assert success_result_of(bench.service.validate(ticket())) == [
        "MediaSides/MediaFront/Resolution/Height 300 would be 200"
    ]


def test_a_ticket_that_is_refused_without_a_word() -> None:
    """A device that says no more than no is told to say no more."""
    bench = Bench()
    answer = (
        "<ValidateScanTicketResponse><ValidationInfo><ValidTicket> 0 </ValidTicket></ValidationInfo>"
        "</ValidateScanTicketResponse>"
    )
    bench.device.answers("ValidateScanTicket", raw(envelope(answer)))

    assert success_result_of(bench.service.validate(ticket())) == ["it does not say why"]


def test_a_job() -> None:
    """Number, token and promise of a job are read; the token keeps its white space."""
    bench = Bench()
    answer = (
        "<CreateScanJobResponse><JobId> 12 </JobId><JobToken> a b </JobToken><ImageInformation><MediaFrontImageInfo>"
        "<PixelsPerLine>2550</PixelsPerLine><NumberOfLines>3300</NumberOfLines><BytesPerLine>7652</BytesPerLine>"
        "</MediaFrontImageInfo></ImageInformation></CreateScanJobResponse>"
    )
    bench.device.answers("CreateScanJob", raw(envelope(answer)))

    assert success_result_of(bench.service.create(ticket())) == Job("12", " a b ", 2550, 3300, 7652)
    sent = bench.device.body("CreateScanJob")
    assert [ns.local_name(str(child.tag)) for child in sent] == ["ScanTicket"]


@pytest.mark.parametrize(
    "answer", ["<CreateScanJobResponse/>", "<CancelJobResponse><JobId>1</JobId></CancelJobResponse>"]
)
def test_a_job_without_number(answer: str) -> None:
    """A job that cannot be named is no job, and another operation's answer is none."""
    bench = Bench()
    bench.device.answers("CreateScanJob", raw(envelope(answer)))

    failure_result_of(bench.service.create(ticket()), BadAnswer)


def test_an_image() -> None:
    """An image is asked for with number, token and name, and arrives unchanged."""
    bench = Bench()
    bench.device.answers("RetrieveImage", image(b"\xff\xd8image"))

    asked, data = bench.retrieve()

    success_result_of(asked)
    assert bytes(data) == b"\xff\xd8image"
    sent = bench.device.body("RetrieveImage")
    assert [one.text for one in sent.iter() if one.text] == ["7", " token ", "page 1"]


def test_no_more_images() -> None:
    """A fault instead of an image is told as such."""
    bench = Bench()
    bench.device.answers("RetrieveImage", refusal(NoImagesAvailable()))

    asked, data = bench.retrieve()

    fault = failure_result_of(asked, ServiceFault)
    assert isinstance(fault, ServiceFault)
    assert fault.subcode == "ClientErrorNoImagesAvailable"
    assert not data


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/soap+xml", envelope("<RetrieveImageResponse/>")),
        ("multipart/related", b""),
        ("image/jpeg", b"\xff\xd8"),
    ],
)
def test_an_answer_without_image(content_type: str, body: bytes) -> None:
    """Whatever is no multipart message with a boundary has no image."""
    bench = Bench()
    bench.device.answers("RetrieveImage", raw(body, content_type=content_type))

    failure_result_of(bench.retrieve()[0], BadAnswer)


def test_a_slow_scanner() -> None:
    """A scanner that warms up has minutes, and then the time is over."""
    bench = Bench()
    bench.device.answers("RetrieveImage", silence)
    asked, _ = bench.retrieve()

    bench.clock.advance(IMAGE_START_TIMEOUT_S)

    failure_result_of(asked, NoAnswer)


def test_the_announced_length() -> None:
    """The length that HTTP tells is handed on, 0 where it tells none."""
    bench = Bench()
    expected: list[int] = []

    def begin(length: int):  # type: ignore[no-untyped-def]
        expected.append(length)
        return lambda _data: None

    content_type = 'multipart/related; boundary="b"'
    for length in (4711, None):
        response = FakeResponse(200, content_type, None, length)
        bench.device.answers("RetrieveImage", lambda _asked, response=response: response)
        asked = Deferred.fromCoroutine(bench.service.retrieve(JOB, "page", begin))
        response.end()
        failure_result_of(asked, BadAnswer)
        bench.device = FakeDevice()
        bench.service = ScanService(SoapClient(bench.device, bench.clock), read_address("http://192.0.2.7/scan"))

    assert expected == [4711, 0]


def test_cancelling() -> None:
    """A job is cancelled by its number, and a device that does not answer is not waited for long."""
    bench = Bench()
    bench.device.answers("CancelJob", reply(WSCN_E.CancelJobResponse()), silence)
    success_result_of(bench.service.cancel("7"))
    assert bench.device.body("CancelJob").findtext(tag(ns.WSCN, "JobId")) == "7"

    asked = Deferred.fromCoroutine(bench.service.cancel("7"))
    bench.clock.advance(CANCEL_TIMEOUT_S)

    failure_result_of(asked, NoAnswer)


STATUS = """<GetJobElementsResponse><JobElements><ElementData Name="JobStatus" Valid="true"><JobStatus><JobId>7</JobId>
<JobState> Completed </JobState><JobStateReasons><JobStateReason>None</JobStateReason></JobStateReasons>
<ScansCompleted>3</ScansCompleted></JobStatus></ElementData></JobElements></GetJobElementsResponse>"""
HISTORY = """<GetJobHistoryResponse><JobHistory><JobSummary><JobId>6</JobId><JobState>Completed</JobState></JobSummary>
<JobSummary><JobId>7</JobId><JobState>Aborted</JobState><JobStateReasons><JobStateReason>A&#x9b;</JobStateReason>
<JobStateReason>B</JobStateReason></JobStateReasons><ScansCompleted>1</ScansCompleted></JobSummary></JobHistory>
</GetJobHistoryResponse>"""


def test_what_became_of_a_job() -> None:
    """The job's own elements tell its end."""
    bench = Bench()
    bench.device.answers("GetJobElements", raw(envelope(STATUS)))

    assert success_result_of(bench.service.outcome("7")) == Outcome("Completed", ("None",), 3)
    assert bench.device.operations == ["GetJobElements"]


def test_a_job_that_is_history() -> None:
    """A device that knows the job no longer is asked for its history; its words cannot reach the terminal."""
    bench = Bench()
    bench.device.answers("GetJobElements", refusal(JobNotFound("7")))
    bench.device.answers("GetJobHistory", raw(envelope(HISTORY)))

    assert success_result_of(bench.service.outcome("7")) == Outcome("Aborted", (r"A\x9b", "B"), 1)
    failure_result_of(bench.service.outcome("5"), BadAnswer)
