"""From a request to settings: what is set, in which order, and what is done about refusals and roundings."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.imaging.tone import PLAIN, Tone
from bridge.scanner.description import describe
from bridge.scanner.descriptors import Option, Range
from bridge.scanner.failure import ScanFailure
from bridge.scanner.model import ColorMode, Format, InputSource, Region, Resolution, ScanRequest, Size, pixels
from bridge.scanner.options import apply, exposure_value, fit
from bridge.scanner.protocol import Status
from bridge.scanner.quirks import OptionValue, Quirks, SourceQuirk
from tests.fakes.dump_device import DumpDevice

A5 = Region(0, 0, 5827, 8268)


def request(**words: Any) -> ScanRequest:
    """A request for A5 at 300 dpi from the glass, with `words` changed; the promise follows from the rest."""
    plain = ScanRequest(InputSource.PLATEN, ColorMode.RGB_24, Format.JFIF, Resolution(300, 300), A5, 1, 1)
    asked = replace(plain, **words)
    if "width" in words:
        return asked
    return replace(
        asked,
        width=pixels(asked.region.width, asked.resolution.width),
        height=pixels(asked.region.height, asked.resolution.height),
    )


def geometry(width: float = 216.0, height: float = 297.0, quant: float = 0.0, unit: str = "mm") -> list[Option]:
    across, along = Range(0.0, width, quant), Range(0.0, height, quant)
    kind = "int" if unit == "pixel" else "fixed"
    return [
        Option("tl-x", kind, unit=unit, range=across, value=0.0),
        Option("tl-y", kind, unit=unit, range=along, value=0.0),
        Option("br-x", kind, unit=unit, range=across, value=width),
        Option("br-y", kind, unit=unit, range=along, value=height),
    ]


RESOLUTION = Option("resolution", "int", unit="dpi", choices=(75, 150, 300, 600), value=75)
MODE = Option("mode", "string", size=9, choices=("Lineart", "Gray", "Color"), value="Lineart")
SOURCE = Option("source", "string", size=26, choices=("Flatbed", "ADF", "ADF Duplex"), value="ADF")


def test_settings_go_in_the_order_in_which_they_change_each_other() -> None:
    """Source, mode, depth, resolution, region, exposure: each can change the ranges of those behind it."""
    options = [
        Option("brightness", "int", range=Range(-100, 100, 1), value=0),
        *geometry(),
        RESOLUTION,
        Option("depth", "int", choices=(8, 16), value=16),
        MODE,
        SOURCE,
    ]
    device = DumpDevice(options)
    apply(device, request(brightness=500))
    names = [name for name, _ in device.record]
    order = ["source", "mode", "depth", "resolution", "br-x", "br-y", "brightness"]
    assert [names.index(name) for name in order] == sorted(names.index(name) for name in order)
    assert [device.value(name) for name in order[:4]] == ["Flatbed", "Color", 8, 300]
    assert device.value("brightness") == 50


def test_what_the_device_lacks_is_left_out() -> None:
    """A device without any option is scanned as it is."""
    delivery = apply(DumpDevice([]), request(brightness=100, contrast=-100))
    assert delivery.placement.step_x == delivery.placement.step_y == 1
    assert delivery.placement.left == delivery.placement.top == 0


def test_a_missing_source_is_refused() -> None:
    """A source that the device does not name is refused instead of being replaced by another."""
    device = DumpDevice([replace(SOURCE, choices=("Flatbed",))])
    with pytest.raises(ScanFailure, match="ADFDuplex") as caught:
        apply(device, request(source=InputSource.ADF_DUPLEX))
    assert caught.value.status is Status.UNSUPPORTED


@pytest.mark.parametrize(("name", "option"), [("mode", MODE), ("resolution", RESOLUTION)])
def test_a_refusal_of_what_is_needed_names_the_setting(name: str, option: Option) -> None:
    """When the device refuses its mode or resolution the scan does not start, and the message says which."""
    with pytest.raises(ScanFailure, match=f"refused the setting {name} = ") as caught:
        apply(DumpDevice([option], refuse=[name]), request())
    assert caught.value.status is Status.INVALID


def test_a_refused_window_is_no_reason_to_stop() -> None:
    """When the device refuses a corner the scan goes on with its own window, and the region is cut out of that."""
    device = DumpDevice([RESOLUTION, *geometry()], refuse=["tl-x", "br-y"])
    delivery = apply(device, request(region=Region(1000, 2000, 3000, 4000)))
    assert "tl-x=0.0 refused" in delivery.settings
    assert delivery.placement.left == 300
    assert 0 <= delivery.placement.top < 1


@pytest.mark.parametrize(
    ("resolution", "set_to", "step"),
    [
        ((300, 300), 300, (1, 1)),
        ((200, 200), 150, (Fraction(3, 4), Fraction(3, 4))),
        ((300, 150), 300, (1, 2)),
        ((75, 600), 600, (8, 1)),
        ((1200, 1200), 600, (Fraction(1, 2), Fraction(1, 2))),
    ],
)
def test_one_resolution_for_both_axes(resolution: tuple[int, int], set_to: int, step: tuple[Any, Any]) -> None:
    """The nearest resolution for the finer axis is set, and the promise is kept by resampling."""
    device = DumpDevice([RESOLUTION, *geometry()])
    placement = apply(device, request(resolution=Resolution(*resolution))).placement
    assert device.value("resolution") == set_to
    assert (placement.step_x, placement.step_y) == step


def test_two_resolutions_are_set_apart() -> None:
    """A device with a resolution for each axis gets both, untied."""
    device = DumpDevice(
        [
            Option("resolution-bind", "bool", value=True),
            replace(RESOLUTION, name="x-resolution"),
            replace(RESOLUTION, name="y-resolution"),
            *geometry(),
        ]
    )
    placement = apply(device, request(resolution=Resolution(300, 600))).placement
    assert device.value("resolution-bind") is False
    assert (device.value("x-resolution"), device.value("y-resolution")) == (300, 600)
    assert (placement.step_x, placement.step_y) == (1, 1)


def test_scaling_is_kept_by_resampling() -> None:
    """A promise of twice the pixels takes each delivered pixel twice (wsd-scan.md 7.4)."""
    device = DumpDevice([RESOLUTION, *geometry()])
    region = Region(0, 0, 1000, 1000)
    placement = apply(device, request(region=region, width=600, height=150)).placement
    assert (placement.step_x, placement.step_y) == (Fraction(1, 2), 2)


def test_a_window_in_pixels() -> None:
    """Corners in pixels are set at the resolution that was set before them."""
    device = DumpDevice([replace(RESOLUTION, value=600), *geometry(2550, 3510, 1, "pixel")])
    placement = apply(device, request(region=Region(1000, 2000, 3000, 4000))).placement
    assert [device.value(name) for name in ("tl-x", "tl-y", "br-x", "br-y")] == [300, 600, 1201, 1801]
    assert (placement.left, placement.top) == (0, 0)


def test_a_coarse_grid_is_cropped() -> None:
    """Corners that take only whole steps are set outward, and the difference is cut off."""
    device = DumpDevice([RESOLUTION, *geometry(quant=5.0, width=215.0, height=295.0)])
    placement = apply(device, request(region=Region(1000, 1000, 3000, 3000))).placement
    assert [device.value(name) for name in ("tl-x", "br-x")] == [25.0, 105.0]
    assert placement.left == (1 - Fraction(25) / Fraction(25.4)) * 300


def test_a_tiny_region_is_cut_out_of_a_window_that_devices_take() -> None:
    """Half an inch is scanned at least, inside the bed, also in its last corner."""
    device = DumpDevice([RESOLUTION, *geometry()])
    placement = apply(device, request(region=Region(8490, 11680, 5, 5))).placement
    assert device.value("br-x") == 216.0
    assert device.value("tl-x") == pytest.approx(216.0 - 12.7, abs=0.01)
    start = device.value("tl-x")
    assert isinstance(start, float)
    assert placement.left == (Fraction(8490, 1000) - Fraction(start) / Fraction(25.4)) * 300


def test_the_corner_never_passes_the_other() -> None:
    """The first corner goes home before the second is set, so no order of two regions is refused."""
    device = DumpDevice([RESOLUTION, *geometry()])
    apply(device, request(region=Region(6000, 8000, 1000, 1000)))
    device.record.clear()
    apply(device, request(region=Region(0, 0, 1000, 1000)))
    corners = [(name, value) for name, value in device.record if name in ("tl-x", "br-x")]
    assert corners[0] == ("tl-x", 0.0)
    assert corners[1][0] == "br-x"


def test_a_preview_is_turned_off() -> None:
    """A device that was left in preview scans properly."""
    device = DumpDevice([Option("preview", "bool", value=True)])
    apply(device, request())
    assert device.value("preview") is False


@pytest.mark.conformance(148)
@pytest.mark.parametrize(
    ("span", "value", "expected"),
    [
        ((-100, 100), 1000, 100),
        ((-100, 100), -1000, -100),
        ((-100, 100), 500, 50),
        ((-4, 3), 1000, 3),
        ((-4, 3), -500, -2),
        ((0, 2000), 1000, 2000),
        ((0, 2000), -500, 500),
        ((0, 255), 1, 127.6275),
        ((10, 20), -1000, 10),
        ((-127, 127), 5000, 127),
    ],
)
def test_exposure_is_mapped_to_the_device(span: tuple[int, int], value: int, expected: float) -> None:
    """-1000 to 1000 covers the device's whole range, with 0 at its neutral value."""
    assert exposure_value(*span, value) == pytest.approx(expected)


