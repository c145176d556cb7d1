"""udev's events without udev: what a test says has happened.

`tests/interop/test_hotplug.py` holds the real ones to the same promises.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.scanner.hotplug import UsbDevice, UsbEvent


class PlayedUsb:
    """A bus; `plug`, `unplug` and `change` say what happens, `losing` makes the socket overflow once."""

    def __init__(self, *devices: UsbDevice) -> None:
        self.present = {device.path: device for device in devices}
        self.waiting: list[UsbEvent] = []
        self.losing = False

    def fileno(self) -> int:
        return 99

    def devices(self) -> list[UsbDevice]:
        return list(self.present.values())

    def events(self) -> Iterator[UsbEvent]:
        if self.losing:
            self.losing = False
            self.waiting.clear()
            raise OSError(105, "No buffer space available")
        while self.waiting:
            yield self.waiting.pop(0)

    def plug(self, device: UsbDevice) -> None:
        self.present[device.path] = device
        self.waiting.append(UsbEvent("add", device))

    def unplug(self, device: UsbDevice) -> None:
        del self.present[device.path]
        # The kernel's path is all that is certain of a device that has gone.
        self.waiting.append(UsbEvent("remove", UsbDevice(device.path, device.path.rpartition("/")[2])))

    def change(self, device: UsbDevice) -> None:
        self.waiting.append(UsbEvent("change", device))
