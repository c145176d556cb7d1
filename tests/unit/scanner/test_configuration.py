"""Which backends SANE loads with our configuration."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.scanner.configuration import config_directory
from tests.unit.scanner.sane_process import run

NETWORK_BACKENDS = {"net", "airscan", "escl", "dell1600n_net", "v4l", "gphoto2"}

LOADED = """
import os, sane
sane.init()
sane.get_devices(True)
names = set()
for line in open("/proc/self/maps"):
    base = os.path.basename(line.split(" ")[-1].strip())
    if base.startswith("libsane-"):
        names.add(base.removeprefix("libsane-").split(".so")[0])
print(" ".join(sorted(names)))
"""

def configured(kind: str) -> set[str]:
    """The backends that our dll.conf names."""
    folder = config_directory(kind).split(":")[0]  # type: ignore[arg-type]
    lines = Path(folder, "dll.conf").read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def test_the_virtual_scanner_loads_the_test_backend_alone() -> None:
    """With the virtual scanner's configuration no other backend is in the process."""
    assert run(LOADED, config_directory("virtual")).split() == ["test"]


def test_no_network_backend_is_loaded_for_real_scanners() -> None:
    """With our configuration SANE loads the backends that our dll.conf names and none that searches the network.

    The system's own configuration names some, in dll.conf and in dll.d (sane-airscan), so this could fail.
    """
    system = Path("/etc/sane.d/dll.conf").read_text().split()
    assert "net" in system
    loaded = set(run(LOADED, config_directory("usb")).split())
    assert loaded
    assert loaded <= configured("usb")
    assert not loaded & NETWORK_BACKENDS


@pytest.mark.parametrize("name", ["genesys", "pixma", "fujitsu", "epson2", "xerox_mfp", "plustek", "canon_dr"])
def test_the_common_usb_backends_are_loaded(name: str) -> None:
    """The backends that most USB scanners need are named, and present in Debian."""
    assert name in configured("usb")
    assert name in run(LOADED, config_directory("usb")).split()


def test_the_backends_own_files_are_found() -> None:
    """Files that are not ours are looked for in the system's directory, never in the current one."""
    own, system = config_directory("usb").split(":")
    assert os.path.isabs(own)
    assert system == "/etc/sane.d"
    assert not Path(own, "genesys.conf").exists()
    assert Path(system, "genesys.conf").exists()


def test_the_files_of_ours_turn_the_network_off() -> None:
    """Backends that speak USB and network are told USB alone."""
    own = Path(config_directory("usb").split(":")[0])
    assert "networking=no" in (own / "pixma.conf").read_text().splitlines()
    for name in ("epson2", "epsonds", "kodakaio", "magicolor"):
        lines = [line for line in (own / f"{name}.conf").read_text().splitlines() if not line.startswith("#")]
        assert lines == ["usb"]


def test_the_virtual_bed_holds_letter_and_a4() -> None:
    """The virtual scanner's glass is at least 216 x 297 mm and scans up to 1200 dpi."""
    words = dict(
        line.split(maxsplit=1)
        for line in Path(config_directory("virtual"), "test.conf").read_text().splitlines()
        if line and not line.startswith("#")
    )
    assert float(words["geometry_max"]) >= 297
    assert float(words["geometry_quant"]) == 0
    assert float(words["resolution_max"]) >= 1200
    assert words["mode"] == "Color"
    assert words["test-picture"] == '"Color pattern"'
