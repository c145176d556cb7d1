"""Sweeps over the samples: each place of each message is changed in one way, and only what is listed may pass.

The lists are the whole freedom that the schemas leave. What is not in them is noticed wherever it occurs.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest
from lxml import etree

from tests.schema.samples import NAMES, sample
from tests.schema.tables import WSCN
from tests.schema_check import SchemaViolation, check_message

Place = tuple[str, str]
"""Local names of a parent and its child element, or of an element and its attribute."""

Mutation = Callable[[etree._Element], Place | None]
"""Changes a message at one element and tells the place, or returns None where that change makes no sense."""

def _places(text: str) -> set[Place]:
    """Return the places in `text`: on each line a parent, a colon, and its children."""
    lines = (line.split(":") for line in text.strip().splitlines())
    return {(parent.strip(), child) for parent, children in lines for child in children.split()}


DROPPABLE = _places("""
    ADFColor: ColorEntry
    ADFOpticalResolution: Height
    ActiveConditions: DeviceCondition
    ActiveJobs: JobSummary
    ContentTypesSupported: ContentTypeValue
    CreateScanJobRequest: DestinationToken ScanIdentifier
    DestinationResponses: DestinationResponse
    DocumentFinalParameters/MediaSides: MediaBack
    DocumentParameters: CompressionQualityFactor ContentType Exposure Format ImagesToTransfer
    DocumentParameters: InputSize InputSource MediaSides Rotation Scaling
    Documents: Document
    ElementChanges: DefaultScanTicket ScannerConfiguration
    EndTo: ReferenceParameters
    ExposureSettings: Brightness Contrast Sharpness
    Fault: Detail
    FormatsSupported: FormatValue
    Header: From Identifier NotUnderstood RelatesTo ReplyTo Session
    Hello: Scopes XAddrs
    Host: Types
    JobDescription: JobInformation
    JobElements: ElementData
    JobEndState: JobCompletedTime
    JobHistory: JobSummary
    MediaFront: ColorProcessing Resolution ScanRegion
    NotifyTo: ReferenceParameters
    PlatenColor: ColorEntry
    PlatenOpticalResolution: Height
    Probe: Scopes Types
    ProbeMatches: ProbeMatch
    Relationship: Host
    Renew: Expires
    RequestedElements: Name
    Resolution: Height
    ResolveMatches: ResolveMatch
    RotationsSupported: RotationValue
    ScanDestinations: ScanDestination
    ScanRegion: ScanRegionXOffset ScanRegionYOffset
    ScanTicket: DocumentParameters
    ScannerConfiguration: ADF Platen
    ScannerDescription: ScannerInfo ScannerLocation
    ScannerElements: ElementData
    ScannerStateReasons: ScannerStateReason
    ScannerStatus: ConditionHistory
    StatusSummary: ScannerStateReasons
    Subscribe: EndTo Expires Filter ScanDestinations
    SubscribeResponse: DestinationResponses
    SubscriptionEnd: Reason
    ThisDevice: ContainerId FirmwareVersion SerialNumber
    ThisModel: DeviceCategory ManufacturerUrl ModelNumber ModelUrl PresentationUrl
    ValidScanTicket: DocumentParameters
""")
"""What may be missing: optional elements, and one of several alike.

RelatesTo is optional in faults only, DeviceCategory of ThisModel is the one of Device Foundation.
"""

REPEATABLE = _places("""
    Detail: RequestedElements SupportedDeliveryMode SupportedDialect
    Documents: Document
    Header: NotUnderstood Session
    Hosted: EndpointReference
    JobElements: ElementData
    ReferenceParameters: Identifier
    RequestedElements: Name
    ScanDestinations: ScanDestination
    ScannerDescription: ScannerInfo ScannerLocation ScannerName
    ScannerElements: ElementData
    SubscriptionEnd: Reason
    ThisDevice: FriendlyName
    ThisModel: Manufacturer ModelName
""")
"""What may be there twice with the same content."""

OPEN_TO_ELEMENTS = _places("""
    Detail: RequestedElements
    EndTo: ReferenceParameters
    Envelope: Header
    Header: Session
    NotifyTo: ReferenceParameters
