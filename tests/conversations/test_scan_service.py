"""Whole conversations with the scan service over HTTP: jobs, lists, faults and broken connections."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.jobs.retrieval import CANCEL_GRACE_S, START_PATIENCE_S
from bridge.scanner.protocol import Cancel, Close, Ready, Status
from bridge.settings import Jobs
from bridge.soap import namespaces as ns
from tests.clients import scan_action, windows
from tests.conversations.scene import NAMES, Fault, Scene, body_of, feeder, retrieve_body, text, ticket
from tests.schema_check import check_multipart


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def fault_of(answer) -> Fault:
    """The fault that a complete answer is."""
    with pytest.raises(Fault) as caught:
        body_of(answer)
    return caught.value


@pytest.mark.conformance(175, 176, 182, 190, 191, 192, 193, 194, 214, 227, 242)
def test_a_page_from_the_glass(scene: Scene) -> None:
    """Create, retrieve, done: the image arrives byte for byte behind the SOAP part, and the job is history."""
    job = scene.create(ticket())
    assert scene.active() == [(job.id, "Pending", "None", "0")]
    answer = scene.scan_page(job, b"\xff\xd8 bytes --with-- \r\n anything \x00")
    assert answer.complete
    _, image = check_multipart(answer.headers["content-type"], answer.body)
    assert image == b"\xff\xd8 bytes --with-- \r\n anything \x00"
    assert scene.active() == []
    assert scene.history() == [(job.id, "Completed", "None", "1")]
    assert text(scene.scanner_status(), "wscn:ScannerState") == "Idle"


@pytest.mark.conformance(210, 211)
def test_the_picture_of_an_idle_scanner(scene: Scene) -> None:
    """With no job, both lists are there and empty."""
    assert scene.ask("GetActiveJobs", "<{scan}:GetActiveJobsRequest/>").find("wscn:ActiveJobs", NAMES) is not None
    assert scene.active() == []
    assert scene.history() == []


@pytest.mark.conformance(212, 215, 222, 41, 243)
def test_the_picture_of_two_jobs_at_once(scene: Scene) -> None:
    """In the middle of a feeder job two pages are counted and a third is scanned, while another job waits."""
    batch = scene.create(ticket("batch", parameters=feeder()))
    waiting = scene.create(ticket("one page"), peer="192.0.2.30")
    for page in (b"one", b"two"):
        assert scene.scan_page(batch, page).complete
    scene.retrieve(batch)
    held = scene.retrieve(waiting, peer="192.0.2.30")
    scene.worker.begin()
    assert scene.active() == [(batch.id, "Processing", "JobScanning", "2"), (waiting.id, "Pending", "None", "0")]
    assert held.status == 0
    assert text(scene.scanner_status(), "wscn:ScannerState") == "Processing"


@pytest.mark.conformance(200, 199, 233, 237, 238)
def test_a_feeder_batch(scene: Scene) -> None:
    """One image for each request until the feeder is empty; the fault says so, and the job remembers its documents."""
    job = scene.create(ticket(parameters=feeder()))
    for _ in range(3):
        assert scene.scan_page(job).status == 200
    last = scene.retrieve(job)
    scene.worker.fail(Status.NO_DOCUMENTS)
    assert str(fault_of(last)) == "ClientErrorNoImagesAvailable"
    assert scene.history() == [(job.id, "Completed", "None", "3")]
    elements = scene.ask(
        "GetJobElements",
        f"<{{scan}}:GetJobElementsRequest><{{scan}}:JobId>{job.id}</{{scan}}:JobId><{{scan}}:RequestedElements>"
        "<{scan}:Name>{scan}:Documents</{scan}:Name><{scan}:Name>{scan}:JobStatus</{scan}:Name>"
        "</{scan}:RequestedElements></{scan}:GetJobElementsRequest>",
    )
    assert len(elements.findall(".//wscn:Document", NAMES)) == 3
    assert text(elements, ".//wscn:JobStatus/wscn:ScansCompleted") == "3"


@pytest.mark.conformance(199)
def test_an_empty_feeder(scene: Scene) -> None:
    """A feeder without paper is a fault at the first image, the scanner stays usable and says InputTrayEmpty."""
    job = scene.create(ticket(parameters=feeder()))
    answer = scene.retrieve(job)
    scene.worker.open()
    scene.worker.fail(Status.NO_DOCUMENTS)
    assert str(fault_of(answer)) == "ClientErrorNoImagesAvailable"
    assert text(scene.scanner_status(), ".//wscn:DeviceCondition/wscn:Name") == "InputTrayEmpty"
    scene.reactor.advance(0)
    assert scene.scan_page(scene.create(ticket())).status == 200


@pytest.mark.conformance(229, 231, 198, 205)
def test_cancelling_before_the_first_byte(scene: Scene) -> None:
    """A job that is cancelled while its scanner starts ends as Canceled, and its request is a proper fault."""
    job = scene.create(ticket())
    answer = scene.retrieve(job)
    scene.worker.open()
    assert len(scene.cancel(job)) == 0
    scene.wire.advance(CANCEL_GRACE_S)
    assert str(fault_of(answer)) == "ClientErrorJobCancelled"
    assert any(isinstance(command, Cancel) for command in scene.reactor.processes[0].heard)
    assert scene.history() == [(job.id, "Canceled", "None", "0")]


@pytest.mark.conformance(229, 205)
def test_cancelling_in_mid_page(scene: Scene) -> None:
    """A stream that is cancelled ends by a cut connection: no end is written that would make it look whole."""
    job = scene.create(ticket())
    answer = scene.retrieve(job)
    scene.worker.open()
    scene.worker.begin(b"half a page")
    scene.cancel(job)
    scene.worker.send(b"and the rest")
    scene.wire.advance(CANCEL_GRACE_S)
    assert answer.status == 200
    assert answer.cut
    assert b"and the rest" not in answer.body
    assert scene.history() == [(job.id, "Canceled", "None", "0")]


@pytest.mark.conformance(206)
def test_the_client_goes_away_in_mid_page(scene: Scene) -> None:
    """A client that vanishes aborts its job with ImageTransferError; the scanner serves the next one."""
    job = scene.create(ticket())
    scene.retrieve(job)
    scene.worker.open()
    scene.worker.begin(b"half a page")
    scene.wire.connections[1].disconnect()
    assert scene.history() == [(job.id, "Aborted", "ImageTransferError", "0")]
    assert isinstance(scene.reactor.processes[0].heard[-1], Close)
    assert scene.scan_page(scene.create(ticket())).status == 200


def test_a_client_that_stops_reading_is_cut_off(scene: Scene) -> None:
    """A client that takes nothing holds a bounded amount, then loses its connection and its job."""
    job = scene.create(ticket())
    line = scene.wire.connect()
    line.post(scene.path, windows(scan_action("RetrieveImage"), retrieve_body(job.id, job.token)))
    scene.worker.open()
    scene.worker.begin(b"x" * 65536)
    line.window = 0
    reader = scene.worker.process.pipes[3]
    for _ in range(100):
        if not reader.reading:
            break
        scene.worker.send(b"x" * 65536)
    assert not reader.reading
    scene.wire.advance(121)
    assert line.closed
    assert scene.history() == [(job.id, "Aborted", "ImageTransferError", "0")]


def test_the_worker_dies_in_mid_page(scene: Scene) -> None:
    """A crash of the scanner's driver cuts the stream, aborts the one job, and the next job gets a fresh worker."""
    job = scene.create(ticket())
    answer = scene.retrieve(job)
    scene.worker.open()
    scene.worker.begin(b"half a page")
    scene.worker.die()
    assert answer.cut
    assert scene.history() == [(job.id, "Aborted", "ScannerStopped", "0")]
    assert scene.scan_page(scene.create(ticket())).status == 200


