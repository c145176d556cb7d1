"""What a process of the daemon that loads libsane does before anything else."""

from __future__ import annotations

import ctypes
import os
import resource
import signal

PR_SET_PDEATHSIG = 1

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of mallopt(3)."""

KEPT_PIECE = 4 * 1024 * 1024
KEPT_IN_ALL = 16 * 1024 * 1024
"""Freed memory that is kept: in pieces of at most so many bytes, and so many at the end of the heap."""

LEAST_MEMORY = 256_000_000
MOST_MEMORY = 768_000_000
"""Bounds of half the machine's memory, which a worker may take when no setting says otherwise.

The bridge's own part takes about 50 MB of it, the rest is the driver's: a driver that keeps a whole page needs 430 MB
for A4 in colour at 1200 dpi.
"""

OOM_SCORE = 500
"""Where memory is short all the same, the kernel ends a worker before the daemon and before most other programs."""


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends; by SIGKILL, which no backend can catch."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def leave_terminal() -> None:
    """Go to a session of our own, so that Ctrl-C reaches the daemon alone, which then ends its workers in order."""
    try:
        os.setsid()
    except PermissionError:
        pass


def restore_signals() -> None:
    """Let SIGTERM end the process at once again: backends install handlers of their own (feasibility-sane.md 2)."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def keep_freed_memory() -> None:
    """Let the C library keep what is freed instead of giving it back at once, as it does with large pieces.

    Each strip of an image takes and frees some. Getting every page of it anew from the kernel took a fifth of the time
    of a page at 300 dpi (docs/performance.md); and the process ends with its job.
    """
    library = ctypes.CDLL(None)
    library.mallopt(M_MMAP_THRESHOLD, KEPT_PIECE)
    library.mallopt(M_TRIM_THRESHOLD, KEPT_IN_ALL)


def automatic_memory() -> int:
    """Bytes that a worker may take on this machine: about 475 MB on a Raspberry Pi with 1 GB."""
    half = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return min(MOST_MEMORY, max(LEAST_MEMORY, half))


def limit_memory(limit: int) -> None:
    """Let this process have `limit` bytes, so that a driver that grows without end fails, and nothing else does.

    The limit is for memory that the process could fill (RLIMIT_DATA): a limit for addresses (RLIMIT_AS) would count
    what threads reserve and never touch, and a control group needs rights that the daemon does not have.
    """
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
            score.write(str(OOM_SCORE))
    except OSError:
        # Not everywhere is it ours to say, and the limit holds without it.
        pass
