"""What `serve` tells the person who started it: what is served, and how to scan now."""

from __future__ import annotations

from collections.abc import Sequence


def welcome(scanners: Sequence[str], port: int, virtual: bool) -> str:
    """A few lines for the terminal; `scanners` are the names that Windows shows."""
    if not scanners:
        return (
            "No scanner is plugged in, or none answers yet. Plug one in: it is served as soon as it answers.\n"
            "`scanimage -L` shows what SANE sees on this machine."
        )
    lines = [
        "No USB scanner was found: SANE's virtual scanner is served, whose pages are test pictures."
        if virtual
        else "On the network now:",
        *(f"  {name}" for name in scanners),
        "",
        "From Windows:       Settings, Bluetooth & devices, Printers & scanners, Add device; then Windows Scan.",
        "From this machine:  ./run scan -o page.jpg",
        f"In a browser:       http://127.0.0.1:{port}/",
    ]
    return "\n".join(lines)
