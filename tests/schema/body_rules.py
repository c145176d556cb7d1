"""Rules between the values of one body, which XSD 1.0 cannot express."""

from collections.abc import Callable, Iterable
from datetime import datetime

from lxml import etree

from tests.schema.names import clark_name, clark_names, local_name, own_elements
from tests.schema.tables import PNPX, WSA, WSCN, WSD, WSDP, WSE, WSX
from tests.schema.violation import violation

Rule = Callable[[etree._Element], None]

DEVICE_TYPES = frozenset((f"{{{WSDP}}}Device", f"{{{WSCN}}}ScanDeviceType"))
SERVICE_TYPE = f"{{{WSCN}}}ScannerServiceType"
ENDED_STATES = frozenset(("Canceled", "Aborted", "Completed"))
UNCOMPRESSED_TIFF = frozenset(("tiff-single-uncompressed", "tiff-multi-uncompressed"))
BITS_PER_PIXEL = {
    "BlackAndWhite1": 1, "Grayscale4": 4, "Grayscale8": 8, "Grayscale16": 16,
    "RGB24": 24, "RGB48": 48, "RGBa32": 32, "RGBa64": 64,
}  # fmt: skip

_NS = {"wsa": WSA, "wsd": WSD, "wsdp": WSDP, "wsx": WSX, "wse": WSE, "wscn": WSCN, "pnpx": PNPX}


def check_body(envelope: etree._Element) -> None:
    """Apply every rule to the elements it is about, anywhere in the Body of a schema-valid `envelope`.

    Raises SchemaViolation.
    """
    for element in own_elements(envelope[-1]):
        rule = RULES.get(element.tag)
        if rule is not None:
            rule(element)


def _text(element: etree._Element, path: str) -> str:
    return element.findtext(path, "", _NS)


def _number(element: etree._Element, path: str) -> int:
    return int(_text(element, path))


def _need(holds: bool, what: str, piece: etree._Element) -> None:
    if not holds:
        raise violation(what, piece)


def _time(element: etree._Element, path: str) -> datetime:
    return datetime.fromisoformat(_text(element, path))


def _distinct(values: Iterable[object]) -> bool:
    values = list(values)
    return len(values) == len(set(values))


# ---------------------------------------------------------------- discovery and metadata


def _device_address(element: etree._Element) -> None:
    address = _text(element, "wsa:EndpointReference/wsa:Address")
    _need(_is_uuid_urn(address), "the device's endpoint address is not urn:uuid with lower-case digits", element)


def _is_uuid_urn(address: str) -> bool:
    digits = address.removeprefix("urn:uuid:")
    shape = [len(group) for group in digits.split("-")]
    hexadecimal = set(digits) <= set("0123456789abcdef-")
    return digits != address and hexadecimal and shape == [8, 4, 4, 4, 12]


def _match(element: etree._Element) -> None:
    """Checklist 50, 74, 75."""
    _device_address(element)
    types = element.find("wsd:Types", _NS)
    names = set(clark_names(types))
    _need(names >= DEVICE_TYPES, "Types lacks wsdp:Device or wscn:ScanDeviceType", types)
    _need(SERVICE_TYPE not in names, "the hosted service's type is no discovery type", types)


def _host(element: etree._Element) -> None:
    _device_address(element)
    types = element.find("wsdp:Types", _NS)
    _need(types is None or set(clark_names(types)) >= DEVICE_TYPES, "Types of Host are not the device's", element)


def _section(element: etree._Element) -> None:
    """Checklist 96: the dialect names what the section holds."""
    content = next(element.iterchildren(etree.Element))
    _need(element.get("Dialect") == f"{WSDP}/{local_name(content)}", "Dialect and content differ", element)


def _this_model(element: etree._Element) -> None:
    """Checklist 107."""
    categories = _text(element, "pnpx:DeviceCategory").split()
    _need("Scanners" in categories, "pnpx:DeviceCategory lacks Scanners", element)


def _hosted(element: etree._Element) -> None:
    """Checklist 101, 102."""
    names = clark_names(element.find("wsdp:Types", _NS))
    _need(SERVICE_TYPE in names, "Types of the hosted service lacks wscn:ScannerServiceType", element)
    _need(not DEVICE_TYPES & set(names), "a device type is no type of a hosted service", element)
    for address in element.iterfind("wsa:EndpointReference/wsa:Address", _NS):
        _need((address.text or "").startswith("http://"), "a hosted service lives at an http URL", address)


# ---------------------------------------------------------------- eventing


def _sink(element: etree._Element) -> None:
    _need(_text(element, "wsa:Address").startswith("http://"), "an event sink lives at an http URL", element)


