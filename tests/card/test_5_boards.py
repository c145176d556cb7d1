"""What QEMU cannot play of a Raspberry Pi is read: which files its firmware would take, and whether the kernel has a
driver for what the board's device tree says is on it. It shows that nothing is missing, not that it works.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.card import device_tree
from tests.card.boot_files import CONFIG, BootFiles, read_config
from tests.card.image import Card, flash
from tests.card.system import System, files_in, module_of
from tests.card.test_1_first_start import scans_at_once
from tests.interop.namespaces import Host

ARM64_MAGIC_AT = 0x38


@dataclass(frozen=True)
class Board:
    """A board that the image is for: its device tree, and the file of its radio's settings below lib/firmware/brcm.

    `drivers` names a module for each part without which there is no bridge, by the part's name in the device tree.
    """

    name: str
    tree: str
    drivers: dict[str, str]
    usb: tuple[tuple[int, int, str], ...] = ()
    radio: str = ""
    light: str = "ACT"


CARD_3 = {"brcm,bcm2835-sdhost": "bcm2835", "brcm,bcm2835-usb": "dwc2", "brcm,bcm2835-gpio": "pinctrl_bcm2835"}
CARD_4 = {
    "brcm,bcm2711-emmc2": "sdhci_iproc",
    "brcm,bcm2711-pcie": "pcie_brcmstb",
    "brcm,bcm2711-genet-v5": "genet",
    "brcm,bcm2711-gpio": "pinctrl_bcm2835",
}
CARDS = {"brcm,bcm2835-sdhost", "brcm,bcm2711-emmc2"}
"""What drives the card on these boards, as their device trees name it."""

RADIOS = {"43430": 0xA9A6, "43455": 0xA9BF, "43456": 0xA9BF}
"""The number by which each radio shows itself on its bus (SDIO), Broadcom's being 0x02D0."""

BOARDS = (
    Board("3 B", "bcm2837-rpi-3-b.dtb", CARD_3, ((0x0424, 0xEC00, "smsc95xx"),), "43430"),
    Board("3 B+", "bcm2837-rpi-3-b-plus.dtb", CARD_3, ((0x0424, 0x7800, "lan78xx"),), "43455"),
    Board("3 A+", "bcm2837-rpi-3-a-plus.dtb", CARD_3, (), "43455"),
    Board("Zero 2 W", "bcm2837-rpi-zero-2-w.dtb", CARD_3, (), "43430"),
    Board("CM3", "bcm2837-rpi-cm3-io3.dtb", CARD_3, light=""),
    Board("4 B", "bcm2711-rpi-4-b.dtb", CARD_4, (), "43455"),
    Board("400", "bcm2711-rpi-400.dtb", CARD_4, (), "43456", "PWR"),
    Board("CM4", "bcm2711-rpi-cm4-io.dtb", CARD_4, (), "43455"),
)

FIRMWARE = ("bootcode.bin", "start.elf", "fixup.dat", "start4.elf", "fixup4.dat")
"""What the boards' ROM and boot loader load: the first three up to the Pi 3, the last two on the Pi 4."""


@pytest.fixture(scope="module")
def card(flashed: Path) -> Card:
    """The image itself; nobody writes to it."""
    return Card(flashed)


