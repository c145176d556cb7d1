"""The listing process: `python3 -m bridge.scanner.listing` writes the scanners that SANE finds, and ends.

A fresh process each time, because many backends never see a plug or an unplug again in the same process, and
because asking twice has crashed python-sane (feasibility-sane.md 1.3, 1.4).
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Iterable, Sequence
from typing import Any

from bridge.scanner.channel import Events
from bridge.scanner.child import automatic_memory, die_with_parent, leave_terminal, limit_memory
from bridge.scanner.model import Device
from bridge.scanner.protocol import EVENT_FD, MAX_FRAME, MAX_MESSAGE, Failed, Listed, Status, write_frame
from bridge.scanner.usb import SYSFS, identity_of

MAX_DEVICES = 32
"""Scanners listed of one machine."""

MAX_NAME = 255
"""Longest name, in characters, by which a device is opened."""

MAX_TEXT = 100
"""Longest vendor, model or kind, in characters; the scan service allows 127 for the name made of them."""

_NETWORK = re.compile(r"^(airscan|escl|net|v4l|dell1600n_net)(:|$)|^[^:]*:(net|tcp|bjnp|mfnp)[:/ ]|^hpaio:/net/|://")
"""Names of devices that are not on this machine's USB, or are no scanners; ours could be among them."""


def devices(rows: Iterable[Sequence[Any]], sysfs: str = SYSFS) -> tuple[Device, ...]:
    """The scanners among `rows` of python-sane (name, vendor, model, kind): cleaned, none twice.

    There are at most MAX_DEVICES of them, and no more than fit into one frame.
    """
    found: dict[str, Device] = {}
    for row in rows:
        name = row[0]
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not name.isprintable():
            continue
        if _NETWORK.search(name) or name in found:
            continue
        vendor, model, kind = (clean(text) for text in row[1:4])
        usb = identity_of(name, sysfs)
        device = Device(name, vendor, model or name[:MAX_TEXT], kind, usb.usb_id, usb.serial, usb.port)
        if len(found) == MAX_DEVICES or len(write_frame(Listed((*found.values(), device)))) > MAX_FRAME:
            break
        found[name] = device
    return tuple(found.values())


def clean(text: object) -> str:
    """`text` of a backend without control characters, on one line, at most MAX_TEXT long."""
    if not isinstance(text, str):
        return ""
    shown = "".join(character if character.isprintable() else " " for character in text[: 4 * MAX_TEXT])
    return " ".join(shown.split())[:MAX_TEXT].strip()


def main(arguments: Sequence[str] = ()) -> int:
    """List once, on the descriptors of protocol.py; the exit status. `arguments` are as those of a worker."""
    limit_memory(int(arguments[0]) if arguments else automatic_memory())
    die_with_parent()
    leave_terminal()
    events = Events(EVENT_FD)
    try:
        import sane

        sane.init()
        found = devices(sane.get_devices(localOnly=True))
    except Exception as error:
        traceback.print_exc()
        events.tell(Failed(Status.IO_ERROR, f"SANE could not list scanners: {error}"[:MAX_MESSAGE]))
        return 1
    events.tell(Listed(found))
    return 0


if __name__ == "__main__":
    status = 1
    try:
        status = main(sys.argv[1:])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        # An orderly end of libsane can dead-lock.
        os._exit(status)
