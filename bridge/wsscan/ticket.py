"""ScanTicket: what a client asks for, read and written back (wsd-scan.md 7.1 and 7.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bridge.errors import InvalidArgument
from bridge.soap.envelope import WSCN_E, Element
from bridge.soap.namespaces import local_name, tag
from bridge.wsscan.arguments import (
    SCAN_NAMESPACES,
    boolean,
    child,
    exact,
    integer,
    keyword,
    required,
    scan_children,
    scan_name,
)
from bridge.wsscan.parameters import (
    CARRIERS,
    CHOICES,
    LEAVES,
    ORDER,
    REQUIRED,
    Kind,
    Leaf,
    Value,
    above,
    write_parameters,
)

MUST_HONOR = "MustHonor"
_ELEMENTS = frozenset(ORDER)
_EMPTY_IS_NOTHING = ("InputSize", "Exposure")


@dataclass(frozen=True, slots=True)
class ScanTicket:
    """One ticket. `name`, `user` and `information` are as the client wrote them (checklist 213).

    `parameters` has every element of DocumentParameters that was there, by path, containers with None; it is empty
    when there was none. `honored` are the paths that must be honoured, by themselves or by a container; `strangers`
    the local names of unknown elements that must be.
    """

    name: str
    user: str
    information: str | None = None
    parameters: Mapping[str, Value | None] | None = None
    honored: frozenset[str] = frozenset()
    strangers: tuple[str, ...] = ()

    def __contains__(self, path: str) -> bool:
        return path in (self.parameters or {})

    def value(self, path: str) -> Value | None:
        """What stands at `path`, None when it is not there."""
        return (self.parameters or {}).get(path)

    def keyword(self, path: str) -> str | None:
        """The keyword at `path`."""
        value = self.value(path)
        return value if isinstance(value, str) else None

    def number(self, path: str) -> int | None:
        """The number at `path`."""
        value = self.value(path)
        return value if isinstance(value, int) else None

    def switch(self, path: str) -> bool:
        """Whether the switch at `path` is there and on."""
        return self.value(path) is True

    def honors(self, path: str) -> bool:
        """Whether the element at `path` is there and must be honoured."""
        return path in self.honored

    def corrected(self, values: Mapping[str, Value]) -> ScanTicket:
        """This ticket with `values` in the place of what stands there, and nothing unknown (wsd-scan.md 9.2)."""
        parameters = {**(self.parameters or {}), **{path: values[path] for path in values if path in self}}
        return replace(self, parameters=parameters if self.parameters is not None else None, strangers=())


def read_ticket(element: Element) -> ScanTicket:
    """The ticket in `element`. Raises InvalidArgument for what is missing, doubled or not of its type."""
    description = required(element, "JobDescription")
    information = child(description, "JobInformation")
    reader = _Reader()
    parameters = child(element, "DocumentParameters")
    if parameters is not None:
        reader.read(parameters, "", _marked(parameters))
        reader.choose()
    return ScanTicket(
        name=exact(required(description, "JobName")),
        user=exact(required(description, "JobOriginatingUserName")),
        information=None if information is None else exact(information),
        parameters=None if parameters is None else reader.values,
        honored=frozenset(reader.honored),
        strangers=tuple(reader.strangers),
    )


def write_ticket(ticket: ScanTicket, name: str = "ScanTicket") -> Element:
    """`ticket` as the element `name`, its children in schema order, MustHonor where the schema has it."""
    description = WSCN_E(
        "JobDescription", WSCN_E("JobName", ticket.name), WSCN_E("JobOriginatingUserName", ticket.user)
    )
    if ticket.information is not None:
        description.append(WSCN_E("JobInformation", ticket.information))
    element: Element = WSCN_E(name, description)
    if ticket.parameters is not None:
        marks = dict.fromkeys(ticket.honored & CARRIERS, (MUST_HONOR,))
        element.append(write_parameters("DocumentParameters", ticket.parameters, marks))
    return element


class _Reader:
    """Walks through DocumentParameters and keeps what it finds."""

    def __init__(self) -> None:
        self.values: dict[str, Value | None] = {}
        self.honored: set[str] = set()
        self.strangers: list[str] = []

    def read(self, container: Element, path: str, honored: bool) -> None:
        """Everything in `container`, which stands at `path` and must be honoured or not."""
        for found in container:
            if scan_name(found) is None and _marked(found):
                self.strangers.append(local_name(str(found.tag)))
        for name, found in scan_children(container):
            place = f"{path}/{name}" if path else name
            marked = honored or _marked(found)
            if place not in _ELEMENTS:
                if _marked(found):
                    self.strangers.append(name)
                continue
            if place in self.values:
                raise InvalidArgument(name, "it is there more than once")
            self._keep(found, place, marked)
        for name in REQUIRED.get(path, ()):
            if f"{path}/{name}" not in self.values:
                raise InvalidArgument(name, "it is missing")

    def choose(self) -> None:
        """Keep one of two alternatives: WSD-python writes a switch that is off beside what it stands for."""
        for switch, other in CHOICES.items():
            if switch in self.values and other in self.values:
                self._drop(other if self.values[switch] else switch)

    def _keep(self, found: Element, place: str, honored: bool) -> None:
        if honored:
            self.honored.add(place)
        leaf = LEAVES.get(place)
        if leaf is not None:
            self.values[place] = _read_leaf(found, leaf)
            return
        self.values[place] = None
        self.read(found, place, honored)
        if place in _EMPTY_IS_NOTHING and not any(place in above(other) for other in self.values):
            self._drop(place)

    def _drop(self, place: str) -> None:
        for path in [path for path in self.values if path == place or place in above(path)]:
            del self.values[path]
            self.honored.discard(path)


def _read_leaf(element: Element, leaf: Leaf) -> Value:
    if leaf.kind is Kind.INTEGER:
        return integer(element)
    if leaf.kind is Kind.BOOLEAN:
        return boolean(element.text or "", leaf.name)
    text = keyword(element)
    # The standard's own pages misspell the case of a keyword.
    return next((known for known in leaf.words if known.lower() == text.lower()), text)


def _marked(element: Element) -> bool:
    """Whether `element` itself carries MustHonor, qualified or, on an element of ours, not (checklist 141, 142)."""
    names = [tag(namespace, MUST_HONOR) for namespace in SCAN_NAMESPACES]
    if scan_name(element) is not None:
        names.append(MUST_HONOR)
    found = next((element.get(name) for name in names if element.get(name) is not None), None)
    return found is not None and boolean(found, local_name(str(element.tag)))