def _subscription_manager(element: etree._Element) -> None:
    """Checklist 258; eventing.md 2."""
    _need(_text(element, "wsa:Address").startswith("http://"), "the manager lives at an http URL", element)
    parameters = element.findall("wsa:ReferenceParameters/*", _NS)
    _need(len(parameters) == 1, "the manager's reference parameter is not a single wse:Identifier", element)
    identifier = _text(element, "wsa:ReferenceParameters/wse:Identifier")
    _need(_is_uuid_urn(identifier), "the manager's reference parameter is no wse:Identifier urn:uuid", element)


def _granted_term(element: etree._Element) -> None:
    """Nobody is granted a term that is over already (checklist 261)."""
    granted = _text(element, "wse:Expires")
    _need(any(digit in granted for digit in "123456789"), "the granted term is zero", element)


# ---------------------------------------------------------------- scanner


def _element_data(element: etree._Element) -> None:
    """Checklist 116, 117, 120: an answered name holds its section, an unknown one nothing."""
    content = next(element.iterchildren(etree.Element), None)
    if element.get("Valid") == "false":
        _need(content is None, "ElementData that is not valid must be empty", element)
        return
    _need(content is not None, "valid ElementData holds no section", element)
    name = clark_name(element.get("Name", ""), element)
    # A job's documents may be asked for by either name (contradiction 11), and the answer repeats it.
    name = f"{{{WSCN}}}Documents" if name == f"{{{WSCN}}}Document" else name
    _need(content.tag == name, f"Name is {name}, but the section is {content.tag}", element)


def _configuration(element: etree._Element) -> None:
    """Checklist 125 to 128; wsd-scan.md 6.2."""
    rotations = [value.text for value in element.iter(f"{{{WSCN}}}RotationValue")]
    _need("0" in rotations, "RotationsSupported lacks 0", element)
    quality = element.find("wscn:DeviceSettings/wscn:CompressionQualityFactorSupported", _NS)
    _need(_number(quality, "wscn:MinValue") <= _number(quality, "wscn:MaxValue"), "MinValue is above MaxValue", quality)
    adf = element.find("wscn:ADF", _NS)
    if adf is not None:
        duplex = _text(adf, "wscn:ADFSupportsDuplex") == "true"
        _need(duplex == (adf.find("wscn:ADFBack", _NS) is not None), "ADFBack goes with ADFSupportsDuplex", adf)


def _resolutions(element: etree._Element) -> None:
    widths = [int(width.text) for width in element.iter(f"{{{WSCN}}}Width")]
    heights = [int(height.text) for height in element.iter(f"{{{WSCN}}}Height")]
    _need(widths == heights, "Widths and Heights differ", element)
    _need(widths == sorted(set(widths)), "the resolutions are not in ascending order, each once", element)


def _colors(element: etree._Element) -> None:
    _need(_distinct(entry.text for entry in element), "a color is listed twice", element)


def _source_sizes(element: etree._Element) -> None:
    minimum, maximum = element[-2], element[-1]
    for side in ("wscn:Width", "wscn:Height"):
        _need(_number(minimum, side) <= _number(maximum, side), "the minimum size is above the maximum", element)


def _status(element: etree._Element) -> None:
    """Checklist 136, 244, 247."""
    conditions = element.findall("wscn:ActiveConditions/wscn:DeviceCondition", _NS)
    history = element.findall("wscn:ConditionHistory/wscn:ConditionHistoryEntry", _NS)
    _need(_distinct(item.get("Id") for item in conditions + history), "a condition's Id is used twice", element)
    critical = any(_text(condition, "wscn:Severity") == "Critical" for condition in conditions)
    stopped = _text(element, "wscn:ScannerState") == "Stopped"
    _need(stopped or not critical, "a Critical condition is active, but the scanner is not Stopped", element)


def _history_entry(element: etree._Element) -> None:
    in_order = _time(element, "wscn:Time") <= _time(element, "wscn:ClearTime")
    _need(in_order, "the condition was cleared before it began", element)


def _reasons(element: etree._Element) -> None:
    values = [reason.text for reason in element]
    _need(_distinct(values), "a reason is given twice", element)
    _need(len(values) == 1 or "None" not in values, "None stands beside another reason", element)


# ---------------------------------------------------------------- jobs


def _validation_info(element: etree._Element) -> None:
    """Checklist 166, 167."""
    valid = _text(element, "wscn:ValidTicket") == "true"
    corrected = element.find("wscn:ValidScanTicket", _NS) is not None
    _need(valid != corrected, "ValidScanTicket goes with a ticket that is not valid, and only with it", element)


