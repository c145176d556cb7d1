"""A program for tests: a USB bus that others see through umockdev, played from standard input.

    umockdev-wrapper /usr/bin/python3 -m tests.usb.played_bus

The first line of its output is the folder for UMOCKDEV_DIR. Each line of input is a JSON object with `do` (plug, unplug
or change) and what `tests.usb.bus` says of a device; it is answered with one line when udev's event is out.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import gi

gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402

BUS = "/devices/pci0000:00/0000:00:14.0/usb1"


def description(device: dict[str, Any]) -> str:
    """A device in umockdev's language: what udev's data base and sysfs say of it."""
    vendor, product = device["usb_id"].split(":")
    number = device["number"]
    lines = [
        f"P: {BUS}/{device['port']}",
        f"N: bus/usb/001/{number:03}",
        *("E: SUBSYSTEM=usb", "E: DEVTYPE=usb_device", "E: DRIVER=usb", f"E: DEVNAME=/dev/bus/usb/001/{number:03}"),
        *("E: BUSNUM=001", f"E: DEVNUM={number:03}", "E: MAJOR=189", f"E: MINOR={number - 1}"),
        *([] if not device["scanner"] else ["E: libsane_matched=yes"]),
        *("A: busnum=1\\n", f"A: devnum={number}\\n", f"A: idVendor={vendor}\\n", f"A: idProduct={product}\\n"),
        *([] if not device["serial"] else [f"A: serial={device['serial']}\\n"]),
    ]
    return "\n".join(lines) + "\n\n"


def main() -> None:
    """Play until the end of input."""
    testbed = UMockdev.Testbed.new()
    print(testbed.get_root_dir(), flush=True)
    for line in sys.stdin:
        device = json.loads(line)
        path = f"/sys{BUS}/{device['port']}"
        if device["do"] == "plug":
            # This brings the event as well.
            testbed.add_from_string(description(device))
        elif device["do"] == "change":
            testbed.uevent(path, "change")
        else:
            # umockdev wants the device to be there for its own event; with the kernel it has gone by then.
            testbed.uevent(path, "remove")
            testbed.remove_device(path)
        print("done", flush=True)


if __name__ == "__main__":
    main()
