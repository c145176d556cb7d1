"""Matching rules for scopes."""

from __future__ import annotations

import pytest

from bridge.discovery.scopes import RFC_2396, STRCMP_0, UUID, UnknownMatchingRule, scopes_match

OURS = ("http://Example.com/Building/3/Room", "urn:uuid:6F1E7AD8-3c5b-5d0e-9c3f-0a2b4c6d8e01", "ldap:///ou=x")


@pytest.mark.conformance(64, 65)
@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        ("http://example.com/Building/3/Room", True),
        ("HTTP://EXAMPLE.COM/Building/3", True),
        ("http://example.com/Building/3/", True),
        ("http://example.com/", True),
        ("http://example.com", True),
        ("http://example.com/Building?query#fragment", True),
        ("http://example.com/Build", False),
        ("http://example.com/Building/30", False),
        ("http://example.com/building/3", False),
        ("http://example.com/Building/3/Room/Desk", False),
        ("http://example.com/Building/./3", False),
        ("http://example.com/Building/../Building/3", False),
        ("http://example.org/Building", False),
        ("http://example.com:81/Building", False),
        ("https://example.com/Building/3", False),
        ("http://[broken/", False),
        ("ldap:///ou=x", True),
    ],
)
def test_rfc_2396_compares_whole_segments(wanted: str, matches: bool) -> None:
    """A prefix of the path matches by segments and by case, scheme and authority without regard to case."""
    assert scopes_match(RFC_2396, [wanted], OURS) is matches


@pytest.mark.conformance(64)
def test_rfc_2396_is_the_default() -> None:
    """A Probe without MatchBy means it."""
    assert scopes_match("", ["HTTP://example.com/Building"], OURS)


@pytest.mark.conformance(64)
@pytest.mark.parametrize(
    ("wanted", "matches"),
    [("http://Example.com/Building/3/Room", True), ("http://example.com/Building/3/Room", False), ("http:", False)],
)
def test_strcmp_0_compares_characters(wanted: str, matches: bool) -> None:
    """Equal or not, case and all."""
    assert scopes_match(STRCMP_0, [wanted], OURS) is matches


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        ("uuid:6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01", True),
        ("URN:UUID:6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01", True),
        ("urn:uuid:6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e02", False),
        ("6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01", False),
        ("uuid:x", False),
    ],
)
def test_uuids_are_compared_as_numbers(wanted: str, matches: bool) -> None:
    """The same UUID in any of its spellings."""
    assert scopes_match(UUID, [wanted], OURS) is matches


@pytest.mark.conformance(63)
def test_every_wanted_scope_has_to_match() -> None:
    """Two scopes are a conjunction."""
    assert scopes_match("", ["http://example.com/", "ldap:///ou=x"], OURS)
    assert not scopes_match("", ["http://example.com/", "http://example.org/"], OURS)


def test_no_wanted_scope_matches_always() -> None:
    """An empty or absent Scopes asks for everybody, a device without scopes too."""
    assert scopes_match("", [], OURS)
    assert scopes_match(STRCMP_0, [], [])


@pytest.mark.conformance(63)
def test_a_device_without_scopes_is_in_none() -> None:
    """Whatever scope is wanted, it is not ours."""
    assert not scopes_match("", ["http://example.com/"], [])


@pytest.mark.parametrize("rule", ["http://schemas.xmlsoap.org/ws/2005/04/discovery/ldap", "x"])
@pytest.mark.parametrize("wanted", [[], ["http://example.com/"]])
def test_an_unknown_rule_is_refused(rule: str, wanted: list[str]) -> None:
    """Also where there would be nothing to compare."""
    with pytest.raises(UnknownMatchingRule):
        scopes_match(rule, wanted, OURS)
