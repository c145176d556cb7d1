"""ValidateScanTicket: what would become of a ticket."""

from __future__ import annotations

import pytest
from lxml import etree

from bridge.scanner.model import Capabilities, Format, InputSource
from bridge.soap import namespaces as ns
from bridge.soap.envelope import Element
from tests.fakes.scan_service import FLATBED, GLASS, ScanServiceBench, detail, names, text, texts
from tests.fakes.tickets import MINIMAL, WINDOWS_10, WINDOWS_AUTO, sane_airscan, ticket_xml, wsd_python

OPERATION = "ValidateScanTicket"


def body(ticket: str) -> str:
    """A request body for `ticket`."""
    return f"<sca:ValidateScanTicketRequest>{ticket}</sca:ValidateScanTicketRequest>"


def validate(ticket: str, bench: ScanServiceBench | None = None, **others: str) -> Element:
    """ValidationInfo for `ticket`."""
    return (bench or ScanServiceBench()).ask(OPERATION, body(ticket), **others)[0]


def image(element: Element) -> list[str]:
    """The three numbers of MediaFrontImageInfo below `element`."""
    numbers = ("PixelsPerLine", "NumberOfLines", "BytesPerLine")
    return [text(element, f"ImageInformation/MediaFrontImageInfo/{name}") for name in numbers]


@pytest.mark.conformance(166, 172)
def test_the_windows_10_ticket_is_valid() -> None:
    """The ticket of Windows 10's driver is valid on a scanner with its format, and the image is told exactly."""
    for bench in (ScanServiceBench(FLATBED), ScanServiceBench()):
        info = validate(WINDOWS_10, bench)
        assert names(info) == ["ValidTicket", "ImageInformation"]
        assert text(info, "ValidTicket") == "true"
        assert image(info) == ["2550", "3510", "0"]


@pytest.mark.conformance(166)
def test_other_clients_tickets_are_valid() -> None:
    """The tickets of sane-airscan and WSD-python, and Windows' automatic one, are valid as they are."""
    for ticket in (sane_airscan(), sane_airscan("ADF"), sane_airscan("ADFDuplex"), wsd_python(), WINDOWS_AUTO, MINIMAL):
        assert text(validate(ticket), "ValidTicket") == "true"


def test_the_old_namespace() -> None:
    """WSD-python's 2006/01 body is understood and answered in 2006/08."""
    assert text(validate(wsd_python(), scan=ns.WSCN_2006_01), "ValidTicket") == "true"


@pytest.mark.conformance(167, 168)
def test_a_wrong_ticket_comes_back_corrected() -> None:
    """What is wrong is replaced, everything else is as it was sent, and the result is valid."""
    wrong = WINDOWS_10.replace(">300<", ">350<").replace("RGB24", "RGB48")
    info = validate(wrong)
    assert names(info) == ["ValidTicket", "ImageInformation", "ValidScanTicket"]
    assert text(info, "ValidTicket") == "false"
    corrected = info[2]
    assert text(corrected, "JobDescription/JobName") == "Validating scan ticket for current WIA item properties"
    front = "DocumentParameters/MediaSides/MediaFront"
    assert texts(corrected, f"{front}/Resolution/Width") == ["300"]
    assert texts(corrected, f"{front}/ColorProcessing") == ["RGB24"]
    assert image(info) == ["2550", "3510", "0"], "the image is that of the corrected ticket"
    corrected.tag = f"{{{ns.WSCN}}}ScanTicket"
    assert text(validate(etree.tostring(corrected).decode()), "ValidTicket") == "true"
    elements = [ns.local_name(str(element.tag)) for element in corrected.iter()]
    assert elements == [piece.split(">")[0].split(" ")[0] for piece in WINDOWS_10.split("<sca:")[1:]]


@pytest.mark.conformance(167)
def test_numbers_out_of_range_are_corrected() -> None:
    """A scaling that no schema allows is no fault here, but corrected."""
    wide = "<sca:ScalingWidth>1250</sca:ScalingWidth><sca:ScalingHeight>100</sca:ScalingHeight>"
    info = validate(ticket_xml(f"<sca:Scaling>{wide}</sca:Scaling>"))
    assert text(info, "ValidTicket") == "false"
    assert text(info, "ValidScanTicket/DocumentParameters/Scaling/ScalingWidth") == "100"


@pytest.mark.parametrize(
    ("ticket", "subcode", "argument"),
    [
        (ticket_xml("<sca:Format>xps</sca:Format>"), "ClientErrorFormatNotSupported", "FormatsSupported"),
        (ticket_xml("<sca:ImagesToTransfer>x</sca:ImagesToTransfer>"), "InvalidArgs", "ImagesToTransfer"),
        ("", "InvalidArgs", "ScanTicket"),
        ("<sca:ScanTicket/>", "InvalidArgs", "JobDescription"),
    ],
)
@pytest.mark.conformance(160, 296)
def test_what_no_correction_helps(ticket: str, subcode: str, argument: str) -> None:
    """A format that is not offered and a request that cannot be read are faults."""
    fault = ScanServiceBench().fault(OPERATION, body(ticket))
    assert fault.subcode == f"{{{ns.WSCN}}}{subcode}"
    assert detail(fault) == argument


@pytest.mark.conformance(161)
def test_the_fault_tells_the_formats() -> None:
    """The fault for a format that is not offered lists those that are."""
    bench = ScanServiceBench(Capabilities((Format.JFIF, Format.PNG), GLASS))
    fault = bench.fault(OPERATION, body(ticket_xml("<sca:Format>exif</sca:Format>")))
    assert fault.detail is not None
    assert texts(fault.detail, "FormatValue") == ["jfif", "png"]


@pytest.mark.conformance(169)
def test_elements_that_exclude_each_other() -> None:
    """Two elements that must be honoured and exclude each other are a fault of their own."""
    ticket = WINDOWS_10.replace("RGB24", "BlackAndWhite1")
    fault = ScanServiceBench().fault(OPERATION, body(ticket))
    assert fault.subcode == f"{{{ns.WSCN}}}ClientErrorConflictingRequiredParameters"
    assert fault.http_status == 400


@pytest.mark.conformance(170)
def test_no_job_comes_of_it() -> None:
    """Validation leaves no trace: no job in any list, and the scanner is not opened."""
    bench = ScanServiceBench()
    validate(WINDOWS_10, bench)
    assert bench.queue.active == []
    assert bench.queue.history == []
    assert bench.scanner.openings == []


@pytest.mark.conformance(41, 171)
def test_it_is_answered_while_a_job_is_scanning() -> None:
    """A scan under way is no reason to wait."""
    bench = ScanServiceBench()
    job_id, token = bench.create(WINDOWS_10)
    bench.queue.retrieve(job_id, token, "image")
    bench.scanner.session.sink.image_started()
    assert text(validate(WINDOWS_10, bench), "ValidTicket") == "true"


@pytest.mark.conformance(186)
def test_two_sides_are_told_twice() -> None:
    """A two-sided ticket gets the image of its back, too."""
    info = validate(sane_airscan("ADFDuplex"))
    assert names(info[1]) == ["MediaFrontImageInfo", "MediaBackImageInfo"]
    assert [child.text for child in info[1][0]] == [child.text for child in info[1][1]] == ["800", "600", "0"]


def test_the_automatic_ticket_follows_the_paper() -> None:
    """A ticket with nothing but a format is measured where the paper lies."""
    bench = ScanServiceBench()
    assert image(validate(WINDOWS_AUTO, bench))[1] == "3510"
    bench.scanner.loaded = InputSource.ADF
    assert image(validate(WINDOWS_AUTO, bench))[1] == "4200"
