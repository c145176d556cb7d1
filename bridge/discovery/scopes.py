"""Scope matching rules of WS-Discovery (discovery-and-metadata.md 4.3)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from urllib.parse import SplitResult, urlsplit

from bridge.errors import Refusal
from bridge.soap import namespaces as ns

RFC_2396 = f"{ns.WSD}/rfc2396"
STRCMP_0 = f"{ns.WSD}/strcmp0"
UUID = f"{ns.WSD}/uuid"


class UnknownMatchingRule(Refusal):
    """The Probe asks for a rule of matching that is not known here."""


def scopes_match(rule: str, wanted: Sequence[str], ours: Sequence[str]) -> bool:
    """Whether every scope of a Probe matches one of `ours`; none wanted match always.

    `rule` is the URI in MatchBy, empty for the default. Raises UnknownMatchingRule for one not in `RULES`.
    """
    try:
        matches = RULES[rule or RFC_2396]
    except KeyError:
        raise UnknownMatchingRule(rule) from None
    return all(any(matches(scope, own) for own in ours) for scope in wanted)


def _by_rfc_2396(wanted: str, own: str) -> bool:
    """Scheme and authority without regard to case, then whole segments of the path as a prefix (checklist 65)."""
    try:
        asked, held = urlsplit(wanted), urlsplit(own)
    except ValueError:
        return False
    if (asked.scheme, asked.netloc.lower()) != (held.scheme, held.netloc.lower()):
        return False
    prefix, path = _segments(asked), _segments(held)
    if {".", ".."} & {*prefix, *path}:
        return False
    return path[: len(prefix)] == prefix


def _segments(uri: SplitResult) -> list[str]:
    """The segments of the path; a slash at its end makes no segment."""
    path = uri.path.removesuffix("/")
    return path.split("/") if path else []


def _by_strcmp_0(wanted: str, own: str) -> bool:
    return wanted == own


def _by_uuid(wanted: str, own: str) -> bool:
    """Both name the same UUID, however it is written."""
    try:
        return _uuid(wanted) == _uuid(own)
    except ValueError:
        return False


def _uuid(uri: str) -> uuid.UUID:
    text = uri.lower().removeprefix("urn:")
    if not text.startswith("uuid:"):
        raise ValueError("no uuid URI")
    return uuid.UUID(text.removeprefix("uuid:"))


RULES: dict[str, Callable[[str, str], bool]] = {RFC_2396: _by_rfc_2396, STRCMP_0: _by_strcmp_0, UUID: _by_uuid}
"""The rules we know; WSDAPI knows the same (checklist 64)."""
