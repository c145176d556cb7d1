"""Every namespace, prefix and fixed address of the wire, once (discovery-and-metadata.md 1, wsd-scan.md 1)."""

from __future__ import annotations

SOAP = "http://www.w3.org/2003/05/soap-envelope"
SOAP_1_1 = "http://schemas.xmlsoap.org/soap/envelope/"
WSA = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSD = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
WSDP = "http://schemas.xmlsoap.org/ws/2006/02/devprof"
WSX = "http://schemas.xmlsoap.org/ws/2004/09/mex"
WST = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSE = "http://schemas.xmlsoap.org/ws/2004/08/eventing"
WSCN = "http://schemas.microsoft.com/windows/2006/08/wdp/scan"
WSCN_2006_01 = "http://schemas.microsoft.com/windows/2006/01/wdp/scan"
"""The namespace of Microsoft's web pages; some clients send it, nobody must (wsd-scan.md 1)."""
PNPX = "http://schemas.microsoft.com/windows/pnpx/2005/10"
DF = "http://schemas.microsoft.com/windows/2008/09/devicefoundation"
XOP = "http://www.w3.org/2004/08/xop/include"
XML = "http://www.w3.org/XML/1998/namespace"

PREFIXES: dict[str, str] = {
    "soap": SOAP,
    "wsa": WSA,
    "wsd": WSD,
    "wsdp": WSDP,
    "wsx": WSX,
    "wse": WSE,
    "wscn": WSCN,
    "pnpx": PNPX,
    "df": DF,
    "xop": XOP,
}
"""The prefixes we emit: some clients compare them as text (checklist 28)."""

ANONYMOUS = f"{WSA}/role/anonymous"
DISCOVERY_TO = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
ADDRESSING_FAULT = f"{WSA}/fault"
DISCOVERY_FAULT = f"{WSD}/fault"
EVENTING_FAULT = f"{WSE}/fault"
DEVPROF_FAULT = f"{WSDP}/fault"
TRANSFER_GET = f"{WST}/Get"
TRANSFER_GET_RESPONSE = f"{WST}/GetResponse"
STABLE_DISCOVERY_PATH = "StableWSDiscoveryEndpoint"
STABLE_DISCOVERY_LEAF = "schemas-xmlsoap-org_ws_2005_04_discovery"


def tag(namespace: str, local: str) -> str:
    """The name `local` of `namespace` in lxml's form, {namespace}local."""
    return f"{{{namespace}}}{local}"


def local_name(name: str) -> str:
    """The part of an lxml name behind its namespace."""
    return name.rpartition("}")[2]


def prefixed(name: str) -> str:
    """An lxml name as a QName with the prefix we emit. Raises KeyError for a namespace that is not ours."""
    namespace, _, local = name[1:].rpartition("}")
    return f"{_PREFIX_OF[namespace]}:{local}"


_PREFIX_OF = {namespace: prefix for prefix, namespace in PREFIXES.items()}
