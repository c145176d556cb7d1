"""What a device tells of itself: ThisDevice, ThisModel and Relationship, answered to WS-Transfer Get.

discovery-and-metadata.md 5 and 6, windows-client.md 1.2; names by the design's "Identity and names".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lxml import etree

from bridge import __version__
from bridge.dpws import pnpx
from bridge.fieldtext import field_text, framed
from bridge.identity import Enrolled
from bridge.soap import namespaces as ns
from bridge.soap.addressing import MAX_URI
from bridge.soap.envelope import WSA_E, WSDP_E, WSX_E, Element, Envelope
from bridge.soap.exchange import AnyReply, Exchange, Operation, Reply
from bridge.soap.faults import SoapFault

DEVICE_TYPES = "wsdp:Device wscn:ScanDeviceType"
"""What the device is to discovery (checklist 74, 75); the prefixes are those of every envelope of ours."""

SERVICE_TYPES = "wscn:ScannerServiceType"
"""What its hosted service is (checklist 101)."""

_NOWHERE = Exchange(local_host="0.0.0.0", local_port=0, peer_host="0.0.0.0", path="")


@dataclass(frozen=True)
class Metadata:
    """The metadata of one scanner.

    `hostname` enters the FriendlyName; `name` replaces that whole name where the settings give one. `firmware` is the
    bridge's version. `host_section` adds the Host element, which real devices leave out.
    """

    enrolled: Enrolled
    hostname: str
    name: str = ""
    firmware: str = __version__
    host_section: bool = False
    digest: str = field(init=False)
    """A hash of everything that must raise the MetadataVersion when it changes; no address is in it."""

    def __post_init__(self) -> None:
        canonical = etree.tostring(self.body(_NOWHERE), method="c14n")
        digest = hashlib.sha256(DEVICE_TYPES.encode() + b"\n" + canonical).hexdigest()
        object.__setattr__(self, "digest", digest)

    @property
    def address(self) -> str:
        """The endpoint address, the same everywhere and always (checklist 50 to 52)."""
        return f"urn:uuid:{self.enrolled.uuid}"

    @property
    def device_path(self) -> str:
        """The path at which the device takes Get and directed discovery."""
        return f"/{self.enrolled.uuid}"

    @property
    def service_path(self) -> str:
        """The path at which the scan service takes its operations."""
        return f"/{self.enrolled.uuid}/scan"

    @property
    def friendly_name(self) -> str:
        """The name that Windows lists; a long model is cut so that the host stays readable (checklist 97, 99)."""
        chosen = field_text(self.name)
        host = field_text(self.hostname) or "scanbridge"
        return chosen or framed(self.enrolled.title, f" ({host})")

    @property
    def model_name(self) -> str:
        """The model, never equal to that of a USB device, whose vendor's driver Windows would take (checklist 98)."""
        return framed(self.enrolled.title, " via Scanbridge")

    def operation(self, action: str) -> Operation | None:
        """Get; nothing else of WS-Transfer is there (checklist 112)."""
        return self.get if action == ns.TRANSFER_GET else None

    async def get(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        """Answer Get. Raises SoapFault when To is missing or names somebody else (checklist 94, 113)."""
        self._check_to(envelope.to)
        return Reply(ns.TRANSFER_GET_RESPONSE, self.body(exchange))

    def body(self, exchange: Exchange) -> Element:
        """The wsx:Metadata element with URLs that are valid where the client is (checklist 95, 96, 103)."""
        body: Element = WSX_E.Metadata(
            _section("ThisDevice", self._this_device()),
            _section("ThisModel", self._this_model(exchange)),
            _section("Relationship", self._relationship(exchange)),
        )
        return body

    def _check_to(self, to: str | None) -> None:
        if not to:
            raise SoapFault.header_required("wsa:To")
        if len(to) <= MAX_URI and (to.lower() == self.address or self._is_our_url(to)):
            return
        raise SoapFault.destination_unreachable("the message is addressed to another device")

    def _is_our_url(self, to: str) -> bool:
        """Whether `to` is the device's URL; the message has come here, so any host name in it is one of ours."""
        try:
            parts = urlsplit(to)
        except ValueError:
            return False
        return parts.scheme.lower() == "http" and parts.path.rstrip("/").lower() == self.device_path

    def _this_device(self) -> Element:
        device: Element = WSDP_E.ThisDevice(
            WSDP_E.FriendlyName(self.friendly_name),
            WSDP_E.FirmwareVersion(field_text(self.firmware)),
            WSDP_E.SerialNumber(self.enrolled.serial or self.enrolled.uuid),
            pnpx.container_id(self.enrolled.uuid),
        )
        return device

    def _this_model(self, exchange: Exchange) -> Element:
        model: Element = WSDP_E.ThisModel(
            WSDP_E.Manufacturer(self.enrolled.vendor),
            WSDP_E.ModelName(self.model_name),
            WSDP_E.PresentationUrl(exchange.url("/")),
            *pnpx.model_categories(),
        )
        return model

    def _relationship(self, exchange: Exchange) -> Element:
        relationship: Element = WSDP_E.Relationship(Type=f"{ns.WSDP}/host")
        service_id = f"uri:{self.enrolled.uuid}/"
        if self.host_section:
            reference = WSA_E.EndpointReference(WSA_E.Address(self.address))
            host = WSDP_E.Host(reference, WSDP_E.Types(DEVICE_TYPES), WSDP_E.ServiceId(f"{service_id}Device"))
            relationship.append(host)
        relationship.append(
            WSDP_E.Hosted(
                WSA_E.EndpointReference(WSA_E.Address(exchange.url(self.service_path))),
                WSDP_E.Types(SERVICE_TYPES),
                WSDP_E.ServiceId(f"{service_id}WSDScanner"),
                *pnpx.hosted_ids(self.enrolled.hardware_id),
            )
        )
        return relationship


def _section(dialect: str, content: Element) -> Element:
    section: Element = WSX_E.MetadataSection(content, Dialect=f"{ns.WSDP}/{dialect}")
    return section
