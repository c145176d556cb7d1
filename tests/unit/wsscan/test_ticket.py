"""ScanTicket: read in any order, written in the schema's."""

from __future__ import annotations

import pytest

from bridge.errors import InvalidArgument
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Element, write_envelope
from bridge.soap.parser import parse_xml
from bridge.wsscan import parameters as at
from bridge.wsscan.parameters import BACK, FRONT
from bridge.wsscan.ticket import ScanTicket, read_ticket, write_ticket
from tests.fakes.scan_service import names, text
from tests.fakes.tickets import MINIMAL, WINDOWS_10, sane_airscan, ticket_xml, wsd_python


def element(xml: str, namespace: str = ns.WSCN) -> Element:
    """The ticket `xml` as an element, its prefix sca bound to `namespace`."""
    return parse_xml(xml.replace("<sca:ScanTicket>", f'<sca:ScanTicket xmlns:sca="{namespace}">', 1).encode())


def read(parameters: str) -> ScanTicket:
    """A ticket with `parameters`."""
    return read_ticket(element(ticket_xml(parameters)))


def write(ticket: ScanTicket) -> Element:
    """`ticket` written, and checked as part of a whole message."""
    info = WSCN_E("ValidationInfo", WSCN_E("ValidTicket", "false"))
    side = ("PixelsPerLine", "NumberOfLines", "BytesPerLine")
    front = WSCN_E("MediaFrontImageInfo", *(WSCN_E(name, "1") for name in side))
    info.append(WSCN_E("ImageInformation", front))
    info.append(write_ticket(ticket, "ValidScanTicket"))
    answer = WSCN_E("ValidateScanTicketResponse", info)
    write_envelope(f"{ns.WSCN}/ValidateScanTicketResponse", answer, relates_to="urn:uuid:1")
    return write_ticket(ticket)


@pytest.mark.conformance(139)
def test_a_ticket_may_have_no_parameters() -> None:
    """JobDescription is all that a ticket needs."""
    ticket = read_ticket(element(MINIMAL))
    assert (ticket.name, ticket.user, ticket.information) == ("letters", "ada", None)
    assert ticket.parameters is None
    assert names(write(ticket)) == ["JobDescription"]


@pytest.mark.conformance(138)
def test_order_does_not_matter() -> None:
    """The children of sane-airscan's ticket are found although they are not in schema order."""
    ticket = read_ticket(element(sane_airscan()))
    assert ticket.keyword(at.SOURCE) == "Platen"
    assert ticket.keyword(FRONT + at.COLOR) == "Grayscale8"
    assert ticket.number(FRONT + at.REGION_X) == 1000
    assert ticket.number(at.MEDIA_HEIGHT) == 3000


@pytest.mark.conformance(138, 238)
def test_it_is_written_in_schema_order() -> None:
    """A ticket that came in another order is written in the schema's, with everything that was in it."""
    written = write(read_ticket(element(sane_airscan("ADFDuplex"))))
    assert names(written[1]) == ["Format", "ImagesToTransfer", "InputSource", "InputSize", "MediaSides"]
    assert names(written[1][-1][1]) == ["ScanRegion", "ColorProcessing", "Resolution"]
    assert read_ticket(written) == read_ticket(element(sane_airscan("ADFDuplex")))


@pytest.mark.conformance(238)
def test_the_windows_ticket_is_written_as_it_came() -> None:
    """Windows' ticket comes back with the same values, texts and MustHonor marks."""
    came = element(WINDOWS_10)
    written = write(read_ticket(came))
    assert [(e.tag, (e.text or "").strip(), dict(e.attrib)) for e in written.iter()] == [
        (e.tag, (e.text or "").strip(), dict(e.attrib)) for e in came.iter()
    ]


@pytest.mark.conformance(213)
def test_names_are_kept() -> None:
    """JobName, JobOriginatingUserName and JobInformation are kept to the character, white space too."""
    xml = MINIMAL.replace("letters", "  a &lt;b&gt; \n").replace("ada", " é ")
    xml = xml.replace("</sca:JobDescription>", "<sca:JobInformation> x </sca:JobInformation></sca:JobDescription>")
    ticket = read_ticket(element(xml))
    assert (ticket.name, ticket.user, ticket.information) == ("  a <b> \n", " é ", " x ")
    assert text(write(ticket), "JobDescription/JobName") == "  a <b> \n"


