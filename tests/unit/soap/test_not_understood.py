"""How a header that must be understood, and is not, gets its name back."""

import pytest
from lxml import etree

from bridge.soap import namespaces as ns
from bridge.soap.addressing import fault_message
from bridge.soap.envelope import qname
from bridge.soap.faults import SoapFault
from bridge.soap.namespaces import tag


@pytest.mark.conformance(18, 27)
@pytest.mark.parametrize("namespace", [*ns.PREFIXES.values(), ns.XML, "http://example.org/strange"])
def test_the_name_resolves_in_the_fault(namespace: str) -> None:
    """The prefix of a name not understood is declared there, also when the name is in a namespace of ours."""
    message = fault_message(SoapFault.must_understand([tag(namespace, "Dance")]), None)
    block = etree.fromstring(message).find(f".//{tag(ns.SOAP, 'NotUnderstood')}")
    name = block.get("qname")
    assert name == "xml:Dance" if namespace == ns.XML else qname(block, name) == tag(namespace, "Dance")
