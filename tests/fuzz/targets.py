"""What is fuzzed: for each door of the bridge a function that takes bytes and may only refuse them in the words it has.

A target raises for anything else: another exception, a broken promise, an answer that our schemas do not allow. Nothing
here needs Atheris; `tests/unit/test_fuzz_targets.py` feeds the seeds to the targets.
"""

from __future__ import annotations

import dataclasses
import socket
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.task import Clock

from bridge import config
from bridge.discovery.guard import AMPLIFICATION, MAX_DATAGRAM_SENT
from bridge.discovery.multicast import MAX_DATAGRAM, Link, LinkKey
from bridge.discovery.responder import Responder
from bridge.discovery.scheduler import Scheduler
from bridge.discovery.sequence import AppSequence
from bridge.discovery.statistics import Statistics
from bridge.discovery.target import Target, TargetDevice
from bridge.errors import ConfigError
from bridge.http.resources import SoapResource, Tree
from bridge.scanner import protocol
from bridge.soap import mtom_reader
from bridge.soap.dispatch import Answer, Call
from bridge.soap.exchange import Endpoint, Exchange
from tests import envelope_watch
from tests.conversations.scene import Scene
from tests.fakes.event_bench import CLIENT, DEVICE, EventBench
from tests.harness import SOAP_HEADERS, Wire, request_bytes
from tests.schema_check import check_datagram, check_message
from tests.unit.discovery.links import ETH0

UUID = "6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01"
CONTENT_TYPE = "multipart/related; type=\"application/xop+xml\"; boundary=b; start=\"<soap>\"; start-info=\"x\""


class _Outlet:
    """A discovery socket that counts what leaves."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes, _to: Any) -> None:
        self.sent.append(data)


def datagram(data: bytes) -> None:
    """One datagram from a neighbour: at most five times its bytes come back, each of them valid."""
    clock = Clock()
    target = Target(AppSequence(1))
    target.put(TargetDevice(UUID, f"/{UUID}", 1))
    responder = Responder(clock, Random(0), target, 8018, Statistics())
    scheduler = Scheduler(clock, Random(0))
    heard = lambda link, datagram, source: responder.heard(link, scheduler, datagram, source)  # noqa: E731
    link = Link(LinkKey(ETH0, socket.AF_INET), heard, lambda _reason: None)
    outlet = _Outlet()
    link.makeConnection(outlet)  # type: ignore[no-untyped-call]
    link.datagramReceived(data, ("192.0.2.99", 40000))
    clock.pump([0.1] * 20)
    assert not clock.getDelayedCalls(), "something still waits to be sent"
    assert sum(map(len, outlet.sent)) <= AMPLIFICATION * len(data), "more goes out than may"
    assert len(data) <= MAX_DATAGRAM or not outlet.sent
    for sent in set(outlet.sent):
        assert len(sent) <= MAX_DATAGRAM_SENT
        check_datagram(sent)


@cache
def _scene() -> Scene:
    return Scene(Path(tempfile.mkdtemp(prefix="scanbridge-fuzz-")))


def _answer(endpoint: Endpoint, data: bytes, clock: Clock) -> Answer | None:
    """The answer of `endpoint` to the message, which is checked; None when it takes its time, and is cancelled."""
    outcome: list[Any] = []
    call = Call(endpoint, data, Exchange(DEVICE, 8018, CLIENT, "/scan"), "soap12")
    call.start().addBoth(outcome.append)
    clock.advance(0)
    if not outcome:
        call.cancel()
        return None
    answer = outcome[0]
    assert isinstance(answer, Answer), f"no answer but {answer!r}"
    if answer.message:
        check_message(answer.message)
        assert b"InternalError" not in answer.message, f"a defect: {answer.message!r}"
    if answer.streamed is not None:
        answer.streamed.image.abandon()
    return answer


def envelope(data: bytes) -> None:
    """A message to the scan service of a scanner: a valid answer, and never an internal error."""
    scene = _scene()
    _answer(scene.served._service, data, scene.reactor)
    for status in scene.served.queue.active:
        scene.served.queue.cancel(status.id, "127.0.0.1")
    scene.reactor.advance(1)


def ticket(data: bytes) -> None:
    """The content of a ScanTicket, first to be validated, then as a job: what is promised as valid is taken."""
    for operation in ("ValidateScanTicket", "CreateScanJob"):
        envelope(
            b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
            b'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
            b'xmlns:c="http://schemas.microsoft.com/windows/2006/08/wdp/scan"><s:Header>'
            b"<a:Action>http://schemas.microsoft.com/windows/2006/08/wdp/scan/%(name)s</a:Action>"
            b"<a:MessageID>urn:uuid:1</a:MessageID></s:Header><s:Body><c:%(name)sRequest><c:ScanTicket>"
            b"%(ticket)s</c:ScanTicket></c:%(name)sRequest></s:Body></s:Envelope>"
            % {b"name": operation.encode(), b"ticket": data}
        )


def subscribe(data: bytes) -> None:
    """A message to the event source: no sink but a neighbour's, no more than its subscriptions."""
    bench = EventBench()
    _answer(bench.source, data, bench.clock)
    for subscription in bench.source.overview():
        assert subscription["client"] == CLIENT
    for subscription in list(bench.source._subscriptions.values()):
        assert subscription.notify_to.host.startswith(("192.0.2.", "fe80:", "fd99:")), subscription.notify_to
        assert subscription.notify_to.host != DEVICE


