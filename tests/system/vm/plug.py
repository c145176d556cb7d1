"""The emulated scanner's plug, in the hand of a test."""

from __future__ import annotations

import re
from types import TracebackType

from tests.system.machine import Machine
from tests.system.vm.machine import TESTS

MODEL = "Samsung SCX-4x20 emulated"
"""What SANE's backend makes of what the scanner tells."""

_UNIT = "emulated-scanner.service"


class Plug:
    """The scanner at the machine's USB. A context: it is plugged in as long as that lasts, or until `pull`.

    `options` are those of scanner_device.py.
    """

    def __init__(self, machine: Machine, *options: str) -> None:
        self._machine = machine
        self._options = options

    def __enter__(self) -> Plug:
        program = ("/usr/bin/python3", "-u", f"{TESTS}/scanner_device.py", *self._options)
        self._machine.run("systemd-run", "--quiet", "--collect", f"--unit={_UNIT}", *program)
        try:
            self._machine.until(self._is_plugged)
        except BaseException:
            self.pull()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pull()

    def pull(self) -> None:
        """Pull the plug, if it is in."""
        self._machine.try_run("systemctl", "stop", _UNIT)

    @property
    def node(self) -> str:
        """The device node of the scanner, as it is called at this moment."""
        told = self._machine.run("udevadm", "info", "--query=name", f"--path={self._path()}").strip()
        return f"/dev/{told}"

    @property
    def sane_name(self) -> str:
        """What SANE calls the scanner at this moment."""
        bus, number = self.node.split("/")[-2:]
        return f"xerox_mfp:libusb:{bus}:{number}"

    def _path(self) -> str:
        found = self._machine.run("sh", "-c", "grep -l 04e8 /sys/bus/usb/devices/*/idVendor").split()
        (path,) = found
        return path.removesuffix("/idVendor")

    def _is_plugged(self) -> bool:
        state = self._machine.run("systemctl", "show", "--property=ActiveState,InvocationID", _UNIT)
        assert "ActiveState=active" in state, self._machine.run("journalctl", f"--unit={_UNIT}", "--no-pager")
        found = re.search(r"InvocationID=(\w+)", state)
        assert found is not None
        told = self._machine.run("journalctl", f"_SYSTEMD_INVOCATION_ID={found[1]}", "--output=cat", "--no-pager")
        return "plugged" in told.splitlines()