@pytest.mark.parametrize("missing", ["JobName", "JobOriginatingUserName"])
@pytest.mark.conformance(296)
def test_a_missing_name_is_refused(missing: str) -> None:
    """The two names of JobDescription are mandatory."""
    xml = MINIMAL.replace(f"<sca:{missing}>", "<sca:Other>").replace(f"</sca:{missing}>", "</sca:Other>")
    with pytest.raises(InvalidArgument) as caught:
        read_ticket(element(xml))
    assert caught.value.argument == missing


@pytest.mark.parametrize(
    ("parameters", "argument"),
    [
        ("<sca:Scaling><sca:ScalingWidth>100</sca:ScalingWidth></sca:Scaling>", "ScalingHeight"),
        ("<sca:MediaSides/>", "MediaFront"),
        (
            "<sca:MediaSides><sca:MediaFront><sca:ScanRegion><sca:ScanRegionWidth>5</sca:ScanRegionWidth>"
            "</sca:ScanRegion></sca:MediaFront></sca:MediaSides>",
            "ScanRegionHeight",
        ),
        (
            "<sca:MediaSides><sca:MediaFront><sca:Resolution><sca:Height>5</sca:Height></sca:Resolution>"
            "</sca:MediaFront></sca:MediaSides>",
            "Width",
        ),
        ("<sca:InputSize><sca:InputMediaSize><sca:Width>5</sca:Width></sca:InputMediaSize></sca:InputSize>", "Height"),
    ],
)
@pytest.mark.conformance(296)
def test_half_a_container_is_refused(parameters: str, argument: str) -> None:
    """A container without a child that the schema wants is an invalid argument, named in the error."""
    with pytest.raises(InvalidArgument) as caught:
        read(parameters)
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("parameters", "argument"),
    [
        ("<sca:Format></sca:Format>", "Format"),
        ("<sca:ImagesToTransfer>many</sca:ImagesToTransfer>", "ImagesToTransfer"),
        ("<sca:Exposure><sca:AutoExposure>maybe</sca:AutoExposure></sca:Exposure>", "AutoExposure"),
        ('<sca:Format sca:MustHonor="perhaps">jfif</sca:Format>', "Format"),
        ("<sca:Rotation>0</sca:Rotation><sca:Rotation>90</sca:Rotation>", "Rotation"),
    ],
)
def test_what_cannot_be_read_is_named(parameters: str, argument: str) -> None:
    """A value that is not of its type, or is there twice, is an invalid argument, named in the error."""
    with pytest.raises(InvalidArgument) as caught:
        read(parameters)
    assert caught.value.argument == argument


@pytest.mark.conformance(140)
def test_keywords_numbers_and_switches_are_trimmed() -> None:
    """White space around a value of DocumentParameters does not matter."""
    ticket = read(
        "<sca:Format>\n jfif </sca:Format><sca:ImagesToTransfer> 3\n</sca:ImagesToTransfer>"
        "<sca:Exposure><sca:AutoExposure> true </sca:AutoExposure></sca:Exposure>"
    )
    assert (ticket.keyword(at.FORMAT), ticket.number(at.IMAGES), ticket.switch(at.AUTO_EXPOSURE)) == ("jfif", 3, True)


def test_known_keywords_lose_their_odd_case() -> None:
    """A keyword of the standard is recognised in any case; an unknown one stays as it is."""
    side = "<sca:MediaSides><sca:MediaFront>{}</sca:MediaFront></sca:MediaSides>".format(
        "<sca:ColorProcessing>{}</sca:ColorProcessing>"
    )
    assert read(side.format("GrayScale4")).keyword(FRONT + at.COLOR) == "Grayscale4"
    assert read(side.format("vnd:Sepia")).keyword(FRONT + at.COLOR) == "vnd:Sepia"


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ('sca:MustHonor="true"', True),
        ('sca:MustHonor="1"', True),
        ('MustHonor=" true "', True),
        ('MustHonor="1"', True),
        ('sca:MustHonor="false"', False),
        ('sca:MustHonor="0"', False),
        ('MustHonor="0"', False),
        ("", False),
        ('xmlns:o="urn:o" o:MustHonor="true"', False),
    ],
)
@pytest.mark.conformance(25, 141, 142)
def test_must_honor(attribute: str, expected: bool) -> None:
    """MustHonor is 0, 1, true or false, qualified or not; an attribute of that name from elsewhere is ignored."""
    ticket = read(f"<sca:Rotation {attribute}>0</sca:Rotation>")
    assert ticket.honors(at.ROTATION) is expected


