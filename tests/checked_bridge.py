"""The bridge's command line with every envelope checked: `python3 -m tests.checked_bridge serve ...`.

For tests that run the daemon as a process. What our schemas do not allow is appended to the file that
$SCANBRIDGE_SCHEMA_LOG names, and the exit status is 70 (EX_SOFTWARE) when anything was written there.
"""

from __future__ import annotations

import os
import sys

from tests import envelope_watch

EXIT_INVALID = 70


def main() -> int:
    """Run the command line; its exit status, or EXIT_INVALID when an envelope was wrong."""
    log = os.environ.get("SCANBRIDGE_SCHEMA_LOG")
    if not log:
        print("SCANBRIDGE_SCHEMA_LOG must name the file for violations", file=sys.stderr)
        return 2
    envelope_watch.LOG_FILE = log
    envelope_watch.install()
    from bridge.cli import main as run

    try:
        status = run() or 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    return EXIT_INVALID if envelope_watch.VIOLATIONS else status


if __name__ == "__main__":
    sys.exit(main())