@pytest.fixture(scope="module")
def files(card: Card, tmp_path_factory: pytest.TempPathFactory) -> BootFiles:
    """What the firmware takes from it."""
    assert CONFIG in card.names(), "this is no card for a Raspberry Pi"
    return BootFiles(card, tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def system(card: Card, tmp_path_factory: pytest.TempPathFactory) -> System:
    """The system on it."""
    return System(card, tmp_path_factory.mktemp("system"))


@pytest.fixture(scope="module")
def drivers_before_the_root(files: BootFiles, system: System) -> set[str]:
    """The modules that are in the initial RAM disk or part of the kernel."""
    return {module_of(name) for name in files_in(files.initrd) if ".ko" in name} | system.part_of_the_kernel


def test_the_firmware_is_there(card: Card) -> None:
    """Whatever the ROM asks for first."""
    assert set(FIRMWARE) <= set(card.names())


def test_the_firmware_finds_kernel_and_initial_disk(card: Card, files: BootFiles) -> None:
    """The kernel is one for 64 bits, which config.txt switches on, and the initial RAM disk can be unpacked."""
    config = card.read(CONFIG)
    assert "arm_64bit=1" in config.splitlines()
    kernel = files.kernel.read_bytes()[:64]
    assert kernel[ARM64_MAGIC_AT : ARM64_MAGIC_AT + 4] == b"ARM\x64" or kernel[:2] == b"\x1f\x8b"
    assert "init" in files_in(files.initrd)


def test_the_kernel_finds_its_root(files: BootFiles) -> None:
    """By its label, read-only, under the layer in memory; a kernel that panics starts again."""
    words = files.command_line.split()

    assert {"root=LABEL=scanroot", "ro", "scanbridge.overlay"} <= set(words)
    assert "rw" not in words[words.index("ro") :], "the later one counts"
    assert any(word.startswith("panic=") for word in words)


def test_the_kernels_own_names_are_asked_for(card: Card) -> None:
    """Debian's device trees have Linux's names; the firmware would ask for those of Raspberry Pi's own kernel."""
    assert read_config(card.read(CONFIG)).upstream


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_board(board: Board, files: BootFiles, system: System) -> None:
    """Its device tree is there; card, USB, network, radio and watchdog have a driver; the light has its name."""
    root = device_tree.read(files.device_tree(board.tree).read_bytes())
    parts = {compatible for node in root.used() for compatible in node.texts("compatible")}

    for part, module in board.drivers.items():
        assert part in parts, f"there is no {part}"
        assert module in system.drivers(part) | system.part_of_the_kernel, f"{part}: {system.drivers(part)}"
        assert system.missing(module) == set()
    assert "brcm,bcm2835-pm-wdt" in parts
    assert "bcm2835_wdt" in system.drivers("bcm2835-wdt")
    for vendor, product, module in board.usb:
        assert module in system.drivers_of_usb(vendor, product)
        assert system.missing(module) == set()
    if board.radio:
        model = root.texts("compatible")[0]
        assert "brcm,bcm4329-fmac" in parts
        assert "brcmfmac" in system.drivers_of_sdio(0x02D0, RADIOS[board.radio])
        there = system.names("/usr/lib/firmware/brcm")
        assert any(name.startswith(f"brcmfmac{board.radio}-sdio.bin") for name in there)
        assert {f"brcmfmac{board.radio}-sdio{kind}.txt" for kind in ("", f".{model}")} & set(there)
    lights = {node.texts("label")[0] for node in root.used() if node.texts("label") and node.name.startswith("led")}
    assert board.light in lights or not board.light


def test_what_was_left_out_is_not_needed(system: System) -> None:
    """The screen, radios, and what people may plug in: all that these modules need is there."""
    for module in ("vc4", "brcmfmac", "cdc_ether", "r8152", "asix", "usb_storage", "usblp", "ledtrig_timer"):
        assert system.missing(module) == set(), module


def test_the_initial_disk_reaches_every_card(drivers_before_the_root: set[str]) -> None:
    """The card's driver of each board is in it, and so is that of USB disks and of QEMU's."""
    needed = {"ext4", "overlay", "bcm2835", "sdhci_iproc", "mmc_block", "usb_storage", "uas", "dwc2", "pcie_brcmstb"}

    assert needed <= drivers_before_the_root


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_the_initial_disk_has_what_a_board_powers_its_card_with(
    board: Board, files: BootFiles, system: System, drivers_before_the_root: set[str]
) -> None:
    """The card's driver waits for ever for a regulator that the device tree names and no driver brings."""
    root = device_tree.read(files.device_tree(board.tree).read_bytes())
    named = {node.properties["phandle"]: node for node in root.used() if "phandle" in node.properties}
    (card,) = (node for node in root.used() if set(node.texts("compatible")) & CARDS)

    waiting, seen = [card], []
    while waiting:
        node = waiting.pop()
        seen.append(node.name)
        if node is not card:
            drivers = {driver for each in node.texts("compatible") for driver in system.drivers(each)}
            assert drivers & drivers_before_the_root, f"{node.name} {node.texts('compatible')}: {drivers}"
        supplies = [value for name, value in node.properties.items() if name.endswith("-supply")]
        waiting += [named[each] for each in supplies]
    assert len(seen) > 1 or board.tree.startswith("bcm2837"), seen
    print(board.name, seen)


def test_it_runs_on_other_hardware(flashed: Path, computer: Host, tmp_path: Path) -> None:
    """The card's own kernel, initial RAM disk and system on QEMU's own board, with the processor of a Pi 4."""
    scans_at_once(flash(flashed, tmp_path / "card.img", "virt"), computer, tmp_path)