def test_exposure_nought_leaves_the_device_alone() -> None:
    """0 means no correction, which is what the device does by itself."""
    device = DumpDevice([Option("brightness", "int", range=Range(0, 255, 1), value=99)])
    apply(device, request())
    assert device.value("brightness") == 99


@pytest.mark.conformance(148)
@pytest.mark.parametrize(
    ("options", "set_to", "left"),
    [
        ([], {}, (300, -400)),
        ([Option("brightness", "int", range=Range(-100, 100, 1))], {"brightness": 30}, (0, -400)),
        ([Option("contrast", "fixed", range=Range(-50, 50))], {"contrast": -20.0}, (300, 0)),
        ([Option("brightness", "int", range=Range(-100, 100, 1), active=False)], {}, (300, -400)),
        ([Option("brightness", "int", range=Range(-100, 100, 1), settable=False)], {}, (300, -400)),
        ([Option("brightness", "int", choices=(-1, 0, 1))], {}, (300, -400)),
        ([Option("brightness", "int")], {}, (300, -400)),
    ],
)
def test_what_the_device_cannot_do_of_exposure_is_left_to_us(
    options: list[Option], set_to: dict[str, Any], left: tuple[int, int]
) -> None:
    """Brightness and contrast are the device's where it has a range for them, else the table's, and never both."""
    device = DumpDevice(options)
    delivery = apply(device, request(brightness=300, contrast=-400))
    assert dict(device.record) == set_to
    assert delivery.tone == Tone(*left)
    assert delivery.settings.endswith(f"then {delivery.tone}")