def _final_parameters(element: etree._Element) -> None:
    """Checklist 164; wsd-scan.md 7.2 and 7.3."""
    source = _text(element, "wscn:InputSource")
    if element.find("wscn:FilmScanMode", _NS) is not None:
        _need(source == "Film", "FilmScanMode is only for Film", element)
    if element.find("wscn:MediaSides/wscn:MediaBack", _NS) is not None:
        _need(source == "ADFDuplex", "MediaBack is only for ADFDuplex", element)
    media = element.find("wscn:InputSize/wscn:InputMediaSize", _NS)
    for region in element.iter(f"{{{WSCN}}}ScanRegion"):
        right = _number(region, "wscn:ScanRegionXOffset") + _number(region, "wscn:ScanRegionWidth")
        bottom = _number(region, "wscn:ScanRegionYOffset") + _number(region, "wscn:ScanRegionHeight")
        inside = right <= _number(media, "wscn:Width") and bottom <= _number(media, "wscn:Height")
        _need(inside, "the ScanRegion leaves the InputMediaSize", element)


def _created_job(element: etree._Element) -> None:
    """Checklist 186 to 188: image information fits the final parameters."""
    final = element.find("wscn:DocumentFinalParameters", _NS)
    duplex = _text(final, "wscn:InputSource") == "ADFDuplex"
    back = element.find("wscn:ImageInformation/wscn:MediaBackImageInfo", _NS)
    _need(duplex == (back is not None), "MediaBackImageInfo goes with ADFDuplex, and only with it", element)
    front_color = _text(final, "wscn:MediaSides/wscn:MediaFront/wscn:ColorProcessing")
    back_color = _text(final, "wscn:MediaSides/wscn:MediaBack/wscn:ColorProcessing") or front_color
    front = element.find("wscn:ImageInformation/wscn:MediaFrontImageInfo", _NS)
    for info, color in ((front, front_color), (back, back_color)):
        if info is not None:
            expected = bytes_per_line(_text(final, "wscn:Format"), color, _number(info, "wscn:PixelsPerLine"))
            _need(_number(info, "wscn:BytesPerLine") == expected, f"BytesPerLine should be {expected}", element)


def bytes_per_line(image_format: str, color: str, pixels: int) -> int:
    """Return what BytesPerLine has to be: with padding for uncompressed formats, else 0 (wsd-scan.md 7.4)."""
    bits = pixels * BITS_PER_PIXEL[color]
    if image_format == "dib":
        return (bits + 31) // 32 * 4
    return (bits + 7) // 8 if image_format in UNCOMPRESSED_TIFF else 0


def _job_status(element: etree._Element) -> None:
    """Checklist 239."""
    ended = _text(element, "wscn:JobState") in ENDED_STATES
    completed = element.find("wscn:JobCompletedTime", _NS) is not None
    _need(ended == completed, "JobCompletedTime goes with a job that has ended, and only with it", element)
    if completed:
        in_order = _time(element, "wscn:JobCreatedTime") <= _time(element, "wscn:JobCompletedTime")
        _need(in_order, "the job ended before it was created", element)


def _scan(name: str) -> str:
    return f"{{{WSCN}}}{name}"


RULES: dict[str, Rule] = {
    f"{{{WSD}}}Hello": _match,
    f"{{{WSD}}}Bye": _device_address,
    f"{{{WSD}}}ProbeMatch": _match,
    f"{{{WSD}}}ResolveMatch": _match,
    f"{{{WSX}}}MetadataSection": _section,
    f"{{{WSDP}}}ThisModel": _this_model,
    f"{{{WSDP}}}Host": _host,
    f"{{{WSDP}}}Hosted": _hosted,
    f"{{{WSE}}}NotifyTo": _sink,
    f"{{{WSE}}}EndTo": _sink,
    f"{{{WSE}}}SubscriptionManager": _subscription_manager,
    f"{{{WSE}}}SubscribeResponse": _granted_term,
    f"{{{WSE}}}RenewResponse": _granted_term,
    _scan("ElementData"): _element_data,
    _scan("ScannerConfiguration"): _configuration,
    **{_scan(f"{source}Resolutions"): _resolutions for source in ("Platen", "ADF", "Film")},
    **{_scan(f"{source}Color"): _colors for source in ("Platen", "ADF", "Film")},
    **{_scan(source): _source_sizes for source in ("Platen", "ADFFront", "ADFBack", "Film")},
    _scan("ScannerStatus"): _status,
    _scan("ConditionHistoryEntry"): _history_entry,
    **{_scan(name): _reasons for name in ("ScannerStateReasons", "JobStateReasons", "JobCompletedStateReasons")},
    _scan("ValidationInfo"): _validation_info,
    _scan("DocumentFinalParameters"): _final_parameters,
    _scan("CreateScanJobResponse"): _created_job,
    _scan("JobStatus"): _job_status,
}
"""Clark name of an element of a Body to the rule about it."""
