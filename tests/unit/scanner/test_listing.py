"""The listing process, and what it makes of the names that backends give."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.scanner.listing import MAX_DEVICES, MAX_TEXT, clean, devices
from bridge.scanner.model import Device
from bridge.scanner.protocol import MAX_FRAME, Failed, Listed, read_frame, write_frame
from tests.unit.scanner.sane_process import HANG_GUARD_S, ROOT, environment

NO_SYSFS = "/nonexistent"


def list_once(config: str | None = None) -> tuple[object, int]:
    """Run the listing process; its one frame and its exit status."""
    end, start = os.pipe()
    with open(end, "rb") as events:
        done = subprocess.Popen(
            [sys.executable, "-c", f"import os; os.dup2({start}, 4); {_LISTING}"],
            env=environment(config),
            cwd=ROOT,
            pass_fds=(start,),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(start)
        status = done.wait(timeout=HANG_GUARD_S)
        (line,) = events.read().splitlines(keepends=True)
    return read_frame(line), status


_LISTING = "import sys; os.execv(sys.executable, [sys.executable, '-m', 'bridge.scanner.listing'])"


def test_the_virtual_scanner_is_listed() -> None:
    """A listing process writes one frame with what SANE finds, and ends well."""
    found, status = list_once()
    assert found == Listed((Device("test:0", "Noname", "frontend-tester", "virtual device"),))
    assert status == 0


def test_no_scanner_is_an_empty_list(tmp_path: Path) -> None:
    """Without any scanner the list is empty, which is no failure."""
    (tmp_path / "dll.conf").write_text("# nothing\n")
    assert list_once(str(tmp_path)) == (Listed(()), 0)


def test_a_failure_of_sane_is_told(tmp_path: Path) -> None:
    """When python-sane cannot be used the frame says so and the exit status is not 0."""
    (tmp_path / "sane.py").write_text("raise ImportError('no python-sane here')\n")
    end, start = os.pipe()
    command = [sys.executable, "-c", f"import os; os.dup2({start}, 4); {_LISTING}"]
    path = f"{tmp_path}:{ROOT}"
    with open(end, "rb") as events:
        process = subprocess.Popen(
            command,
            env={**environment(), "PYTHONPATH": path},
            cwd=tmp_path,
            pass_fds=(start,),
            stderr=subprocess.DEVNULL,
        )
        os.close(start)
        status = process.wait(timeout=HANG_GUARD_S)
        frame = read_frame(events.read())
    assert status == 1
    assert isinstance(frame, Failed)
    assert "no python-sane here" in frame.message


@pytest.mark.parametrize(
    "name",
    [
        "airscan:w0:Canon LiDE 210",
        "airscan:e0:Something",
        "escl:http://192.0.2.1:80",
        "net:192.0.2.1:genesys:libusb:001:004",
        "v4l:/dev/video0",
        "epson2:net:192.0.2.1",
        "magicolor:net:192.0.2.1",
        "xerox_mfp:tcp 192.0.2.1",
        "xerox_mfp:tcp:192.0.2.1",
        "hpaio:/net/officejet?ip=192.0.2.1",
        "pixma:bjnp://192.0.2.1:8612",
        "pixma:bjnp:192.0.2.1",
        "dell1600n_net:192.0.2.1",
    ],
)
def test_what_is_on_the_network_is_dropped(name: str) -> None:
    """Nothing that is reached over the network is listed; it could be ourselves."""
    assert devices([(name, "v", "m", "k")], NO_SYSFS) == ()


@pytest.mark.parametrize(
    "name",
    [
        "test:0",
        "genesys:libusb:001:004",
        "pixma:04A91909_12345",
        "fujitsu:ScanSnap S1500:27767",
        "hpaio:/usb/PSC_1600_series?serial=MY4C3C30Z5L0",
        "epson2:libusb:001:002",
        "brother4:bus7;dev1",
        "netgear:libusb:001:002",
    ],
)
def test_what_is_on_usb_is_kept(name: str) -> None:
    """Names of local devices come through unchanged, because they open the device."""
    (device,) = devices([(name, "v", "m", "k")], NO_SYSFS)
    assert device == Device(name, "v", "m", "k")


def test_hostile_texts_are_cleaned() -> None:
    """Control characters and length of vendor and model are cut; a name that cannot be kept drops the device."""
    rows = [
        ("a:1", "Ven\x00dor\x1b[2J", "Model\r\n two" + "x" * 1000, None),
        ("a:\x002", "v", "m", "k"),
        ("a:3" + "x" * 300, "v", "m", "k"),
        ("", "v", "m", "k"),
        (None, "v", "m", "k"),
        ("a:1", "again", "again", "again"),
        ("a:4", None, None, None),
    ]
    first, second = devices(rows, NO_SYSFS)
    assert (first.name, first.vendor, first.kind) == ("a:1", "Ven dor [2J", "")
    assert first.model.startswith("Model two")
    assert len(first.model) == MAX_TEXT
    assert second == Device("a:4", "", "a:4", "")


ROWS = st.lists(st.tuples(*[st.none() | st.text(max_size=2000)] * 4), max_size=60)


@settings(deadline=None)
@given(ROWS)
def test_any_list_fits_into_a_frame(rows: list[tuple[str | None, ...]]) -> None:
    """Whatever backends say, at most MAX_DEVICES are listed and the frame can be read by the other side."""
    found = devices(rows, NO_SYSFS)
    assert len(found) <= MAX_DEVICES
    assert read_frame(write_frame(Listed(found))) == Listed(found)


def test_the_longest_list_fits_into_a_frame() -> None:
    """Of devices with the longest names, in characters that JSON writes twelvefold, those are listed that fit."""
    worst = [(f"{n:02}" + "𝒳" * 253, "𝒳" * 100, "𝒳" * 100, "𝒳" * 100) for n in range(MAX_DEVICES + 1)]
    found = devices(worst, NO_SYSFS)
    assert len(found) > 1
    assert len(write_frame(Listed(found))) <= MAX_FRAME
    assert len(devices([(f"plain:{n}", "v", "m", "k") for n in range(MAX_DEVICES + 1)], NO_SYSFS)) == MAX_DEVICES


@settings(deadline=None)
@given(st.text(max_size=500))
def test_a_cleaned_text_is_one_printable_line(text: str) -> None:
    """Cleaning leaves printable characters, single spaces, and no more than MAX_TEXT."""
    cleaned = clean(text)
    assert cleaned.isprintable()
    assert cleaned == " ".join(cleaned.split())
    assert len(cleaned) <= MAX_TEXT
