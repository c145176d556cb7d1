"""The log: to systemd's journal as entries with fields, else one line for each event on standard error.

Texts from the network and from scanners end up in it, so everything that could move a cursor, forge a line or turn the
reading direction is written as an escape.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import IO

from systemd.journal import sendv
from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
)
from zope.interface import implementer

from bridge.system.journal_entry import PRIORITIES, EntryObserver, text_lines

LIBRARIES = ("twisted", "log_legacy")
"""Namespaces that are not ours; the second is Twisted's own for its older log calls."""


@implementer(ILogObserver)
class TextObserver:
    """Writes events as lines to `stream`.

    With `for_journal` each line begins with its priority, as the journal reads it, and has no time of its own;
    `local_time` turns an event's seconds into what is written otherwise.
    """

    def __init__(
        self,
        stream: IO[str],
        *,
        for_journal: bool = False,
        local_time: Callable[[float], datetime] = datetime.fromtimestamp,
    ) -> None:
        self._stream = stream
        self._for_journal = for_journal
        self._local_time = local_time

    def __call__(self, event: LogEvent) -> None:
        """Write `event`; an event that cannot be formatted is written as Twisted explains it, a full disk is borne."""
        prefix = self._prefix(event)
        try:
            self._stream.write("".join(f"{prefix}{line}\n" for line in text_lines(event)))
            self._stream.flush()
        except (OSError, ValueError):
            # Nobody is left to be told: the log itself is what cannot be written.
            pass

    def _prefix(self, event: LogEvent) -> str:
        if self._for_journal:
            level = event.get("log_level") or LogLevel.info
            return f"<{PRIORITIES[level.name]}>"
        return self._local_time(event.get("log_time", 0.0)).strftime("%Y-%m-%d %H:%M:%S ")


class LogLevels:
    """Which events are written; `set` may change it while the daemon runs."""

    def __init__(self, level: str) -> None:
        self.predicate = LogLevelFilterPredicate()
        self.set(level)

    def set(self, level: str) -> None:
        """`level` is a word of the setting log.level; libraries speak only from warnings on, but in a debug log."""
        wanted = LogLevel.levelWithName(level)
        self.predicate.clearLogLevels()
        self.predicate.setLogLevelForNamespace("", wanted)
        if wanted is not LogLevel.debug:
            quiet = LogLevel.error if wanted is LogLevel.error else LogLevel.warn
            for namespace in LIBRARIES:
                self.predicate.setLogLevelForNamespace(namespace, quiet)


def begin(level: str, stream: IO[str], environ: Mapping[str, str]) -> LogLevels:
    """Write the log from now on: to the journal when `stream` leads there, else to `stream` as text.

    The result changes its level later. Called once in a process.
    """
    levels = LogLevels(level)
    for_journal = is_journal(stream, environ)
    text = TextObserver(stream, for_journal=for_journal)
    observer = EntryObserver(sendv, text) if for_journal else text
    globalLogBeginner.beginLoggingTo(
        [FilteringLogObserver(observer, [levels.predicate])], redirectStandardIO=False, discardBuffer=False
    )
    return levels


def is_journal(stream: IO[str], environ: Mapping[str, str]) -> bool:
    """Whether `stream` goes to the journal: systemd names the socket's device and inode in JOURNAL_STREAM."""
    try:
        device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
        told = os.fstat(stream.fileno())
        return (told.st_dev, told.st_ino) == (int(device), int(inode))
    except (OSError, ValueError):
        return False
