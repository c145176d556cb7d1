"""GetScannerElements: the scanner described part by part."""

from __future__ import annotations

from datetime import datetime

import pytest
from lxml import etree

from bridge.scanner.model import Capabilities, ColorMode, Format, Resolution, Size, SourceCapabilities
from bridge.scanner.status import Component, ConditionName, Severity, StateReason
from bridge.soap import namespaces as ns
from bridge.soap.envelope import Element, qname, read_envelope
from bridge.soap.parser import MAX_MESSAGE
from bridge.wsscan.configuration import MAX_NAME, ScannerNames
from bridge.wsscan.elements import MAX_NAMES
from bridge.wsscan.offer import Defaults
from tests.fakes.scan_service import (
    FEEDER,
    FLATBED,
    GLASS,
    MULTI_FUNCTION,
    ScanServiceBench,
    detail,
    names,
    text,
    texts,
)

OPERATION = "GetScannerElements"
SECTIONS = ["ScannerDescription", "ScannerConfiguration", "ScannerStatus", "DefaultScanTicket"]


def body(*wanted: str) -> str:
    """A request body that asks for `wanted`."""
    listed = "".join(f"<sca:Name>{name}</sca:Name>" for name in wanted)
    return (
        f"<sca:GetScannerElementsRequest><sca:RequestedElements>{listed}</sca:RequestedElements>"
        "</sca:GetScannerElementsRequest>"
    )


def data(answer: Element) -> list[Element]:
    """The ElementData of an answer."""
    return list(answer[0])


def section(bench: ScanServiceBench, name: str) -> Element:
    """One part of the scanner's description."""
    (found,) = data(bench.ask(OPERATION, body(f"sca:{name}")))
    return found[0]


# -- names -------------------------------------------------------------------------------------------


@pytest.mark.conformance(115, 116, 118, 119)
def test_all_sections_come_in_the_order_asked() -> None:
    """The four sections are answered under any prefix, in the order asked, with unqualified Name and Valid."""
    found = data(ScanServiceBench().ask(OPERATION, body(*(f"sca:{name}" for name in reversed(SECTIONS)))))
    assert [names(element) for element in found] == [[name] for name in reversed(SECTIONS)]
    for element, name in zip(found, reversed(SECTIONS), strict=True):
        assert dict(element.attrib) == {"Name": f"wscn:{name}", "Valid": "true"}


@pytest.mark.conformance(116)
def test_doubles_are_answered_twice() -> None:
    """A name asked for twice is answered twice."""
    found = data(ScanServiceBench().ask(OPERATION, body("sca:ScannerStatus", "sca:ScannerStatus")))
    assert [names(element) for element in found] == [["ScannerStatus"]] * 2


@pytest.mark.parametrize("name", ["ScannerStatus", "\n sca:ScannerStatus\t"])
@pytest.mark.conformance(26)
def test_a_name_without_prefix_is_ours(name: str) -> None:
    """A name without a prefix is taken for one of the scan service's, and white space does not matter."""
    (element,) = data(ScanServiceBench().ask(OPERATION, body(name)))
    assert element.get("Name") == "wscn:ScannerStatus"
    assert names(element) == ["ScannerStatus"]


@pytest.mark.conformance(3)
def test_the_old_namespace_is_answered_in_the_new_one() -> None:
    """A request in the 2006/01 namespace is answered, and nothing of that namespace comes back."""
    bench = ScanServiceBench()
    message = bench.message(OPERATION, body(*(f"sca:{name}" for name in SECTIONS)), scan=ns.WSCN_2006_01)
    assert ns.WSCN_2006_01.encode() not in message
    answer = read_envelope(message).body
    assert answer is not None
    assert [names(element)[0] for element in data(answer)] == SECTIONS


