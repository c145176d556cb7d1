"""Content-Type values of other people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.soap.media import MAX_VALUE, parse_content_type

READ = [
    ("application/soap+xml", "application/soap+xml", {}),
    ("Application/SOAP+XML; Charset=UTF-8", "application/soap+xml", {"charset": "UTF-8"}),
    ('application/soap+xml;charset="utf-8" ; action="urn:x;y"', None, {"charset": "utf-8", "action": "urn:x;y"}),
    (' multipart/related ;boundary=a;start = "<b>" ;; ', "multipart/related", {"boundary": "a", "start": "<b>"}),
    ('text/plain; a="q\\"uo\\\\te"', "text/plain", {"a": 'q"uo\\te'}),
    ("text/plain; a=1; A=2", "text/plain", {"a": "1"}),
    ("multipart/related; type=application/xop+xml; boundary=a/b:c=d", None, {"boundary": "a/b:c=d"}),
]


@pytest.mark.conformance(34)
@pytest.mark.parametrize(("value", "media_type", "parameters"), READ)
def test_types_and_parameters_are_read(value: str, media_type: str | None, parameters: dict[str, str]) -> None:
    """Case, quotes and white space are the sender's choice; the first of two equal parameters counts."""
    found = parse_content_type(value)
    if media_type is not None:
        assert found[0] == media_type
    assert {name: found[1][name] for name in parameters} == parameters


@pytest.mark.parametrize("value", ["", "soap", "a/b/c", "a/b; c", 'a/b; c="d', "a/b c=d", "a/b;=d", "a/ b", "ä/b"])
def test_what_is_no_content_type_is_refused(value: str) -> None:
    """A value that does not follow the grammar is ValueError."""
    with pytest.raises(ValueError, match=r"\w"):
        parse_content_type(value)


def test_a_value_has_a_longest_length() -> None:
    """A value of MAX_VALUE characters is read, a longer one is not looked at."""
    longest = "a/b;c=" + "d" * (MAX_VALUE - 6)
    assert len(parse_content_type(longest)[1]["c"]) == MAX_VALUE - 6
    with pytest.raises(ValueError, match="longer"):
        parse_content_type(longest + "d")


@given(st.text(max_size=80))
def test_no_value_does_anything_else(value: str) -> None:
    """Any text is read or is ValueError."""
    try:
        media_type, parameters = parse_content_type("a/b;" + value)
    except ValueError:
        return
    assert media_type == "a/b"
    assert all(name == name.lower() for name in parameters)