def test_a_scanner_in_use_by_another_program(scene: Scene) -> None:
    """A busy device is a fault that may be retried, by the same job."""
    job = scene.create(ticket())
    answer = scene.retrieve(job)
    scene.worker.say(Ready())
    scene.worker.fail(Status.DEVICE_BUSY)
    fault = fault_of(answer)
    assert (str(fault), fault.code, fault.status) == ("ServerErrorTemporaryError", "Receiver", 500)
    assert scene.active() == [(job.id, "Processing", "ScannerStopped", "0")]
    scene.reactor.advance(0)
    again = scene.retrieve(job)
    scene.worker.open()
    scene.worker.page()
    assert again.status == 200


@pytest.mark.parametrize(("status", "reason"), [(Status.JAMMED, "MediaJam"), (Status.COVER_OPEN, "CoverOpen")])
@pytest.mark.conformance(244, 245, 205)
def test_what_a_person_must_mend(scene: Scene, status: Status, reason: str) -> None:
    """A jam or open cover is OperationFailed, the scanner Stopped with the reason; once mended, the job goes on."""
    job = scene.create(ticket(parameters=feeder(1)))
    answer = scene.retrieve(job)
    scene.worker.open()
    scene.worker.fail(status)
    assert str(fault_of(answer)) == "OperationFailed"
    shown = scene.scanner_status()
    assert text(shown, "wscn:ScannerState") == "Stopped"
    assert text(shown, "wscn:ScannerStateReasons/wscn:ScannerStateReason") == reason
    assert scene.scan_page(job).status == 200
    assert scene.history() == [(job.id, "Completed", "None", "1")]


