"""The boards that QEMU plays, each as the words of its command line.

QEMU's Raspberry Pi does not run the board's own firmware: kernel, initial RAM disk and device tree are taken from the
card's FAT part as that would take them, and the command line is the card's own. What is added to it, and why, stands
beside each model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.card.boot_files import BootFiles
from tests.interop.namespaces import INTERFACE

MEMORY_MB = 1024

_TAP = ("-netdev", f"tap,id=cable,ifname={INTERFACE},script=no,downscript=no")
_WITHOUT_EXTRAS = ("-nodefaults", "-no-reboot", "-display", "none")


def _console(file: Path) -> tuple[str, ...]:
    # A board that restarts goes on writing where it was.
    return ("-chardev", f"file,id=console,path={file},append=on", "-serial", "chardev:console")


@dataclass(frozen=True)
class Model:
    """A board: `command` makes the whole command line of QEMU of a card's file, its boot files, and the console's."""

    name: str
    command: Callable[[Path, BootFiles, Path], tuple[str, ...]]
    light: str = ""
    """An LED that its kernel knows; those of QEMU's Raspberry Pi hang at a firmware that is not there."""
    has_header: bool = False
    """Whether there are pins for a button."""
    slowness: float = 1.0
    """How many times longer a start takes than that of the PC."""


def _pc(card: Path, files: BootFiles, console: Path) -> tuple[str, ...]:
    # A PC has none of the Raspberry Pi's consoles, and waits for the one that is missing. One processor: with several,
    # the kernel may stumble over its own code while it changes it.
    own = " ".join(word for word in files.command_line.split() if word != "quiet" and not word.startswith("console="))
    words = f"{own} console=ttyS0 loglevel=6 mitigations=off no_timer_check panic=-1"
    return (
        *("qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "1"),
        *("-m", str(MEMORY_MB), *_WITHOUT_EXTRAS, *_console(console)),
        *("-kernel", str(files.kernel), "-initrd", str(files.initrd), "-append", words),
        *("-drive", f"file={card},format=raw,if=virtio"),
        *(*_TAP, "-device", "virtio-net-pci,netdev=cable,romfile=", "-device", "virtio-rng-pci"),
    )


def _raspi3b(card: Path, files: BootFiles, console: Path) -> tuple[str, ...]:
    # The watchdog of QEMU's board bites as soon as it is armed; the video parts ask a firmware that is not there. The
    # first serial port belongs to Bluetooth; the console is the second one. The cable is one of USB, as on the board.
    # Two of its four processors: emulated ones wait for one another where this machine has fewer.
    words = f"{files.command_line} modprobe.blacklist=bcm2835_wdt,vc4,vchiq,snd_bcm2835 panic=-1 maxcpus=2"
    return (
        *("qemu-system-aarch64", "-machine", "raspi3b", "-accel", "tcg,thread=multi", *_WITHOUT_EXTRAS),
        *("-serial", "null", *_console(console)),
        *("-kernel", str(files.kernel), "-initrd", str(files.initrd), "-append", words),
        *("-dtb", str(files.device_tree("bcm2837-rpi-3-b.dtb"))),
        *("-drive", f"file={card},format=raw,if=sd"),
        *(*_TAP, "-device", "usb-net,netdev=cable"),
    )


def _virt(card: Path, files: BootFiles, console: Path) -> tuple[str, ...]:
    return _no_pi(card, files, console, "-accel", "tcg,thread=multi", "-smp", "2")


def _counted(card: Path, files: BootFiles, console: Path) -> tuple[str, ...]:
    # One processor, whose clock goes on by a nanosecond for each instruction, however busy this machine is.
    return _no_pi(card, files, console, "-accel", "tcg,thread=single", "-icount", "shift=0", "-smp", "1")


def _no_pi(card: Path, files: BootFiles, console: Path, *processors: str) -> tuple[str, ...]:
    # No Raspberry Pi at all, but its kernel, initial RAM disk and system with the processor of a Pi 4.
    words = f"{files.command_line} console=ttyAMA0 panic=-1"
    return (
        *("qemu-system-aarch64", "-machine", "virt", *processors, "-cpu", "cortex-a72"),
        *("-m", str(MEMORY_MB), *_WITHOUT_EXTRAS, *_console(console)),
        *("-kernel", str(files.kernel), "-initrd", str(files.initrd), "-append", words),
        *("-drive", f"file={card},format=raw,if=virtio"),
        *(*_TAP, "-device", "virtio-net-pci,netdev=cable,romfile=", "-device", "virtio-rng-pci"),
    )


PC = Model("pc", _pc, light="input0::capslock")
RASPI3B = Model("raspi3b", _raspi3b, has_header=True, slowness=4.0)
VIRT = Model("virt", _virt)
COUNTED = Model("counted", _counted)
MODELS = {model.name: model for model in (PC, RASPI3B, VIRT, COUNTED)}
