"""Promises that only the whole product can keep: what its parts say agrees, and two-sided stacks are counted right."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from lxml import etree

from bridge.scanner.model import Capabilities, Format
from bridge.scanner.protocol import ImageDone, ImageStarted, PageScanned, StartImage
from bridge.soap import namespaces as ns
from tests.clients import MESSAGE_ID, scan_action, windows
from tests.conversations.scene import NAMES, ClientJob, Fault, Scene, body_of, retrieve_body, text, ticket
from tests.fakes.scripted_scanner import GLASS

TWO_SIDED = Capabilities((Format.EXIF, Format.JFIF), GLASS, GLASS, GLASS)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def metadata(scene: Scene) -> Any:
    """The metadata, as Windows gets them."""
    device = scene.served.metadata.device_path
    answer = scene.wire.post(device, windows(f"{ns.WST}/Get", to=scene.served.metadata.address))
    assert answer.status == 200
    return etree.fromstring(answer.body)


def wanted(*names: str) -> str:
    """RequestedElements with these names."""
    inside = "".join(f"<{{scan}}:Name>{{scan}}:{name}</{{scan}}:Name>" for name in names)
    return f"<{{scan}}:RequestedElements>{inside}</{{scan}}:RequestedElements>"


def questions(job: ClientJob) -> dict[str, str]:
    """A body for each operation that can be asked at any time."""
    number = f"<{{scan}}:JobId>{job.id}</{{scan}}:JobId>"
    elements = wanted("ScannerDescription", "ScannerConfiguration", "ScannerStatus", "DefaultScanTicket")
    return {
        "GetScannerElements": f"<{{scan}}:GetScannerElementsRequest>{elements}</{{scan}}:GetScannerElementsRequest>",
        "GetJobElements": "<{scan}:GetJobElementsRequest>"
        f"{number}{wanted('JobStatus', 'ScanTicket', 'Documents')}</{{scan}}:GetJobElementsRequest>",
        "GetActiveJobs": "<{scan}:GetActiveJobsRequest/>",
        "GetJobHistory": "<{scan}:GetJobHistoryRequest/>",
        "ValidateScanTicket": f"<{{scan}}:ValidateScanTicketRequest>{ticket()}</{{scan}}:ValidateScanTicketRequest>",
    }


def header(body: bytes, name: str) -> str:
    """The addressing header `name` of the first envelope in an answer."""
    envelope = body[body.index(b"<soap:Envelope") : body.index(b"</soap:Envelope>") + len(b"</soap:Envelope>")]
    return text(etree.fromstring(envelope), f"soap:Header/wsa:{name}")


@pytest.mark.conformance(7, 9, 11, 12)
def test_every_operation_answers_under_its_own_action(scene: Scene) -> None:
    """Each of the eight operations, RetrieveImage too, is answered with its Action and Response behind it, To nobody
    by name, in relation to its question, and with a MessageID of its own.
    """
    job, given_up = scene.create(ticket()), scene.create(ticket())
    bodies = {
        "CreateScanJob": f"<{{scan}}:CreateScanJobRequest>{ticket()}</{{scan}}:CreateScanJobRequest>",
        "CancelJob": f"<{{scan}}:CancelJobRequest><{{scan}}:JobId>{given_up.id}</{{scan}}:JobId>"
        "</{scan}:CancelJobRequest>",
        **questions(job),
    }
    answers = {operation: scene.post(operation, body) for operation, body in bodies.items()}
    answers["RetrieveImage"] = scene.scan_page(job)
    assert len(answers) == 8
    for operation, answer in answers.items():
        assert (answer.status, header(answer.body, "Action")) == (200, f"{scan_action(operation)}Response")
        assert header(answer.body, "To") == "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
        assert header(answer.body, "RelatesTo") == MESSAGE_ID
    assert len({header(answer.body, "MessageID") for answer in answers.values()}) == 8


@pytest.mark.conformance(41)
def test_everything_can_be_asked_while_an_image_is_on_its_way(scene: Scene) -> None:
    """Metadata, status and jobs are answered while half an image is sent and its client takes no more of it."""
    job = scene.create(ticket())
    line = scene.wire.connect()
    image = line.post(scene.path, windows(scan_action("RetrieveImage"), retrieve_body(job.id, job.token)))
    scene.worker.open()
    scene.worker.begin(b"half")
    line.window = 0
    scene.worker.send(b"an image")
    assert (image.status, image.complete) == (200, False)
    for operation, body in questions(job).items():
        assert scene.post(operation, body).status == 200, operation
    metadata(scene)


@pytest.mark.conformance(123)
def test_metadata_and_scan_service_call_the_scanner_the_same(scene: Scene) -> None:
    """ScannerName is the FriendlyName that Windows lists."""
    friendly = metadata(scene).findtext(f".//{{{ns.WSDP}}}FriendlyName")
    description = scene.ask(
        "GetScannerElements",
        f"<{{scan}}:GetScannerElementsRequest>{wanted('ScannerDescription')}</{{scan}}:GetScannerElementsRequest>",
    )
    assert friendly
    assert text(description, ".//wscn:ScannerName") == friendly


@pytest.mark.conformance(102)
def test_the_hosted_address_takes_scan_operations(scene: Scene) -> None:
    """The address that the metadata give for the scan service answers there, and the device's own does not."""
    hosted = metadata(scene).findtext(
        f".//{{{ns.WSDP}}}Hosted/{{{ns.WSA}}}EndpointReference/{{{ns.WSA}}}Address"
    )
    request = windows(scan_action("GetActiveJobs"), "<{scan}:GetActiveJobsRequest/>", to=hosted)
    assert scene.wire.post(urlsplit(hosted).path, request).status == 200
    assert scene.wire.post(scene.served.metadata.device_path, request).status == 400


