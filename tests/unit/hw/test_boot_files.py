"""How the tests of the image read a card's boot files: config.txt by its own rules, and device trees."""

from __future__ import annotations

import struct

import pytest

from tests.card import device_tree
from tests.card.boot_files import Config, read_config


def test_config_is_read_as_the_firmware_does() -> None:
    """The later value counts, filters for other boards do not, the prefix stands before names."""
    text = """# a comment
arm_64bit=1
kernel=old
kernel=vmlinuz
initramfs initrd.img followkernel
[cm4]
kernel=other
os_prefix=wrong/
[all]
os_prefix=a/
upstream_kernel=1
"""
    assert read_config(text) == Config("a/", "a/vmlinuz", "a/initrd.img", upstream=True)
    assert read_config(text).command_line == "a/cmdline.txt"
    assert read_config("kernel=k\n") == Config("", "k", "", upstream=False)


class Flattened:
    """Writes a device tree as the specification has it."""

    def __init__(self) -> None:
        self._structure = b""
        self._strings = b""

    def begin(self, name: str, **properties: bytes) -> None:
        """A part begins, with its properties; an underscore stands for what a name in Python cannot have."""
        self._structure += struct.pack(">I", 1) + self._padded(name.encode() + b"\0")
        for key, value in properties.items():
            self._structure += struct.pack(">IIII", 4, 3, len(value), len(self._strings)) + self._padded(value)
            self._strings += key.encode() + b"\0"

    def end(self, count: int = 1) -> None:
        """So many parts end."""
        self._structure += struct.pack(">I", 2) * count

    def data(self) -> bytes:
        """The whole tree."""
        structure = self._structure + struct.pack(">I", 9)
        head = 40
        size = head + len(structure) + len(self._strings)
        return struct.pack(">10I", 0xD00DFEED, size, head, head + len(structure), 0, 17, 16, 0, 0, 0) + (
            structure + self._strings
        )

    @staticmethod
    def _padded(data: bytes) -> bytes:
        return data + b"\0" * (-len(data) % 4)


def test_a_device_tree_is_read() -> None:
    """Names, texts, parts that are there and not used, and none of what is below those."""
    tree = Flattened()
    tree.begin("", compatible=b"vendor,board\0vendor,chip\0")
    tree.begin("used", compatible=b"one\0", label=b"ACT\0")
    tree.end()
    tree.begin("off", status=b"disabled\0")
    tree.begin("below", compatible=b"two\0")
    tree.end(2)
    tree.begin("on", status=b"okay\0", data=bytes(range(12)))
    tree.end(2)

    root = device_tree.read(tree.data())

    assert root.texts("compatible") == ["vendor,board", "vendor,chip"]
    assert [node.name for node in root.used()] == ["", "used", "on"]
    assert root.children[0].texts("label") == ["ACT"]
    assert root.children[2].properties["data"] == bytes(range(12))
    with pytest.raises(ValueError, match="no device tree"):
        device_tree.read(b"\0" * 40)
