"""What the digests say about names: namespaces, actions and their bodies, subcodes and their details.

Written down here a second time on purpose: a slip in `bridge/soap/namespaces.py` must not be able to hide itself.
"""

from dataclasses import dataclass
from enum import Enum

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSD = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
WSDP = "http://schemas.xmlsoap.org/ws/2006/02/devprof"
WSX = "http://schemas.xmlsoap.org/ws/2004/09/mex"
WST = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSE = "http://schemas.xmlsoap.org/ws/2004/08/eventing"
WSCN = "http://schemas.microsoft.com/windows/2006/08/wdp/scan"
PNPX = "http://schemas.microsoft.com/windows/pnpx/2005/10"
DF = "http://schemas.microsoft.com/windows/2008/09/devicefoundation"
XOP = "http://www.w3.org/2004/08/xop/include"

ANONYMOUS = f"{WSA}/role/anonymous"
DISCOVERY_URN = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"

PREFIXES = {
    SOAP: "soap", WSA: "wsa", WSD: "wsd", WSDP: "wsdp", WSCN: "wscn",
    WSX: "wsx", WSE: "wse", PNPX: "pnpx", DF: "df", XOP: "xop",
}  # fmt: skip
"""The only prefix for each namespace (discovery-and-metadata.md 1, wsd-scan.md 1, checklist 28)."""


class Kind(Enum):
    """How a message travels, which decides about its headers."""

    REQUEST = "request"
    RESPONSE = "response"
    ONE_WAY = "one-way message"


@dataclass(frozen=True)
class Message:
    """One row of the action table: the body root as a Clark name, None for an empty Body."""

    body: str | None
    kind: Kind


SCAN_OPERATIONS = (
    "GetScannerElements", "ValidateScanTicket", "CreateScanJob", "RetrieveImage",
    "CancelJob", "GetJobElements", "GetActiveJobs", "GetJobHistory",
)  # fmt: skip

SCAN_EVENTS = (
    "ScanAvailableEvent", "ScannerElementsChangeEvent", "ScannerStatusSummaryEvent",
    "ScannerStatusConditionEvent", "ScannerStatusConditionClearedEvent", "JobStatusEvent", "JobEndStateEvent",
)  # fmt: skip

MESSAGES: dict[str, Message] = {
    **{f"{WSCN}/{name}": Message(f"{{{WSCN}}}{name}Request", Kind.REQUEST) for name in SCAN_OPERATIONS},
    **{f"{WSCN}/{name}Response": Message(f"{{{WSCN}}}{name}Response", Kind.RESPONSE) for name in SCAN_OPERATIONS},
    **{f"{WSCN}/{name}": Message(f"{{{WSCN}}}{name}", Kind.ONE_WAY) for name in SCAN_EVENTS},
    **{f"{WSD}/{name}": Message(f"{{{WSD}}}{name}", Kind.ONE_WAY) for name in ("Hello", "Bye")},
    **{f"{WSD}/{name}": Message(f"{{{WSD}}}{name}", Kind.REQUEST) for name in ("Probe", "Resolve")},
    **{f"{WSD}/{name}": Message(f"{{{WSD}}}{name}", Kind.RESPONSE) for name in ("ProbeMatches", "ResolveMatches")},
    f"{WST}/Get": Message(None, Kind.REQUEST),
    f"{WST}/GetResponse": Message(f"{{{WSX}}}Metadata", Kind.RESPONSE),
    **{f"{WSE}/{name}": Message(f"{{{WSE}}}{name}", Kind.REQUEST)
       for name in ("Subscribe", "Renew", "GetStatus", "Unsubscribe")},
    **{f"{WSE}/{name}": Message(f"{{{WSE}}}{name}", Kind.RESPONSE)
       for name in ("SubscribeResponse", "RenewResponse", "GetStatusResponse")},
    f"{WSE}/UnsubscribeResponse": Message(None, Kind.RESPONSE),
    f"{WSE}/SubscriptionEnd": Message(f"{{{WSE}}}SubscriptionEnd", Kind.ONE_WAY),
    **{f"{namespace}/fault": Message(f"{{{SOAP}}}Fault", Kind.RESPONSE) for namespace in (WSA, WSD, WSE, WSDP)},
}  # fmt: skip
"""Every message we send, by its wsa:Action (wsd-scan.md 2, discovery-and-metadata.md 4 and 5, eventing.md 1)."""

ACTION_TO_BODY: dict[str, str | None] = {action: message.body for action, message in MESSAGES.items()}
"""wsa:Action to the Clark name of the Body's only child; None where the Body is empty."""

EVENT_ACTIONS: dict[str, str] = {f"{WSCN}/{name}": f"{{{WSCN}}}{name}" for name in SCAN_EVENTS}
"""The part of ACTION_TO_BODY that is events of the scan service."""

MULTICAST_ACTIONS = frozenset(f"{WSD}/{name}" for name in ("Hello", "Bye"))
MATCHES_ACTIONS = frozenset(f"{WSD}/{name}" for name in ("ProbeMatches", "ResolveMatches"))
QUERY_ACTIONS = frozenset(f"{WSD}/{name}" for name in ("Probe", "Resolve"))
DATAGRAM_ACTIONS = MULTICAST_ACTIONS | MATCHES_ACTIONS | QUERY_ACTIONS
SUBSCRIPTION_ACTIONS = frozenset(f"{WSE}/{name}" for name in ("Renew", "GetStatus", "Unsubscribe"))
RETRIEVE_IMAGE_RESPONSE = f"{WSCN}/RetrieveImageResponse"

