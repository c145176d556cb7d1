"""A whole scan against a scripted device."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.web.client import ResponseFailed

from bridge.client import scan as module
from bridge.client.address import read_address
from bridge.client.device import Found
from bridge.client.errors import BadAnswer, NoAnswer, ScanFailed, ServiceFault
from bridge.client.http import SoapClient
from bridge.client.job import ScanService
from bridge.client.probe import SCANNER_TYPE, Match
from bridge.client.progress import Progress
from bridge.client.scan import SETTLE_S, Search, Session, scan
from bridge.client.wishes import Wishes
from bridge.errors import (
    BridgeError,
    JobNotFound,
    NoImagesAvailable,
    NotAcceptingJobs,
    NothingFound,
    NotPossibleNow,
    TemporaryError,
    UsageError,
)
from bridge.scanner.model import Format, InputSource
from bridge.settings import Settings
from bridge.soap import namespaces as ns
from bridge.wsscan.configuration import scanner_configuration
from tests.deferreds import failure_result_of, no_result, success_result_of
from tests.fakes.scan_service import MULTI_FUNCTION, scan_offer
from tests.fakes.soap_device import Answer, FakeDevice, FakeResponse, failing, image, image_package, raw, refusal
from tests.unit.client.test_device import DEVICE, SERVICE, URN, hosted, matches, metadata

JPEG = b"\xff\xd8\xff\xe0 picture \xff\xd9"
FEEDER = Wishes(output=Path("page.jpg"), source=InputSource.ADF)


def envelope(body: str) -> Answer:
    """An answer that leaves out what this client does not read."""
    return raw(f'<e:Envelope xmlns:e="{ns.SOAP}" xmlns="{ns.WSCN}"><e:Body>{body}</e:Body></e:Envelope>'.encode())


def description(reasons: str = "None") -> Answer:
    """A flatbed with a feeder that is in the state `reasons`."""
    configuration = etree.tostring(scanner_configuration(scan_offer(MULTI_FUNCTION))).decode()
    status = f"<ScannerStatus><ScannerStateReasons><ScannerStateReason>{reasons}</ScannerStateReason>"
    return envelope(
        f"<GetScannerElementsResponse>{configuration}{status}</ScannerStateReasons></ScannerStatus>"
        "</GetScannerElementsResponse>"
    )


def outcome(state: str, scans: int, reason: str = "None") -> Answer:
    """The end of the job."""
    return envelope(
        f"<GetJobElementsResponse><JobStatus><JobId>7</JobId><JobState>{state}</JobState><JobStateReasons>"
        f"<JobStateReason>{reason}</JobStateReason></JobStateReasons><ScansCompleted>{scans}</ScansCompleted></JobStatus>"
        "</GetJobElementsResponse>"
    )


VALID = envelope("<ValidateScanTicketResponse><ValidTicket>true</ValidTicket></ValidateScanTicketResponse>")
CREATED = envelope(
    "<CreateScanJobResponse><JobId>7</JobId><JobToken>t</JobToken><PixelsPerLine>2550</PixelsPerLine>"
    "<NumberOfLines>3300</NumberOfLines><BytesPerLine>0</BytesPerLine></CreateScanJobResponse>"
)
CANCELLED = envelope("<CancelJobResponse/>")


class Scan:
    """One session in `folder`; `images` are what RetrieveImage answers in turn."""

    def __init__(
        self,
        folder: Path,
        *images: Answer,
        wishes: Wishes | None = None,
        state: Answer | None = None,
        end: Answer | None = None,
        **others: Answer,
    ) -> None:
        self.told: list[str] = []
        self.device = FakeDevice()
        self.device.answers("GetScannerElements", description(), state or description())
        self.device.answers("ValidateScanTicket", others.get("validate", VALID))
        self.device.answers("CreateScanJob", others.get("create", CREATED))
        self.device.answers("RetrieveImage", *images)
        self.device.answers("CancelJob", CANCELLED)
        self.device.answers("GetJobElements", end or outcome("Completed", len(images)))
        service = ScanService(SoapClient(self.device, Clock()), read_address(SERVICE))
        progress = Progress(io.StringIO(), Clock().seconds)
        self.wishes = wishes or Wishes(output=Path("page.jpg"))
        self.folder = folder
        self.session = Session(service, folder / "page.jpg", progress, self.told.append)
        self.result: Deferred[int] = Deferred.fromCoroutine(self.session.run(self.wishes))

    @property
    def files(self) -> dict[str, bytes]:
        """What is in the folder."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def error(self, kind: type[BaseException]) -> str:
        """How it failed."""
        return str(failure_result_of(self.result, kind))


