"""The log as entries of systemd's journal, with fields to choose by: `journalctl -u scanbridge JOB_ID=12`.

The fields that people search for have names of their own (docs/systemd.md, the log); everything else is in the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent
from zope.interface import implementer

from bridge.system.escape import safe

IDENTIFIER = "scanbridge"

MAX_LINE = 40000
"""Longest line in characters, with room for a whole message of the wire; what is longer is cut and says so."""

MAX_VALUE = 1000
"""Longest value of a field but the message, in characters."""

PRIORITIES = {"debug": 7, "info": 6, "warn": 4, "error": 3, "critical": 2}
"""The journal's priority of each level (sd-daemon(3))."""

NAMES = {"debug": "debug", "info": "", "warn": "warning", "error": "error", "critical": "critical"}
"""What stands before the text of a line; the usual level says nothing."""

FIELDS = {
    "job_id": "JOB_ID",
    "client": "CLIENT",
    "peer": "CLIENT",
    "action": "ACTION",
    "scanner": "SCANNER",
    "title": "SCANNER",
}
"""The journal's name for what an event names so."""

NAMED_SCANNER = ("bridge.app", "bridge.roster.", "bridge.scanner.")
"""Where `name` is a scanner's; elsewhere jobs and computers have names too."""

Send = Callable[..., None]
"""Takes an entry as one text NAME=value for each field (systemd.journal.sendv)."""


@implementer(ILogObserver)
class EntryObserver:
    """Gives each event to `send`; what the journal does not take goes to `otherwise`."""

    def __init__(self, send: Send, otherwise: Callable[[LogEvent], None]) -> None:
        self._send = send
        self._otherwise = otherwise

    def __call__(self, event: LogEvent) -> None:
        """Send `event`, with its traceback when it has one."""
        try:
            self._send(*(f"{name}={value}" for name, value in fields(event)))
        except OSError:
            self._otherwise(event)


def fields(event: LogEvent) -> Iterator[tuple[str, str]]:
    """What the journal gets to know of `event`: names and values, each name once."""
    level = event.get("log_level") or LogLevel.info
    yield "MESSAGE", "\n".join(text_lines(event))
    yield "PRIORITY", str(PRIORITIES[level.name])
    yield "SYSLOG_IDENTIFIER", IDENTIFIER
    namespace = str(event.get("log_namespace") or "")
    if namespace:
        yield "LOGGER", _value(namespace)
    told: set[str] = set()
    for name, field in _names(namespace).items():
        value = event.get(name)
        if value is not None and value != "" and field not in told:
            told.add(field)
            yield field, _value(value)


def text_lines(event: LogEvent) -> list[str]:
    """`event` as text: one line, and its traceback indented below it; nothing in them moves a cursor."""
    level = event.get("log_level") or LogLevel.info
    name = NAMES[level.name]
    line = _cut(safe(formatEvent(event)))
    lines = [f"{name}: {line}" if name else line]
    failure = event.get("log_failure")
    if failure is not None:
        lines.extend("  " + safe(line) for line in _traceback(failure).splitlines())
    return lines


def _names(namespace: str) -> Mapping[str, str]:
    return {**FIELDS, "name": "SCANNER"} if namespace.startswith(NAMED_SCANNER) else FIELDS


def _value(value: object) -> str:
    try:
        return safe(str(value))[:MAX_VALUE]
    except Exception:  # an object whose text cannot be had must not take the log with it
        return "?"


def _cut(line: str) -> str:
    if len(line) <= MAX_LINE:
        return line
    return f"{line[:MAX_LINE]}… ({len(line)} characters)"


def _traceback(failure: Any) -> str:
    try:
        return str(failure.getTraceback())
    except Exception:  # an exception whose own text raises must not take the log with it
        return f"(no traceback: {failure!r})"
