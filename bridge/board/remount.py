"""The FAT part of the card is read-only but for the moments in which something is written to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Remount = Callable[[str], object]
"""Makes the card writable with "rw" and read-only with "ro"; raises OSError or what running `mount` raises."""


@contextmanager
def writable(remount: Remount) -> Iterator[None]:
    """The card can be written to inside."""
    remount("rw")
    try:
        yield
    finally:
        remount("ro")
