"""Scans one page after another until its standard input ends: `python3 -m benchmarks.load PORT PATH FORMAT DPI`.

A process of its own, so that it takes no time from whoever measures meanwhile. Prints when each RetrieveImage began
and ended (`time.perf_counter`, which all processes share).
"""

from __future__ import annotations

import select
import sys
import time

from benchmarks.client import Client, Page


def main() -> None:
    """Scan."""
    port, path, name, dpi = sys.argv[1:5]
    client = Client(int(port), path)
    page = Page(int(dpi), name)
    while not select.select([sys.stdin], [], [], 0)[0]:
        job = client.create(page)
        begun = time.perf_counter()
        client.retrieve(*job)
        print(begun, time.perf_counter(), flush=True)


if __name__ == "__main__":
    main()
