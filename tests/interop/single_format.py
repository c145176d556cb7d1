"""The checked bridge with a scanner that offers one format alone, the one in $SCANBRIDGE_TEST_FORMAT.

A client that prefers another format takes this one then. Nothing else is different: `python3 -m
tests.interop.single_format serve ...`.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from twisted.internet.defer import Deferred

from bridge.scanner.model import Capabilities, Device, Format
from bridge.scanner.quirks import Quirks
from bridge.scanner.spawning import Spawner
from tests import checked_bridge

VARIABLE = "SCANBRIDGE_TEST_FORMAT"


def main() -> int:
    """Run the command line; its exit status."""
    only = Format(os.environ[VARIABLE])
    describe = Spawner.describe

    def describe_less(self: Spawner, device: Device, quirks: Quirks) -> Deferred[Capabilities]:
        return describe(self, device, quirks).addCallback(lambda found: replace(found, formats=(only,)))

    Spawner.describe = describe_less  # type: ignore[method-assign]
    return checked_bridge.main()


if __name__ == "__main__":
    sys.exit(main())
