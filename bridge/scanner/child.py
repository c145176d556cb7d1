"""What a process of the daemon that loads libsane does before anything else."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1


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
