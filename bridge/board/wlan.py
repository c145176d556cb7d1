"""The WLAN of the settings as iwd's own files (iwd.network(5), iwd.config(5))."""

from __future__ import annotations

import re

from bridge.board.settings import Board

RADIO = "brcmfmac"
"""The driver of a Raspberry Pi's radio."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9 _-]+")
_HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")


def network_file(board: Board) -> tuple[str, str]:
    """Name and content of the file with which iwd joins the network of `board`, which has one."""
    name = board.wlan_ssid if _PLAIN_NAME.fullmatch(board.wlan_ssid) else "=" + board.wlan_ssid.encode().hex()
    hidden = "[Settings]\nHidden=true\n" if board.wlan_hidden else ""
    if not board.wlan_psk:
        return f"{name}.open", hidden
    if _HEX_KEY.fullmatch(board.wlan_psk):
        return f"{name}.psk", f"[Security]\nPreSharedKey={board.wlan_psk.lower()}\n{hidden}"
    return f"{name}.psk", f"[Security]\nPassphrase={_escaped(board.wlan_psk)}\n{hidden}"


def main_file(board: Board) -> str:
    """iwd's settings: the country, that systemd-networkd has the addresses, and that the board's radio stays awake.

    A radio that saves power may miss what is sent to all, and so every computer that looks for scanners.
    """
    return (
        f"[General]\nCountry={board.wlan_country}\nEnableNetworkConfiguration=false\n"
        f"[DriverQuirks]\nPowerSaveDisable={RADIO}\n"
    )


def _escaped(value: str) -> str:
    """A value that iwd reads back as `value`: it drops leading spaces, and a backslash begins an escape."""
    text = value.replace("\\", "\\\\")
    spaces = len(text) - len(text.lstrip(" "))
    return "\\s" * spaces + text[spaces:]
