"""The daemon's state as plain data: the one source of the command line, /status.json, the page, metrics and events.

design 5 and 7. Whatever is in here, everybody on the network may read: no token, no identifier that gives a right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

from bridge import __version__
from bridge.jobs.states import JobStatus
from bridge.scanner.model import Capabilities, InputSource
from bridge.served_scanner import ServedScanner
from bridge.settings import SECTIONS, Settings
from bridge.system.board_notes import board_notes
from bridge.system.problems import RecentProblems
from bridge.visitors import Visitors


class Counted(Protocol):
    """What discovery has counted since the start."""

    @property
    def queries(self) -> Mapping[str, int]:
        """Questions heard, by action."""

    @property
    def answered(self) -> Mapping[str, int]:
        """Questions that got an answer, by action."""

    @property
    def dropped(self) -> Mapping[str, int]:
        """Datagrams without an answer, by reason."""

    @property
    def sent(self) -> Mapping[str, int]:
        """Datagrams sent, by action."""


class Running(Protocol):
    """The daemon as far as its status needs it."""

    settings: Settings
    since: datetime
    visitors: Visitors
    problems: RecentProblems

    @property
    def ready(self) -> bool:
        """Whether Hello has gone out."""

    @property
    def http_port(self) -> int:
        """Where HTTP is served."""

    @property
    def scanners(self) -> list[ServedScanner]:
        """The scanners on the network."""

    @property
    def interfaces(self) -> list[tuple[str, list[str]]]:
        """The interfaces that scanners are shown on, each with its addresses."""

    @property
    def broken_interfaces(self) -> list[str]:
        """Interfaces and families on which discovery cannot be opened."""

    @property
    def discovery(self) -> Counted:
        """What discovery has counted."""

    @property
    def connections(self) -> int:
        """Open HTTP connections."""


def status_of(bridge: Running, host: str = "127.0.0.1") -> dict[str, Any]:
    """Everything about `bridge`; URLs are for a client that reaches it at `host`, an address literal."""
    place = f"[{host}]" if ":" in host else host
    base = f"http://{place}:{bridge.http_port}"
    counted = bridge.discovery
    return {
        "version": __version__,
        "ready": bridge.ready,
        "since": _time(bridge.since),
        "http_port": bridge.http_port,
        "interfaces": [{"name": name, "addresses": addresses} for name, addresses in bridge.interfaces],
        "broken_interfaces": bridge.broken_interfaces,
        "scanners": [_scanner(scanner, base) for scanner in bridge.scanners],
        "subscriptions": [
            _subscription(entry) for scanner in bridge.scanners for entry in scanner.events.overview()
        ],
        "clients": bridge.visitors.overview(),
        "strangers": bridge.visitors.strangers(),
        "problems": bridge.problems.overview(),
        "board": board_notes(),
        "discovery": {
            "queries": dict(counted.queries),
            "answered": dict(counted.answered),
            "dropped": dict(counted.dropped),
            "sent": dict(counted.sent),
        },
        "settings": {section: asdict(getattr(bridge.settings, section)) for section in SECTIONS},
    }


def _scanner(served: ServedScanner, base: str) -> dict[str, Any]:
    return {
        "uuid": served.enrolled.uuid,
        "name": served.metadata.friendly_name,
        "model": served.enrolled.title,
        "virtual": served.virtual,
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
        "quirks": list(served.quirks_from),
        "buttons": {
            "state": served.buttons.state.value,
            "names": list(served.buttons.buttons),
            "trouble": served.buttons.trouble,
        },
        "capabilities": _capabilities(served.scanner.capabilities),
        "destinations": [{"name": one.name, "client": one.client} for one in served.destinations.choices()],
        "active_jobs": [_job(status) for status in served.queue.active],
        "history": [_job(status) for status in reversed(served.queue.history)],
        "ended": {"jobs": dict(served.tally.jobs), "images": served.tally.images},
    }


def _capabilities(able: Capabilities) -> dict[str, Any]:
    """Formats, and for each source its resolutions, colours and largest size in millimetres."""
    return {
        "formats": [each.value for each in able.formats],
        "sources": {source.value: _source(able, source) for source in able.sources},
        "brightness": able.brightness,
        "contrast": able.contrast,
    }


def _source(able: Capabilities, source: InputSource) -> dict[str, Any]:
    side = able.of(source)
    return {
        "resolutions": list(side.resolutions),
        "colors": [color.value for color in side.colors],
        "width_mm": round(side.maximum.width * 0.0254),
        "height_mm": round(side.maximum.height * 0.0254),
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
