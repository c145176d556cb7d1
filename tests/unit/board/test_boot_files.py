"""What the firmware gets to start a system, and that it is on the card."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.board import boot_files
from bridge.board.boot_files import TEMPLATE, gather, lay_down
from bridge.board.slots import B, UpdateError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A system with two kernels, of which the newer one has a device tree."""
    root = tmp_path / "tree"
    for name, text in (
        ("boot/vmlinuz-6.12.9-arm64", "old kernel"),
        ("boot/vmlinuz-6.12.10-arm64", "kernel"),
        ("boot/initrd.img-6.12.9-arm64", "old disk"),
        ("boot/initrd.img-6.12.10-arm64", "disk"),
        ("usr/lib/linux-image-6.12.10-arm64/broadcom/bcm2711-rpi-4-b.dtb", "tree"),
        ("usr/lib/linux-image-6.12.10-arm64/broadcom/bcm4708-netgear-r6250.dtb", "a router"),
        (TEMPLATE, "root=LABEL={label} scanbridge.slot={slot} quiet\n"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_the_newest_kernel_is_started_with_what_belongs_to_it(tree: Path, tmp_path: Path) -> None:
    """10 is more than 9; device trees of other machines stay away; nothing of an older system is left in the folder."""
    folder = tmp_path / "card/b"
    (folder / "overlays").mkdir(parents=True)
    (folder / "bcm2837-rpi-3-b.dtb").write_text("of an older kernel")

    lay_down(gather(tree, B), folder)

    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "vmlinuz": "kernel",
        "initrd.img": "disk",
        "cmdline.txt": "root=LABEL=scanrootb scanbridge.slot=b quiet\n",
        "bcm2711-rpi-4-b.dtb": "tree",
    }


def test_a_system_without_kernel_or_disk_is_not_started(tree: Path) -> None:
    """It is noticed before anything is written."""
    (tree / "boot/initrd.img-6.12.10-arm64").unlink()
    with pytest.raises(UpdateError, match=r"no initial RAM disk for the kernel 6\.12\.10"):
        gather(tree, B)
    for kernel in (tree / "boot").glob("vmlinuz*"):
        kernel.unlink()
    with pytest.raises(UpdateError, match="no kernel"):
        gather(tree, B)


def test_a_card_that_gives_back_something_else_is_noticed(tree: Path, tmp_path: Path) -> None:
    """Worn-out cards take everything and keep nothing; here a file is changed after it was written."""
    files = dict(gather(tree, B))
    folder = tmp_path / "card"

    class Changing(dict[str, object]):
        """Changes a file that was written when its entries are asked for again: before it is read back."""

        asked = 0

        def items(self) -> object:  # type: ignore[override]
            self.asked += 1
            if self.asked == 2:
                (folder / "vmlinuz").write_text("kernel with a wrong bit")
            return super().items()

    with pytest.raises(UpdateError, match="does not give back"):
        lay_down(Changing(files), folder)  # type: ignore[arg-type]


def test_room_is_looked_for_before_anything_is_written(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel that does not fit is told with its size, and no half of it is left."""

    class Full:
        f_bavail, f_frsize = 0, 512

    monkeypatch.setattr(boot_files.os, "statvfs", lambda _path: Full)

    with pytest.raises(UpdateError, match="no room"):
        lay_down(gather(tree, B), tmp_path / "card")

    assert list((tmp_path / "card").iterdir()) == []
