"""What makes Windows choose its own scan driver: PnP-X and Device Foundation words in the metadata.

discovery-and-metadata.md 6.1, windows-client.md 1.2 and 2.
"""

from __future__ import annotations

import hashlib

from lxml.builder import ElementMaker

from bridge.soap import namespaces as ns
from bridge.soap.envelope import Element

COMPATIBLE_ID = f"{ns.WSCN}/ScannerServiceType"
"""The one id that the inbox driver's INF matches (checklist 105)."""

VENDOR_ID = "FFFE"
"""A PnP vendor that no shipped driver claims, so that no vendor's package outranks the inbox driver."""

PNPX_CATEGORY = "Scanners"
DF_CATEGORY = "Imaging.Scanner"

_PNPX_E = ElementMaker(namespace=ns.PNPX, nsmap={"pnpx": ns.PNPX})
_DF_E = ElementMaker(namespace=ns.DF, nsmap={"df": ns.DF})


def hardware_id(vendor: str, model: str) -> str:
    """The PnP hardware id of a model: equal for equal vendor and model texts, in the form that Windows knows.

    Two models may share one of the 65,536 ids: it chooses a driver, and the driver is the same for all.
    """
    digest = hashlib.sha256(f"{vendor}\0{model}".encode("utf-8", "replace")).hexdigest()
    return f"VEN_{VENDOR_ID}&DEV_{digest[:4].upper()}"


def model_categories() -> list[Element]:
    """The extensions of ThisModel: without a category Windows asks for the metadata again and again (checklist 107)."""
    return [_PNPX_E.DeviceCategory(PNPX_CATEGORY), _DF_E.DeviceCategory(DF_CATEGORY)]


def container_id(uuid: str) -> Element:
    """The extension of ThisDevice that groups its functions in Windows 7 and 8 (checklist 109)."""
    element: Element = _DF_E.ContainerId(f"{{{uuid}}}")
    return element


def hosted_ids(hardware: str) -> list[Element]:
    """The extensions of the Hosted scan service, never one without the other (checklist 105, 106)."""
    return [_PNPX_E.CompatibleId(COMPATIBLE_ID), _PNPX_E.HardwareId(hardware)]
