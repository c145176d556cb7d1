"""From a device's URL to its scan service: Get, and directed Probe (discovery-and-metadata.md 4.7, 5 and 6)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.client.address import Address, read_address
from bridge.client.errors import BadAnswer, NoAnswer, ServiceFault
from bridge.client.http import SoapClient
from bridge.client.job import ScanService
from bridge.client.probe import SCANNER_TYPE, Match, read_matches
from bridge.errors import UsageError
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSD_E, Element, qname, text_of
from bridge.soap.namespaces import tag
from bridge.system.escape import safe

SERVICE_TYPE = tag(ns.WSCN, "ScannerServiceType")
STABLE_PATH = f"/{ns.STABLE_DISCOVERY_PATH}/{ns.STABLE_DISCOVERY_LEAF}"


@dataclass(frozen=True, slots=True)
class Found:
    """A scanner that can be asked to scan; `endpoint` is empty when only its service is known."""

    endpoint: str
    name: str
    service: Address


async def get_metadata(client: SoapClient, address: Address, endpoint: str = "") -> Found:
    """The scan service of the device at `address`, whose endpoint address is `endpoint`, as far as that is known.

    Raises ServiceFault, NoAnswer, and BadAnswer for a device without a scan service.
    """
    body = (await client.call(address, ns.TRANSFER_GET, None, to=endpoint)).body
    assert body is not None  # call() answers nothing empty
    name = text_of(body.find(f".//{tag(ns.WSDP, 'FriendlyName')}"))
    for hosted in body.iterfind(f".//{tag(ns.WSDP, 'Hosted')}"):
        service = _service(hosted)
        if service is not None:
            return Found(endpoint, safe(name), service.on(address.zone))
    raise BadAnswer(f"{address}: the device has no scan service")


async def directed_probe(client: SoapClient, address: Address) -> list[Match]:
    """The scanners that answer to a Probe by HTTP at `address`. Raises ServiceFault, NoAnswer, BadAnswer."""
    probe = WSD_E.Probe(WSD_E.Types("wscn:ScanDeviceType"))
    answer = await client.call(address, f"{ns.WSD}/Probe", probe, to=ns.DISCOVERY_TO)
    matches = [match for match in read_matches(answer, "Probe") if SCANNER_TYPE in match.types]
    return [replace(one, xaddrs=tuple(xaddr.on(address.zone) for xaddr in one.xaddrs)) for one in matches]


async def find_match(client: SoapClient, match: Match) -> Found:
    """The scan service of a device that was found; its addresses are tried in their order.

    Raises what the last of them raises, NoAnswer when there is none.
    """
    error: Exception = NoAnswer(f"{match.endpoint} tells no address")
    for address in match.xaddrs:
        try:
            return await get_metadata(client, address, match.endpoint)
        except (NoAnswer, BadAnswer, ServiceFault) as failed:
            error = failed
    raise error


async def find_url(client: SoapClient, url: str) -> list[Found]:
    """The scanners at `url`: a device's or a service's URL, or a machine's, such as http://raspberrypi.local:8018/.

    Raises UsageError for what is no URL, NoAnswer when nobody is there, BadAnswer when there is no scanner.
    """
    try:
        address = read_address(url if "://" in url else f"http://{url}")
    except ValueError as error:
        raise UsageError(f"--url {url}: {error}") from error
    if address.path == "/":
        return await _machine(client, address)
    try:
        return [await get_metadata(client, address, to_endpoint(await _probe_quietly(client, address)))]
    except (BadAnswer, ServiceFault) as error:
        # No device answers here. It may be the service itself: the only way to know is to ask it as one.
        try:
            description = await ScanService(client, address).describe()
        except (BadAnswer, ServiceFault):
            raise BadAnswer(f"{url}: there is no WSD scanner ({error})") from error
        return [Found("", safe(description.name), address)]


def to_endpoint(matches: list[Match]) -> str:
    """The endpoint address of the only device that answered, empty when it is not clear."""
    return matches[0].endpoint if len(matches) == 1 else ""


async def _machine(client: SoapClient, address: Address) -> list[Found]:
    matches = await directed_probe(client, replace(address, path=STABLE_PATH))
    return [await find_match(client, match) for match in matches]


async def _probe_quietly(client: SoapClient, address: Address) -> list[Match]:
    """Which device is at `address`: some answer Get only when it is addressed to their endpoint address."""
    try:
        return await directed_probe(client, address)
    except (BadAnswer, ServiceFault):
        return []


def _service(hosted: Element) -> Address | None:
    """The first usable address of a Hosted that is a scan service."""
    types = hosted.find(tag(ns.WSDP, "Types"))
    if types is None or SERVICE_TYPE not in [qname(types, word) for word in text_of(types).split()]:
        return None
    for element in hosted.iterfind(f"{tag(ns.WSA, 'EndpointReference')}/{tag(ns.WSA, 'Address')}"):
        try:
            return read_address(text_of(element))
        except ValueError:
            continue
    return None