def test_must_honor_covers_what_is_inside() -> None:
    """On a container MustHonor holds for everything in it, and is written where the schema has it."""
    ticket = read(
        '<sca:MediaSides sca:MustHonor="true"><sca:MediaFront><sca:ScanRegion>'
        "<sca:ScanRegionWidth>5</sca:ScanRegionWidth><sca:ScanRegionHeight>6</sca:ScanRegionHeight></sca:ScanRegion>"
        "<sca:Resolution><sca:Width>300</sca:Width></sca:Resolution></sca:MediaFront></sca:MediaSides>"
    )
    assert ticket.honors(FRONT + at.REGION_WIDTH)
    assert ticket.honors(FRONT + at.RESOLUTION_WIDTH)
    assert not ticket.honors(FRONT + at.RESOLUTION_HEIGHT), "what is not there cannot be honoured"
    marked = [ns.local_name(str(e.tag)) for e in write(ticket).iter() if e.attrib]
    assert marked == ["ScanRegionWidth", "ScanRegionHeight", "Resolution"]


@pytest.mark.conformance(24, 143)
def test_unknown_elements_are_forgotten() -> None:
    """An element that nobody knows is left out, wherever it stands."""
    ticket = read(
        '<sca:Sparkle>3</sca:Sparkle><o:More xmlns:o="urn:o"><sca:Format>png</sca:Format></o:More>'
        "<sca:Format>jfif</sca:Format>"
    )
    assert ticket.parameters == {at.FORMAT: "jfif"}
    assert ticket.strangers == ()


def test_unknown_elements_that_must_be_honoured_are_remembered() -> None:
    """An element that nobody knows and that must be honoured is kept by name."""
    ticket = read(
        '<sca:Sparkle sca:MustHonor="1">3</sca:Sparkle>'
        '<sca:Scaling><o:More xmlns:o="urn:o" sca:MustHonor="true"/>'
        "<sca:ScalingWidth>100</sca:ScalingWidth><sca:ScalingHeight>100</sca:ScalingHeight></sca:Scaling>"
    )
    assert ticket.strangers == ("Sparkle", "More")


def test_one_alternative_of_a_choice_is_kept() -> None:
    """A switch that is off gives way to what stands beside it, one that is on does not."""
    ticket = read_ticket(element(wsd_python()))
    assert at.SIZE_AUTO_DETECT not in ticket
    assert ticket.number(at.MEDIA_WIDTH) == 8500
    on = read_ticket(element(wsd_python().replace("False", "True")))
    assert on.switch(at.SIZE_AUTO_DETECT)
    assert at.MEDIA_WIDTH not in on
    assert "InputSize/InputMediaSize" not in on
    write(on)


def test_an_empty_choice_is_nothing() -> None:
    """InputSize and Exposure without content say nothing; they could not be written back."""
    ticket = read('<sca:InputSize sca:MustHonor="1"/><sca:Exposure/><sca:Format>jfif</sca:Format>')
    assert ticket.parameters == {at.FORMAT: "jfif"}
    assert ticket.honored == frozenset()


def test_the_old_namespace_is_answered_in_the_new_one() -> None:
    """WSD-python's 2006/01 ticket is read, and written in 2006/08."""
    xml = WINDOWS_10.replace("8500", "8400")
    old, new = (read_ticket(element(xml, namespace)) for namespace in (ns.WSCN_2006_01, ns.WSCN))
    assert old == new
    assert {ns.WSCN} == {str(e.tag)[1:].partition("}")[0] for e in write(old).iter()}


@pytest.mark.conformance(168)
def test_corrections_change_only_what_is_there() -> None:
    """A corrected ticket has the same description and the same elements."""
    ticket = read("<sca:Format>jfif</sca:Format><sca:Rotation>90</sca:Rotation>")
    corrected = ticket.corrected({at.ROTATION: "0", at.IMAGES: 3, BACK + at.COLOR: "RGB24"})
    assert corrected.parameters == {at.FORMAT: "jfif", at.ROTATION: "0"}
    assert (corrected.name, corrected.user) == (ticket.name, ticket.user)


def test_every_parameter_has_its_place() -> None:
    """A ticket with every parameter there is comes out valid, and in the order of the schema."""
    values: dict[str, str | int | bool] = {
        leaf.path: (leaf.words[0] if leaf.words else max(1, leaf.lowest))
        for leaf in at.LEAVES.values()
        if leaf.path not in (at.SIZE_AUTO_DETECT, at.AUTO_EXPOSURE)
    }
    ticket = ScanTicket("n", "u", "i", at.with_containers(values), frozenset(at.ORDER))
    written = write(ticket)
    assert read_ticket(written).parameters == ticket.parameters
