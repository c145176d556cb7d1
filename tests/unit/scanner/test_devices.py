"""Real scanners' option dumps: what we publish of each, and what a request sets on it."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from bridge.imaging.formats import FORMAT_COLORS
from bridge.imaging.geometry import Placement
from bridge.scanner.description import describe
from bridge.scanner.descriptors import from_json, to_json
from bridge.scanner.model import (
    Capabilities,
    ColorMode,
    Device,
    Format,
    InputSource,
    Region,
    Resolution,
    ScanRequest,
    Size,
    pixels,
)
from bridge.scanner.options import apply
from bridge.scanner.quirk_files import PACKAGED
from bridge.scanner.quirk_files import load as load_quirks
from bridge.scanner.quirks import Quirks
from tests.fakes.dump_device import DumpDevice, dumps, load
from tests.unit.scanner.sane_process import run

NAMES = dumps()


def quirks_of(words: dict[str, Any]) -> Quirks:
    """What the packaged files know of the scanner of a dump."""
    device = Device("", "", words["title"], words["kind"], usb_id=words.get("usb_id", ""))
    return load_quirks([PACKAGED]).of(device)[0]


def turns(words: dict[str, Any], source: InputSource) -> bool:
    """Whether backs from the source have to be turned, so that the window holds more than the region."""
    return quirks_of(words).backs_turned and source is InputSource.ADF_DUPLEX


def request_for(capabilities: Capabilities, source: InputSource, resolution: int, region: Region) -> ScanRequest:
    return ScanRequest(
        source=source,
        color=capabilities.of(source).colors[0],
        format=Format.JFIF,
        resolution=Resolution(resolution, resolution),
        region=region,
        width=pixels(region.width, resolution),
        height=pixels(region.height, resolution),
    )


@pytest.mark.conformance(129, 130)
@pytest.mark.parametrize("name", NAMES)
def test_a_scanner_is_described_as_expected(name: str) -> None:
    """Sources, resolutions, colours, sizes and exposure follow from the scanner's own options."""
    words = load(name)
    found = describe(DumpDevice.from_dump(name), words["kind"], quirks_of(words))
    expected = words["expect"]
    assert [source.value for source in found.sources] == list(expected["sources"])
    for source, side in expected["sources"].items():
        said = found.of(InputSource(source))
        assert list(said.resolutions) == side["resolutions"]
        assert [color.value for color in said.colors] == side["colors"]
        assert said.maximum == Size(*side["maximum"])
        assert said.minimum == Size(1, 1)
    assert (found.brightness, found.contrast) == (expected["brightness"], expected["contrast"])
    assert found.formats == tuple(name for name in Format if name in FORMAT_COLORS)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_published_can_be_asked_for(name: str) -> None:
    """Every source takes its whole bed at every published resolution, and the delivery needs no resampling."""
    words = load(name)
    found = describe(DumpDevice.from_dump(name), words["kind"], quirks_of(words))
    for source in found.sources:
        side = found.of(source)
        region = Region(0, 0, side.maximum.width, side.maximum.height)
        for resolution in side.resolutions:
            device = DumpDevice.from_dump(name)
            asked = request_for(found, source, resolution, region)
            placement = apply(device, asked, quirks_of(words)).placement
            assert placement == Placement(placement.width, placement.height)
            if device.options().get("resolution") is not None:
                assert device.value("resolution") == resolution


@pytest.mark.parametrize("name", NAMES)
def test_a_region_is_taken_from_its_place(name: str) -> None:
    """The window that is set begins at or before the region, by less than two pixels, and the rest is cropped."""
    words = load(name)
    found = describe(DumpDevice.from_dump(name), words["kind"], quirks_of(words))
    for source in found.sources:
        device = DumpDevice.from_dump(name)
        if device.options().get("tl-x") is None or turns(words, source):
            continue
        region = Region(1234, 2345, 3333, 4444)
        placement = apply(device, request_for(found, source, 300, region), quirks_of(words)).placement
        for axis, offset, length, crop in (("x", 1234, 3333, placement.left), ("y", 2345, 4444, placement.top)):
            start, end = device.value(f"tl-{axis}"), device.value(f"br-{axis}")
            assert isinstance(start, float)
            assert isinstance(end, float)
            assert 0 <= crop < 2
            assert crop == (Fraction(offset, 1000) - Fraction(start) / Fraction(25.4)) * 300
            assert (offset + length) / 1000 * 25.4 < end < (offset + length) / 1000 * 25.4 + 1


@pytest.mark.parametrize("name", NAMES)
def test_a_dump_survives_being_written(name: str) -> None:
    """What `to_json` writes of an option is what `from_json` reads."""
    for words in load(name)["options"]:
        option = from_json(words)
        assert from_json(json.loads(json.dumps(to_json(option)))) == option


