"""Which events a subscription wants: the filter of Subscribe (eventing.md 2.1)."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.dpws.eventing_faults import ACTION_DIALECT, filter_action_not_supported, filtering_unavailable
from bridge.soap.envelope import Element, text_of


def wanted_actions(filter_element: Element | None, offered: Sequence[str]) -> frozenset[str]:
    """The events of `offered` that the wse:Filter lets through; all of them when there is no filter.

    Entries that match nothing are ignored beside one that does. Raises SoapFault: FilterActionNotSupported when none
    does, FilteringRequestedUnavailable for another dialect (checklist 252 to 256).
    """
    if filter_element is None:
        return frozenset(offered)
    dialect = filter_element.get("Dialect")
    text = text_of(filter_element)
    if dialect is None:
        return _named(text, offered)
    if dialect.strip() != ACTION_DIALECT or len(filter_element):
        raise filtering_unavailable()
    entries = set(text.split())
    wanted = frozenset(action for action in offered if any(_matches(entry, action) for entry in entries))
    if not wanted:
        raise filter_action_not_supported()
    return wanted


def event_name(action: str) -> str:
    """The last segment of an event's action: what people call the event."""
    return action.rpartition("/")[2]


def _named(text: str, offered: Sequence[str]) -> frozenset[str]:
    """A filter without a dialect is an XPath by the book; Microsoft's example has the bare name of an event there."""
    found = frozenset(action for action in offered if text in (action, event_name(action)))
    if not found:
        raise filtering_unavailable()
    return found


def _matches(entry: str, action: str) -> bool:
    """Whether `entry` is `action`, or a prefix of it that ends at a segment (the rfc2396 rule of WS-Discovery)."""
    if entry == action:
        return True
    scheme, host, path = _split(entry)
    if not host or (scheme, host) != _split(action)[:2]:
        return False
    segments = path.rstrip("/").split("/") if path.strip("/") else []
    return segments == _split(action)[2].split("/")[: len(segments)]


def _split(uri: str) -> tuple[str, str, str]:
    """Scheme and authority, whose case does not count, and the path without its first slash."""
    scheme, _, rest = uri.partition("://")
    host, _, path = rest.partition("/")
    return scheme.lower(), host.lower(), path