""")
"""Where foreign elements may stand. The Detail is that of InvalidArgs, which holds the invalid argument itself."""

OPEN_TO_ATTRIBUTES = _places("""
    Detail: RequestedElements
    Header: Identifier Session
    ReferenceParameters: Identifier
""")
"""Where foreign attributes may stand: on what a client wrote."""

FREE_TEXT = _places("""
    CreateScanJobRequest: DestinationToken ScanIdentifier
    CreateScanJobResponse: JobToken
    DefaultScanTicket/JobDescription: JobName JobOriginatingUserName
    DestinationResponse: ClientContext DestinationToken
    Detail: RequestedElements
    DocumentDescription: DocumentName
    Header: Identifier RelatesTo Session
    JobDescription: JobInformation JobName JobOriginatingUserName
    JobEndState: JobName JobOriginatingUserName
    JobSummary: JobName JobOriginatingUserName
    ProblemAction: Action
    Reason: Text
    ReferenceParameters: Identifier
    RetrieveImageRequest: JobToken
    ScanAvailableEvent: ClientContext ScanIdentifier
    ScanDestination: ClientContext ClientDisplayName
    ScannerDescription: ScannerInfo ScannerLocation ScannerName
    SubscriptionEnd: Reason
    ThisDevice: FirmwareVersion FriendlyName SerialNumber
    ThisModel: Manufacturer ModelName ModelNumber
""")
"""What people, clients and vendors choose."""

DROPPABLE_ATTRIBUTES = _places("""
    AppSequence: SequenceId
    ColorProcessing: MustHonor
    CompressionQualityFactor: UsedDefault
    ContentType: UsedDefault
    Delivery: Mode
    Exposure: MustHonor
    Format: MustHonor
    FriendlyName: lang
    ImagesToTransfer: MustHonor
    InputSize: MustHonor
    InputSource: MustHonor
    Resolution: MustHonor
    Rotation: MustHonor
    Scaling: MustHonor
    ScanRegionWidth: Override
    ScanRegionXOffset: MustHonor UsedDefault
    ScanRegionYOffset: MustHonor UsedDefault
    ScannerName: lang
    Scopes: MatchBy
    Session: kind
    Sharpness: UsedDefault
    Width: Override
""")
"""Attributes that may be missing."""


def test_order_matters_everywhere() -> None:
    """Two neighbours that change places are noticed everywhere but among header blocks."""

    def swap(element: etree._Element) -> Place | None:
        following = element.getnext()
        if following is None or following.tag == element.tag or _copied_or_header(element):
            return None
        following.addnext(element)
        return _place(element)

    assert survivors(swap) == set()


def test_only_optional_elements_may_be_missing() -> None:
    """Exactly the optional elements, and one of several alike, may be taken away."""

    def drop(element: etree._Element) -> Place:
        place = _place(element)
        element.getparent().remove(element)
        return place

    assert survivors(drop) == DROPPABLE


def test_only_repeatable_elements_may_be_doubled() -> None:
    """Exactly the repeatable elements may be there once more."""

    def double(element: etree._Element) -> Place:
        element.addnext(deepcopy(element))
        return _place(element)

    assert survivors(double) == REPEATABLE


def test_strangers_only_where_reference_parameters_go() -> None:
    """A foreign element is let in only among header blocks, reference parameters and a client's own content."""

    def let_in(element: etree._Element) -> Place:
        etree.SubElement(element, "{http://example.org/stranger}Guest")
        return _place(element)

    assert survivors(let_in) == OPEN_TO_ELEMENTS


@pytest.mark.parametrize("name", ["{http://example.org/stranger}guest", "guest"])
def test_no_attributes_of_strangers(name: str) -> None:
    """An unknown attribute is noticed everywhere but on a copy of a client's content."""

    def decorate(element: etree._Element) -> Place:
        element.set(name, "1")
        return _place(element)

    assert survivors(decorate) <= OPEN_TO_ATTRIBUTES


@pytest.mark.parametrize(
    "namespace",
    [
        "http://example.org/other",
        "http://schemas.microsoft.com/windows/2006/01/wdp/scan",
        "https://schemas.microsoft.com/windows/2006/08/wdp/scan",
        "http://www.w3.org/2005/08/addressing",
    ],
)
def test_other_namespace_is_noticed(namespace: str) -> None:
    """An element of ours in another namespace is noticed wherever it cannot be taken for a reference parameter."""

    def move(element: etree._Element) -> Place | None:
        if _copied_or_header(element):
            return None
        element.tag = f"{{{namespace}}}{etree.QName(element).localname}"
        return _place(element)

    assert survivors(move) == set()


