"""Names of colour modes, as backends write them, and which one is chosen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.scanner.descriptors import Option, Options
from bridge.scanner.model import ColorMode
from bridge.scanner.modes import Mode, choose, classify, modes


def mode(*choices: str) -> Option:
    return Option("mode", "string", size=64, choices=choices)


def depth(*choices: int, active: bool = True) -> Option:
    return Option("depth", "int", choices=choices, active=active)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("Color", (3, None)),
        ("Colour", (3, None)),
        ("24bit Color", (3, None)),
        ("24bit Color[Fast]", (3, None)),
        ("24-bit Color", (3, None)),
        ("48 bits color", (3, 16)),
        ("16bit Color", (3, 16)),
        ("RGB", (3, None)),
        ("Gray", (1, None)),
        ("Grayscale", (1, None)),
        ("8-bit Grayscale", (1, None)),
        ("True Gray", (1, None)),
        ("16 bits gray", (1, 16)),
        ("16bit Gray", (1, 16)),
        ("Lineart", (1, 1)),
        ("Binary", (1, 1)),
        ("Halftone", (1, 1)),
        ("Dithered", (1, 1)),
        ("Black & White", (1, 1)),
        ("1-bit Black & White", (1, 1)),
        ("B/W", (1, 1)),
        ("Monochrome", (1, 1)),
        ("Gray[Error Diffusion]", (1, 1)),
        ("Color Lineart", None),
        ("Color Halftone", None),
        ("Infrared", None),
        ("RGBI", None),
        ("Whatever", None),
        ("", None),
    ],
)
def test_names_of_modes(name: str, meaning: tuple[int, int | None] | None) -> None:
    """The words of SANE's backends are understood; colour lines, infrared and the unknown are not used."""
    assert classify(name) == meaning


@settings(deadline=None)
@given(st.lists(st.text(max_size=20), max_size=6))
def test_any_device_has_a_mode(names: list[str]) -> None:
    """Whatever a device calls its modes, there is one to scan with and gray can be asked for."""
    found = modes(Options([mode(*names)]))
    assert found
    assert choose(found, ColorMode.GRAYSCALE_8) in found


@pytest.mark.parametrize("active", [True, False])
def test_modes_times_depths(active: bool) -> None:
    """Each mode comes with each depth of the depth option, awake or not; colour with one bit is left out."""
    found = modes(Options([mode("Gray", "Color"), depth(1, 8, 16, active=active)]))
    assert [(each.channels, each.depth) for each in found] == [(1, 8), (1, 16), (1, 1), (3, 8), (3, 16)]
    assert found[0].settings == (("mode", "Gray"), ("depth", 8))


def test_a_depth_in_the_name_needs_no_option() -> None:
    """A mode that names its depth does not touch the depth option."""
    found = modes(Options([mode("48 bits color", "Color", "Lineart"), depth(8, 16)]))
    by_color = {each.color: each.settings for each in found}
    assert by_color[ColorMode.RGB_48] == (("mode", "48 bits color"),)
    assert by_color[ColorMode.RGB_24] == (("mode", "Color"), ("depth", 8))
    assert by_color[ColorMode.BLACK_AND_WHITE_1] == (("mode", "Lineart"),)


def test_the_better_of_two_names_is_used() -> None:
    """A fast, draft or raw mode is taken only when there is no other for the colour."""
    assert modes(Options([mode("24bit Color[Fast]", "24bit Color")]))[0].settings == (("mode", "24bit Color"),)
    assert modes(Options([mode("24bit Color[Fast]")]))[0].settings == (("mode", "24bit Color[Fast]"),)


def test_dithered_lines_are_the_last_resort() -> None:
    """Lines come from the device's lineart, else from its gray; dithered ones only where there is nothing else."""

    def lines(*names: str) -> tuple[tuple[str, object], ...]:
        return choose(modes(Options([mode(*names)])), ColorMode.BLACK_AND_WHITE_1).settings

    assert lines("Halftone", "Lineart", "Gray") == (("mode", "Lineart"),)
    assert lines("Halftone", "Gray") == (("mode", "Gray"),)
    assert lines("Gray[Error Diffusion]", "24bit Color") == (("mode", "24bit Color"),)
    assert lines("Halftone") == (("mode", "Halftone"),)


def test_a_device_without_modes_counts_as_gray() -> None:
    """Without a mode option gray is promised, to which everything converts."""
    assert modes(Options([])) == (Mode((), 1, 8),)
    assert modes(Options([depth(8, 16)])) == (Mode((("depth", 8),), 1, 8),)


@pytest.mark.parametrize(
    ("available", "wanted", "chosen"),
    [
        ("Lineart Gray Color", ColorMode.RGB_24, "Color"),
        ("Lineart Gray Color", ColorMode.GRAYSCALE_8, "Gray"),
        ("Lineart Gray Color", ColorMode.BLACK_AND_WHITE_1, "Lineart"),
        ("Lineart Color", ColorMode.GRAYSCALE_8, "Color"),
        ("Lineart", ColorMode.GRAYSCALE_8, "Lineart"),
        ("Lineart", ColorMode.RGB_24, "Lineart"),
        ("Lineart Gray", ColorMode.RGB_24, "Gray"),
        ("Color", ColorMode.GRAYSCALE_8, "Color"),
    ],
)
def test_the_mode_that_loses_least_is_chosen(available: str, wanted: ColorMode, chosen: str) -> None:
    """Without the wanted mode, the one with more is taken and converted, and only then one with less."""
    found = modes(Options([mode(*available.split())]))
    assert choose(found, wanted).settings == (("mode", chosen),)


def test_depths_of_other_kinds_are_understood() -> None:
    """A depth option may be a range or texts; depths that cannot be read are left alone."""
    words = Option("depth", "string", size=8, choices=("8 bit", "16 bit"))
    assert modes(Options([mode("Gray"), words]))[0].settings == (("mode", "Gray"), ("depth", "8 bit"))
    assert modes(Options([mode("Gray"), depth(8, 14)])) == (Mode((("mode", "Gray"), ("depth", 8)), 1, 8),)
    assert modes(Options([mode("Gray"), depth(12, 14)])) == (Mode((("mode", "Gray"),), 1, 8),)