@pytest.mark.parametrize(
    ("name", "resolved"),
    [
        ("sca:Unknown", f"{{{ns.WSCN}}}Unknown"),
        ("sca:JobStatus", f"{{{ns.WSCN}}}JobStatus"),
        ("soap:ScannerStatus", f"{{{ns.SOAP}}}ScannerStatus"),
        ("other:ScannerStatus", "{urn:other}ScannerStatus"),
        ("wscn:ScannerStatus", "{urn:mine}ScannerStatus"),
    ],
)
@pytest.mark.conformance(26, 27, 117, 120)
def test_an_unknown_name_is_answered_as_unknown(name: str, resolved: str) -> None:
    """A name that is not known is no fault: it comes back empty and not valid, and means there what it meant here."""
    wanted = body(name, "sca:ScannerStatus").replace(
        "<sca:RequestedElements>", '<sca:RequestedElements xmlns:other="urn:other" xmlns:wscn="urn:mine">'
    )
    unknown, known = data(ScanServiceBench().ask(OPERATION, wanted))
    assert unknown.get("Valid") == "false"
    assert len(unknown) == 0
    assert not (unknown.text or "").strip()
    assert qname(unknown, unknown.get("Name") or "") == resolved
    assert known.get("Valid") == "true"


@pytest.mark.parametrize("namespace", ["q", "urn:it's", "urn:x?y=%20#z", "x" * 2000, ns.XOP, ns.WSA])
@pytest.mark.conformance(120)
def test_odd_namespaces_come_back(namespace: str) -> None:
    """Whatever a client calls a namespace, its name resolves to the same in the answer."""
    wanted = body("q:Name").replace("<sca:Name>", f'<sca:Name xmlns:q="{namespace}">')
    (unknown,) = data(ScanServiceBench().ask(OPERATION, wanted))
    assert qname(unknown, unknown.get("Name") or "") == f"{{{namespace}}}Name"


def test_a_namespace_that_cannot_be_written_is_refused() -> None:
    """A namespace that would make the answer malformed is refused."""
    wanted = body("q:Name").replace("<sca:Name>", '<sca:Name xmlns:q="urn:x&amp;y">')
    assert ScanServiceBench().subcode(OPERATION, wanted) == "InvalidArgs"


@pytest.mark.parametrize(
    ("content", "argument"),
    [
        ("<sca:GetScannerElementsRequest/>", "RequestedElements"),
        (body(), "Name"),
        (body("nowhere:ScannerStatus"), "Name"),
        (body("sca:"), "Name"),
        (body(""), "Name"),
        (body("two words"), "Name"),
        (body("a:b:c"), "Name"),
        (body(*["sca:X"] * (MAX_NAMES + 1)), "Name"),
        ("", "GetScannerElementsRequest"),
        ("<sca:GetJobHistoryRequest/>", "GetScannerElementsRequest"),
    ],
)
@pytest.mark.conformance(121, 296)
def test_what_is_no_request(content: str, argument: str) -> None:
    """A request without names, or with one that is none, is an invalid argument that is named in the detail."""
    fault = ScanServiceBench().fault(OPERATION, content)
    assert fault.subcode == f"{{{ns.WSCN}}}InvalidArgs"
    assert detail(fault) == argument


def test_as_many_names_as_are_taken() -> None:
    """A request with the most names that are taken is answered in full."""
    assert len(data(ScanServiceBench().ask(OPERATION, body(*["sca:X"] * MAX_NAMES)))) == MAX_NAMES


@pytest.mark.conformance(38)
def test_an_answer_that_fits_no_message_is_refused() -> None:
    """A request whose answer would be larger than a message may be is refused, not answered in part."""
    bench = ScanServiceBench()
    assert bench.subcode(OPERATION, body(*["sca:ScannerConfiguration"] * MAX_NAMES)) == "InvalidArgs"
    assert len(bench.message(OPERATION, body(*(f"sca:{name}" for name in SECTIONS)))) <= MAX_MESSAGE


# -- description -------------------------------------------------------------------------------------


@pytest.mark.conformance(122)
def test_description() -> None:
    """ScannerName is the name given, ScannerInfo and ScannerLocation follow."""
    description = section(ScanServiceBench(names=ScannerNames("Canon LiDE (pi)", "USB", "attic")), "ScannerDescription")
    assert [(ns.local_name(str(e.tag)), e.text) for e in description] == [
        ("ScannerName", "Canon LiDE (pi)"),
        ("ScannerInfo", "USB"),
        ("ScannerLocation", "attic"),
    ]


