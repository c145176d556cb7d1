"""Reads a flattened device tree (Devicetree Specification 0.4, chapter 5): what a board is made of, for a kernel."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

MAGIC = 0xD00DFEED
_BEGIN_NODE, _END_NODE, _PROP, _NOP, _END = 1, 2, 3, 4, 9


@dataclass
class Node:
    """A part of the board."""

    name: str
    properties: dict[str, bytes] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    def texts(self, name: str) -> list[str]:
        """A property that is a list of texts; empty when it is not there."""
        data = self.properties.get(name, b"").rstrip(b"\0")
        return data.decode("ascii").split("\0") if data else []

    @property
    def is_used(self) -> bool:
        """Whether the part is there and may be used (status, 2.3.4)."""
        return self.texts("status") in ([], ["okay"], ["ok"])

    def used(self) -> Iterator[Node]:
        """This part and all below it that may be used."""
        if not self.is_used:
            return
        yield self
        for child in self.children:
            yield from child.used()


def read(data: bytes) -> Node:
    """The root of the tree in `data`. Raises ValueError when it is none."""
    magic, _total, structure, strings = struct.unpack_from(">IIII", data)
    if magic != MAGIC:
        raise ValueError("this is no device tree")
    stack = [Node("")]
    place = structure
    while True:
        (token,) = struct.unpack_from(">I", data, place)
        place += 4
        if token == _BEGIN_NODE:
            end = data.index(b"\0", place)
            stack.append(Node(data[place:end].decode("ascii")))
            place = end + 4 & ~3
        elif token == _END_NODE:
            node = stack.pop()
            stack[-1].children.append(node)
        elif token == _PROP:
            size, name = struct.unpack_from(">II", data, place)
            end = data.index(b"\0", strings + name)
            stack[-1].properties[data[strings + name : end].decode("ascii")] = data[place + 8 : place + 8 + size]
            place += 8 + size + 3 & ~3
        elif token == _END:
            (root,) = stack[0].children
            return root
        elif token != _NOP:
            raise ValueError(f"unknown token {token}")
