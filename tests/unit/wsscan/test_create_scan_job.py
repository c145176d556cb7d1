"""CreateScanJob: from a ticket to a job."""

from __future__ import annotations

import pytest

from bridge.errors import InvalidDestinationToken, InvalidScanIdentifier
from bridge.jobs.queue import QueueLimits
from bridge.jobs.states import JobState
from bridge.scanner.model import InputSource, Region
from bridge.soap import namespaces as ns
from bridge.soap.envelope import Element
from tests.fakes.scan_service import CLIENT, FLATBED, ScanServiceBench, detail, names, text, texts
from tests.fakes.tickets import MINIMAL, WINDOWS_10, WINDOWS_AUTO, sane_airscan, ticket_xml, wsd_python

OPERATION = "CreateScanJob"


def body(ticket: str, identifier: str | None = None, token: str | None = None) -> str:
    """A request body for `ticket`, with what a push scan shows."""
    shown = "" if identifier is None else f"<sca:ScanIdentifier>{identifier}</sca:ScanIdentifier>"
    shown += "" if token is None else f"<sca:DestinationToken>{token}</sca:DestinationToken>"
    return f"<sca:CreateScanJobRequest>{shown}{ticket}</sca:CreateScanJobRequest>"


def create(ticket: str, bench: ScanServiceBench | None = None) -> Element:
    """The answer to `ticket`."""
    return (bench or ScanServiceBench()).ask(OPERATION, body(ticket))


class Registry:
    """Knows one scan identifier and one destination token."""

    def __init__(self) -> None:
        self.spent: list[str] = []

    def check(self, scan_identifier: str | None, destination_token: str | None) -> None:
        if scan_identifier not in (None, "press-1") or scan_identifier in self.spent:
            raise InvalidScanIdentifier
        if destination_token not in (None, "pc-1"):
            raise InvalidDestinationToken

    def used(self, scan_identifier: str) -> None:
        self.spent.append(scan_identifier)


@pytest.mark.conformance(175, 176, 182)
def test_a_pull_scan() -> None:
    """A ticket alone makes a job; the answer has its number, its token, the image and the final parameters."""
    bench = ScanServiceBench()
    answer = create(WINDOWS_10, bench)
    assert names(answer) == ["JobId", "JobToken", "ImageInformation", "DocumentFinalParameters"]
    assert 1 <= int(text(answer, "JobId")) <= 2**31 - 1
    assert 1 <= len(text(answer, "JobToken")) <= 255
    assert text(answer, "ImageInformation/MediaFrontImageInfo/PixelsPerLine") == "2550"


@pytest.mark.conformance(178)
def test_jobs_differ() -> None:
    """Two jobs have two numbers and two tokens."""
    bench = ScanServiceBench()
    one, other = bench.create(MINIMAL), bench.create(MINIMAL)
    assert one[0] != other[0]
    assert one[1] != other[1]


@pytest.mark.conformance(213, 214)
def test_the_order_is_the_tickets() -> None:
    """What the queue gets is what the ticket says, to the character, and whose it is."""
    bench = ScanServiceBench()
    bench.create(WINDOWS_10.replace("Scanning from platen..", " a  b "))
    order = bench.queue.job(1).order
    assert order.name == "Validating scan ticket for current WIA item properties"
    assert order.user == "WIA session run for ATTIC\\ada on ATTIC"
    assert order.information == " a  b "
    assert order.owner == CLIENT
    assert (order.images, order.altered) == (1, False)
    assert order.request.source is InputSource.PLATEN
    (status,) = bench.queue.active
    assert (status.state, status.scans_completed) == (JobState.PENDING, 0)


@pytest.mark.conformance(162, 163, 164, 165)
def test_final_parameters_in_full() -> None:
    """The final parameters are all there in schema order, with fixed sizes and exposure, and qualified marks."""
    parameters = create(WINDOWS_10)[3]
    assert names(parameters) == [
        "Format",
        "CompressionQualityFactor",
        "ImagesToTransfer",
        "InputSource",
        "ContentType",
        "InputSize",
        "Exposure",
        "Scaling",
        "Rotation",
        "MediaSides",
    ]
    assert texts(parameters, "InputSize/InputMediaSize/Width") == ["8500"]
    assert names(parameters.find(f"{{{ns.WSCN}}}Exposure/{{{ns.WSCN}}}ExposureSettings")) == [
        "Contrast",
        "Brightness",
        "Sharpness",
    ]
    marked = {ns.local_name(str(e.tag)): dict(e.attrib) for e in parameters.iter() if e.attrib}
    default = {f"{{{ns.WSCN}}}UsedDefault": "true"}
    assert marked == {"CompressionQualityFactor": default, "ContentType": default, "Sharpness": default}


