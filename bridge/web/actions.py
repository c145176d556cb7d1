"""What the page's forms do: scan to a computer, test scan, cancel."""

# Twisted's web classes have no types, and ours inherit that.
# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

from twisted.logger import Logger
from twisted.web.resource import Resource

from bridge.errors import BridgeError, NotAcceptingJobs, NothingFound, TemporaryError, UsageError
from bridge.http.resources import Branch, exchange_of
from bridge.served_scanner import ServedScanner
from bridge.web.guard import Guard, Page, field
from bridge.web.pages import error_page
from bridge.web.status import Running
from bridge.web.trials import Trials

MAX_FIELD = 200
"""Longest value of a form's field in characters."""

log = Logger()


class Action(Page):
    """A form's target: POST only, answered with the way to a page that shows what came of it."""

    methods = (b"POST",)

    def __init__(self, guard: Guard, bridge: Running) -> None:
        super().__init__(guard)
        self._bridge = bridge

    def answer(self, request: Any) -> bytes | int:
        """Do it; whatever refuses it is told on a page."""
        try:
            target = self.act(request)
        except BridgeError as error:
            busy = isinstance(error, NotAcceptingJobs | TemporaryError)
            return error_page(request, 503 if busy else 409, str(error))
        request.setResponseCode(303)
        request.setHeader(b"location", target.encode("ascii"))
        return b""

    def act(self, request: Any) -> str:
        """Do what the form says; the result is the path of the next page. Raises BridgeError."""
        raise NotImplementedError

    def scanner(self, request: Any) -> ServedScanner:
        """The scanner that the form is about. Raises NothingFound."""
        uuid = field(request, "scanner")
        for served in self._bridge.scanners:
            if served.enrolled.uuid == uuid:
                return served
        raise NothingFound("this scanner is not there any more; it may be unplugged")


class ScanTo(Action):
    """Tell a registered computer to scan."""

    def act(self, request: Any) -> str:
        """Send the push event. Raises UnknownDestination, NoDestination."""
        self.scanner(request).press(field(request, "destination")[:MAX_FIELD])
        return "/?done=told"


class TestScan(Action):
    """Put a scan into the queue, for this browser to fetch."""

    def __init__(self, guard: Guard, bridge: Running, trials: Trials) -> None:
        super().__init__(guard, bridge)
        self._trials = trials

    def act(self, request: Any) -> str:
        """Make the job. Raises what the queue refuses."""
        wishes = {name: field(request, name) for name in ("source", "color", "resolution", "format", "preview")}
        return f"/test-scan/{self._trials.start(self.scanner(request), wishes, exchange_of(request).peer_host)}"


class Cancel(Action):
    """End a job, whoever's it is: whoever is at this page could walk to the scanner."""

    def act(self, request: Any) -> str:
        """Cancel it. Raises JobNotFound."""
        number = field(request, "job")
        if not number.isascii() or not number.isdigit() or len(number) > 10:
            raise UsageError("there is no such job")
        self.scanner(request).queue.cancel(int(number), None)
        log.info("job {number} is cancelled from {peer}", number=number, peer=exchange_of(request).peer_host)
        return "/?done=cancelled"


def actions(guard: Guard, bridge: Running, trials: Trials) -> Resource:
    """The branch `/do`."""
    branch = Branch()
    branch.putChild(b"scan-to", ScanTo(guard, bridge))
    branch.putChild(b"test-scan", TestScan(guard, bridge, trials))
    branch.putChild(b"cancel", Cancel(guard, bridge))
    return branch
