"""Names in a message: namespaces, prefixes, and QNames that stand in text and attributes."""

from collections.abc import Iterator

from lxml import etree

from tests.schema.tables import PREFIXES, SOAP, WSA, WSCN, WSD, WSDP, WSE
from tests.schema.violation import violation

_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"  # declared everywhere, without saying so

_COPIED_CHILDREN_OF = frozenset((f"{{{SOAP}}}Header", f"{{{WSA}}}ReferenceParameters"))
_IDENTIFIER = f"{{{WSE}}}Identifier"
_DETAIL = f"{{{SOAP}}}Detail"

_QNAME_LISTS = frozenset((f"{{{WSD}}}Types", f"{{{WSDP}}}Types"))
_QNAME_ATTRIBUTES = {
    f"{{{WSCN}}}ElementData": "Name",
    f"{{{SOAP}}}NotUnderstood": "qname",
    f"{{{SOAP}}}SupportedEnvelope": "qname",
}
_QNAME_TEXT = frozenset((f"{{{SOAP}}}Value", f"{{{WSA}}}ProblemHeaderQName"))
_REQUESTED_NAME = f"{{{WSCN}}}Name"
_REQUESTED_ELEMENTS = f"{{{WSCN}}}RequestedElements"

_CLIENTS_OWN_TEXT = frozenset(
    f"{{{WSCN}}}{name}"
    for name in (
        "JobName", "JobOriginatingUserName", "JobInformation", "DocumentName", "ClientContext",
        "ClientDisplayName", "ScanIdentifier", "DestinationToken", "JobToken",
    )
) | {f"{{{WSA}}}RelatesTo"}  # fmt: skip


def namespace_of(element: etree._Element) -> str | None:
    """Return the namespace of `element`, None when it has none."""
    return etree.QName(element).namespace


def local_name(element: etree._Element) -> str:
    """Return the local name of `element`."""
    return etree.QName(element).localname


def own_elements(element: etree._Element) -> Iterator[etree._Element]:
    """Yield `element` and what is below it, but not the reference parameters, which are copied verbatim."""
    yield element
    copies = element.tag in _COPIED_CHILDREN_OF
    for child in element.iterchildren(etree.Element):
        if copies and (namespace_of(child) not in PREFIXES or child.tag == _IDENTIFIER):
            continue
        yield from own_elements(child)


def clark_name(qname: str, element: etree._Element) -> str:
    """Return the Clark name of `qname` in the scope of `element`.

    Raises SchemaViolation when its prefix is not declared there (checklist 27).
    """
    prefix, colon, local = qname.partition(":")
    if not colon:
        default = element.nsmap.get(None)
        return f"{{{default}}}{qname}" if default else qname
    namespace = _XML_NAMESPACE if prefix == "xml" else element.nsmap.get(prefix)
    if namespace is None:
        raise violation(f"the QName {qname!r} uses the prefix {prefix!r}, which is not declared there", element)
    return f"{{{namespace}}}{local}"


def clark_names(element: etree._Element) -> list[str]:
    """Return the Clark names of the white-space separated QNames that are the text of `element`."""
    return [clark_name(qname, element) for qname in (element.text or "").split()]


def check_names(envelope: etree._Element) -> None:
    """Check namespaces, prefixes and QName values of everything in `envelope` that is not a client's copy.

    Raises SchemaViolation for an https or 2006/01 namespace, another prefix than the literal one, a literal prefix
    bound to another namespace, and an undeclared prefix in a QName (checklist 3, 4, 27, 28).
    """
    for element in own_elements(envelope):
        _check_declarations(element)
        for qname in _qname_values(element):
            clark_name(qname, element)
            if element.tag in _QNAME_LISTS and ":" not in qname:
                raise violation(f"the type {qname!r} has no prefix", element)


def check_padding(envelope: etree._Element) -> None:
    """Check that no value is padded with white space, apart from what repeats a client's own text.

    Raises SchemaViolation (discovery-and-metadata.md 6: emit without pretty-printing inside values).
    """
    for element in own_elements(envelope):
        text = element.text or ""
        if len(element) or not text.strip() or text == text.strip() or element.tag in _CLIENTS_OWN_TEXT:
            continue
        if not any(ancestor.tag == _DETAIL for ancestor in element.iterancestors()):
            raise violation(f"the value of {local_name(element)} is padded with white space", element)


def _check_declarations(element: etree._Element) -> None:
    declared = element.nsmap
    if element.tag in _QNAME_ATTRIBUTES:
        # Names that a client has made up come back with their namespace, whatever it is.
        inherited = element.getparent().nsmap
        declared = {
            prefix: namespace
            for prefix, namespace in declared.items()
            if namespace in PREFIXES or prefix in PREFIXES.values() or inherited.get(prefix) == namespace
        }
    for prefix, namespace in declared.items():
        if namespace.lower().startswith("https"):
            raise violation(f"the namespace {namespace!r} starts with https", element)
        if "/2006/01/wdp/scan" in namespace:
            raise violation(f"the namespace {namespace!r} is that of the documentation, not 2006/08", element)
        if prefix != PREFIXES.get(namespace, prefix):
            raise violation(f"{namespace!r} has the prefix {prefix!r} instead of {PREFIXES[namespace]!r}", element)
        if prefix in PREFIXES.values() and namespace not in PREFIXES:
            raise violation(f"the prefix {prefix!r} is bound to the foreign namespace {namespace!r}", element)


def _qname_values(element: etree._Element) -> list[str]:
    if element.tag in _QNAME_LISTS:
        return (element.text or "").split()
    if element.tag in _QNAME_ATTRIBUTES:
        value = element.get(_QNAME_ATTRIBUTES[element.tag])
        return [] if value is None else [value.strip()]
    parent = element.getparent()
    requested = element.tag == _REQUESTED_NAME and parent is not None and parent.tag == _REQUESTED_ELEMENTS
    return [(element.text or "").strip()] if requested or element.tag in _QNAME_TEXT else []
