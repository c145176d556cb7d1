"""A program for tests: what `bridge.scanner.hotplug.Udev` hears, as lines of JSON; ends with its standard input."""

from __future__ import annotations

import json
import select
import sys
from dataclasses import asdict

from bridge.scanner.hotplug import Udev


def main() -> None:
    """Tell the devices that are there, then each event."""
    udev = Udev()
    print(json.dumps([asdict(device) for device in udev.devices()]), flush=True)
    while True:
        ready, _, _ = select.select([udev.fileno(), sys.stdin], [], [])
        if udev.fileno() in ready:
            for event in udev.events():
                print(json.dumps(asdict(event)), flush=True)
        elif sys.stdin in ready:
            return


if __name__ == "__main__":
    main()