def test_the_paper_size_goes_before_the_region() -> None:
    """A feeder that bounds the region by the sheet's size is told the size first, so that A4 is whole."""
    device = DumpDevice.from_dump("fujitsu-scansnap-s1500")
    found = describe(DumpDevice.from_dump("fujitsu-scansnap-s1500"))
    region = Region(0, 0, 8268, 11693)
    apply(device, request_for(found, InputSource.ADF_DUPLEX, 300, region))
    names = [name for name, _ in device.record]
    assert names.index("page-height") < names.index("br-y")
    assert device.value("source") == "ADF Duplex"
    one_pixel = 25.4 / 300
    assert device.value("page-width") == pytest.approx(8.268 * 25.4 + one_pixel, abs=0.022)
    assert device.value("br-y") == pytest.approx(11.693 * 25.4 + one_pixel, abs=0.022)


@pytest.mark.parametrize(
    ("color", "mode"), [(ColorMode.RGB_24, "24bit Color[Fast]"), (ColorMode.GRAYSCALE_8, "True Gray")]
)
def test_the_mode_fits_the_colour(color: ColorMode, mode: str) -> None:
    """Of a scanner with dithered gray beside true gray the true one is chosen."""
    device = DumpDevice.from_dump("brother-ads-1600w")
    region = Region(0, 0, 8000, 11000)
    apply(device, ScanRequest(InputSource.ADF, color, Format.JFIF, Resolution(300, 300), region, 2400, 3300))
    assert device.value("mode") == mode
    assert device.value("source") == "Automatic Document Feeder(left aligned)"


READ_REAL = """
import json
from bridge.scanner.cancellation import Cancellation
from bridge.scanner.descriptors import to_json
from bridge.scanner.session import Backend
session = Backend().open("test:0", Cancellation())
print(json.dumps([to_json(option) for option in session.options()]))
"""

SET_REAL = """
import sys
from bridge.scanner.cancellation import Cancellation
from bridge.scanner.model import *
from bridge.scanner.options import apply
from bridge.scanner.session import Backend
for resolution, region in {cases!r}:
    region = Region(*region)
    request = ScanRequest(
        InputSource.ADF, ColorMode.GRAYSCALE_8, Format.JFIF, Resolution(*resolution), region,
        pixels(region.width, resolution[0]), pixels(region.height, resolution[1]),
    )
    session = Backend().open("test:0", Cancellation())
    print(apply(session, request))
    session.close()
"""


def test_the_dump_of_the_virtual_scanner_is_the_virtual_scanner() -> None:
    """The real backend still has every option of its dump, of the same type, unit and range."""
    real = {words["name"]: from_json(words) for words in json.loads(run(READ_REAL))}
    for words in load("sane-test")["options"]:
        option = from_json(words)
        there = real[option.name]
        assert (there.type, there.unit, there.range, there.choices) == (
            option.type,
            option.unit,
            option.range,
            option.choices,
        )
        if there.value is not None:
            assert there.value == option.value


def test_the_fake_and_the_real_scanner_take_settings_alike() -> None:
    """The same requests lead to the same delivery on the dump and on the real backend, refusals and all."""
    cases = [
        ((300, 300), (0, 0, 8268, 11693)),
        ((600, 600), (1234, 2345, 3333, 4444)),
        ((75, 75), (13900, 13900, 100, 100)),
        ((1200, 300), (10, 20, 30, 40)),
        ((9999, 9999), (0, 0, 14015, 14015)),
    ]
    real = run(SET_REAL.format(cases=cases)).splitlines()
    for (resolution, corners), delivery in zip(cases, real, strict=True):
        region = Region(*corners)
        request = ScanRequest(
            InputSource.ADF,
            ColorMode.GRAYSCALE_8,
            Format.JFIF,
            Resolution(*resolution),
            region,
            pixels(region.width, resolution[0]),
            pixels(region.height, resolution[1]),
        )
        assert str(apply(DumpDevice.from_dump("sane-test"), request)) == delivery


def test_backends_of_the_dumps() -> None:
    """There are dumps of at least eight real scanners, of as many drivers and more."""
    real = [name for name in NAMES if name != "sane-test"]
    assert len(real) >= 11
    assert all(load(name)["origin"] for name in real)


def test_backs_that_are_known_to_come_upside_down_fill_the_window_of_the_sheet() -> None:
    """For both sides of the HP 5590 the window holds the region's mirror image too, and the backs are placed by it."""
    words = load("hp-scanjet-5590")
    quirks = quirks_of(words)
    assert quirks.backs_turned
    found = describe(DumpDevice.from_dump("hp-scanjet-5590"), words["kind"], quirks)
    device = DumpDevice.from_dump("hp-scanjet-5590")
    region = Region(500, 600, 4000, 5000)
    asked = replace(request_for(found, InputSource.ADF_DUPLEX, 300, region), media=Size(8268, 11693))
    delivery = apply(device, asked, quirks)
    assert delivery.turned is not None
    start, end = device.value("tl-x"), device.value("br-x")
    assert start == pytest.approx(0.5 * 25.4, abs=0.1)
    assert end == pytest.approx((8.268 - 0.5) * 25.4 + 25.4 / 300, abs=0.1)
