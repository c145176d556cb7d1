"""Arguments read from the body of a request (wsd-scan.md 4).

Children may come in any order (checklist 138); what is foreign is passed over. Elements of the 2006/01 namespace
are taken as aliases of 2006/08, because WSD-python sends them; nothing is ever answered in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bridge.errors import InvalidArgument, JobNotFound
from bridge.soap import namespaces as ns
from bridge.soap.envelope import Element, Envelope, text_of

SCAN_NAMESPACES = (ns.WSCN, ns.WSCN_2006_01)
"""Where an element of a request may come from."""

MAX_STRING = 255
"""Longest string in characters, for names, tokens and keywords alike (wsd-scan.md 4, rule 7)."""

MAX_INT = 2**31 - 1
"""Largest xs:int (wsd-scan.md 4, rule 6)."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,64}", re.ASCII)
_TRUE = ("true", "1")
_FALSE = ("false", "0")


def scan_name(element: Element) -> str | None:
    """The local name of an element of the scan service, None for a foreign one."""
    namespace, _, local = str(element.tag).rpartition("}")
    return local if namespace[1:] in SCAN_NAMESPACES else None


def scan_children(parent: Element) -> Iterator[tuple[str, Element]]:
    """The children of `parent` that belong to the scan service, with their local names, as they come."""
    for child in parent:
        name = scan_name(child)
        if name is not None:
            yield name, child


def body_of(envelope: Envelope, *names: str) -> Element:
    """The body's child, which has one of `names`. Raises InvalidArgument naming the first of them."""
    if envelope.body is None:
        raise InvalidArgument(names[0], "the body is empty")
    if scan_name(envelope.body) not in names:
        raise InvalidArgument(names[0], "the body holds something else")
    return envelope.body


def child(parent: Element, name: str) -> Element | None:
    """The child `name` of `parent`. Raises InvalidArgument when it is there twice."""
    found = [element for local, element in scan_children(parent) if local == name]
    if len(found) > 1:
        raise InvalidArgument(name, "it is there more than once")
    return found[0] if found else None


def required(parent: Element, name: str) -> Element:
    """The child `name` of `parent`. Raises InvalidArgument when it is missing (checklist 296)."""
    found = child(parent, name)
    if found is None:
        raise InvalidArgument(name, "it is missing")
    return found


def exact(element: Element) -> str:
    """The text of `element` as it stands. Raises InvalidArgument beyond MAX_STRING characters."""
    text = element.text or ""
    if len(text) > MAX_STRING:
        raise InvalidArgument(ns.local_name(str(element.tag)), f"it is longer than {MAX_STRING} characters")
    return text


def keyword(element: Element) -> str:
    """The text of `element`, trimmed (checklist 140). Raises InvalidArgument when nothing is left or it is too long."""
    text = text_of(element)
    if not text:
        raise InvalidArgument(ns.local_name(str(element.tag)), "it is empty")
    if len(text) > MAX_STRING:
        raise InvalidArgument(ns.local_name(str(element.tag)), f"it is longer than {MAX_STRING} characters")
    return text


def integer(element: Element) -> int:
    """The whole number in `element`, of any size. Raises InvalidArgument for anything else."""
    text = text_of(element)
    if _INTEGER.fullmatch(text) is None:
        raise InvalidArgument(ns.local_name(str(element.tag)), "it is no whole number")
    return int(text)


def boolean(text: str, name: str) -> bool:
    """true, false, 1 or 0, trimmed. Raises InvalidArgument for anything else, naming the element `name`.

    Case does not matter: WSD-python writes True and False.
    """
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InvalidArgument(name, "it is neither true nor false")


def read_job_id(body: Element) -> int:
    """JobId. Raises InvalidArgument for no number, JobNotFound for one that no job can have (checklist 294, 295)."""
    element = required(body, "JobId")
    job_id = integer(element)
    if not 1 <= job_id <= MAX_INT:
        raise JobNotFound(text_of(element))
    return job_id
