"""Who a USB device is, from a copy of the kernel's listing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.scanner.usb import UsbIdentity, identity_of


def device(sysfs: Path, port: str, **attributes: str | int) -> None:
    folder = sysfs / port
    folder.mkdir()
    for name, value in attributes.items():
        (folder / name).write_text(f"{value}\n")


@pytest.fixture
def sysfs(tmp_path: Path) -> str:
    """Two equal scanners on different ports, a hub, and an interface, which is no device."""
    device(tmp_path, "usb1", busnum=1, devnum=1, idVendor="1d6b", idProduct="0002")
    device(tmp_path, "1-1", busnum=1, devnum=4, idVendor="04A9", idProduct="1909", serial="ABC 123")
    device(tmp_path, "1-1.2.4", busnum=1, devnum=104, idVendor="04a9", idProduct="1909")
    device(tmp_path, "1-1:1.0", busnum=1, devnum=5, idVendor="ffff", idProduct="ffff")
    device(tmp_path, "2-1", busnum=2, devnum=4, idVendor="x", idProduct="1909", serial="\x1b[31mred\x07" + "z" * 400)
    device(tmp_path, "2-2", busnum="9" * 300, devnum="-4")
    (tmp_path / "3-1").mkdir()
    return str(tmp_path)


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("genesys:libusb:001:004", UsbIdentity("04a9:1909", "ABC 123", "1-1")),
        ("xerox_mfp:libusb:001:104", UsbIdentity("04a9:1909", "", "1-1.2.4")),
        ("genesys:libusb:001:005", UsbIdentity()),
        ("genesys:libusb:003:004", UsbIdentity()),
        ("genesys:libusb:001:001", UsbIdentity()),
        ("pixma:04A91909_12345", UsbIdentity()),
        ("test:0", UsbIdentity()),
        ("libusb:../../etc:passwd", UsbIdentity()),
        ("", UsbIdentity()),
    ],
)
def test_a_name_with_a_place_on_the_bus_has_an_identity(sysfs: str, name: str, identity: UsbIdentity) -> None:
    """Bus and device number of the name lead to ids, serial number and port; other names to nothing."""
    assert identity_of(name, sysfs) == identity


def test_what_a_device_says_of_itself_is_cleaned(sysfs: str) -> None:
    """Control characters, impossible ids and overlong texts of a hostile device do not get through."""
    found = identity_of("a:libusb:002:004", sysfs)
    assert found.usb_id == ""
    assert found.serial.startswith("[31mredzzz")
    assert found.serial.isprintable()
    assert len(found.serial) <= 256


def test_a_machine_without_usb_has_no_identities(tmp_path: Path) -> None:
    """Where the kernel lists nothing, nothing is told and nothing fails."""
    assert identity_of("genesys:libusb:001:004", str(tmp_path / "missing")) == UsbIdentity()
