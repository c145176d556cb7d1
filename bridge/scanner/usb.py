"""Who a USB device is: its ids, serial number and port, from the kernel's own listing."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from bridge.scanner.model import Device

SYSFS = "/sys/bus/usb/devices"

MAX_ATTRIBUTE = 256
"""Bytes read of one attribute; a USB string has at most 126 characters."""

_LIBUSB = re.compile(r"libusb:(\d{1,3}):(\d{1,3})")
_PORT = re.compile(r"\d{1,3}-\d{1,3}(\.\d{1,3}){0,6}")
_ID = re.compile(r"[0-9a-f]{4}")


@dataclass(frozen=True, slots=True)
class UsbIdentity:
    """What tells a USB device from others: "vendor:product" in hex, serial number, port path ("1-1.2").

    All of them empty for a device that is not on USB; the serial number is empty for many cheap ones.
    """

    usb_id: str = ""
    serial: str = ""
    port: str = ""


def identity_of(name: str, sysfs: str = SYSFS) -> UsbIdentity:
    """The device that SANE calls `name`, when the name says where on the bus it is ("genesys:libusb:001:004")."""
    place = _LIBUSB.search(name)
    if place is None:
        return UsbIdentity()
    bus, number = int(place.group(1)), int(place.group(2))
    try:
        entries = sorted(os.listdir(sysfs))
    except OSError:
        return UsbIdentity()
    for entry in entries:
        if not _PORT.fullmatch(entry):
            continue
        directory = os.path.join(sysfs, entry)
        if (_number(directory, "busnum"), _number(directory, "devnum")) == (bus, number):
            return _identity(directory, entry)
    return UsbIdentity()


def is_plugged(device: Device, sysfs: str = SYSFS) -> bool:
    """Whether `device` is still the one that is plugged in where it was; True for what is not on USB."""
    known = UsbIdentity(device.usb_id, device.serial, device.port)
    return not device.port or identity_of(device.name, sysfs) == known


def _identity(directory: str, port: str) -> UsbIdentity:
    vendor, product = _attribute(directory, "idVendor").lower(), _attribute(directory, "idProduct").lower()
    known = _ID.fullmatch(vendor) and _ID.fullmatch(product)
    return UsbIdentity(f"{vendor}:{product}" if known else "", _attribute(directory, "serial"), port)


def _number(directory: str, name: str) -> int:
    text = _attribute(directory, name)
    return int(text) if text.isascii() and text.isdigit() else -1


def _attribute(directory: str, name: str) -> str:
    """The text of an attribute, control characters removed; empty when it cannot be read."""
    try:
        with open(os.path.join(directory, name), "rb") as file:
            text = file.read(MAX_ATTRIBUTE).decode("utf-8", "replace")
    except OSError:
        return ""
    return "".join(character for character in text if character.isprintable()).strip()
