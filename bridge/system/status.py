"""`scanbridge status`: what the running bridge says of itself, for people or for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bridge.settings import Settings
from bridge.system import asking
from bridge.system.escape import safe
from bridge.system.places import sockets_to_ask

MAX_HISTORY_SHOWN = 10
"""How many finished jobs of a scanner the table shows, the newest; the JSON has them all."""

MAX_PROBLEMS_SHOWN = 5
"""How many problems the report shows, the newest; the JSON has them all."""

NOT_RUNNING = """no bridge is running on this machine, or not for you. Start it with
  systemctl start scanbridge        when the package is installed
  ./run                             in a checkout of the sources
and give `status` the same --config as `serve`."""


def show_status(settings: Settings, *, as_json: bool) -> int:
    """Ask the running daemon and print what it says; the result is the exit status.

    Raises NotRunning when there is none, ControlError when it does not answer.
    """
    try:
        told = asking.ask_first(sockets_to_ask(settings, os.environ), {"command": "status"})
    except asking.NotRunning as error:
        raise asking.NotRunning(NOT_RUNNING) from error
    print(json.dumps(told, indent=2) if as_json else "\n".join(status_lines(told)))
    return 0


def status_lines(status: Mapping[str, Any]) -> list[str]:
    """`status` as the lines of a small report; texts from the network cannot reach the terminal's controls."""
    state = "ready" if status.get("ready") else "starting"
    lines = [f"Scanbridge {_text(status.get('version'))}, {state}, port {_text(status.get('http_port'))}"]
    scanners = status.get("scanners") or []
    if not scanners:
        lines += ["", "No scanner is plugged in."]
    for scanner in scanners:
        lines += ["", *_scanner_lines(scanner)]
    lines += ["", *_subscription_lines(status.get("subscriptions") or [])]
    lines += _client_lines(status.get("clients") or [], status.get("strangers") or [])
    return lines + _problem_lines(status.get("problems") or [])


def _scanner_lines(scanner: Mapping[str, Any]) -> list[str]:
    urls = scanner.get("urls") or {}
    worker = scanner.get("worker") or {}
    pid = worker.get("pid")
    process = f"process {pid}" if pid else "no process"
    lines = [
        f"{_text(scanner.get('name'))}: {_text(scanner.get('state'))}{_reasons(scanner.get('reasons'))}",
        f"  device   {_text(urls.get('device'))}",
        f"  service  {_text(urls.get('service'))}",
        f"  worker   {process}, restarted {worker.get('restarts', 0)} times",
    ]
    lines += _button_lines(scanner.get("buttons") or {})
    active = list(scanner.get("active_jobs") or [])
    history = list(scanner.get("history") or [])
    if active or history:
        shown = [*history[-MAX_HISTORY_SHOWN:], *active]
        rows = [("JOB", "STATE", "PAGES", "USER", "NAME"), *(_job_row(job) for job in shown)]
        lines += ["", *_table(rows)]
    return lines


def _button_lines(buttons: Mapping[str, Any]) -> list[str]:
    """What is watched, because that keeps other programs from the scanner; nothing when it is not asked for."""
    state, trouble = buttons.get("state"), _text(buttons.get("trouble"))
    if state == "watching":
        names = ", ".join(_text(name) for name in buttons.get("names") or [])
        return [f"  buttons  watched, so that other programs cannot use the scanner: {names}"]
    told = {
        "paused": "not watched just now",
        "waiting": f"cannot be watched, tried again: {trouble}",
        "none": "none that can be watched",
        "failed": f"left alone after failures: {trouble}",
    }.get(str(state))
    return [f"  buttons  {told}"] if told else []


def _job_row(job: Mapping[str, Any]) -> tuple[str, ...]:
    state = f"{_text(job.get('state'))}{_reasons(job.get('reasons'))}"
    return (
        _text(job.get("id")),
        state,
        _text(job.get("scans_completed")),
        _text(job.get("user")),
        _text(job.get("name")),
    )


def _subscription_lines(subscriptions: Sequence[Mapping[str, Any]]) -> list[str]:
    if not subscriptions:
        return ["No computer listens for a press of the button."]
    rows = [("COMPUTER", "UNTIL", "DESTINATIONS")]
    for one in subscriptions:
        names = ", ".join(_text(destination.get("name")) for destination in one.get("destinations") or [])
        rows.append((_text(one.get("client")), _text(one.get("expires")), names or "-"))
    return ["Computers that listen:", *_table(rows)]


def _client_lines(clients: Sequence[Mapping[str, Any]], strangers: Sequence[Mapping[str, Any]]) -> list[str]:
    """How far each computer got; nothing when none has come."""
    if not clients and not strangers:
        return []
    rows = [("COMPUTER", "SO FAR")]
    for one in clients:
        kind = " (Windows)" if one.get("windows") else ""
        rows.append((f"{_text(one.get('client'))}{kind}", _text(one.get("meaning"))))
    rows += [(_text(one.get("client")), "it was turned away: it is in another network") for one in strangers]
    return ["", "Computers seen:", *_table(rows)]


def _problem_lines(problems: Sequence[Mapping[str, Any]]) -> list[str]:
    """The newest warnings and errors."""
    if not problems:
        return []
    told = [f"  {_text(one.get('at'))}  {_text(one.get('text'))}" for one in problems[-MAX_PROBLEMS_SHOWN:]]
    return ["", "Problems, newest last; scanbridge doctor says more:", *told]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return ["  " + "  ".join(cells).rstrip() for cells in padded]


def _reasons(reasons: object) -> str:
    """The reasons behind a state in brackets; the keyword None says nothing and is left out."""
    words = [_text(reason) for reason in reasons] if isinstance(reasons, Iterable) else []
    told = [word for word in words if word != "None"]
    return f" ({', '.join(told)})" if told else ""


def _text(value: object) -> str:
    return "-" if value is None or value == "" else safe(str(value))
