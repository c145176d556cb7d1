"""The section [board] of the card's settings file: every setting with its default, its kind and its meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.setting_kinds import Flag, Text, setting

MAX_SSID = 32
"""Longest name of a WLAN in bytes (IEEE 802.11)."""

MAX_KEY = 1024
"""Longest ssh key that is taken, in characters; an RSA key of 4096 bits has about 740."""

NO_BUTTON = -1
"""Stands for no button; 0 and 1 belong to the EEPROM of an extension board, and the header has no more than 28."""

_LED = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_-]{0,63}")
_HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_PASSPHRASE = re.compile(r"[\x20-\x7e]{8,63}|[0-9a-fA-F]{64}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_PUBLIC_KEY = re.compile(
    r"(ssh-(rsa|ed25519)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)"
    r" [A-Za-z0-9+/]{16,}={0,2}( [\x20-\x7e]*)?"
)


class Matching:
    """A text that matches a pattern as a whole, or an empty one for none."""

    def __init__(self, pattern: re.Pattern[str], expected: str) -> None:
        self.pattern = pattern
        self.expected = expected

    def read(self, value: object) -> str:
        """`value` itself. Raises ValueError for anything else."""
        if not isinstance(value, str) or (value and not self.pattern.fullmatch(value)):
            raise ValueError
        return value


class HeaderPin:
    """A pin of the Raspberry Pi's header by the number of its GPIO."""

    expected = f"the number of a GPIO from 2 to 27 (not of a pin), or {NO_BUTTON} for none"

    def read(self, value: object) -> int:
        """`value` itself."""
        if isinstance(value, bool) or not isinstance(value, int) or not (value == NO_BUTTON or 2 <= value <= 27):
            raise ValueError
        return value


class NetworkName(Text):
    """The name of a WLAN."""

    expected = f"the name of a network in quotes, at most {MAX_SSID} bytes"

    def read(self, value: object) -> str:
        """`value` itself: white space at its ends may belong to the name."""
        if not isinstance(value, str) or len(value.encode()) > MAX_SSID or not value.isprintable():
            raise ValueError
        return value


class PublicKey(Matching):
    """One line of an OpenSSH public key file."""

    def __init__(self) -> None:
        super().__init__(_PUBLIC_KEY, 'the one line of a .pub file in quotes, such as "ssh-ed25519 AAAA… name"')

    def read(self, value: object) -> str:
        """`value` without white space around it."""
        text = super().read(value.strip() if isinstance(value, str) else value)
        if len(text) > MAX_KEY:
            raise ValueError
        return text


@dataclass(frozen=True, slots=True)
class Board:
    """The Raspberry Pi itself; read by the SD image at every start, and by nothing else."""

    hostname: str = setting(
        "",
        Matching(_HOSTNAME, "letters, digits and hyphens in quotes, at most 63"),
        "the board's name in the network; empty: scanbridge- and the end of the board's serial number",
    )
    wlan_ssid: str = setting("", NetworkName(), "name of the WLAN; empty: only the cable")
    wlan_psk: str = setting(
        "",
        Matching(_PASSPHRASE, "8 to 63 plain characters, or 64 hexadecimal digits, in quotes"),
        "its password; empty: the WLAN has none",
    )
    wlan_country: str = setting(
        "", Matching(_COUNTRY, 'two capital letters such as "DE"'), "the country, for the channels that may be used"
    )
    wlan_hidden: bool = setting(False, Flag(), "whether the WLAN does not tell its name, and must be asked for it")
    ssh_key: str = setting("", PublicKey(), "who has this key may log in as root by ssh; empty: nobody may")
    led: str = setting(
        "",
        Matching(_LED, 'the name of a light of the board in quotes, such as "ACT"'),
        "light that shows whether the bridge is ready, scans, or needs somebody; empty: none",
    )
    button_gpio: int = setting(
        NO_BUTTON,
        HeaderPin(),
        "GPIO with a push button to ground: a press is one of the scanner's button, three seconds shut the board down; "
        f"{NO_BUTTON}: none",
    )
    auto_update: bool = setting(
        False, Flag(), "look for updates of Debian's packages once a day, and restart into the new system"
    )


def contradictions(board: Board) -> list[str]:
    """What is wrong between settings that are each good for themselves, as sentences that name the keys."""
    if board.wlan_psk and not board.wlan_ssid:
        return ["board.wlan_psk: expected board.wlan_ssid beside it, the name of the network"]
    if board.wlan_ssid and not board.wlan_country:
        return ['board.wlan_ssid: expected board.wlan_country beside it, such as "DE": a radio must know where it is']
    return []
