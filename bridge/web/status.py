"""The daemon's state as plain data, for the command line, /status.json and the page (design 5 and 7)."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

from bridge import __version__
from bridge.jobs.states import JobStatus
from bridge.served_scanner import ServedScanner


class Running(Protocol):
    """The daemon as far as its status needs it."""

    @property
    def ready(self) -> bool:
        """Whether Hello has gone out."""

    @property
    def http_port(self) -> int:
        """Where HTTP is served."""

    @property
    def scanners(self) -> list[ServedScanner]:
        """The scanners on the network."""


def status_of(bridge: Running, host: str = "127.0.0.1") -> dict[str, Any]:
    """Everything about `bridge`; URLs are for a client that reaches it at `host`, an address literal."""
    place = f"[{host}]" if ":" in host else host
    base = f"http://{place}:{bridge.http_port}"
    return {
        "version": __version__,
        "ready": bridge.ready,
        "http_port": bridge.http_port,
        "scanners": [_scanner(scanner, base) for scanner in bridge.scanners],
        "subscriptions": [
            _subscription(entry) for scanner in bridge.scanners for entry in scanner.events.overview()
        ],
    }


def _scanner(served: ServedScanner, base: str) -> dict[str, Any]:
    return {
        "uuid": served.enrolled.uuid,
        "name": served.metadata.friendly_name,
        "state": served.status.state.value,
        "reasons": [reason.value for reason in served.status.reasons],
        "conditions": [
            {"id": each.id, "name": each.name.value, "component": each.component.value, "since": _time(each.time)}
            for each in served.status.conditions
        ],
        "urls": {
            "device": base + served.metadata.device_path,
            "service": base + served.metadata.service_path,
        },
        "worker": {"pid": served.scanner.worker_pid, "restarts": served.scanner.restarts},
        "buttons": {
            "state": served.buttons.state.value,
            "names": list(served.buttons.buttons),
            "trouble": served.buttons.trouble,
        },
        "active_jobs": [_job(status) for status in served.queue.active],
        "history": [_job(status) for status in reversed(served.queue.history)],
    }


def _subscription(entry: dict[str, Any]) -> dict[str, Any]:
    """A subscription with a name of its own instead of its identifier: who knows that may end the subscription."""
    return {**entry, "id": sha256(str(entry["id"]).encode()).hexdigest()[:12]}


def _job(status: JobStatus) -> dict[str, Any]:
    return {
        "id": status.id,
        "name": status.name,
        "user": status.user,
        "state": status.state.value,
        "reasons": [reason.value for reason in status.reasons],
        "scans_completed": status.scans_completed,
        "created": _time(status.created),
        "completed": _time(status.completed),
    }


def _time(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with seconds."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
