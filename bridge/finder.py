"""Which scanners this machine has: real ones by USB, and the virtual one."""

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
        memory = settings.scanner.memory_limit_mb * 1_000_000
        self._real_spawner = Spawner(reactor, settings.scanner.sane_config_dir or config_directory("usb"), memory)
        self._virtual_spawner = Spawner(reactor, config_directory("virtual"), memory)

    async def real(self) -> list[Found]:
        """The scanners that are plugged in. Raises ScannerError when that cannot be told."""
        return [Found(device, self._real_spawner) for device in await self._real_spawner.devices()]

    async def virtual(self) -> list[Found]:
        """SANE's virtual scanner; nothing when even that cannot be had, which is told in the log."""
        try:
            devices = await self._virtual_spawner.devices()
        except ScannerError as error:
            self.log.error("{error}", error=str(error))
            return []
        return [Found(device, self._virtual_spawner, virtual=True) for device in devices]