def test_a_get_at_the_wrong_door(scene: Scene) -> None:
    """At the service's URL a Get for the device gets its metadata; one for the service is an action unknown there."""
    device = scene.served.metadata.address
    answer = scene.wire.post(scene.path, windows(f"{ns.WST}/Get", to=device.upper()))
    assert answer.status == 200
    told = etree.fromstring(answer.body).findtext(f".//{{{ns.WSDP}}}FriendlyName")
    assert told == scene.served.metadata.friendly_name
    for stranger in (f"http://192.0.2.7:8018{scene.path}", "urn:uuid:0a3f2f4e-5f63-4c6b-a1e4-6a7dd3a5b0c2"):
        answer = scene.wire.post(scene.path, windows(f"{ns.WST}/Get", to=stranger))
        with pytest.raises(Fault, match="ActionNotSupported"):
            body_of(answer)


def duplex(images: int) -> str:
    """A two-sided ticket for so many images."""
    return ticket(
        parameters=f"<{{scan}}:ImagesToTransfer>{images}</{{scan}}:ImagesToTransfer>"
        "<{scan}:InputSource>ADFDuplex</{scan}:InputSource>"
    )


@pytest.mark.conformance(204, 216)
@pytest.mark.parametrize("images", [1, 2, 3, 5])
def test_a_two_sided_job_ends_with_the_image_that_was_ordered_last(tmp_path: Path, images: int) -> None:
    """Sides come front, back, front ...; after the ordered number no side is asked for, and each counted as one."""
    scene = Scene(tmp_path, TWO_SIDED)
    job = scene.create(duplex(images))
    assert len(job.answer.findall("wscn:ImageInformation/*", NAMES)) == 2
    for number in range(1, images + 1):
        side = b"front" if number % 2 else b"back"
        answer = scene.scan_page(job, side)
        assert side in answer.body
        shown = scene.active() + scene.history()
        state = "Completed" if number == images else "Processing"
        assert shown == [(job.id, state, "None", str(number))]
    process = scene.reactor.processes[0]
    assert [type(command) for command in process.heard].count(StartImage) == images


@pytest.mark.conformance(216, 218)
def test_two_sided_sheets_count_twice_everywhere(tmp_path: Path) -> None:
    """Two sheets of two sides are four images in the list of jobs and in the job's own status, side by side rising."""
    scene = Scene(tmp_path, TWO_SIDED)
    job = scene.create(duplex(0))
    seen = []
    for _ in range(4):
        scene.retrieve(job)
        if not seen:
            scene.worker.open()
        scene.worker.say(ImageStarted())
        scene.worker.send(b"side")
        scene.worker.say(PageScanned(100))
        told = scene.ask("GetJobElements", questions(job)["GetJobElements"])
        seen.append((text(told, ".//wscn:JobStatus/wscn:ScansCompleted"), scene.active()[0][3]))
        scene.worker.say(ImageDone(4))
    assert seen == [("1", "1"), ("2", "2"), ("3", "3"), ("4", "4")]