@pytest.mark.conformance(144, 159)
def test_what_is_changed_is_marked() -> None:
    """A value that is changed against the ticket's wish is marked, and the job knows that it was altered."""
    bench = ScanServiceBench()
    parameters = create(WINDOWS_10.replace("8500</sca:ScanRegionWidth>", "9000</sca:ScanRegionWidth>"), bench)[3]
    width = parameters.find(f".//{{{ns.WSCN}}}ScanRegionWidth")
    assert width.text == "8500"
    assert dict(width.attrib) == {f"{{{ns.WSCN}}}Override": "true"}
    assert bench.queue.job(1).order.altered


@pytest.mark.conformance(155, 156, 186)
@pytest.mark.parametrize(("source", "sides"), [("Platen", 1), ("ADF", 1), ("ADFDuplex", 2)])
def test_sides(source: str, sides: int) -> None:
    """Two-sided jobs tell both sides, all others one."""
    answer = create(sane_airscan(source))
    assert len(answer[2]) == sides
    assert names(answer[3][-1]) == ["MediaFront", "MediaBack"][:sides]
    assert len(create(wsd_python())[2]) == 1, "a back side without a feeder is passed over"


@pytest.mark.conformance(138)
def test_sane_airscans_region_keeps_its_place() -> None:
    """sane-airscan names its region's size as the media's; the region is scanned where it is, without warnings."""
    bench = ScanServiceBench()
    bench.create(sane_airscan())
    order = bench.queue.job(1).order
    assert order.request.region == Region(1000, 500, 4000, 3000)
    assert not order.altered


@pytest.mark.conformance(173)
@pytest.mark.parametrize("ticket", [WINDOWS_10, WINDOWS_AUTO, MINIMAL, wsd_python(), sane_airscan("ADFDuplex")])
def test_the_image_is_the_one_validated(ticket: str) -> None:
    """Validation and creation promise the same image."""
    bench = ScanServiceBench()
    validated = bench.ask(
        "ValidateScanTicket", f"<sca:ValidateScanTicketRequest>{ticket}</sca:ValidateScanTicketRequest>"
    )
    promised = [[leaf.text for leaf in side] for side in validated[0][1]]
    assert [[leaf.text for leaf in side] for side in create(ticket, bench)[2]] == promised


def test_the_automatic_ticket_scans_the_loaded_feeder() -> None:
    """A ticket with nothing but a format is scanned from where the paper lies, and the answer says from where."""
    bench = ScanServiceBench()
    bench.scanner.loaded = InputSource.ADF
    parameters = create(WINDOWS_AUTO, bench)[3]
    assert text(parameters, "InputSource") == "ADF"
    assert bench.queue.job(1).order.images == 0


REFUSED = [
    (ticket_xml("<sca:Format>xps</sca:Format>"), "ClientErrorFormatNotSupported", "FormatsSupported"),
    (ticket_xml('<sca:Rotation sca:MustHonor="1">90</sca:Rotation>'), "InvalidArgs", "Rotation"),
    (
        ticket_xml(
            "<sca:Scaling><sca:ScalingWidth>5000</sca:ScalingWidth>"
            "<sca:ScalingHeight>100</sca:ScalingHeight></sca:Scaling>"
        ),
        "InvalidArgs",
        "ScalingWidth",
    ),
    (ticket_xml('<sca:Sparkle sca:MustHonor="true"/>'), "InvalidArgs", "DocumentParameters"),
    (
        WINDOWS_10.replace('<sca:ScanRegionXOffset sca:MustHonor="true">0', "<sca:ScanRegionXOffset>9999"),
        "InvalidArgs",
        "ScanRegionXOffset",
    ),
    (WINDOWS_10.replace("RGB24", "BlackAndWhite1"), "ClientErrorConflictingRequiredParameters", None),
    ("", "InvalidArgs", "ScanTicket"),
]


