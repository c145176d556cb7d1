"""What the firmware needs to start a system: kernel, initial RAM disk, device trees and the kernel's command line.

They are collected from a system's tree, and lie on the FAT part of the card in a folder for each slot. Nothing of the
firmware itself is touched here.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from bridge.board.slots import Slot, UpdateError
from bridge.replacing import sync_folder

KERNEL = "vmlinuz"
INITRD = "initrd.img"
COMMAND_LINE = "cmdline.txt"

TEMPLATE = "usr/lib/scanbridge-board/cmdline.txt"
"""The kernel's command line with {label} and {slot} in it, below a system's root."""

_DEVICE_TREES = ("usr/lib/linux-image-{version}/broadcom", "usr/lib/modules/{version}/dtb/broadcom")
"""Where Debian's kernels for arm64 keep them, older ones and newer ones."""

_CHUNK = 1 << 20

Boot = Mapping[str, Path | bytes]
"""Files for a slot's folder by name: where each comes from, or what it holds."""


def kernels(root: Path) -> list[str]:
    """The versions of the kernels in a system's tree, the newest last."""
    found = (path.name.removeprefix(f"{KERNEL}-") for path in (root / "boot").glob(f"{KERNEL}-*"))
    return sorted(found, key=_order)


def gather(root: Path, slot: Slot) -> Boot:
    """The files with which the firmware starts the system in `root`, with its newest kernel, from `slot`.

    Raises UpdateError when something is missing.
    """
    versions = kernels(root)
    if not versions:
        raise UpdateError(f"{root}/boot: there is no kernel")
    version = versions[-1]
    line = (root / TEMPLATE).read_text(encoding="ascii").strip().format(label=slot.label, slot=slot.name)
    files: dict[str, Path | bytes] = {
        KERNEL: root / f"boot/{KERNEL}-{version}",
        INITRD: root / f"boot/{INITRD}-{version}",
        COMMAND_LINE: f"{line}\n".encode(),
    }
    for folder in _DEVICE_TREES:
        trees = (root / folder.format(version=version)).glob("bcm2[78]*-rpi-*.dtb")
        files.update({tree.name: tree for tree in sorted(trees)})
    if not (root / f"boot/{INITRD}-{version}").exists():
        raise UpdateError(f"{root}/boot: there is no initial RAM disk for the kernel {version}")
    return files


def lay_down(files: Boot, folder: Path) -> None:
    """Make `files` the only content of `folder`, on the card when this returns, and read back to see that they are.

    Raises UpdateError or OSError.
    """
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    needed = sum(len(source) if isinstance(source, bytes) else source.stat().st_size for source in files.values())
    free = os.statvfs(folder)
    if needed > free.f_bavail * free.f_frsize:
        raise UpdateError(f"{folder}: there is no room for kernel and initial RAM disk: {needed // 1_000_000} MB")
    for name, source in files.items():
        _copy(source, folder / name)
    sync_folder(folder)
    sync_folder(folder.parent)
    for name, source in files.items():
        if _digest(folder / name, from_the_card=True) != _digest(source):
            raise UpdateError(f"{folder / name}: the card does not give back what was written to it")


def _copy(source: Path | bytes, to: Path) -> None:
    with to.open("wb") as file:
        if isinstance(source, bytes):
            file.write(source)
        else:
            with source.open("rb") as origin:
                shutil.copyfileobj(origin, file, _CHUNK)
        file.flush()
        os.fsync(file.fileno())


def _digest(source: Path | bytes, *, from_the_card: bool = False) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    digest = hashlib.sha256()
    with source.open("rb") as file:
        if from_the_card:
            # Else the kernel would answer from what it has in memory.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _order(version: str) -> list[tuple[int, str]]:
    """A key that sorts 6.12.9 before 6.12.10."""
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in re.findall(r"\d+|\D+", version)]
