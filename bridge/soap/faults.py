"""Faults: what SOAP says when something is wrong, and the one table from our errors to it.

wsd-scan.md 10, discovery-and-metadata.md 8 and 9, eventing.md 5.
"""

from __future__ import annotations

import re

from lxml import etree

from bridge import errors
from bridge.fieldtext import field_text
from bridge.soap import namespaces as ns
from bridge.soap.namespaces import tag

SENDER = tag(ns.SOAP, "Sender")
RECEIVER = tag(ns.SOAP, "Receiver")

MAX_REASON = 500
"""Longest text in a fault, in UTF-16 units: some of it comes from scanners and from the client itself."""

MAX_STRANGERS = 4096
"""Most characters of names that a client can have sent back to it as not understood."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,99}")


class SoapFault(Exception):
    """A SOAP 1.2 fault, ready to be sent.

    `code` and `subcode` are lxml names; `detail` is an element; `action` the message's wsa:Action; `headers` go into
    the fault's envelope. `relates_to` is the MessageID of a request that could not be read to its end.
    """

    def __init__(
        self,
        code: str,
        subcode: str | None,
        reason: str,
        *,
        detail: etree._Element | None = None,
        action: str = ns.ADDRESSING_FAULT,
        headers: tuple[etree._Element, ...] = (),
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.subcode = subcode
        self.reason = reason
        self.detail = detail
        self.action = action
        self.headers = headers
        self.relates_to: str | None = None

    @property
    def http_status(self) -> int:
        """400 for the client's mistakes, 500 for everything else (checklist 35, 36)."""
        return 400 if self.code == SENDER else 500

    @classmethod
    def sender(cls, reason: str) -> SoapFault:
        """A request that is no message of SOAP at all."""
        return cls(SENDER, None, reason)

    @classmethod
    def version_mismatch(cls) -> SoapFault:
        """An envelope of another SOAP version (checklist 20), with the Upgrade header that names ours."""
        upgrade = etree.Element(tag(ns.SOAP, "Upgrade"), nsmap={"soap": ns.SOAP})
        etree.SubElement(upgrade, tag(ns.SOAP, "SupportedEnvelope")).set("qname", "soap:Envelope")
        reason = "only SOAP 1.2 envelopes are taken"
        return cls(tag(ns.SOAP, "VersionMismatch"), None, reason, headers=(upgrade,))

    @classmethod
    def must_understand(cls, names: list[str]) -> SoapFault:
        """Headers that ask to be understood and are not (checklist 18); `names` are lxml names.

        As many are named as fit into MAX_STRANGERS characters.
        """
        named: list[str] = []
        for name in names:
            if sum(map(len, named)) + len(name) <= MAX_STRANGERS:
                named.append(name)
        if not named:
            return cls.invalid_header("soap:Header", "the name of a header is too long")
        headers = tuple(_not_understood(name) for name in named)
        reason = "a header that must be understood is not known here"
        return cls(tag(ns.SOAP, "MustUnderstand"), None, reason, headers=headers)

    @classmethod
    def invalid_header(cls, name: str, why: str) -> SoapFault:
        """An addressing header with a value that cannot be (checklist 15); `name` is prefixed."""
        detail = etree.Element(tag(ns.WSA, "ProblemHeaderQName"), nsmap={"wsa": ns.WSA})
        detail.text = name
        subcode = tag(ns.WSA, "InvalidMessageInformationHeader")
        return cls(SENDER, subcode, f"{name}: {why}", detail=detail)

    @classmethod
    def header_required(cls, name: str) -> SoapFault:
        """An addressing header that is missing (checklist 13); `name` is prefixed."""
        detail = etree.Element(tag(ns.WSA, "ProblemHeaderQName"), nsmap={"wsa": ns.WSA})
        detail.text = name
        return cls(SENDER, tag(ns.WSA, "MessageInformationHeaderRequired"), f"{name} is missing", detail=detail)

    @classmethod
    def action_not_supported(cls, action: str) -> SoapFault:
        """An action that nobody at this address knows (checklist 14)."""
        detail = etree.Element(tag(ns.WSA, "ProblemAction"), nsmap={"wsa": ns.WSA})
        etree.SubElement(detail, tag(ns.WSA, "Action")).text = action
        reason = "the action cannot be processed at this address"
        return cls(SENDER, tag(ns.WSA, "ActionNotSupported"), reason, detail=detail)

    @classmethod
    def destination_unreachable(cls, why: str) -> SoapFault:
        """A To that is not us, or an event sink that cannot be used (checklist 113)."""
        return cls(SENDER, tag(ns.WSA, "DestinationUnreachable"), why)


