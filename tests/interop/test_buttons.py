"""The scanner's own buttons, from the finger to the page on the PC, against the whole daemon.

    chaos backend <- worker <- daemon -> events -> a PC that waits -> job -> page
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.chaos.fixtures import DEVICE, Chaos
from tests.chaos.order import Order, Sensor
from tests.chaos.picture import GLASS, which_page
from tests.interop.daemon import HANG_S, REPOSITORY, Daemon, running
from tests.interop.push_scan import NS, PC, WaitingPc

pytestmark = pytest.mark.interop


def panel(pressed: str = "", paper: bool = False) -> Order:
    """A scanner with the buttons scan, email and cancel, of which one may be held, and a sensor for paper."""
    sensors = [Sensor(name, [name == pressed]) for name in ("scan", "email", "cancel")]
    return Order(sensors=[Sensor("page-loaded", [paper]), *sensors])


def watching_daemon(directory: Path, chaos: Chaos, buttons: bool = True) -> Daemon:
    """A daemon with the chaos scanner that looks at its buttons often."""
    scanner = {"virtual": "never", "sane_config_dir": chaos.config, "buttons": buttons, "button_poll_hz": 20}
    return Daemon(directory, {"scanner": scanner})


def is_watched(scanner: dict[str, dict[str, object]]) -> bool:
    """Whether the daemon says that the buttons are watched."""
    return scanner["buttons"]["state"] == "watching"


def other_program(chaos: Chaos) -> subprocess.CompletedProcess[bytes]:
    """Another program on the same machine opens the scanner."""
    environment = {**os.environ, "SANE_CONFIG_DIR": chaos.config}
    words = ["scanimage", "-d", DEVICE, "-n"]
    return subprocess.run(words, env=environment, capture_output=True, timeout=HANG_S, check=False)


def scanbridge(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line, with the daemon's settings."""
    command = [sys.executable, "-m", "bridge", "--config", str(daemon.config), *words]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=HANG_S, check=False)


@pytest.mark.conformance(276, 277, 278)
def test_a_finger_on_the_scanner(tmp_path: Path, chaos: Chaos) -> None:
    """Each button reaches the PC's destination for it, with the loaded source; the page comes; watching goes on."""
    chaos.order(panel())
    with running(watching_daemon(tmp_path, chaos)) as daemon, WaitingPc(daemon.url) as pc:
        pc.subscribe()
        watched = daemon.wait_for(is_watched)
        assert watched["buttons"] == {"state": "watching", "names": ["scan", "email", "cancel"], "trouble": ""}
        assert other_program(chaos).returncode != 0
        chaos.order(panel("email", paper=True))
        event = pc.next_event("ScanAvailableEvent")
        assert event.findtext(".//wscn:ClientContext", "", NS) == "ScanToEmail"
        assert event.findtext(".//wscn:InputSource", "", NS) == "ADF"
        page = pc.fetch("ScanToEmail", event.findtext(".//wscn:ScanIdentifier", "", NS))
        with Image.open(io.BytesIO(page.data)) as image:
            assert image.size == page.pixels
            assert which_page(image) == GLASS
        states = [pc.next_event("ScannerStatusSummaryEvent") for _ in range(2)]
        assert [state.findtext(".//{*}ScannerState") for state in states] == ["Processing", "Idle"]
        chaos.order(panel())
        daemon.wait_for(is_watched)
        chaos.order(panel("cancel"))
        chaos.order(panel("scan"))
        event = pc.next_event("ScanAvailableEvent")
        assert event.findtext(".//wscn:ClientContext", "", NS) == "Scan"
        assert event.findtext(".//wscn:InputSource", "", NS) == "Platen"
        assert daemon.scanner()["worker"]["restarts"] == 0


def test_a_button_with_nobody_to_tell(tmp_path: Path, chaos: Chaos) -> None:
    """A press while no PC listens is a line in the log that says what to do."""
    chaos.order(panel())
    with running(watching_daemon(tmp_path, chaos)) as daemon:
        daemon.wait_for(is_watched)
        chaos.order(panel("scan"))
        daemon.wait_for(lambda _scanner: "add the scanner and allow it" in daemon.log)
        assert "the button 'scan' was pressed and nobody was told: No computer listens" in daemon.log


def test_buttons_can_be_switched_while_it_runs(tmp_path: Path, chaos: Chaos) -> None:
    """Off by default; a reload of the settings switches them on, and off again for another program's sake."""
    chaos.order(panel())
    with running(watching_daemon(tmp_path, chaos, buttons=False)) as daemon:
        assert daemon.scanner()["buttons"]["state"] == "off"
        assert other_program(chaos).returncode == 0
        for value, state in (("true", "watching"), ("false", "off")):
            settings = daemon.config.read_text()
            lines = [f"buttons = {value}" if line.startswith("buttons") else line for line in settings.splitlines()]
            daemon.config.write_text("\n".join(lines))
            daemon.reload()
            daemon.wait_for(lambda scanner, state=state: scanner["buttons"]["state"] == state)
        daemon.wait_for(lambda _scanner: other_program(chaos).returncode == 0)


def test_the_command_line(tmp_path: Path, chaos: Chaos) -> None:
    """Exit status 0 when a PC was told, 3 for an unknown scanner or destination or nobody at all, 2 for wrong words."""
    with running(watching_daemon(tmp_path, chaos, buttons=False)) as daemon:
        nobody = scanbridge(daemon, "button")
        assert (nobody.returncode, nobody.stdout) == (3, "")
        assert "No computer listens" in nobody.stderr
        with WaitingPc(daemon.url) as pc:
            pc.subscribe()
            told = scanbridge(daemon, "button")
            assert (told.returncode, told.stderr) == (0, "")
            assert told.stdout == f"The computer at 127.0.0.1 is told to scan: Scan to {PC}\n"
            assert pc.press()[0] == "Scan"
            assert scanbridge(daemon, "button", "--destination", f"scan for fax to {PC}").returncode == 0
            assert pc.press()[0] == "ScanToFax"
            assert scanbridge(daemon, "button", "--device", "Chaos").returncode == 0
            assert pc.press()[0] == "ScanToFax"
            unknown = scanbridge(daemon, "button", "--destination", "Cellar")
            assert (unknown.returncode, unknown.stdout) == (3, "")
            assert f"Scan to {PC}" in unknown.stderr
            assert scanbridge(daemon, "button", "--device", "Cellar").returncode == 3
            assert scanbridge(daemon, "button", "now").returncode == 2
    assert scanbridge(daemon, "button").returncode == 3