@pytest.mark.conformance(122)
def test_long_names_are_cut_and_empty_ones_left_out() -> None:
    """No name is longer than 127 characters or contains what XML cannot hold; an empty one is not there."""
    description = section(ScanServiceBench(names=ScannerNames("é" * 300, "a\x00\nb")), "ScannerDescription")
    assert text(description, "ScannerName") == "é" * MAX_NAME
    assert text(description, "ScannerInfo") == "a b"
    assert names(description) == ["ScannerName", "ScannerInfo"]


# -- configuration -----------------------------------------------------------------------------------


@pytest.mark.conformance(124, 125, 126)
def test_device_settings() -> None:
    """DeviceSettings has its nine children in schema order, rotation 0 and scaling 100 among them."""
    settings = section(ScanServiceBench(), "ScannerConfiguration")[0]
    assert names(settings) == [
        "FormatsSupported",
        "CompressionQualityFactorSupported",
        "ContentTypesSupported",
        "DocumentSizeAutoDetectSupported",
        "AutoExposureSupported",
        "BrightnessSupported",
        "ContrastSupported",
        "ScalingRangeSupported",
        "RotationsSupported",
    ]
    assert "0" in texts(settings, "RotationsSupported/RotationValue")
    for automatism in ("DocumentSizeAutoDetectSupported", "AutoExposureSupported"):
        assert text(settings, automatism) == "false", "nobody carries it out"
    for direction in ("ScalingWidth", "ScalingHeight"):
        scaling = f"ScalingRangeSupported/{direction}"
        assert int(text(settings, f"{scaling}/MinValue")) <= 100 <= int(text(settings, f"{scaling}/MaxValue"))


@pytest.mark.conformance(130)
def test_formats_are_those_of_the_scanner() -> None:
    """FormatsSupported lists exactly what the scanner's capabilities name."""
    bench = ScanServiceBench(Capabilities((Format.PNG, Format.TIFF_SINGLE_G4), GLASS))
    settings = section(bench, "ScannerConfiguration")[0]
    assert texts(settings, "FormatsSupported/FormatValue") == ["png", "tiff-single-g4"]
    assert text(settings, "CompressionQualityFactorSupported/MinValue") == "100", "there is nothing to choose"


def test_exposure_is_told() -> None:
    """Brightness and contrast are told as the scanner has them."""
    for capabilities, expected in ((FLATBED, "false"), (MULTI_FUNCTION, "true")):
        settings = section(ScanServiceBench(capabilities), "ScannerConfiguration")[0]
        assert text(settings, "BrightnessSupported") == expected
        assert text(settings, "ContrastSupported") == expected


@pytest.mark.conformance(128, 129)
@pytest.mark.parametrize(
    ("capabilities", "expected", "duplex"),
    [
        (FLATBED, ["DeviceSettings", "Platen"], None),
        (Capabilities(tuple(Format), None, FEEDER), ["DeviceSettings", "ADF"], "false"),
        (Capabilities(tuple(Format), GLASS, FEEDER), ["DeviceSettings", "Platen", "ADF"], "false"),
        (MULTI_FUNCTION, ["DeviceSettings", "Platen", "ADF"], "true"),
    ],
)
def test_sources_are_those_of_the_scanner(
    capabilities: Capabilities, expected: list[str], duplex: str | None
) -> None:
    """Platen and ADF are there when the scanner has them, ADFBack when it scans both sides, Film never."""
    configuration = section(ScanServiceBench(capabilities), "ScannerConfiguration")
    assert names(configuration) == expected
    assert texts(configuration, "ADF/ADFSupportsDuplex") == ([duplex] if duplex else [])
    backs = configuration.findall(f"{{{ns.WSCN}}}ADF/{{{ns.WSCN}}}ADFBack")
    assert len(backs) == (1 if duplex == "true" else 0)