def test_an_exposure_that_the_device_refuses_is_left_to_us() -> None:
    """A refused brightness is done by the table."""
    device = DumpDevice([Option("brightness", "int", range=Range(-100, 100, 1))], refuse=["brightness"])
    assert apply(device, request(brightness=300)).tone == Tone(brightness=300)


def test_what_is_known_of_gamma_and_white_is_always_ours() -> None:
    """Nothing asked for, nothing known: no table. What a quirk says goes with every scan."""
    assert apply(DumpDevice([]), request()).tone == PLAIN
    assert apply(DumpDevice([]), request(), Quirks(gamma=2.0, white_level=230)).tone == Tone(gamma=2.0, white=230)


@pytest.mark.parametrize(
    ("brightness", "own", "mode", "left"),
    [(0, False, "Lineart", 0), (300, False, "Gray", 300), (300, True, "Lineart", 0)],
)
def test_black_and_white_that_is_to_be_lightened(brightness: int, own: bool, mode: str, left: int) -> None:
    """Lines have no levels left to lighten: where the device cannot do it itself, its grays are scanned."""
    options = [MODE, *([Option("brightness", "int", range=Range(-100, 100, 1))] if own else [])]
    device = DumpDevice(options)
    delivery = apply(device, request(color=ColorMode.BLACK_AND_WHITE_1, brightness=brightness))
    assert device.value("mode") == mode
    assert delivery.tone == Tone(brightness=left)


def test_a_device_of_nothing_but_lines_cannot_be_lightened() -> None:
    """Without grays the lines stay as they are."""
    device = DumpDevice([replace(MODE, choices=("Lineart",))])
    assert apply(device, request(color=ColorMode.BLACK_AND_WHITE_1, brightness=300)).tone == PLAIN