def multipart_request(data: bytes) -> None:
    """A request that comes in several parts, header and all; the first line of `data` is its Content-Type."""
    content_type, _, body = data.partition(b"\n")
    header = content_type.decode("latin-1").translate({10: None, 13: None})
    try:
        first = mtom_reader.first_part(header, body)
    except mtom_reader.MultipartError:
        return
    assert len(first) <= len(body)


def multipart_answer(data: bytes) -> None:
    """A scanner's answer as our client reads it: in pieces or whole, the same comes of it."""
    size = 1 + (data[0] if data else 0)
    body = data[1:]
    assert _read(body, len(body) or 1) == _read(body, size)


def _read(body: bytes, size: int) -> tuple[bytes, bytes, bool]:
    """The envelope, the image and whether it was whole; an image that was refused counts up to there or not at all."""
    reader = mtom_reader.MultipartReader(CONTENT_TYPE)
    soap = image = b""
    whole = False
    try:
        for start in range(0, len(body), size):
            for event in reader.feed(body[start : start + size]):
                if isinstance(event, mtom_reader.SoapPart):
                    soap = event.data
                elif isinstance(event, mtom_reader.ImageData):
                    assert event.data
                    image += event.data
                elif isinstance(event, mtom_reader.End):
                    whole = True
        reader.finish()
    except mtom_reader.MultipartError:
        return b"", b"", False
    return soap, image, whole


@cache
def _tree() -> Tree:
    tree = Tree()
    tree.putChild(b"scan", SoapResource(_scene().served._service))
    return tree


def http(data: bytes) -> None:
    """Bytes on a connection: whatever they are, the next client is served. `SOAP` in them stands for a good head."""
    head = request_bytes("POST", "/scan", b"", headers=SOAP_HEADERS).partition(b"Content-Length")[0]
    wire = Wire(_tree())
    line = wire.connect()
    line.send(data.replace(b"SOAP", head))
    wire.advance(31)
    line.disconnect()
    assert wire.get("/nothing").status == 404
    wire.connections[-1].disconnect()
    wire.advance(200)
    assert wire.site.connections == 0


def settings(data: bytes) -> None:
    """A settings file: good settings, or an error that names the file and stays short."""
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(data)
        file.flush()
        complaint = ""
        try:
            assert config.load([Path(file.name)]).jobs.queue_limit >= 0
        except ConfigError as error:
            complaint = str(error)
    for line in complaint.split("\n") if complaint else ():
        assert line.startswith(file.name), complaint
        assert line.isprintable(), complaint


def frame(data: bytes) -> None:
    """A line of the worker's: what is read is written again as the same."""
    try:
        read = protocol.read_frame(data)
    except protocol.FrameError:
        return
    assert dataclasses.is_dataclass(read)
    assert protocol.read_frame(protocol.write_frame(read)) == read


TARGETS: dict[str, Callable[[bytes], None]] = {
    function.__name__: function
    for function in (
        datagram,
        envelope,
        ticket,
        subscribe,
        http,
        multipart_request,
        multipart_answer,
        settings,
        frame,
    )
}
"""The doors by name; each has a folder of seeds in `corpus`."""


def check(name: str, data: bytes) -> None:
    """Feed `data` to the target `name`. Raises whatever is wrong."""
    envelope_watch.take_violations()
    TARGETS[name](data)
    violations = envelope_watch.take_violations()
    assert not violations, violations
