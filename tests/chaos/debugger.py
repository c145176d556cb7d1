"""Holds a process so that it does not go away, even when it is killed: what a parent sees of an uninterruptible one.

A traced process stops once more on its way out, and is not reaped by its parent before its tracer lets it go; until
then it keeps its files and locks. Needs the rights of a debugger: root, or the same user where Yama allows it.
"""

from __future__ import annotations

import ctypes
import os
from types import TracebackType

PTRACE_DETACH = 17
PTRACE_SEIZE = 0x4206
PTRACE_O_TRACEEXIT = 0x40
WALL = 0x40000000
"""waitpid's __WALL: threads and processes alike."""


class Debugger:
    """Holds the process `pid` from its end; a context manager that lets it go. All in one thread, as ptrace wants."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        self._ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self._ptrace.restype = ctypes.c_long

    def __enter__(self) -> Debugger:
        self._call(PTRACE_SEIZE, PTRACE_O_TRACEEXIT)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Let it go; harmless when it was let go already."""
        pid, self._pid = self._pid, 0
        if not pid:
            return
        try:
            _, status = os.waitpid(pid, WALL)
        except ChildProcessError:
            return
        if os.WIFSTOPPED(status):
            self._pid = pid
            self._call(PTRACE_DETACH, 0)
            self._pid = 0

    def _call(self, request: int, data: int) -> None:
        if self._ptrace(request, self._pid, None, data) < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"ptrace({request}) of {self._pid}: {os.strerror(number)}")