KNOWN_HEADERS = frozenset(
    [f"{{{WSA}}}{name}" for name in ("To", "Action", "MessageID", "RelatesTo", "ReplyTo", "From")]
    + [f"{{{WSD}}}AppSequence", f"{{{WSE}}}Identifier"]
    + [f"{{{SOAP}}}{name}" for name in ("NotUnderstood", "Upgrade")]
)
"""The only header blocks of known namespaces that we send; blocks of other namespaces are reference parameters."""


class Detail(Enum):
    """What a fault's Detail may hold besides elements of one schema-checked name."""

    NONE = "nothing"
    SCAN_ARGUMENT = "the invalid argument: elements of the scan namespace, whose names may be unknown ones"


@dataclass(frozen=True)
class FaultRow:
    """One subcode: its SOAP code, what its Detail holds (a Clark name or a Detail), and whether it must be there."""

    code: str
    detail: str | Detail = Detail.NONE
    required: bool = False
    several: bool = False


FAULTS: dict[str, FaultRow] = {
    # wsd-scan.md 10.2, 10.3
    f"{{{WSCN}}}InvalidArgs": FaultRow("Sender", Detail.SCAN_ARGUMENT, several=True),
    f"{{{WSCN}}}OperationFailed": FaultRow("Receiver"),
    f"{{{WSCN}}}ServerErrorTemporaryError": FaultRow("Receiver"),
    f"{{{WSCN}}}ServerErrorInternalError": FaultRow("Receiver"),
    f"{{{WSCN}}}ServerErrorNotAcceptingJobs": FaultRow("Receiver"),
    f"{{{WSCN}}}ClientErrorJobCancelled": FaultRow("Sender"),
    f"{{{WSCN}}}ClientErrorJobIdNotFound": FaultRow("Sender", f"{{{WSCN}}}JobId", required=True),
    f"{{{WSCN}}}ClientErrorFormatNotSupported": FaultRow("Sender", f"{{{WSCN}}}FormatsSupported"),
    f"{{{WSCN}}}ClientErrorInvalidScanIdentifier": FaultRow("Sender"),
    f"{{{WSCN}}}ClientErrorInvalidDestinationToken": FaultRow("Sender"),
    f"{{{WSCN}}}ClientErrorNoImagesAvailable": FaultRow("Sender"),
    f"{{{WSCN}}}ClientErrorInvalidJobToken": FaultRow("Sender"),
    f"{{{WSCN}}}ClientErrorConflictingRequiredParameters": FaultRow("Sender"),
    # discovery-and-metadata.md 9
    f"{{{WSA}}}InvalidMessageInformationHeader":
        FaultRow("Sender", f"{{{WSA}}}ProblemHeaderQName", required=True),
    f"{{{WSA}}}MessageInformationHeaderRequired":
        FaultRow("Sender", f"{{{WSA}}}ProblemHeaderQName", required=True),
    f"{{{WSA}}}DestinationUnreachable": FaultRow("Sender"),
    f"{{{WSA}}}ActionNotSupported": FaultRow("Sender", f"{{{WSA}}}ProblemAction", required=True),
    f"{{{WSA}}}EndpointUnavailable": FaultRow("Receiver", f"{{{WSA}}}RetryAfter"),
    # discovery-and-metadata.md 4.3
    f"{{{WSD}}}MatchingRuleNotSupported": FaultRow("Sender", f"{{{WSD}}}SupportedMatchingRules", required=True),
    # eventing.md 5
    f"{{{WSE}}}DeliveryModeRequestedUnavailable":
        FaultRow("Sender", f"{{{WSE}}}SupportedDeliveryMode", required=True, several=True),
    f"{{{WSE}}}InvalidExpirationTime": FaultRow("Sender"),
    f"{{{WSE}}}UnsupportedExpirationType": FaultRow("Sender"),
    f"{{{WSE}}}FilteringRequestedUnavailable":
        FaultRow("Sender", f"{{{WSE}}}SupportedDialect", required=True, several=True),
    f"{{{WSE}}}EventSourceUnableToProcess": FaultRow("Receiver"),
    f"{{{WSE}}}UnableToRenew": FaultRow("Receiver"),
    f"{{{WSE}}}InvalidMessage": FaultRow("Sender"),
    f"{{{WSDP}}}FilterActionNotSupported": FaultRow("Sender"),
}  # fmt: skip
"""Every subcode we send. wse:FilteringNotSupported is never sent (checklist 252, R3011, R3012)."""

FAULT_ACTIONS: dict[str, str] = {
    WSCN: f"{WSA}/fault", WSA: f"{WSA}/fault", WSD: f"{WSD}/fault", WSE: f"{WSE}/fault", WSDP: f"{WSDP}/fault",
}  # fmt: skip
"""Namespace of the subcode to the action of the fault message (checklist 10, eventing.md 5)."""
