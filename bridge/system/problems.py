"""The latest warnings and errors of the log, kept for the status page and for `doctor`.

Each line of the log from warning on says what happened and what to do, so nothing needs to be said twice.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent
from zope.interface import implementer

MAX_PROBLEMS = 20
"""Different problems remembered, the newest."""

MAX_TEXT = 500
"""Characters kept of one."""

_LEVELS = (LogLevel.warn, LogLevel.error, LogLevel.critical)


@implementer(ILogObserver)
class RecentProblems:
    """Listens to the log; a problem that comes again is counted, and told with its latest time."""

    def __init__(self) -> None:
        self._problems: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def __call__(self, event: LogEvent) -> None:
        """Keep `event` if it is a warning or worse."""
        level = event.get("log_level")
        if level not in _LEVELS:
            return
        text = formatEvent(event).partition("\n")[0][:MAX_TEXT]
        text = "".join(each if each.isprintable() else "\ufffd" for each in text)
        key = (level.name, text)
        count = self._problems.pop(key, (0.0, 0))[1]
        self._problems[key] = (float(event.get("log_time", 0.0)), count + 1)
        while len(self._problems) > MAX_PROBLEMS:
            self._problems.popitem(last=False)

    def overview(self) -> list[dict[str, Any]]:
        """All problems, newest last, as the status tells them."""
        return [
            {
                "at": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "level": "warning" if level == "warn" else "error",
                "text": text,
                "count": count,
            }
            for (level, text), (at, count) in self._problems.items()
        ]
