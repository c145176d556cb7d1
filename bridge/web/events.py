"""`/events`: the status as server-sent events, once at the start and whenever it changes, at most once a second."""

# Twisted's web classes have no types, and ours inherit that.
# mypy: allow-untyped-calls
from __future__ import annotations

import json
from typing import Any

from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from bridge.http.resources import exchange_of
from bridge.http.site import plain
from bridge.web.guard import Guard, Page
from bridge.web.status import Running, status_of

LOOK_S = 1.0
"""Between two looks at the status while somebody listens."""

ALIVE_S = 15
"""Looks without a change after which a comment goes out, so that a dead connection is noticed."""

MAX_LISTENERS = 16
"""Most listeners at a time; the next one hears 503. A quarter of all connections."""

log = Logger()


class Events(Page):
    """Keeps the listeners; `clock` is the reactor's."""

    methods = (b"GET",)

    def __init__(self, guard: Guard, bridge: Running, clock: IReactorTime) -> None:
        super().__init__(guard)
        self._bridge = bridge
        self._listeners: list[_Listener] = []
        self._looking = LoopingCall(self._look)
        self._looking.clock = clock

    def answer(self, request: Any) -> bytes | int:
        """Begin a stream."""
        if len(self._listeners) >= MAX_LISTENERS:
            return plain(request, 503, f"{MAX_LISTENERS} clients follow the events already; try again later")
        request.setHeader(b"content-type", b"text/event-stream; charset=utf-8")
        listener = _Listener(request, exchange_of(request).local_host)
        self._listeners.append(listener)
        request.notifyFinish().addBoth(lambda _ended: self._leave(listener))
        request.registerProducer(listener, True)
        listener.tell(self._status(listener.host))
        if not self._looking.running:
            self._looking.start(LOOK_S, now=False).addErrback(
                lambda failure: log.failure("events ended unexpectedly", failure)
            )
        return NOT_DONE_YET

    def close(self) -> None:
        """End all streams."""
        for listener in list(self._listeners):
            listener.end()
        if self._looking.running:
            self._looking.stop()

    def _leave(self, listener: _Listener) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners and self._looking.running:
            self._looking.stop()

    def _look(self) -> None:
        known: dict[str, str] = {}
        for listener in list(self._listeners):
            if listener.host not in known:
                known[listener.host] = self._status(listener.host)
            listener.tell(known[listener.host])

    def _status(self, host: str) -> str:
        return json.dumps(status_of(self._bridge, host), separators=(",", ":"))


@implementer(IPushProducer)
class _Listener:
    """One stream. A client that does not read misses what is old by the time it does."""

    def __init__(self, request: Any, host: str) -> None:
        self.host = host
        self._request = request
        self._told = ""
        self._quiet = 0
        self._paused = False

    def tell(self, status: str) -> None:
        """Send `status` if it is news."""
        if self._paused:
            return
        self._quiet += 1
        if status != self._told:
            self._told = status
            self._send(f"event: status\ndata: {status}\n\n")
        elif self._quiet >= ALIVE_S:
            self._send(": alive\n\n")

    def end(self) -> None:
        """No more comes."""
        self._request.unregisterProducer()
        self._request.finish()

    def pauseProducing(self) -> None:
        """The client has enough for now."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The client reads again."""
        self._paused = False

    def stopProducing(self) -> None:
        """The client has gone."""
        self._paused = True

    def _send(self, text: str) -> None:
        self._quiet = 0
        self._request.write(text.encode())
