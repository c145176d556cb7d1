"""Options as plain values: what python-sane's rows become, hostile ones included."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.scanner.descriptors import Option, Options, Range, from_json, from_sane, to_json


def row(**words: Any) -> tuple[Any, ...]:
    """A row of python-sane's get_options."""
    plain = {"index": 7, "name": "x", "title": "X", "desc": "", "type": 1, "unit": 4, "size": 4, "cap": 5}
    return (*{**plain, **words}.values(), None)


def test_a_row_becomes_an_option() -> None:
    """Type, unit and capabilities are told in words."""
    option = from_sane((7, "resolution", "Scan resolution", "long", 2, 4, 4, 5, (50.0, 1200.0, 1.0)), 300.0)
    assert option == Option(
        "resolution",
        "fixed",
        title="Scan resolution",
        unit="dpi",
        range=Range(50.0, 1200.0, 1.0),
        value=300.0,
        index=7,
    )


@pytest.mark.parametrize(
    ("cap", "active", "settable", "readable"),
    [
        (5, True, True, True),
        (37, False, True, True),
        (6, True, False, True),
        (4, True, False, True),
        (0, True, False, False),
    ],
)
def test_capabilities_of_an_option(cap: int, active: bool, settable: bool, readable: bool) -> None:
    """Inactive, read-only and unreadable options are told apart."""
    option = from_sane(row(cap=cap))
    assert option is not None
    assert (option.active, option.settable, option.readable) == (active, settable, readable)
    assert option.usable is (active and settable)


def test_tables_and_buttons_are_not_usable() -> None:
    """What python-sane cannot set as one value is never set."""
    for words in ({"size": 1024}, {"type": 4, "size": 0}, {"type": 5, "size": 0}, {"size": 0}):
        option = from_sane(row(**words))
        assert option is not None
        assert not option.usable


@pytest.mark.parametrize(
    "broken",
    [(), (1, 2, 3), row(type=99), row(unit=99), row(type=None), row(size="x"), row(cap=None), row(index=None)],
)
def test_a_row_that_makes_no_sense_is_left_out(broken: tuple[Any, ...]) -> None:
    """An option of a kind that SANE does not have is none."""
    assert from_sane(broken) is None


ANYTHING = st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=4)


@settings(deadline=None)
@given(st.lists(ANYTHING, min_size=8, max_size=9), ANYTHING | st.tuples(st.integers(), st.floats(), st.integers()))
def test_any_row_is_answered(fields: list[Any], constraint: Any) -> None:
    """No row, however strange, is an error, and what comes of it can be written and read."""
    option = from_sane((*fields[:8], constraint))
    if option is not None:
        assert Options([option]).usable("x", option.name) in (None, option)


def test_names_are_found_once() -> None:
    """Of two options of one name the first counts; groups and nameless options do not."""
    first, second = Option("a", "int", value=1), Option("a", "int", value=2)
    options = Options([Option("", "int"), Option("g", "group"), first, second])
    assert list(options) == [first]
    assert options.get("g") is None
    assert options.usable("missing", "a") is first


@pytest.mark.parametrize(
    ("option", "number"),
    [
        (Option("r", "int", value=300), 300.0),
        (Option("r", "fixed", value=1.5), 1.5),
        (Option("r", "int", value=300, active=False), None),
        (Option("r", "int"), None),
        (Option("r", "string", value="300"), None),
        (Option("r", "int", value="300"), None),
    ],
)
def test_numbers_are_read_where_they_are(option: Option, number: float | None) -> None:
    """Only active numeric options with a value have a number."""
    assert Options([option]).number("r") == number
    assert Options([]).number("r") is None


@pytest.mark.parametrize("words", [{}, {"name": "x", "type": "huge"}, {"name": "x", "type": "int", "unit": "miles"}])
def test_a_wrong_dump_is_refused(words: dict[str, Any]) -> None:
    """A dump with unknown words is an error and not half a scanner."""
    with pytest.raises(ValueError, match="unknown type or unit"):
        from_json(words)


def test_a_dump_says_only_what_differs() -> None:
    """What has its usual value is not written."""
    assert to_json(Option("x", "int")) == {"name": "x", "type": "int"}
    full = Option("x", "string", "T", "dpi", 9, False, False, False, Range(1, 2, 3), ("a",), "a")
    assert from_json(to_json(full)) == full