def test_one_page(tmp_path: Path) -> None:
    """Ask, check, make the job, fetch, tell: a page from the glass."""
    scan = Scan(tmp_path, image(JPEG))

    assert success_result_of(scan.result) == 0
    assert scan.files == {"page.jpg": JPEG}
    assert scan.device.operations == [
        "GetScannerElements",
        "ValidateScanTicket",
        "CreateScanJob",
        "RetrieveImage",
        "GetJobElements",
    ]
    assert scan.told == [
        f"saved {tmp_path / 'page.jpg'}",
        f"job 7: Completed, 1 image, {len(JPEG)} bytes, 2550 x 3300 pixels",
    ]
    assert scan.session.outcome == {
        "files": [str(tmp_path / "page.jpg")],
        "job": "7",
        "state": "Completed",
        "reasons": ["None"],
        "images": 1,
        "bytes": len(JPEG),
        "width": 2550,
        "height": 3300,
    }


def test_the_name_without_one(tmp_path: Path) -> None:
    """Without a file's name the ending is that of the format."""
    scan = Scan(tmp_path, image(b"\x89PNG\r\n\x1a\n"), wishes=Wishes(formats=(Format.PNG,)))

    assert success_result_of(scan.result) == 0
    assert list(scan.files) == ["page.png"]


@pytest.mark.parametrize("end", [NoImagesAvailable(), JobNotFound("7")])
def test_a_whole_feeder(tmp_path: Path, end: BridgeError) -> None:
    """A feeder is fetched until it is empty, which some devices tell by having forgotten the job."""
    scan = Scan(tmp_path, image(JPEG + b"1"), image(JPEG + b"2"), refusal(end), wishes=FEEDER)

    assert success_result_of(scan.result) == 0
    assert scan.files == {"page-001.jpg": JPEG + b"1", "page-002.jpg": JPEG + b"2"}
    assert "CancelJob" not in scan.device.operations


def test_one_sheet_in_the_feeder(tmp_path: Path) -> None:
    """A single sheet gets the name that was asked for."""
    scan = Scan(tmp_path, image(JPEG), refusal(NoImagesAvailable()), wishes=FEEDER)

    assert success_result_of(scan.result) == 0
    assert list(scan.files) == ["page.jpg"]


def test_so_many_pages(tmp_path: Path) -> None:
    """With a number of pages no more are asked for."""
    scan = Scan(tmp_path, image(JPEG), wishes=Wishes(output=Path("page.jpg"), pages=2))

    assert success_result_of(scan.result) == 0
    assert sorted(scan.files) == ["page-001.jpg", "page-002.jpg"]
    assert scan.device.operations.count("RetrieveImage") == 2


def test_all_pages_in_one_file(tmp_path: Path) -> None:
    """A format for several pages is fetched once."""
    wishes = Wishes(output=Path("page.pdf"), formats=(Format.PDF_A,), pages=0)
    scan = Scan(tmp_path, image(b"%PDF-1.4"), wishes=wishes, end=outcome("Completed", 5))

    assert success_result_of(scan.result) == 0
    assert scan.device.operations.count("RetrieveImage") == 1
    assert "5 images" in scan.told[-1]


def test_an_empty_feeder(tmp_path: Path) -> None:
    """Without a single page the scan fails, the job is cancelled and nothing is left."""
    scan = Scan(tmp_path, refusal(NoImagesAvailable()), wishes=FEEDER)

    scan.error(ServiceFault)
    assert scan.files == {}
    assert scan.device.operations[-2:] == ["CancelJob", "GetScannerElements"]


def test_a_glass_that_ends_early(tmp_path: Path) -> None:
    """From the glass a fault is never the end of a good scan."""
    scan = Scan(tmp_path, refusal(NoImagesAvailable()))

    scan.error(ServiceFault)


def test_a_jam(tmp_path: Path) -> None:
    """When the feeder jams, whole pages stay, the job is cancelled, and the scanner's own reason is told."""
    scan = Scan(
        tmp_path,
        image(JPEG + b"1"),
        image(JPEG + b"2"),
        refusal(NotPossibleNow()),
        wishes=FEEDER,
        state=description("MediaJam"),
    )

    assert "the scanner reports MediaJam" in scan.error(ScanFailed)
    assert sorted(scan.files) == ["page-001.jpg", "page-002.jpg"]
    assert scan.told == [f"saved {tmp_path / name}, whole" for name in ("page-001.jpg", "page-002.jpg")]
    assert "CancelJob" in scan.device.operations


def test_a_fault_without_a_reason(tmp_path: Path) -> None:
    """When the scanner has nothing to add, the fault stands alone; so it does when it cannot be asked."""
    Scan(tmp_path, refusal(TemporaryError())).error(ServiceFault)
    Scan(tmp_path, refusal(TemporaryError()), state=failing(ConnectionRefusedError())).error(ServiceFault)


