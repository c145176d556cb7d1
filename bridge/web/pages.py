"""What a browser gets: a plain page about the scanners, and the same as JSON."""

# Twisted's web classes have no types, and ours inherit that.
# mypy: allow-untyped-calls
from __future__ import annotations

import json
from html import escape
from typing import Any

from twisted.web.resource import Resource

from bridge.http.resources import exchange_of
from bridge.web.status import Running, status_of

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Scanbridge</title></head>
<body><h1>Scanbridge</h1>
{scanners}
<p>In Windows: Settings, Bluetooth and devices, Printers and scanners, Add device.</p>
<p><a href="status.json">The same as JSON</a></p>
</body></html>
"""


class _Page(Resource):
    """What all pages share: no frames, no scripts, nothing kept."""

    isLeaf = True

    def __init__(self, bridge: Running) -> None:
        super().__init__()
        self._bridge = bridge

    def _status(self, request: Any, content_type: bytes) -> dict[str, Any]:
        request.setHeader(b"content-type", content_type)
        request.setHeader(b"cache-control", b"no-store")
        request.setHeader(b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
        request.setHeader(b"x-content-type-options", b"nosniff")
        return status_of(self._bridge, exchange_of(request).local_host)


class StatusJson(_Page):
    """`/status.json`."""

    def render_GET(self, request: Any) -> bytes:
        """The status as JSON."""
        return json.dumps(self._status(request, b"application/json"), indent=2).encode() + b"\n"


class Front(_Page):
    """`/`, the address that Windows shows as the device's web page."""

    def render_GET(self, request: Any) -> bytes:
        """Each scanner with its state and its jobs."""
        status = self._status(request, b"text/html; charset=utf-8")
        scanners = "".join(_section(scanner) for scanner in status["scanners"])
        return _PAGE.format(scanners=scanners or "<p>No scanner is plugged in.</p>").encode()


def _section(scanner: dict[str, Any]) -> str:
    jobs = [*scanner["active_jobs"], *reversed(scanner["history"])]
    rows = "".join(
        f"<tr><td>{job['id']}</td><td>{escape(job['name'])}</td><td>{escape(job['user'])}</td>"
        f"<td>{job['state']}</td><td>{job['scans_completed']}</td></tr>"
        for job in jobs
    )
    table = f"<table><tr><th>Job<th>Name<th>User<th>State<th>Images</tr>{rows}</table>" if rows else "<p>No jobs.</p>"
    reasons = ", ".join(reason for reason in scanner["reasons"] if reason != "None")
    state = f"{scanner['state']} ({reasons})" if reasons else scanner["state"]
    return f"<h2>{escape(scanner['name'])}</h2><p>{state}</p>{table}"
