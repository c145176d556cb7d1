"""What a Raspberry Pi's firmware would take from the FAT part of a card, by the rules of its config.txt.

Those that matter here (Raspberry Pi's documentation of config.txt): `[...]` begins a filter for boards, the later value
of a key counts, `os_prefix` stands before the names of kernel, initial RAM disk, device trees and command line,
`initramfs` is written without an equals sign, and with `upstream_kernel=1` device trees are looked for under the names
that Linux itself gives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.card.image import Card

CONFIG = "config.txt"
_FILTERS_OF_ALL = ("all",)


@dataclass(frozen=True)
class Config:
    """What config.txt says to every board."""

    prefix: str
    kernel: str
    initrd: str
    upstream: bool

    @property
    def command_line(self) -> str:
        """The file with the kernel's command line."""
        return f"{self.prefix}cmdline.txt"


def read_config(text: str) -> Config:
    """The settings in `text` that are for all boards."""
    values = {"os_prefix": "", "kernel": "", "initramfs": "", "upstream_kernel": "0"}
    for_all = True
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("["):
            for_all = line.strip("[]") in _FILTERS_OF_ALL
        elif line and not line.startswith("#") and for_all:
            name, sign, value = line.partition("=")
            if not sign and line.startswith("initramfs "):
                name, value = "initramfs", line.split()[1]
            values[name.strip()] = value.strip()
    prefix = values["os_prefix"]
    return Config(
        prefix, prefix + values["kernel"], prefix + values["initramfs"], values["upstream_kernel"] == "1"
    )


class BootFiles:
    """Copies of a card's boot files in `folder`; those of a PC's flavour lie on its FAT part without config.txt."""

    def __init__(self, card: Card, folder: Path) -> None:
        self._card = card
        self._folder = folder
        config = CONFIG if CONFIG in card.names() else None
        self.config = read_config(card.read(CONFIG)) if config else Config("", "vmlinuz", "initrd.img", False)
        self.kernel = self._copy(self.config.kernel)
        self.initrd = self._copy(self.config.initrd)

    @property
    def command_line(self) -> str:
        """What the kernel is told."""
        return self._card.read(self.config.command_line).strip()

    def device_tree(self, name: str) -> Path:
        """A board's device tree."""
        return self._copy(self.config.prefix + name)

    def _copy(self, name: str) -> Path:
        return self._card.copy(name, self._folder / name.replace("/", "-"))