def test_an_image_that_is_cut_off(tmp_path: Path) -> None:
    """An image without its end is thrown away, those before it stay."""

    def cut(asked: Any) -> FakeResponse:
        content_type, body = image_package(JPEG, asked)
        return FakeResponse(200, content_type, body[:-20])

    scan = Scan(tmp_path, image(JPEG), cut, wishes=FEEDER)

    scan.error(BadAnswer)
    assert scan.files == {"page.jpg": JPEG}
    assert "CancelJob" in scan.device.operations


def cut_off(asked: Any) -> FakeResponse:
    """An image that ends before its end."""
    content_type, body = image_package(JPEG, asked)
    return FakeResponse(200, content_type, body[:-20])


@pytest.mark.parametrize(
    ("end", "state", "words"),
    [
        ("Aborted ScannerStopped", "AttentionRequired", "the scanner failed in the middle of the image (job Aborted, "),
        ("Terminating ScannerStopped", "AttentionRequired", "the scanner reports AttentionRequired"),
        ("Aborted ImageTransferError", "None", "the network failed in the middle of the image"),
        ("Canceled JobCanceledAtDevice", "None", "the job was cancelled at the scanner"),
        ("Canceled None", "None", "the job was cancelled, at the device or from elsewhere (job Canceled, None): "),
    ],
)
def test_why_an_image_was_cut_off(tmp_path: Path, end: str, state: str, words: str) -> None:
    """The device is asked what became of the job, before the job is cancelled, and its reason is told."""
    job_state, reason = end.split(" ")
    scan = Scan(tmp_path, cut_off, end=outcome(job_state, 0, reason), state=description(state))

    assert words in scan.error(ScanFailed)
    assert scan.files == {}
    operations = scan.device.operations
    assert operations.index("GetJobElements") < operations.index("CancelJob")


def test_a_connection_that_broke_while_the_job_goes_on(tmp_path: Path) -> None:
    """When the device knows of no failure, or cannot be asked, the broken connection is all that can be told."""
    scan = Scan(tmp_path, cut_off, end=outcome("Processing", 0))
    assert "the image ends before its end" in scan.error(BadAnswer)
    scan = Scan(tmp_path, cut_off, end=failing(ConnectionRefusedError()))
    assert "the image ends before its end" in scan.error(BadAnswer)


def test_something_else_than_a_picture(tmp_path: Path) -> None:
    """What is no file of the format is no success."""
    scan = Scan(tmp_path, image(b"<html>"))

    assert "no image/jpeg" in scan.error(ScanFailed)
    assert scan.files == {}


def test_a_ticket_that_is_not_taken(tmp_path: Path) -> None:
    """A ticket that the scanner would change makes no job."""
    validate = envelope("<ValidateScanTicketResponse><ValidTicket>false</ValidTicket></ValidateScanTicketResponse>")
    scan = Scan(tmp_path, validate=validate)

    assert "does not take this ticket: it does not say why" in scan.error(ScanFailed)
    assert scan.device.operations == ["GetScannerElements", "ValidateScanTicket"]


def test_a_busy_scanner(tmp_path: Path) -> None:
    """A job that was never made is not cancelled."""
    scan = Scan(tmp_path, create=refusal(NotAcceptingJobs()))

    scan.error(ServiceFault)
    assert "CancelJob" not in scan.device.operations


@pytest.mark.parametrize(("state", "status"), [("Completed", 0), ("Processing", 0), ("Aborted", 1), ("Canceled", 1)])
def test_what_the_device_says_in_the_end(tmp_path: Path, state: str, status: int) -> None:
    """A job that the device gave up is no success, although there is an image."""
    scan = Scan(tmp_path, image(JPEG), end=outcome(state, 1))

    assert success_result_of(scan.result) == status
    assert state in scan.told[-1]


def test_a_device_that_says_nothing_in_the_end(tmp_path: Path) -> None:
    """With the whole image here, a device that is gone is no failure."""
    scan = Scan(tmp_path, image(JPEG), end=failing(ConnectionRefusedError()))

    assert success_result_of(scan.result) == 0
    assert scan.told[-1].startswith("job 7: unknown (")


def test_being_stopped(tmp_path: Path) -> None:
    """A person who stops the scan cancels the job, before the connection is closed."""
    content_type, body = image_package(JPEG)
    response = FakeResponse(200, content_type, None)
    scan = Scan(tmp_path, lambda _asked: response)
    response.send(body[:-20])
    no_result(scan.result)
    assert len(scan.files) == 1

    scan.result.cancel()
    scan.result.addErrback(lambda _failure: None)

    assert scan.device.operations[-1] == "CancelJob"
    assert not response.dropped
    assert scan.files == {}


def test_a_device_that_cannot_be_told_to_stop(tmp_path: Path) -> None:
    """A device that does not answer to CancelJob changes nothing about the error."""
    scan = Scan(tmp_path, failing(ResponseFailed([])))

    scan.error(NoAnswer)