@pytest.mark.conformance(184, 185)
def test_a_full_queue(tmp_path: Path) -> None:
    """When no more jobs may wait, an order is refused with a Receiver fault and leaves nothing behind."""
    scene = Scene(tmp_path, jobs=Jobs(queue_limit=1))
    scene.create(ticket())
    scene.create(ticket())
    with pytest.raises(Fault, match="ServerErrorNotAcceptingJobs") as caught:
        scene.create(ticket())
    assert caught.value.code == "Receiver"
    assert len(scene.active()) == 2


def test_headers_before_a_cold_lamp(scene: Scene) -> None:
    """A scanner that takes long gets its client the headers and the SOAP part first, and the image when it comes."""
    job = scene.create(ticket())
    answer = scene.retrieve(job)
    scene.worker.open()
    scene.wire.advance(START_PATIENCE_S)
    assert answer.status == 200
    assert not answer.complete
    scene.worker.page(b"late")
    assert check_multipart(answer.headers["content-type"], answer.body)[1] == b"late"


@pytest.mark.conformance(224)
def test_nobody_comes(scene: Scene) -> None:
    """A job that nobody fetches is aborted after its time, and its client hears that it is over."""
    job = scene.create(ticket())
    scene.wire.advance(60)
    assert scene.history() == [(job.id, "Aborted", "JobTimedOut", "0")]
    assert str(fault_of(scene.retrieve(job))) == "ClientErrorJobCancelled"


