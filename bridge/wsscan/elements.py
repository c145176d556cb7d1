"""RequestedElements and ElementData: how parts of a scanner or a job are asked for by name (wsd-scan.md 9.1, 9.6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from bridge.errors import InvalidArgument
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Element, qname, text_of
from bridge.soap.namespaces import tag
from bridge.wsscan.arguments import SCAN_NAMESPACES, required, scan_children

MAX_NAMES = 16
"""Most names in one request; there are four to ask a scanner for and three to ask a job for."""

_QNAME = re.compile(r"(?:[^\W\d][\w.\-·]*:)?[^\W\d][\w.\-·]*")
_FOREIGN_PREFIX = "asked"

_UNWRITABLE = frozenset('&<"')
"""libxml2 writes namespace declarations without escaping what is in them."""


@dataclass(frozen=True, slots=True)
class RequestedName:
    """One Name: `local` of the scan service's namespace, or None for a name of somebody else.

    `attribute` is what ElementData repeats, `declared` the namespaces that it needs beyond those of every message.
    """

    local: str | None
    attribute: str
    declared: Mapping[str, str]


def requested_names(body: Element) -> list[RequestedName]:
    """The names in RequestedElements of `body`, doubles included.

    Raises InvalidArgument when there is none, there are more than MAX_NAMES, or one is no QName that can be repeated
    (checklist 121).
    """
    wanted = required(body, "RequestedElements")
    names = [element for local, element in scan_children(wanted) if local == "Name"]
    if not names:
        raise InvalidArgument("Name", "RequestedElements names nothing")
    if len(names) > MAX_NAMES:
        raise InvalidArgument("Name", f"there are more than {MAX_NAMES}")
    return [_requested(element) for element in names]


def element_data(names: Sequence[RequestedName], sections: Mapping[str, Callable[[], Element]]) -> list[Element]:
    """One ElementData for each of `names`, in their order; Valid is false and nothing is inside where there is no such
    section (checklist 116 to 118, 120)."""
    found = []
    for name in names:
        section = sections.get(name.local or "")
        element = etree.Element(tag(ns.WSCN, "ElementData"), nsmap={"wscn": ns.WSCN, **name.declared})
        element.set("Name", name.attribute)
        element.set("Valid", "false" if section is None else "true")
        if section is not None:
            element.append(section())
        found.append(element)
    return found


def elements_body(name: str, container: str, data: Sequence[Element]) -> Element:
    """The response element `name` with `data` in its `container`."""
    body: Element = WSCN_E(name, WSCN_E(container, *data))
    return body


def _requested(element: Element) -> RequestedName:
    """`element`'s QName, resolved where it stands; without a prefix it is taken for one of ours (checklist 119)."""
    text = text_of(element)
    if _QNAME.fullmatch(text) is None:
        raise InvalidArgument("Name", "it is no qualified name")
    resolved = tag(ns.WSCN, text) if ":" not in text else qname(element, text)
    if resolved is None:
        raise InvalidArgument("Name", "its prefix is not declared")
    namespace, _, local = resolved[1:].rpartition("}")
    if namespace in SCAN_NAMESPACES:
        return RequestedName(local, f"wscn:{local}", {})
    if namespace in ns.PREFIXES.values():
        return RequestedName(None, ns.prefixed(resolved), {})
    if _UNWRITABLE & set(namespace):
        raise InvalidArgument("Name", "its namespace cannot be repeated")
    return RequestedName(None, f"{_FOREIGN_PREFIX}:{local}", {_FOREIGN_PREFIX: namespace})
