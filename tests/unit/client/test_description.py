"""What a scanner tells of itself, as the client understands it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from bridge.client.description import MAX_NUMBER, read_description, read_number
from bridge.client.errors import BadAnswer
from bridge.scanner.model import Capabilities, ColorMode, Format, Resolution, Size
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Element
from bridge.wsscan.configuration import ScannerNames, scanner_configuration, scanner_description
from tests.fakes.scan_service import FLATBED, MULTI_FUNCTION, scan_offer


def answer(*sections: Element) -> Element:
    """A GetScannerElementsResponse with `sections`."""
    data = (WSCN_E.ElementData(section, Name="wscn:any", Valid="true") for section in sections)
    response: Element = WSCN_E.GetScannerElementsResponse(WSCN_E.ScannerElements(*data))
    return response


def parsed(text: str) -> Element:
    """A section as a device writes it."""
    element: Element = etree.fromstring(f'<root xmlns="{ns.WSCN}">{text}</root>')[0]
    return element


@pytest.mark.parametrize("capabilities", [FLATBED, MULTI_FUNCTION])
def test_our_own_description_comes_back(capabilities: Capabilities) -> None:
    """What our service writes about a scanner is read as the same abilities."""
    configuration = scanner_configuration(scan_offer(capabilities))
    names = scanner_description(ScannerNames("LiDE (pi)", "", ""))

    description = read_description(answer(names, configuration))

    assert description.name == "LiDE (pi)"
    assert set(description.capabilities.formats) == set(capabilities.formats)
    assert replace(description.capabilities, formats=()) == replace(capabilities, formats=())


STATUS = """<ScannerStatus><ScannerState> Stopped </ScannerState><ScannerStateReasons>
<ScannerStateReason>None</ScannerStateReason><ScannerStateReason> MediaJam</ScannerStateReason>
</ScannerStateReasons></ScannerStatus>"""


def test_the_state() -> None:
    """State and reasons are trimmed, and the reason None is none."""
    description = read_description(answer(parsed("<ScannerConfiguration/>"), parsed(STATUS)))

    assert (description.state, description.reasons) == ("Stopped", ("MediaJam",))


def test_a_device_that_says_little() -> None:
    """What is missing is empty, not an error."""
    description = read_description(answer(parsed("<ScannerConfiguration/>")))

    assert (description.name, description.state, description.reasons) == ("", "", ())
    assert description.capabilities == Capabilities(())


PLATEN = """<ScannerConfiguration><DeviceSettings><FormatsSupported><FormatValue>XPS</FormatValue>
<FormatValue>JFIF</FormatValue><FormatValue>jfif</FormatValue></FormatsSupported></DeviceSettings><Platen>
<PlatenResolutions><Widths><Width>600</Width><Width>100</Width><Width>0</Width></Widths>{heights}</PlatenResolutions>
<PlatenColor><ColorEntry>GrayScale8</ColorEntry><ColorEntry>Grayscale4</ColorEntry></PlatenColor>
{maximum}</Platen></ScannerConfiguration>"""
MAXIMUM = "<PlatenMaximumSize><Width>8500</Width><Height>11700</Height></PlatenMaximumSize>"


def test_keywords_that_nobody_knows() -> None:
    """Unknown formats and colours are passed over; capitals do not matter."""
    capabilities = read_description(answer(parsed(PLATEN.format(heights="", maximum=MAXIMUM)))).capabilities

    assert capabilities.formats == (Format.JFIF,)
    assert capabilities.platen is not None
    assert capabilities.platen.colors == (ColorMode.GRAYSCALE_8,)


@pytest.mark.parametrize(
    ("heights", "resolutions"),
    [
        ("", (100, 600)),
        ("<Heights><Height>600</Height><Height>300</Height></Heights>", (600,)),
        ("<Heights><Height>1</Height></Heights>", (100, 600)),
    ],
)
def test_resolutions_of_both_axes(heights: str, resolutions: tuple[int, ...]) -> None:
    """What both axes can do counts; without heights, or with none in common, the widths do."""
    capabilities = read_description(answer(parsed(PLATEN.format(heights=heights, maximum=MAXIMUM)))).capabilities

    assert capabilities.platen is not None
    assert capabilities.platen.resolutions == resolutions
    assert capabilities.platen.optical_resolution == Resolution(resolutions[-1], resolutions[-1])
    assert capabilities.platen.minimum == Size(1, 1)


def test_a_source_without_size() -> None:
    """A source that does not tell its size cannot be used."""
    capabilities = read_description(answer(parsed(PLATEN.format(heights="", maximum="")))).capabilities

    assert capabilities.platen is None


def test_duplex_without_a_back() -> None:
    """A feeder that says duplex and describes one side scans both alike."""
    text = etree.tostring(scanner_configuration(scan_offer(MULTI_FUNCTION)))
    configuration = etree.fromstring(text)
    back = configuration.find(f".//{{{ns.WSCN}}}ADFBack")
    back.getparent().remove(back)

    capabilities = read_description(answer(configuration)).capabilities

    assert capabilities.adf_back == capabilities.adf_front != None  # noqa: E711


def test_no_duplex_with_a_back() -> None:
    """A feeder that describes a back and says it has no duplex has none."""
    text = etree.tostring(scanner_configuration(scan_offer(MULTI_FUNCTION)))
    configuration = etree.fromstring(text.replace(b"ADFSupportsDuplex>true", b"ADFSupportsDuplex>false"))

    assert read_description(answer(configuration)).capabilities.adf_back is None


def test_something_else() -> None:
    """Another answer, or one without a configuration, is refused."""
    with pytest.raises(BadAnswer):
        read_description(WSCN_E.CancelJobResponse())
    with pytest.raises(BadAnswer):
        read_description(answer())


@pytest.mark.parametrize(
    ("text", "number"),
    [("300", 300), ("0", 0), ("", 0), ("-1", 0), ("3.5", 0), ("٣", 0), ("9" * 20, MAX_NUMBER), ("9" * 5000, 0)],
)
def test_numbers(text: str, number: int) -> None:
    """A number is decimal digits within xs:int; everything else is 0."""
    assert read_number(text) == number