def test_a_source() -> None:
    """A source tells its resolutions, equal in both directions, its colours and its sizes."""
    platen = section(ScanServiceBench(FLATBED), "ScannerConfiguration")[1]
    assert names(platen) == [
        "PlatenOpticalResolution",
        "PlatenResolutions",
        "PlatenColor",
        "PlatenMinimumSize",
        "PlatenMaximumSize",
    ]
    assert texts(platen, "PlatenResolutions/Widths/Width") == ["75", "100", "150", "200", "300", "600", "1200"]
    assert texts(platen, "PlatenResolutions/Heights/Height") == texts(platen, "PlatenResolutions/Widths/Width")
    assert texts(platen, "PlatenColor/ColorEntry") == ["RGB24", "Grayscale8", "BlackAndWhite1"]
    assert [text(platen, f"PlatenMaximumSize/{side}") for side in ("Width", "Height")] == ["8500", "11700"]


@pytest.mark.conformance(127)
def test_no_size_is_below_1() -> None:
    """A backend's minimum of 0 is published as 1, and every other length as it is."""
    side = SourceCapabilities(Resolution(300, 300), (300,), (ColorMode.RGB_24,), Size(0, 0), Size(8500, 11700))
    platen = section(ScanServiceBench(Capabilities((Format.JFIF,), side)), "ScannerConfiguration")[1]
    assert [text(platen, f"PlatenMinimumSize/{side}") for side in ("Width", "Height")] == ["1", "1"]
    assert [text(platen, f"PlatenMaximumSize/{side}") for side in ("Width", "Height")] == ["8500", "11700"]


def test_a_scanner_that_is_not_known_yet() -> None:
    """Status and description are told before the scanner has said what it can do; the rest may be asked again."""
    bench = ScanServiceBench(Capabilities(()))
    assert names(section(bench, "ScannerStatus"))[0] == "ScannerCurrentTime"
    assert bench.subcode(OPERATION, body("sca:ScannerConfiguration")) == "ServerErrorTemporaryError"
    assert bench.subcode(OPERATION, body("sca:DefaultScanTicket")) == "ServerErrorTemporaryError"


# -- status ------------------------------------------------------------------------------------------


@pytest.mark.conformance(133, 134, 242)
def test_an_idle_scanner() -> None:
    """An idle scanner has a reason, an empty list of conditions, and no history."""
    status = section(ScanServiceBench(), "ScannerStatus")
    assert names(status) == ["ScannerCurrentTime", "ScannerState", "ScannerStateReasons", "ActiveConditions"]
    assert text(status, "ScannerState") == "Idle"
    assert texts(status, "ScannerStateReasons/ScannerStateReason") == ["None"]
    assert names(status[3]) == []


@pytest.mark.conformance(135)
def test_the_clock_runs() -> None:
    """ScannerCurrentTime is a date that advances with time."""
    bench = ScanServiceBench()
    before = datetime.fromisoformat(text(section(bench, "ScannerStatus"), "ScannerCurrentTime"))
    bench.clock.advance(90)
    after = datetime.fromisoformat(text(section(bench, "ScannerStatus"), "ScannerCurrentTime"))
    assert (after - before).total_seconds() == 90
    assert after.utcoffset() is not None


@pytest.mark.conformance(136, 137, 244, 245, 247, 248, 249)
def test_conditions_come_and_go() -> None:
    """A condition is listed with an Id of its own and ends in the history with a ClearTime; no Id is used again."""
    bench = ScanServiceBench()
    bench.scanner.status.add(ConditionName.MEDIA_JAM, Component.ADF, Severity.CRITICAL)
    status = section(bench, "ScannerStatus")
    assert text(status, "ScannerState") == "Stopped"
    assert texts(status, "ScannerStateReasons/ScannerStateReason") == ["MediaJam"]
    (condition,) = status.findall(f"{{{ns.WSCN}}}ActiveConditions/{{{ns.WSCN}}}DeviceCondition")
    assert dict(condition.attrib) == {"Id": "1"}
    assert names(condition) == ["Time", "Name", "Component", "Severity"]

    bench.clock.advance(5)
    bench.scanner.status.clear()
    bench.scanner.status.add(ConditionName.INPUT_TRAY_EMPTY, Component.ADF, Severity.INFORMATIONAL)
    status = section(bench, "ScannerStatus")
    assert text(status, "ScannerState") == "Idle"
    (entry,) = status.findall(f"{{{ns.WSCN}}}ConditionHistory/{{{ns.WSCN}}}ConditionHistoryEntry")
    assert dict(entry.attrib) == {"Id": "1"}
    assert names(entry) == ["Time", "Name", "Component", "Severity", "ClearTime"]
    assert text(entry, "Time") < text(entry, "ClearTime")
    (active,) = status.findall(f"{{{ns.WSCN}}}ActiveConditions/{{{ns.WSCN}}}DeviceCondition")
    assert dict(active.attrib) == {"Id": "2"}
    bench.scanner.status.clear()
    assert bench.scanner.status.add(ConditionName.MEDIA_JAM, Component.ADF, Severity.CRITICAL).id == 3


