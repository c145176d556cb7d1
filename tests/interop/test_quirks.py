"""Quirks files through the whole bridge: what the administrator writes is in effect, and a bad file harms nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.scanner.model import ColorMode, Format, InputSource, Region
from tests.chaos import picture
from tests.chaos.fixtures import Chaos
from tests.chaos.order import Order
from tests.chaos.picture import back, front
from tests.interop.daemon import Daemon, running
from tests.interop.push_scan import NS, WaitingPc
from tests.interop.scanimage import static_client
from tests.interop.test_buttons import is_watched, panel
from tests.interop.test_formats import Service, parameters
from tests.unit.imaging.independent import decodings
from tests.unit.scanner.direct import page_of, request_for

pytestmark = pytest.mark.interop

BED = (203.2, 254.0)
"""Eight by ten inches: 600 x 750 pixels at 75 dpi."""

TURNED = """
[[scanner]]
model = ["chaos *"]
backs_turned = true
"""

BAD = """
[[scanner]]
model = ["Chaos Scanner"]
backs_turnt = true
gamma = "dark"
platen = false
"""


def settings(chaos: Chaos, folder: Path, **files: str) -> dict[str, dict[str, Any]]:
    """The settings of a bridge for the chaos scanner, with these quirks files."""
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return {
        "scanner": {"virtual": "never", "sane_config_dir": chaos.config, "quirks_directory": str(folder)},
    }


def test_a_bad_file_keeps_no_scanner_from_being_served(chaos: Chaos, tmp_path: Path) -> None:
    """Every mistake is told once, with file, entry, key and what was expected; the good entries are in effect."""
    own = settings(chaos, tmp_path / "quirks", bad=BAD, broken="[[scanner]", good=TURNED)
    with running(Daemon(tmp_path, own)) as daemon:
        assert daemon.scanner()["quirks"] == [f"{tmp_path}/quirks/good.toml: scanner 1"]
        log = daemon.log
    folder = tmp_path / "quirks"
    for told in (
        f"{folder}/bad.toml: scanner 1: backs_turnt: there is no such key; expected backs_turned",
        f'{folder}/bad.toml: scanner 1: gamma = "dark": expected a number from 0.2 to 5',
        f"{folder}/broken.toml: ",
    ):
        assert log.count(told) == 1, log
    assert f"quirks from {folder}/good.toml: scanner 1" in log


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
def test_airscan_gets_backs_that_come_upside_down(chaos: Chaos, tmp_path: Path, known: bool) -> None:
    """Two sheets through sane-airscan: fronts as they are, and backs upright once the quirk is known."""
    chaos.order(Order(sheets=2, bed=BED, backs=["turned"]))
    own = settings(chaos, tmp_path / "quirks", **({"own": TURNED} if known else {}))
    with running(Daemon(tmp_path, own)) as daemon:
        client = static_client(tmp_path, daemon.url)
        whole = ("-l", "0", "-t", "0", "-x", "203.2", "-y", "254")
        _, pages = client.batch("--source=ADF Duplex", "--mode", "Color", "--resolution", "75", *whole)
    assert len(pages) == 4
    right = []
    for page, side in zip(pages, (front(1), back(1), front(2), back(2)), strict=True):
        expected = np.asarray(picture.color(side, page.shape[1], page.shape[0]))
        right.append(np.array_equal(page, expected))
    assert right == ([True] * 4 if known else [True, False, True, False])


def test_an_offset_and_a_missing_feeder_over_http(chaos: Chaos, tmp_path: Path) -> None:
    """The picture is back in its place, and a feeder that is not there is not offered: its jobs come from the glass."""
    chaos.order(Order(shift=(20.32, 10.16)))
    quirk = 'adf = false\nadf_duplex = false\nplaten_offset_mm = [20.32, 10.16]\n'
    quirk = f'[[scanner]]\nmodel = ["Chaos Scanner"]\n{quirk}'
    region = Region(1000, 1200, 1600, 2000)
    with running(Daemon(tmp_path, settings(chaos, tmp_path / "quirks", own=quirk))) as daemon:
        service = Service(daemon.url)
        wanted = parameters(Format.PNG, ColorMode.GRAYSCALE_8, 75, region, "ADF", 1)
        _, file = service.fetch(service.create(wanted))
    asked = replace(request_for(Format.PNG, ColorMode.GRAYSCALE_8, 75, region), source=InputSource.PLATEN)
    expected = picture.gray(picture.GLASS, asked.width, asked.height, 75, 90).tobytes()
    for decoder, (page,) in decodings(Format.PNG, page_of(asked), file):
        assert page == expected, decoder


def test_brightness_that_the_scanner_does_not_have(chaos: Chaos, tmp_path: Path) -> None:
    """A ticket's brightness and contrast are in the picture though the driver knows neither."""
    region = Region(1000, 1200, 1600, 2000)
    exposure = "<sca:Exposure><sca:ExposureSettings>{}</sca:ExposureSettings></sca:Exposure>"
    wish = exposure.format("<sca:Contrast>300</sca:Contrast><sca:Brightness>-200</sca:Brightness>")
    with running(Daemon(tmp_path, settings(chaos, tmp_path / "quirks"))) as daemon:
        service = Service(daemon.url)
        wanted = parameters(Format.PNG, ColorMode.GRAYSCALE_8, 75, region)
        _, file = service.fetch(service.create(wanted.replace("<sca:MediaSides>", f"{wish}<sca:MediaSides>")))
    asked = request_for(Format.PNG, ColorMode.GRAYSCALE_8, 75, region)
    slope = np.tan((1 + 0.3) * np.pi / 4)
    plain = np.asarray(picture.gray(picture.GLASS, asked.width, asked.height, 75, 90)) / 255
    expected = np.clip(0.5 + (plain - 0.5) * slope - 0.2, 0, 1) * 255
    for decoder, (page,) in decodings(Format.PNG, page_of(asked), file):
        seen = np.frombuffer(page, np.uint8).reshape(expected.shape)
        assert np.abs(seen - expected).max() <= 0.51, decoder


LYING = """
[[scanner]]
model = ["Chaos Scanner"]
page_sensor = false
buttons = { scan = "email", email = "none" }
"""


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
def test_buttons_and_a_sensor_that_lies(chaos: Chaos, tmp_path: Path, known: bool) -> None:
    """A finger on the scanner: its button asks for what the quirk says, and a sensor that lies chooses no source."""
    chaos.order(panel(paper=True))
    own = settings(chaos, tmp_path / "quirks", **({"own": LYING} if known else {}))
    own["scanner"].update({"buttons": True, "button_poll_hz": 20})
    with running(Daemon(tmp_path, own)) as daemon, WaitingPc(daemon.url) as pc:
        pc.subscribe()
        daemon.wait_for(is_watched)
        chaos.order(panel("scan", paper=True))
        event = pc.next_event("ScanAvailableEvent")
        context, source = ("ScanToEmail", "Platen") if known else ("Scan", "ADF")
        assert event.findtext(".//wscn:ClientContext", "", NS) == context
        assert event.findtext(".//wscn:InputSource", "", NS) == source
        chaos.order(panel("email", paper=True))
        if known:
            daemon.wait_for(lambda _scanner: "the button 'email' starts no scan" in daemon.log)
        else:
            event = pc.next_event("ScanAvailableEvent")
            assert event.findtext(".//wscn:ClientContext", "", NS) == "ScanToEmail"
