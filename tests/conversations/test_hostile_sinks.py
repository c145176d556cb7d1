"""Event sinks that behave as badly as they can, over real sockets on loopback: no scan waits for any of them.

The scanner, its clients and the time are the scene's; only the way from the service to the sinks is real. The scene's
clock stands still while a page is scanned, so that nothing that was waited for could go unnoticed.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from bridge.dpws.post import HttpPoster
from bridge.soap import namespaces as ns
from tests import real_reactor
from tests.conversations.chronicle import Chronicle, Told, watched_log, words_of
from tests.conversations.scene import Scene, feeder, ticket
from tests.fakes.sink_server import LOOPBACK, SinkServer

TAKEN = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
FAULT = (
    f'<s:Envelope xmlns:s="{ns.SOAP}"><s:Body><s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code>'
    '<s:Reason><s:Text xml:lang="en">no</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>'
).encode()

HOSTILE: dict[str, bytes] = {
    "silent": b"",
    "half a status": b"HTTP/1.1 20",
    "no end of headers": b"HTTP/1.1 200 OK\r\nX: y\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n" * 20,
    "an error": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    "a fault with 200": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(FAULT), FAULT),
    "endless headers": b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 20000,
}
"""What a sink answers that takes no event."""

TICK_S = 0.002
"""How often the scene is moved, in real seconds; nothing is measured by it."""


class Loopback(Scene):
    """A scene whose clients and sinks are on this machine."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, poster=HttpPoster(reactor))
        self.chronicle = Chronicle(self)

    def subscribe(self, url: str, end: str) -> None:
        """Subscribe for the events of jobs."""
        self.ask(
            f"{ns.WSE}/Subscribe",
            f"<wse:Subscribe><wse:EndTo><wsa:Address>{end}</wsa:Address></wse:EndTo>"
            f"<wse:Delivery><wse:NotifyTo><wsa:Address>{url}</wsa:Address></wse:NotifyTo></wse:Delivery>"
            f'<wse:Filter Dialect="{ns.WSDP}/Action">{ns.WSCN}/JobStatusEvent {ns.WSCN}/JobEndStateEvent</wse:Filter>'
            "</wse:Subscribe>",
            peer=LOOPBACK,
        )


async def until(condition: Callable[[], bool]) -> None:
    """Let the reactor work until `condition` holds."""
    net: Any = reactor
    while not condition():
        tick: Deferred[None] = Deferred()
        net.callLater(TICK_S, tick.callback, None)
        await tick


def heard(server: SinkServer) -> list[Told]:
    """The events that a sink was sent, attempts at the same one counted once."""
    told = [words_of(visit.content) for visit in server.visits]
    return [each for index, each in enumerate(told) if [each] != told[index - 1 : index]]


@pytest.mark.conformance(271, 272)
def test_no_scan_waits_for_a_sink(tmp_path: Path) -> None:
    """Three pages are scanned while every sink but one holds the first event; that one hears everything in order.

    Then the others are given up, each with one SubscriptionEnd, and where one redirects to nobody has been.
    """

    async def story() -> None:
        scene = Loopback(tmp_path)
        well, ends, elsewhere = SinkServer(TAKEN), SinkServer(TAKEN), SinkServer(TAKEN)
        redirect = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:%d/x\r\nContent-Length: 0\r\n\r\n"
        sinks = {name: SinkServer(answer) for name, answer in HOSTILE.items()}
        sinks["redirecting"] = SinkServer(redirect % elsewhere.port)
        sinks["hanging up"] = SinkServer(lambda visit: visit.transport.abortConnection())
        nobody = socket.create_server((LOOPBACK, 0))
        dead = nobody.getsockname()[1]
        nobody.close()
        for number, port in enumerate([dead, *(sink.port for sink in sinks.values()), well.port]):
            scene.subscribe(f"http://{LOOPBACK}:{port}/sink", f"http://{LOOPBACK}:{ends.port}/{number}")
        moving = LoopingCall(scene.wire.pump)
        moving.start(TICK_S)
        job = scene.create(ticket(parameters=feeder(3)))
        answers = [scene.scan_page(job)]
        await until(lambda: all(sink.visits for sink in sinks.values()))
        answers += [scene.scan_page(job), scene.scan_page(job)]
        assert [answer.status for answer in answers] == [200, 200, 200]
        assert scene.history() == [(job.id, "Completed", "None", "3")]
        jobs = [told for told in scene.chronicle.told if told[0].startswith("Job")]
        await until(lambda: len(well.visits) >= len(jobs))
        assert scene.reactor.seconds() == 0
        assert heard(well) == jobs
        assert {name: heard(sink) for name, sink in sinks.items()} == dict.fromkeys(sinks, jobs[:1])

        def give_up() -> bool:
            scene.wire.advance(0.5)
            return len(scene.served.events.overview()) == 1

        await until(give_up)
        await until(lambda: len(ends.visits) == len(sinks) + 1)
        assert {words_of(visit.content) for visit in ends.visits} == {("SubscriptionEnd", "DeliveryFailure")}
        assert len({visit.head[0] for visit in ends.visits}) == len(ends.visits)
        assert {name: heard(sink) for name, sink in sinks.items()} == dict.fromkeys(sinks, jobs[:3])
        assert elsewhere.visits == []
        moving.stop()
        for server in (well, ends, elsewhere, *sinks.values()):
            await server.stop()

    with watched_log():
        real_reactor.run(story())