def test_several_reasons() -> None:
    """All that stops the scanner is told."""
    bench = ScanServiceBench()
    bench.scanner.status.add(ConditionName.COVER_OPEN, Component.ADF, Severity.CRITICAL)
    bench.scanner.status.stop("supervisor", StateReason.ATTENTION_REQUIRED)
    reasons = texts(section(bench, "ScannerStatus"), "ScannerStateReasons/ScannerStateReason")
    assert reasons == ["CoverOpen", "AttentionRequired"]


# -- default ticket ----------------------------------------------------------------------------------


@pytest.mark.conformance(131)
def test_default_ticket() -> None:
    """The default ticket has a value for every option, and no mark on any."""
    ticket = section(ScanServiceBench(), "DefaultScanTicket")
    parameters = ticket[1]
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
    assert texts(parameters, "MediaSides/MediaFront/ScanRegion/ScanRegionWidth") == ["8500"]
    assert names(parameters.find(f"{{{ns.WSCN}}}Exposure")[0]) == ["Contrast", "Brightness", "Sharpness"]
    assert not [element for element in ticket.iter() if element.attrib]


def test_defaults_are_the_owners() -> None:
    """The owner's wishes for defaults show in the default ticket where the scanner has them."""
    defaults = Defaults((Format.PNG,), (ColorMode.GRAYSCALE_8,), resolution=140, quality=50, job_name="Post")
    ticket = section(ScanServiceBench(defaults=defaults), "DefaultScanTicket")
    assert text(ticket, "JobDescription/JobName") == "Post"
    assert [text(ticket, f"DocumentParameters/{name}") for name in ("Format", "CompressionQualityFactor")] == [
        "png",
        "100",
    ]
    front = "DocumentParameters/MediaSides/MediaFront"
    assert text(ticket, f"{front}/ColorProcessing") == "Grayscale8"
    assert text(ticket, f"{front}/Resolution/Width") == "150"


@pytest.mark.conformance(132)
@pytest.mark.parametrize("capabilities", [FLATBED, MULTI_FUNCTION, Capabilities(tuple(Format), None, FEEDER)])
def test_the_default_ticket_makes_a_job(capabilities: Capabilities) -> None:
    """The default ticket, sent back as it came, validates and makes a job."""
    bench = ScanServiceBench(capabilities)
    default = section(bench, "DefaultScanTicket")
    default.tag = f"{{{ns.WSCN}}}ScanTicket"
    xml = etree.tostring(default).decode()
    validated = bench.ask("ValidateScanTicket", f"<sca:ValidateScanTicketRequest>{xml}</sca:ValidateScanTicketRequest>")
    assert text(validated, "ValidationInfo/ValidTicket") == "true"
    assert bench.create(xml)[0] == 1


def test_sections_for_events() -> None:
    """Events of changed elements are made of the same parts."""
    bench = ScanServiceBench()
    sections = bench.service.sections()
    assert list(sections) == SECTIONS
    assert [ns.local_name(str(build().tag)) for build in sections.values()] == SECTIONS


def test_capabilities_may_change() -> None:
    """What the scanner learns to do while the daemon runs is told at the next request."""
    bench = ScanServiceBench(FLATBED)
    bench.scanner.capabilities = MULTI_FUNCTION
    assert "ADF" in names(section(bench, "ScannerConfiguration"))
