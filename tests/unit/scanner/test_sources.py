"""Names of paper sources, as backends write them, and which settings choose a source."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.scanner.descriptors import Option, Options
from bridge.scanner.model import InputSource
from bridge.scanner.sources import classify, source_settings

PLATEN, ADF, DUPLEX = InputSource.PLATEN, InputSource.ADF, InputSource.ADF_DUPLEX


def source(*choices: str) -> Option:
    return Option("source", "string", size=64, choices=choices)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("Flatbed", PLATEN),
        ("FlatBed", PLATEN),
        ("flatbed", PLATEN),
        ("fb", PLATEN),
        ("Normal", PLATEN),
        ("Platen", PLATEN),
        ("Document Table", PLATEN),
        ("ADF", ADF),
        ("adf", ADF),
        ("ADF Front", ADF),
        ("Automatic Document Feeder", ADF),
        ("Automatic Document Feeder(left aligned)", ADF),
        ("Automatic Document Feeder(centrally aligned)", ADF),
        ("Document Feeder", ADF),
        ("Sheetfeeder", ADF),
        ("ADF Duplex", DUPLEX),
        ("Duplex", DUPLEX),
        ("ADF - both sides", DUPLEX),
        ("Automatic Document Feeder(left aligned,Duplex)", DUPLEX),
        ("Transparency Unit", None),
        ("Transparency Adapter", None),
        ("Transparency", None),
        ("Negative", None),
        ("TMA Slides", None),
        ("TPU8x10", None),
        ("XPA", None),
        ("35mm Film", None),
        ("ADF Back", None),
        ("Card Front", None),
        ("Card Duplex", None),
        ("Auto", None),
        ("Something else", None),
        ("", None),
    ],
)
def test_names_of_sources(name: str, meaning: InputSource | None) -> None:
    """The words of SANE's backends are understood; film, cards, back sides and the unknown are not offered."""
    assert classify(name) is meaning


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_name_is_answered(name: str) -> None:
    """No name, however strange, is an error."""
    assert classify(name) in (None, *InputSource)


def test_the_first_of_several_names_is_used() -> None:
    """Of two feeders the first one listed is taken, which is the backend's own preference."""
    found = source_settings(Options([source("ADF Front", "ADF Back", "ADF Duplex", "ADF")]))
    assert found == {ADF: (("source", "ADF Front"),), DUPLEX: (("source", "ADF Duplex"),)}


@pytest.mark.parametrize(
    ("option", "single", "double"),
    [
        (Option("adf-mode", "string", size=9, choices=("Simplex", "Duplex"), active=False), "Simplex", "Duplex"),
        (Option("duplex", "bool"), False, True),
        (Option("duplex", "bool", active=False), False, True),
    ],
)
def test_both_sides_by_an_option_of_their_own(option: Option, single: object, double: object) -> None:
    """Where one option chooses the feeder and another both sides, each source sets both, even while one sleeps."""
    found = source_settings(Options([source("Flatbed", "Automatic Document Feeder"), option]))
    feeder = ("source", "Automatic Document Feeder")
    assert found == {
        PLATEN: (("source", "Flatbed"),),
        ADF: (feeder, (option.name, single)),
        DUPLEX: (feeder, (option.name, double)),
    }


def test_a_flatbed_with_a_sleeping_duplex_option_has_no_feeder() -> None:
    """An option that this model never activates makes no feeder (HP PSC 1600)."""
    assert source_settings(Options([source("Flatbed"), Option("duplex", "bool", active=False)])) == {
        PLATEN: (("source", "Flatbed"),)
    }


def test_a_feeder_that_only_scans_both_sides_scans_one_as_well() -> None:
    """A scanner that names nothing but duplex still answers a ticket for ADF."""
    found = source_settings(Options([source("Flatbed", "Duplex")]))
    assert found[ADF] == found[DUPLEX] == (("source", "Duplex"),)


@pytest.mark.parametrize(
    ("kind", "options", "meaning"),
    [
        ("flatbed scanner", [], PLATEN),
        ("", [], PLATEN),
        ("sheetfed scanner", [], ADF),
        ("scanner", [Option("feeder-mode", "string", size=9, choices=("One page", "All pages"))], ADF),
        ("scanner", [Option("page-loaded", "bool", settable=False)], ADF),
        ("flatbed scanner", [Option("page-loaded", "bool", settable=False)], PLATEN),
        ("scanner", [source("What?", "Ever")], PLATEN),
    ],
)
def test_without_words_about_it_the_kind_decides(kind: str, options: list[Option], meaning: InputSource) -> None:
    """A scanner that names no source has one: a feeder if its kind or options say so, else the glass."""
    assert source_settings(Options(options), kind) == {meaning: ()}


def test_a_sheetfed_scanner_with_a_duplex_switch_has_both() -> None:
    """Without a source option, a switch for both sides still makes the second source."""
    assert source_settings(Options([Option("duplex", "bool")])) == {
        ADF: (("duplex", False),),
        DUPLEX: (("duplex", True),),
    }