@pytest.mark.parametrize(
    ("operation", "body", "subcode", "told"),
    [
        ("RetrieveImage", retrieve_body("4711", "x"), "ClientErrorJobIdNotFound", "JobId 4711"),
        ("RetrieveImage", retrieve_body("0", "x"), "ClientErrorJobIdNotFound", "JobId 0"),
        ("RetrieveImage", retrieve_body("9" * 20, "x"), "ClientErrorJobIdNotFound", f"JobId {'9' * 20}"),
        ("RetrieveImage", retrieve_body("one", "x"), "InvalidArgs", "JobId "),
        ("RetrieveImage", "<{scan}:RetrieveImageRequest/>", "InvalidArgs", "JobId "),
        ("RetrieveImage", "<{scan}:CancelJobRequest/>", "InvalidArgs", "RetrieveImageRequest "),
        ("RetrieveImage", "", "InvalidArgs", "RetrieveImageRequest "),
        ("CancelJob", "<{scan}:CancelJobRequest><{scan}:JobId>7</{scan}:JobId></{scan}:CancelJobRequest>",
         "ClientErrorJobIdNotFound", "JobId 7"),
        ("CreateScanJob", "<{scan}:CreateScanJobRequest/>", "InvalidArgs", "ScanTicket "),
        ("CreateScanJob", "<other:CreateScanJobRequest xmlns:other='urn:other'/>", "InvalidArgs",
         "CreateScanJobRequest "),
        ("GetScannerElements", "<{scan}:GetScannerElementsRequest/>", "InvalidArgs", "RequestedElements "),
        ("Dance", "<{scan}:DanceRequest/>", "ActionNotSupported", f"ProblemAction {scan_action('Dance')}"),
        (f"{ns.WST}/Put", "", "ActionNotSupported", f"ProblemAction {ns.WST}/Put"),
        (f"{ns.WST}/Delete", "", "ActionNotSupported", f"ProblemAction {ns.WST}/Delete"),
        (f"{ns.WST}/Create", "", "ActionNotSupported", f"ProblemAction {ns.WST}/Create"),
    ],
)
@pytest.mark.conformance(14, 112, 121, 196, 230, 290, 294, 295, 296)
def test_requests_that_are_wrong(scene: Scene, operation: str, body: str, subcode: str, told: str) -> None:
    """Each mistake has the fault of the standard, which names what was wrong; the next request is answered."""
    with pytest.raises(Fault, match=f"^{subcode}$") as caught:
        scene.ask(operation, body)
    assert (caught.value.code, caught.value.status) == ("Sender", 400)
    assert caught.value.detail is not None
    (wrong,) = caught.value.detail
    assert f"{ns.local_name(wrong.tag)} {''.join(wrong.itertext())}" == told
    assert scene.active() == []


@pytest.mark.conformance(160, 161)
def test_a_format_that_is_not_offered(scene: Scene) -> None:
    """An unsupported format is refused, with the list of those that there are."""
    with pytest.raises(Fault, match="ClientErrorFormatNotSupported") as caught:
        scene.create(ticket(parameters="<{scan}:Format>xps</{scan}:Format>"))
    assert caught.value.detail is not None
    assert [each.text for each in caught.value.detail.iterfind(".//wscn:FormatValue", NAMES)] == ["exif", "jfif"]


@pytest.mark.conformance(197)
def test_another_jobs_token(scene: Scene) -> None:
    """A token opens its own job only."""
    mine, other = scene.create(ticket()), scene.create(ticket())
    with pytest.raises(Fault, match="ClientErrorInvalidJobToken"):
        scene.ask("RetrieveImage", retrieve_body(mine.id, other.token))


@pytest.mark.conformance(230)
def test_a_strangers_job(scene: Scene) -> None:
    """Another client sees a job and cannot cancel it."""
    job = scene.create(ticket())
    with pytest.raises(Fault, match="ClientErrorJobIdNotFound"):
        scene.cancel(job, peer="192.0.2.66")
    assert scene.active() == [(job.id, "Pending", "None", "0")]


@pytest.mark.conformance(208)
def test_two_requests_for_one_image(scene: Scene) -> None:
    """While an image of a job is awaited, a second request for it is OperationFailed."""
    job = scene.create(ticket())
    scene.retrieve(job)
    with pytest.raises(Fault, match="OperationFailed"):
        scene.ask("RetrieveImage", retrieve_body(job.id, job.token))


@pytest.mark.conformance(170, 171, 173, 41)
def test_questions_during_a_scan(scene: Scene) -> None:
    """A ticket is validated while a page is scanned, makes no job, and promises what a job would deliver."""
    job = scene.create(ticket())
    scene.retrieve(job)
    scene.worker.open()
    scene.worker.begin(b"x")
    answer = scene.ask(
        "ValidateScanTicket", f"<{{scan}}:ValidateScanTicketRequest>{ticket()}</{{scan}}:ValidateScanTicketRequest>"
    )
    assert text(answer, ".//wscn:ValidTicket") == "true"
    assert len(scene.active()) == 1
    promised = [each.text for each in answer.find(".//wscn:ImageInformation", NAMES).iter() if each.text]
    created = [each.text for each in job.answer.find("wscn:ImageInformation", NAMES).iter() if each.text]
    assert promised == created
