"""Which scanners this machine has: real ones by USB, else the virtual one (settings, [scanner])."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twisted.logger import Logger

from bridge.errors import ScannerError
from bridge.scanner.configuration import config_directory
from bridge.scanner.model import Device
from bridge.scanner.spawning import Spawner
from bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class Found:
    """A scanner and what starts the processes that can open it."""

    device: Device
    spawner: Spawner
    virtual: bool = False


class Finder:
    """Looks for scanners in processes of their own."""

    log = Logger()

    def __init__(self, settings: Settings, reactor: Any) -> None:
        self._virtual = settings.scanner.virtual
        self._real_spawner = Spawner(reactor, settings.scanner.sane_config_dir or config_directory("usb"))
        self._virtual_spawner = Spawner(reactor, config_directory("virtual"))

    async def find(self) -> list[Found]:
        """The scanners there are now; a search that fails counts as none, and is told in the log."""
        found = [] if self._virtual == "always" else await self._search(self._real_spawner, virtual=False)
        if self._virtual == "always" or (self._virtual == "auto" and not found):
            if self._virtual == "auto":
                self.log.info("no scanner is plugged in: SANE's virtual scanner is served instead")
            found = await self._search(self._virtual_spawner, virtual=True)
        return found

    async def _search(self, spawner: Spawner, virtual: bool) -> list[Found]:
        try:
            devices = await spawner.devices()
        except ScannerError as error:
            self.log.error("{error}", error=str(error))
            return []
        return [Found(device, spawner, virtual) for device in devices]