def test_a_feeder_is_told_the_sheet() -> None:
    """The paper's size is the media's, not the region's, because many feeders centre the sheet by it."""
    paper = [Option(name, "fixed", unit="mm", range=Range(0.0, 300.0)) for name in ("page-width", "page-height")]
    device = DumpDevice([*paper, SOURCE])
    apply(device, request(source=InputSource.ADF, region=Region(0, 0, 4000, 5000), media=Size(8500, 11000)))
    assert device.value("page-width") == pytest.approx(215.9, abs=0.01)
    assert device.value("page-height") == pytest.approx(279.4, abs=0.01)


def test_what_a_quirk_says_of_a_source_is_set_in_its_order() -> None:
    """Options that choose a source are set one after another, rounded to what they take, and none may be missing."""
    sides = Option("sides", "int", choices=(1, 2), value=1)
    device = DumpDevice([SOURCE, sides])
    chosen = SourceQuirk(tuple(OptionValue(*pair) for pair in (("sides", 2.2), ("source", "ADF"))))
    apply(device, request(source=InputSource.ADF_DUPLEX), Quirks(adf_duplex=chosen))
    assert device.record[:2] == [("sides", 2), ("source", "ADF")]
    for wrong in (SourceQuirk(there=False), SourceQuirk((OptionValue("sauce", "Flatbed"),))):
        with pytest.raises(ScanFailure, match="Platen") as caught:
            apply(device, request(), Quirks(platen=wrong))
        assert caught.value.status is Status.UNSUPPORTED


def test_a_quirk_that_names_what_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A source that cannot be chosen as its quirk says is not offered, and the log has the reason."""
    wrong = SourceQuirk((OptionValue("sauce", "Flatbed"),))
    assert describe(DumpDevice([SOURCE]), "", Quirks(platen=wrong)).sources == (InputSource.ADF, InputSource.ADF_DUPLEX)
    assert "Platen cannot be chosen: The scanner has no option sauce" in capsys.readouterr().err
    unknown = Quirks(adf_duplex=SourceQuirk((OptionValue("source", "X"),)))
    assert describe(DumpDevice([SOURCE]), "", unknown).sources == (InputSource.PLATEN, InputSource.ADF)
    assert "ADFDuplex cannot be chosen: The scanner refused a setting" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [SourceQuirk(there=False), SourceQuirk((OptionValue("sauce", 1),))])
def test_without_one_side_there_are_no_two(wrong: SourceQuirk) -> None:
    """A feeder that cannot be had for one side is not offered for both; a scanner with nothing else is refused."""
    assert describe(DumpDevice([SOURCE]), "", Quirks(adf=wrong)).sources == (InputSource.PLATEN,)
    with pytest.raises(ScanFailure) as caught:
        describe(DumpDevice([SOURCE]), "", Quirks(adf=wrong, platen=wrong))
    assert caught.value.status is Status.UNSUPPORTED


@settings(deadline=None)
@given(
    kind=st.sampled_from(["int", "fixed"]),
    ends=st.tuples(st.integers(-1000, 1000), st.integers(0, 1000)),
    quant=st.integers(0, 7),
    value=st.floats(-1e6, 1e6),
)
def test_a_fitted_number_is_one_that_the_option_takes(
    kind: str, ends: tuple[int, int], quant: int, value: float
) -> None:
    """The value that is set lies within the range and is the nearest on its grid; no driver wraps it around."""
    span = Range(ends[0], ends[0] + ends[1], quant)
    fitted = fit(Option("x", kind, range=span), value)
    assert isinstance(fitted, (int, float))
    assert span.minimum <= fitted <= span.maximum
    if span.minimum <= value <= span.maximum:
        assert abs(fitted - value) <= max(quant, 1)


@pytest.mark.parametrize(("value", "expected"), [(225, 300), (224, 150), (9999, 600), (-1, 75)])
def test_a_fitted_list_value_is_the_nearest(value: int, expected: int) -> None:
    """Of a list the nearest is set, of two the greater."""
    assert fit(RESOLUTION, value) == expected


def test_a_device_that_fails_ends_the_set_up() -> None:
    """A refusal for another reason than the value, such as a lost device, always ends the scan."""

    class Gone(DumpDevice):
        def set(self, option: Option, value: Any) -> None:
            if option.name == "br-x":
                raise ScanFailure(Status.IO_ERROR, "The scanner does not answer.")
            super().set(option, value)

    with pytest.raises(ScanFailure, match="br-x") as caught:
        apply(Gone([RESOLUTION, *geometry()]), request())
    assert caught.value.status is Status.IO_ERROR