def test_misspelt_names_are_noticed() -> None:
    """An element with one letter too many in its name is noticed everywhere but in a client's own content."""

    def misspell(element: etree._Element) -> Place | None:
        if _place(element) == ("Header", "Session"):
            return None
        place = _place(element)
        element.tag += "s"
        return place

    assert survivors(misspell) == {("Detail", "RequestedElements")}


def test_only_free_text_is_free() -> None:
    """Exactly the texts that people, clients and vendors choose may hold anything."""

    def scribble(element: etree._Element) -> Place | None:
        if len(element):
            return None
        element.text = "no such value"
        return _place(element)

    assert survivors(scribble) == FREE_TEXT


def test_required_attributes() -> None:
    """Exactly the optional attributes may be missing."""

    def strip(element: etree._Element) -> Iterator[Place]:
        for name in list(element.attrib):
            value = element.attrib.pop(name)
            yield _attribute(element, name)
            element.set(name, value)

    assert attribute_survivors(strip) == DROPPABLE_ATTRIBUTES


def test_attribute_values() -> None:
    """No attribute may hold just anything, but one of a client's."""

    def scribble(element: etree._Element) -> Iterator[Place]:
        for name, value in list(element.attrib.items()):
            element.set(name, "no such value")
            yield _attribute(element, name)
            element.set(name, value)

    assert attribute_survivors(scribble) == {("Session", "kind")}


def test_attribute_qualification() -> None:
    """Name, Valid and Id are unqualified, MustHonor, Override and UsedDefault qualified, and never the other way."""

    def requalify(element: etree._Element) -> Iterator[Place]:
        for name, value in list(element.attrib.items()):
            local, namespace = etree.QName(name).localname, etree.QName(name).namespace
            del element.attrib[name]
            other = local if namespace else f"{{{WSCN}}}{local}"
            element.set(other, value)
            yield _attribute(element, name)
            del element.attrib[other]
            element.set(name, value)

    assert attribute_survivors(requalify) == {("Session", "kind")}


def survivors(mutate: Mutation) -> set[Place]:
    """Return the places where `mutate`, applied to each element of each sample in turn, goes unnoticed."""
    return {place for name in NAMES for place, message in _mutants(sample(name), mutate) if _passes(message)}


def attribute_survivors(mutate: Callable[[etree._Element], Iterator[Place]]) -> set[Place]:
    """Return what goes unnoticed of the changes that `mutate` makes and takes back, one after the other."""
    unnoticed = set()
    for name in NAMES:
        envelope = etree.fromstring(sample(name))
        for element in list(envelope.iter(etree.Element)):
            unnoticed |= {place for place in mutate(element) if _passes(envelope)}
    return unnoticed


def _mutants(data: bytes, mutate: Mutation) -> Iterator[tuple[Place, etree._Element]]:
    """Yield the message in `data` once per element below Envelope, mutated there, with the place."""
    original = etree.fromstring(data)
    for index in range(1, sum(1 for _ in original.iter(etree.Element))):
        copy = deepcopy(original)
        place = mutate(list(copy.iter(etree.Element))[index])
        if place is not None:
            yield place, copy


def _passes(envelope: etree._Element) -> bool:
    try:
        check_message(etree.tostring(envelope, xml_declaration=True, encoding="UTF-8"))
    except SchemaViolation:
        return False
    return True


def _place(element: etree._Element) -> Place:
    """Return where `element` is; in the device's own tickets other things are optional than in a client's."""
    parent = etree.QName(element.getparent()).localname
    for ancestor in element.getparent().iterancestors():
        section = etree.QName(ancestor).localname
        if section in ("DefaultScanTicket", "DocumentFinalParameters"):
            return f"{section}/{parent}", etree.QName(element).localname
    return parent, etree.QName(element).localname


def _attribute(element: etree._Element, name: str) -> Place:
    return etree.QName(element).localname, etree.QName(name).localname


def _copied_or_header(element: etree._Element) -> bool:
    return etree.QName(element.getparent()).localname in ("Header", "ReferenceParameters")