class Searching:
    """A search; `device` answers, multicast finds `sighted`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, sighted: Sequence[Match] = ()) -> None:
        self.device = FakeDevice()
        self.windows: list[float | None] = []
        searching = self

        class FakeProber:
            def __init__(self, _reactor: object, _interfaces: object) -> None:
                pass

            def search(self, _window: float, settle: float | None) -> Deferred[list[Match]]:
                searching.windows.append(settle)
                return succeed(list(sighted))

        monkeypatch.setattr(module, "Prober", FakeProber)
        progress = Progress(io.StringIO(), Clock().seconds)
        self.search = Search(SoapClient(self.device, Clock()), None, progress)

    def find(self, url: str | None = None, device: str | None = None, local: Sequence[Found] = ()) -> Found:
        """The scanner."""
        return success_result_of(self.search.find(url, device, list(local)))


LOCAL = Found("urn:uuid:1", "Local", read_address("http://127.0.0.1:8018/1/scan"))
DISTANT = Match(URN, (SCANNER_TYPE,), (read_address(DEVICE),))


def test_this_machine_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bridge on this machine is used without any multicast."""
    searching = Searching(monkeypatch, [DISTANT])
    searching.device.answers("GetScannerElements", description())

    assert searching.find(local=[LOCAL]) == LOCAL
    assert searching.windows == []


def test_a_local_bridge_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bridge whose loopback is not ours is looked for on the network."""
    searching = Searching(monkeypatch, [DISTANT])
    searching.device.answers("GetScannerElements", failing(ConnectionRefusedError()))
    searching.device.answers(ns.TRANSFER_GET, metadata(hosted(SERVICE)))

    assert searching.find(local=[LOCAL]).service == read_address(SERVICE)


def test_another_scanner_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that the local bridge does not have is looked for on the network, for the whole time."""
    searching = Searching(monkeypatch, [DISTANT])
    searching.device.answers(ns.TRANSFER_GET, metadata(hosted(SERVICE), "LiDE (pi)"))

    assert searching.find(device="lide", local=[LOCAL]).name == "LiDE (pi)"
    assert searching.windows == [None]


def test_any_scanner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name the first scanner ends the search soon."""
    searching = Searching(monkeypatch, [DISTANT])
    searching.device.answers(ns.TRANSFER_GET, metadata(hosted(SERVICE)))

    assert searching.find().service == read_address(SERVICE)
    assert searching.windows == [SETTLE_S]


def test_a_scanner_that_does_not_say_how(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device without metadata cannot be scanned with, and counts as not found."""
    searching = Searching(monkeypatch, [DISTANT])

    failure_result_of(searching.search.find(None, None, []), NothingFound)


def test_two_local_scanners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two scanners here neither is taken by chance."""
    searching = Searching(monkeypatch)

    failure_result_of(searching.search.find(None, None, [LOCAL, LOCAL]), UsageError)


def test_by_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL is the only place that is looked at, and a name chooses among the scanners there."""
    searching = Searching(monkeypatch, [DISTANT])
    searching.device.answers(f"{ns.WSD}/Probe", matches((URN, DEVICE)))
    searching.device.answers(ns.TRANSFER_GET, metadata(hosted(SERVICE)))

    assert searching.find(url=DEVICE, local=[LOCAL]).service == read_address(SERVICE)
    assert searching.windows == []
    failure_result_of(searching.search.find(DEVICE, "epson", []), NothingFound)


def whole_scan(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> BridgeError:
    """What `scan` raises when its work fails with `error`."""

    def fail(_work: object) -> int:
        raise error

    monkeypatch.setattr(module, "run", fail)
    monkeypatch.setattr(module, "local_scanners", lambda _settings: [])
    with pytest.raises(BridgeError) as caught:
        scan(Wishes(), Settings(), url=None, device=None)
    return caught.value


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ServiceFault("ClientErrorNoImagesAvailable", ""), "the feeder is empty; put paper in"),
        (ServiceFault("ServerErrorNotAcceptingJobs", ""), "the scanner is busy"),
        (ServiceFault("ClientErrorJobCancelled", ""), "the job was cancelled"),
        (ServiceFault("OperationFailed", "odd"), "the device refuses: odd (OperationFailed)"),
        (KeyboardInterrupt(), "stopped before the scan was complete"),
    ],
)
def test_errors_say_what_to_do(monkeypatch: pytest.MonkeyPatch, error: BaseException, words: str) -> None:
    """Faults that a person can do something about are told with what."""
    assert words in str(whole_scan(monkeypatch, error))


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """A wrong target is refused before anything is asked."""
    with pytest.raises(UsageError):
        scan(Wishes(output=tmp_path / "none" / "page.jpg"), Settings(), url=None, device=None)
