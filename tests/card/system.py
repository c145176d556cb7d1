"""What is in the system of a card, read from outside without mounting it."""

from __future__ import annotations

import fnmatch
import lzma
import re
import subprocess
from pathlib import Path

from tests.card.image import ROOT, Card

_CPIO_MAGIC = b"070701"
_TRAILER = "TRAILER!!!"


class System:
    """The system on `card`, with one kernel; `folder` is for a copy of its part."""

    def __init__(self, card: Card, folder: Path) -> None:
        self._image = card.extract(ROOT, folder / "root.img")
        (self.kernel,) = self.names("/usr/lib/modules")
        base = f"/usr/lib/modules/{self.kernel}"
        aliases = self.read(f"{base}/modules.alias").decode()
        self._drivers_by_alias = re.findall(r"^alias (.+) (\S+)$", aliases, re.MULTILINE)
        builtin = self.read(f"{base}/modules.builtin").decode().splitlines()
        self.part_of_the_kernel = {module_of(line) for line in builtin}
        files = [line.partition(":")[0] for line in self.read(f"{base}/modules.dep").decode().splitlines()]
        self._files = {module_of(file): f"{base}/{file}" for file in files}

    def names(self, folder: str) -> list[str]:
        """What a folder holds."""
        told = self._debugfs(f"ls -p {folder}").decode().splitlines()
        return [name for line in told if line and (name := line.split("/")[5]) not in (".", "..")]

    def read(self, path: str) -> bytes:
        """A file, links followed within one folder."""
        return self._debugfs(f"cat {path}")

    def drivers(self, compatible: str) -> set[str]:
        """The modules that drive what a device tree calls `compatible`, or a platform's device of that name."""
        return self._drivers(f"of:NnameT(null)C{compatible}") | self._drivers(f"platform:{compatible}")

    def drivers_of_usb(self, vendor: int, product: int) -> set[str]:
        """The modules that drive a USB device."""
        return self._drivers(f"usb:v{vendor:04X}p{product:04X}d0000dc00dsc00dp00icFFisc00ip00in00")

    def drivers_of_sdio(self, vendor: int, product: int) -> set[str]:
        """The modules that drive a device on the bus of SD cards."""
        return self._drivers(f"sdio:c00v{vendor:04X}d{product:04X}")

    def missing(self, module: str) -> set[str]:
        """What a module, which may be part of the kernel, needs and is not there, itself included."""
        if module in self.part_of_the_kernel:
            return set()
        if module not in self._files:
            return {module}
        found = re.search(rb"\0depends=([^\0]*)\0", lzma.decompress(self.read(self._files[module])))
        assert found is not None, module
        needed = filter(None, found[1].decode().split(","))
        return {name for each in needed for name in self.missing(each.replace("-", "_"))}

    def _drivers(self, device: str) -> set[str]:
        return {module for pattern, module in self._drivers_by_alias if fnmatch.fnmatchcase(device, pattern)}

    def _debugfs(self, request: str) -> bytes:
        done = subprocess.run(["debugfs", "-R", request, str(self._image)], capture_output=True, check=True)
        assert b"File not found" not in done.stderr, f"{request}: {done.stderr!r}"
        return done.stdout


def module_of(file: str) -> str:
    """The name of the module in a file."""
    return Path(file).name.partition(".ko")[0].replace("-", "_")


def files_in(initrd: Path) -> list[str]:
    """The names in an initial RAM disk: archives of cpio after one another, the last one compressed."""
    data = initrd.read_bytes()
    names: list[str] = []
    while data.startswith(_CPIO_MAGIC):
        found, data = _cpio(data)
        names += found
    if data:
        tool = {b"\x28\xb5": "zstd", b"\x1f\x8b": "gzip", b"\xfd7": "xz"}[data[:2]]
        unpacked = subprocess.run([tool, "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
        names += _cpio(unpacked)[0]
    return names


def _cpio(data: bytes) -> tuple[list[str], bytes]:
    """The names of an archive in the "newc" format, and what follows after it and the zeros behind it."""
    names = []
    place = 0
    while True:
        assert data.startswith(_CPIO_MAGIC, place)
        size, length = (int(data[place + at : place + at + 8], 16) for at in (54, 94))
        name = data[place + 110 : place + 110 + length - 1].decode()
        place = (place + 110 + length + 3 & ~3) + size + 3 & ~3
        if name == _TRAILER:
            return names, data[place:].lstrip(b"\0")
        names.append(name)
