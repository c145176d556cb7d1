"""Which scanners this machine has: real ones by USB, and the virtual one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twisted.logger import Logger

from bridge.errors import ScannerError
from bridge.scanner.configuration import config_directory
from bridge.scanner.model import Device
from bridge.scanner.quirk_files import load, quirk_directories
from bridge.scanner.quirks import NO_QUIRKS, Quirks
from bridge.scanner.spawning import Spawner
from bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class Found:
    """A scanner, what starts the processes that can open it, what is known of it and from where."""

    device: Device
    spawner: Spawner
    virtual: bool = False
    quirks: Quirks = NO_QUIRKS
    quirks_from: tuple[str, ...] = ()


class Finder:
    """Looks for scanners in processes of their own."""

    log = Logger()

    def __init__(self, settings: Settings, reactor: Any) -> None:
        memory = settings.scanner.memory_limit_mb * 1_000_000
        self._real_spawner = Spawner(reactor, settings.scanner.sane_config_dir or config_directory("usb"), memory)
        self._virtual_spawner = Spawner(reactor, config_directory("virtual"), memory)
        self._quirks_directory = settings.scanner.quirks_directory
        self._told: tuple[str, ...] = ()

    async def real(self) -> list[Found]:
        """The scanners that are plugged in. Raises ScannerError when that cannot be told."""
        return self._found(await self._real_spawner.devices(), self._real_spawner)

    async def virtual(self) -> list[Found]:
        """SANE's virtual scanner; nothing when even that cannot be had, which is told in the log."""
        try:
            devices = await self._virtual_spawner.devices()
        except ScannerError as error:
            self.log.error("{error}", error=str(error))
            return []
        return self._found(devices, self._virtual_spawner, virtual=True)

    def _found(self, devices: tuple[Device, ...], spawner: Spawner, *, virtual: bool = False) -> list[Found]:
        if not devices:
            return []
        # Read anew each time, so that a plug is enough to try a change; each mistake is told once.
        known = load(quirk_directories(self._quirks_directory))
        for problem in known.problems:
            if problem not in self._told:
                self.log.warn("a quirk is left out: {problem}", problem=problem)
        self._told = known.problems
        return [Found(device, spawner, virtual, *known.of(device)) for device in devices]