@pytest.mark.parametrize(("ticket", "subcode", "argument"), REFUSED)
@pytest.mark.conformance(145, 158, 160, 185, 291, 296, 297)
def test_a_refused_ticket_leaves_no_job(ticket: str, subcode: str, argument: str | None) -> None:
    """A ticket that cannot be met is a Sender fault that names what is wrong, and no job is left of it."""
    bench = ScanServiceBench()
    fault = bench.fault(OPERATION, body(ticket))
    assert fault.subcode == f"{{{ns.WSCN}}}{subcode}"
    assert fault.http_status == 400
    assert argument is None or detail(fault) == argument
    assert bench.queue.active == []
    assert bench.queue.history == []


@pytest.mark.conformance(184, 185)
def test_a_full_queue() -> None:
    """When no job can be taken the fault is the Receiver's, so that the client may try again."""
    bench = ScanServiceBench(limits=QueueLimits(waiting=0))
    bench.create(MINIMAL)
    fault = bench.fault(OPERATION, body(MINIMAL))
    assert fault.subcode == f"{{{ns.WSCN}}}ServerErrorNotAcceptingJobs"
    assert fault.http_status == 500
    assert [status.id for status in bench.queue.active] == [1]


# -- push scans --------------------------------------------------------------------------------------


@pytest.mark.conformance(179, 180)
@pytest.mark.parametrize(
    ("identifier", "token", "subcode"),
    [
        ("other", "pc-1", "ClientErrorInvalidScanIdentifier"),
        ("press-1", "other", "ClientErrorInvalidDestinationToken"),
        ("other", "other", "ClientErrorInvalidScanIdentifier"),
    ],
)
def test_what_was_never_given_out(identifier: str, token: str, subcode: str) -> None:
    """An unknown identifier or token is refused, the identifier first; without eventing every one is unknown."""
    bench = ScanServiceBench(push=Registry())
    assert bench.subcode(OPERATION, body(MINIMAL, identifier, token)) == subcode
    assert bench.queue.active == []
    assert ScanServiceBench().subcode(OPERATION, body(MINIMAL, "press-1", "pc-1")) == "ClientErrorInvalidScanIdentifier"
    assert ScanServiceBench().subcode(OPERATION, body(MINIMAL, None, "pc-1")) == "ClientErrorInvalidDestinationToken"


@pytest.mark.conformance(181)
def test_an_identifier_works_once() -> None:
    """The identifier of an event makes one job; a second one with it is refused."""
    bench = ScanServiceBench(push=Registry())
    answer = bench.ask(OPERATION, body(MINIMAL, "\n press-1 ", "pc-1"))
    assert text(answer, "JobId") == "1"
    assert bench.subcode(OPERATION, body(MINIMAL, "press-1", "pc-1")) == "ClientErrorInvalidScanIdentifier"


@pytest.mark.conformance(181)
def test_an_identifier_survives_a_refusal() -> None:
    """A request that is refused does not use the identifier up, so that the client may come again."""
    bench = ScanServiceBench(push=Registry())
    bench.fault(OPERATION, body(ticket_xml("<sca:Format>xps</sca:Format>"), "press-1", "pc-1"))
    assert text(bench.ask(OPERATION, body(MINIMAL, "press-1", "pc-1")), "JobId") == "1"


@pytest.mark.conformance(182)
def test_empty_elements_are_absent() -> None:
    """Clients that always send both elements leave them empty for a pull scan."""
    assert text(ScanServiceBench().ask(OPERATION, body(wsd_python(), "", " ")), "JobId") == "1"


def test_the_identifier_is_checked_before_the_ticket() -> None:
    """Of two mistakes the stale identifier is told: the client's whole request is out of date."""
    ticket = ticket_xml("<sca:Format>xps</sca:Format>")
    assert ScanServiceBench(FLATBED).subcode(OPERATION, body(ticket, "x", "y")) == "ClientErrorInvalidScanIdentifier"


def test_the_old_namespace() -> None:
    """WSD-python's 2006/01 body makes a job."""
    answer = ScanServiceBench().ask(OPERATION, body(wsd_python(), "", ""), scan=ns.WSCN_2006_01)
    assert text(answer, "JobId") == "1"
