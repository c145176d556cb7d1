"""Faults: which code, action, header and detail each subcode has."""

from collections.abc import Callable

from lxml import etree

from tests.schema.header_rules import ACTION, FAULT, NOT_UNDERSTOOD, RELATES_TO, UPGRADE, body_root, header_blocks
from tests.schema.names import clark_name, namespace_of
from tests.schema.tables import FAULT_ACTIONS, FAULTS, SOAP, WSA, WSCN, Detail, FaultRow
from tests.schema.violation import violation

Validate = Callable[[etree._Element], None]
"""Raises SchemaViolation unless the element fits its global declaration."""

# The request may have had no usable MessageID.
_RELATION_OPTIONAL = frozenset(
    f"{{{WSA}}}{name}" for name in ("MessageInformationHeaderRequired", "InvalidMessageInformationHeader")
)


def check_fault(envelope: etree._Element, validate: Validate) -> None:
    """Check the fault in a schema-valid `envelope`; do nothing when there is none.

    Raises SchemaViolation (wsd-scan.md 10, discovery-and-metadata.md 8 and 9, eventing.md 5, checklist 290 to 293).
    """
    fault = body_root(envelope)
    if fault is None or fault.tag != FAULT:
        return
    blocks = header_blocks(envelope)
    code = (fault.findtext(f"{{{SOAP}}}Code/{{{SOAP}}}Value") or "").removeprefix("soap:")
    text = fault.find(f"{{{SOAP}}}Reason/{{{SOAP}}}Text")
    if text.get("{http://www.w3.org/XML/1998/namespace}lang") != "en":
        raise violation("the reason is not in English", text)
    value = fault.find(f"{{{SOAP}}}Code/{{{SOAP}}}Subcode/{{{SOAP}}}Value")
    for needed, header in (("MustUnderstand", NOT_UNDERSTOOD), ("VersionMismatch", UPGRADE)):
        if (code == needed) != (header in blocks):
            raise violation(f"a {code} fault {'lacks' if code == needed else 'has'} the header {header}", envelope)
    if value is None:
        _check_without_subcode(fault, code, blocks)
        return
    subcode = clark_name(value.text or "", value)
    row = FAULTS.get(subcode)
    if row is None:
        raise violation(f"{subcode} is no subcode that we send", fault)
    if code != row.code:
        raise violation(f"{subcode} goes with soap:{row.code}, not with soap:{code}", fault)
    if blocks[ACTION].text != FAULT_ACTIONS[etree.QName(subcode).namespace]:
        raise violation(f"{blocks[ACTION].text} is not the fault action of {subcode}", envelope)
    if RELATES_TO not in blocks and subcode not in _RELATION_OPTIONAL:
        raise violation("a fault needs RelatesTo", envelope[0])
    _check_detail(fault, subcode, row, validate)


def _check_without_subcode(fault: etree._Element, code: str, blocks: dict[str, etree._Element]) -> None:
    """Only the faults of SOAP itself have no subcode, and the Sender fault for what was no envelope at all."""
    if code in ("Sender", "Receiver") and not (code == "Sender" and RELATES_TO not in blocks):
        raise violation(f"a {code} fault needs a Subcode", fault)
    if blocks[ACTION].text != f"{WSA}/fault":
        raise violation(f"{blocks[ACTION].text} is not the fault action of soap:{code}", fault)
    if fault.find(f"{{{SOAP}}}Detail") is not None:
        raise violation(f"a {code} fault without Subcode has no Detail", fault)


def _check_detail(fault: etree._Element, subcode: str, row: FaultRow, validate: Validate) -> None:
    detail = fault.find(f"{{{SOAP}}}Detail")
    if detail is None:
        if row.required:
            raise violation(f"{subcode} needs a Detail with {row.detail}", fault)
        return
    entries = list(detail.iterchildren(etree.Element))
    if len(entries) > 1 and not row.several:
        raise violation(f"the Detail of {subcode} has more than one element", detail)
    for entry in entries:
        if not _fits(entry, row.detail):
            wanted = row.detail.value if isinstance(row.detail, Detail) else row.detail
            raise violation(f"{entry.tag} does not belong into the Detail of {subcode}, but {wanted}", detail)
        if isinstance(row.detail, str):
            validate(entry)


def _fits(entry: etree._Element, wanted: str | Detail) -> bool:
    if wanted is Detail.NONE:
        return False
    if wanted is Detail.SCAN_ARGUMENT:
        return namespace_of(entry) == WSCN
    return bool(entry.tag == wanted)
