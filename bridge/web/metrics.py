"""`/metrics`: the status as Prometheus reads it (text exposition format 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_STATES = ("Idle", "Processing", "Stopped")
_ENDS = ("Completed", "Canceled", "Aborted")

Sample = tuple[Mapping[str, str], float]
"""Labels and value of one line."""


def metrics(status: Mapping[str, Any], connections: int) -> str:
    """`status` in numbers; `connections` are open ones of HTTP."""
    scanners = status["scanners"]
    found = status["discovery"]
    started = datetime.fromisoformat(status["since"]).timestamp()
    families = [
        _family("info", "gauge", "The version that runs.", [({"version": status["version"]}, 1)]),
        _family("ready", "gauge", "1 while scanners are shown on the network.", [({}, float(status["ready"]))]),
        _family("start_time_seconds", "gauge", "When the bridge was started, in seconds since 1970.", [({}, started)]),
        _family("http_connections", "gauge", "Open HTTP connections.", [({}, connections)]),
        _family("subscriptions", "gauge", "Computers that listen for events.", [({}, len(status["subscriptions"]))]),
        _family(
            "scanner_state",
            "gauge",
            "1 for the state that the scanner is in.",
            [({**_of(one), "state": state}, one["state"] == state) for one in scanners for state in _STATES],
        ),
        _family(
            "scanner_worker_restarts_total",
            "counter",
            "Worker processes that were replaced because they failed.",
            [(_of(one), one["worker"]["restarts"]) for one in scanners],
        ),
        _family(
            "jobs_active", "gauge", "Jobs that are not over.", [(_of(one), len(one["active_jobs"])) for one in scanners]
        ),
        _family(
            "jobs_ended_total",
            "counter",
            "Jobs that are over, by their last state.",
            [({**_of(one), "state": end}, one["ended"]["jobs"].get(end, 0)) for one in scanners for end in _ENDS],
        ),
        _family(
            "images_total",
            "counter",
            "Images digitised whole by jobs that are over.",
            [(_of(one), one["ended"]["images"]) for one in scanners],
        ),
        _family("discovery_queries_total", "counter", "Probe and Resolve heard.", _by("action", found["queries"])),
        _family("discovery_answered_total", "counter", "Of these, answered.", _by("action", found["answered"])),
        _family("discovery_dropped_total", "counter", "Datagrams not answered.", _by("reason", found["dropped"])),
        _family("discovery_sent_total", "counter", "Datagrams sent, with repeats.", _by("action", found["sent"])),
    ]
    return "".join(families)


def _of(scanner: Mapping[str, Any]) -> dict[str, str]:
    return {"scanner": scanner["uuid"], "name": scanner["name"]}


def _by(label: str, counts: Mapping[str, int]) -> list[Sample]:
    return [({label: name}, count) for name, count in sorted(counts.items())]


def _family(name: str, kind: str, about: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP scanbridge_{name} {about}", f"# TYPE scanbridge_{name} {kind}"]
    for labels, value in samples:
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        braced = f"{{{inside}}}" if inside else ""
        lines.append(f"scanbridge_{name}{braced} {float(value):.15g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