_SCAN_FAULTS: tuple[tuple[type[errors.BridgeError], str, str], ...] = (
    (errors.InvalidArgument, SENDER, "InvalidArgs"),
    (errors.FormatNotSupported, SENDER, "ClientErrorFormatNotSupported"),
    (errors.ConflictingParameters, SENDER, "ClientErrorConflictingRequiredParameters"),
    (errors.NoImagesAvailable, SENDER, "ClientErrorNoImagesAvailable"),
    (errors.JobNotFound, SENDER, "ClientErrorJobIdNotFound"),
    (errors.InvalidJobToken, SENDER, "ClientErrorInvalidJobToken"),
    (errors.JobCancelled, SENDER, "ClientErrorJobCancelled"),
    (errors.InvalidScanIdentifier, SENDER, "ClientErrorInvalidScanIdentifier"),
    (errors.InvalidDestinationToken, SENDER, "ClientErrorInvalidDestinationToken"),
    (errors.NotAcceptingJobs, RECEIVER, "ServerErrorNotAcceptingJobs"),
    (errors.NotPossibleNow, RECEIVER, "OperationFailed"),
    (errors.TemporaryError, RECEIVER, "ServerErrorTemporaryError"),
)
"""Our errors and the scan service's faults, the more special first (wsd-scan.md 10.2, 10.3)."""


def scan_fault(error: Exception) -> SoapFault:
    """The scan service's fault for `error`; whatever is not in the table is an internal error, told without more."""
    if isinstance(error, SoapFault):
        return error
    for kind, code, local in _SCAN_FAULTS:
        if isinstance(error, kind):
            return SoapFault(code, tag(ns.WSCN, local), str(error), detail=_scan_detail(error))
    reason = "an unexpected error; the log of the bridge says more"
    return SoapFault(RECEIVER, tag(ns.WSCN, "ServerErrorInternalError"), reason)


def fault_body(fault: SoapFault) -> etree._Element:
    """The soap:Fault element of `fault` (checklist 290)."""
    body = etree.Element(tag(ns.SOAP, "Fault"), nsmap={"soap": ns.SOAP})
    code = etree.SubElement(body, tag(ns.SOAP, "Code"))
    etree.SubElement(code, tag(ns.SOAP, "Value")).text = ns.prefixed(fault.code)
    if fault.subcode is not None:
        subcode = etree.SubElement(code, tag(ns.SOAP, "Subcode"))
        etree.SubElement(subcode, tag(ns.SOAP, "Value")).text = ns.prefixed(fault.subcode)
    text = etree.SubElement(etree.SubElement(body, tag(ns.SOAP, "Reason")), tag(ns.SOAP, "Text"))
    text.set(tag(ns.XML, "lang"), "en")
    text.text = field_text(fault.reason, MAX_REASON)
    if fault.detail is not None:
        etree.SubElement(body, tag(ns.SOAP, "Detail")).append(fault.detail)
    return body


def _scan_detail(error: Exception) -> etree._Element | None:
    """What the scan service tells beside the subcode: the wrong argument, the job, the formats that there are."""
    nsmap = {"wscn": ns.WSCN}
    if isinstance(error, errors.FormatNotSupported):
        formats = etree.Element(tag(ns.WSCN, "FormatsSupported"), nsmap=nsmap)
        for keyword in error.supported:
            etree.SubElement(formats, tag(ns.WSCN, "FormatValue")).text = keyword
        return formats
    if isinstance(error, errors.JobNotFound):
        job = etree.Element(tag(ns.WSCN, "JobId"), nsmap=nsmap)
        job.text = field_text(error.job_id, MAX_REASON)
        return job
    if isinstance(error, errors.InvalidArgument) and _NAME.fullmatch(error.argument):
        return etree.Element(tag(ns.WSCN, error.argument), nsmap=nsmap)
    return None


def _not_understood(name: str) -> etree._Element:
    namespace, _, local = name[1:].rpartition("}") if name.startswith("{") else ("", "", name)
    # A second prefix for a namespace that the Envelope declares would be dropped as redundant when the block goes in.
    declared = {known: prefix for prefix, known in (*ns.PREFIXES.items(), ("xml", ns.XML))}
    prefix = declared.get(namespace, "unknown")
    nsmap = {"soap": ns.SOAP, **({"unknown": namespace} if namespace and namespace not in declared else {})}
    block = etree.Element(tag(ns.SOAP, "NotUnderstood"), nsmap=nsmap)
    block.set("qname", f"{prefix}:{local}" if namespace else local)
    return block
