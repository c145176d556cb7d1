"""Findings, rights and the bundle."""

from __future__ import annotations

import os
import stat
import tarfile
from pathlib import Path

import pytest

from bridge.doctor import devices
from bridge.doctor.bundle import without_secrets, write_bundle
from bridge.doctor.finding import broken, exit_status, ok, warning
from bridge.doctor.patient import Patient
from bridge.errors import StateError
from bridge.settings import Scanner, Settings


def test_exit_statuses() -> None:
    """The worst finding decides."""
    assert exit_status([]) == 0
    assert exit_status([ok("a", "b")]) == 0
    assert exit_status([ok("a", "b"), warning("a", "b", "c")]) == 1
    assert exit_status([warning("a", "b", "c"), broken("a", "b", "c"), ok("a", "b")]) == 2


def test_a_finding_for_people() -> None:
    """One line with what was found, one with what to do; nothing in it moves a cursor."""
    assert broken("usb", "no right\x1b[2J", "mend it").lines() == [
        "BROKEN   usb: no right\\x1b[2J",
        "         -> mend it",
    ]
    assert ok("usb", "fine").lines() == ["ok       usb: fine"]


@pytest.mark.parametrize(
    ("mode", "allowed"), [(0o660, False), (0o664, False), (0o666, True), (0o600, False), (0o606, True)]
)
def test_rights_of_a_stranger(tmp_path: Path, mode: int, allowed: bool) -> None:
    """Reading and writing both are needed."""
    node = tmp_path / "node"
    node.touch()
    node.chmod(mode)
    if os.geteuid() != 0:
        # The file is the tester's own then: what counts is what its owner may.
        allowed = mode & 0o600 == 0o600
    user = "nobody" if os.geteuid() == 0 else os.environ.get("USER") or devices.pwd.getpwuid(os.geteuid()).pw_name
    assert devices.may_open(node.stat(), user) is allowed


def test_a_scanner_that_the_bridge_may_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """udev's notes tell which USB devices are scanners, and the device file who may open them."""
    notes = tmp_path / "run/udev/data"
    notes.mkdir(parents=True)
    (notes / "c189:130").write_text("I:1\nE:libsane_matched=yes\n")
    (notes / "c189:131").write_text("I:1\nE:ID_MODEL=mouse\n")
    node = tmp_path / "dev/bus/usb/002/003"
    node.parent.mkdir(parents=True)
    node.touch()
    node.chmod(0o660)
    patient = Patient(Settings(), root=tmp_path)
    monkeypatch.setattr(devices, "may_open", lambda about, user: stat.S_IMODE(about.st_mode) == 0o666)
    (found,) = devices.rights(patient)
    assert (found.level.value, found.topic) == ("broken", "usb")
    assert f"may not open the scanner at {node} (mode 660, group " in found.text
    assert "adduser" in found.remedy
    node.chmod(0o666)
    (found,) = devices.rights(patient)
    assert found.level.value == "ok"


def test_no_scanner_on_usb(tmp_path: Path) -> None:
    """That matters only where the virtual one does not stand in."""
    assert list(devices.rights(Patient(Settings(), root=tmp_path))) == []
    (found,) = devices.rights(Patient(Settings(scanner=Scanner(virtual="never")), root=tmp_path))
    assert found.text == "udev knows no scanner on USB"


SECRETS = """[board]
wlan_ssid = "home"
wlan_psk = "correct horse"
ssh_key = 'ssh-ed25519 AAAA'
  <wscn:JobToken>0123abcd</wscn:JobToken><wse:Identifier>urn:uuid:42</wse:Identifier>
<wscn:DestinationToken wscn:x="y">tok</wscn:DestinationToken>
<wscn:ClientContext>Scan</wscn:ClientContext> <wscn:JobName>letter</wscn:JobName>
"""


def test_secrets_are_left_out() -> None:
    """Passphrases, keys, and whatever gives a right to its bearer; the rest stays as it is."""
    text = without_secrets(SECRETS)
    for secret in ("correct horse", "AAAA", "0123abcd", "urn:uuid:42", ">tok<", ">Scan<"):
        assert secret not in text
    assert 'wlan_ssid = "home"' in text
    assert "<wscn:JobName>letter</wscn:JobName>" in text


def test_the_bundle(tmp_path: Path) -> None:
    """Findings, status, settings and logs are in it, for its owner's eyes only, without secrets."""
    config = tmp_path / "scanbridge.toml"
    config.write_text(SECRETS, encoding="utf-8")
    bundle = tmp_path / "report.tar.gz"
    write_bundle(bundle, [broken("a", "b", "c")], Patient(Settings(files=(config,)), {"version": "1"}))
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    with tarfile.open(bundle) as archive:
        names = {Path(name).name for name in archive.getnames()}
        texts = b"".join(file.read() for entry in archive if (file := archive.extractfile(entry)) is not None)
    assert {"doctor.txt", "status.json", "scanbridge.toml", "journal.txt", "addresses.txt"} <= names
    assert b"BROKEN   a: b" in texts
    assert b"correct horse" not in texts


def test_a_bundle_that_cannot_be_written(tmp_path: Path) -> None:
    """It is said where and why."""
    with pytest.raises(StateError, match=r"nowhere/report.tar.gz cannot be written"):
        write_bundle(tmp_path / "nowhere" / "report.tar.gz", [], Patient(Settings()))


def test_quirks_files_are_looked_into(tmp_path: Path) -> None:
    """Each mistake is a warning with its place, and what is in effect for a scanner is told."""
    folder = tmp_path / "quirks.d"
    folder.mkdir()
    (folder / "own.toml").write_text('[[scanner]]\nmodel = ["x"]\ngamma = 0\n')
    status = {"scanners": [{"name": "Den", "quirks": ["hp.toml: scanner 1"]}, {"name": "Attic"}]}
    patient = Patient(Settings(scanner=Scanner(quirks_directory=str(folder))), status)
    mistake, effect = devices.quirks(patient)
    assert mistake.level.value == "warning"
    assert f"{folder}/own.toml: scanner 1: gamma = 0: expected a number from 0.2 to 5" in mistake.text
    assert effect == ok("quirks", "Den: hp.toml: scanner 1")
    (missing,) = devices.quirks(Patient(Settings(scanner=Scanner(quirks_directory="/nowhere/at/all"))))
    assert "/nowhere/at/all" in missing.text
