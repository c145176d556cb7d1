"""What a value in a settings file may be: each kind takes what TOML gives, or says what it expected."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import field
from typing import Any, Protocol, TypeVar, cast

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAX_TEXT = 127
"""Most characters of a text that the network gets to see (wsd-scan.md 6.1)."""

MAX_PATH = 4096
"""Most characters of a path on this machine."""

MAX_LIST = 64
"""Most entries of a list."""


class Kind(Protocol[T_co]):
    """One sort of value.

    `expected` completes the sentence "expected …" for the person who wrote the file.
    """

    @property
    def expected(self) -> str:
        """What a good value is."""

    def read(self, value: object) -> T_co:
        """`value` as the program uses it. Raises ValueError when it is not of this kind."""


class Flag:
    """true or false."""

    expected = "true or false"

    def read(self, value: object) -> bool:
        """`value` itself."""
        if not isinstance(value, bool):
            raise ValueError
        return value


class Whole:
    """A whole number from `minimum` to `maximum`, counted in `unit`."""

    def __init__(self, minimum: int, maximum: int, unit: str = "") -> None:
        self.minimum = minimum
        self.maximum = maximum
        self.expected = f"a whole number {unit + ' ' if unit else ''}from {minimum} to {maximum}"

    def read(self, value: object) -> int:
        """`value` itself; a TOML boolean is no number."""
        if isinstance(value, bool) or not isinstance(value, int) or not self.minimum <= value <= self.maximum:
            raise ValueError
        return value


class Number:
    """A number from `minimum` to `maximum`, whole or not, counted in `unit`."""

    def __init__(self, minimum: float, maximum: float, unit: str = "") -> None:
        self.minimum = minimum
        self.maximum = maximum
        self.expected = f"a number {unit + ' ' if unit else ''}from {minimum:g} to {maximum:g}"

    def read(self, value: object) -> float:
        """`value` as a float; neither infinity nor nan lies between two limits."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError
        if not self.minimum <= value <= self.maximum:
            raise ValueError
        return float(value)


class Choice:
    """One word of a few."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.expected = "one of " + ", ".join(f'"{word}"' for word in words)

    def read(self, value: object) -> str:
        """`value` itself, in exactly this spelling."""
        if not isinstance(value, str) or value not in self.words:
            raise ValueError
        return value


class Text:
    """A text of one line that others may read; white space around it is dropped."""

    expected = f"a text of one line in quotes, at most {MAX_TEXT} characters"

    def read(self, value: object) -> str:
        """`value` without white space around it."""
        if not isinstance(value, str):
            raise ValueError
        text = value.strip()
        if len(text) > MAX_TEXT or not text.isprintable():
            raise ValueError
        return text


class AbsolutePath:
    """A path on this machine from the root, or an empty text for the default."""

    expected = 'an absolute path in quotes such as "/srv/scans", or "" for the default'

    def read(self, value: object) -> str:
        """`value` itself."""
        if not isinstance(value, str) or len(value) > MAX_PATH or not value.isprintable():
            raise ValueError
        if value and not value.startswith("/"):
            raise ValueError
        return value


class InterfaceNames:
    """Names of network interfaces as the kernel allows them."""

    expected = 'a list of interface names such as ["eth0", "wlan0"]'

    def read(self, value: object) -> tuple[str, ...]:
        """The names in their order."""
        names = _texts(value)
        for name in names:
            # The kernel's own rule (IFNAMSIZ and dev_valid_name): what breaks it names no interface ever.
            if not 0 < len(name.encode()) < 16 or name in (".", "..") or not name.isprintable():
                raise ValueError
            if any(character in "/: " for character in name):
                raise ValueError
        return tuple(names)


class Prefixes:
    """Network prefixes, IPv4 or IPv6."""

    expected = 'a list of addresses or prefixes such as ["192.168.7.0/24", "fd00:7::/64"]'

    def read(self, value: object) -> tuple[str, ...]:
        """The prefixes in their usual spelling; a single address is a prefix of its own, host bits are dropped."""
        return tuple(str(ipaddress.ip_network(text.strip(), strict=False)) for text in _texts(value))


PURPOSES = ("scan", "print", "email", "fax", "ocr", "none")
"""What a button can be for; the last one is for no scan at all."""


class ButtonPurposes:
    """Buttons of scanners and what each is for."""

    expected = (
        'a list of buttons and what each is for, such as ["button-2: email", "copy: none"]; '
        f'what it can be for is {", ".join(PURPOSES)}'
    )

    def read(self, value: object) -> tuple[str, ...]:
        """The entries as "button: purpose", with one blank."""
        entries = []
        for text in _texts(value):
            button, colon, purpose = (part.strip() for part in text.rpartition(":"))
            if not button or not colon or purpose.lower() not in PURPOSES or not button.isprintable():
                raise ValueError
            if len(button) > MAX_TEXT:
                raise ValueError
            entries.append(f"{button}: {purpose.lower()}")
        return tuple(entries)


def setting(default: T, kind: Kind[T], meaning: str) -> T:
    """A field of a section: its default, its kind, and one sentence for the reference of all settings."""
    # dataclasses.field is typed as its default's type for the same reason: the class body reads naturally.
    declared: Any = field(default=default, metadata={"kind": kind, "meaning": meaning})
    return cast(T, declared)


def _texts(value: object) -> Sequence[str]:
    if not isinstance(value, list) or len(value) > MAX_LIST or not all(isinstance(text, str) for text in value):
        raise ValueError
    return value
