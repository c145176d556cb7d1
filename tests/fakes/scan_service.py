"""The scan service in front of a real queue and a scripted scanner, asked with bodies as clients write them.

Every answer goes through `message_of`, so that the schemas check it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from lxml import etree
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bridge.errors import BridgeError
from bridge.jobs.queue import JobQueue, QueueLimits
from bridge.scanner.model import (
    Capabilities,
    ColorMode,
    Format,
    Resolution,
    Size,
    SourceCapabilities,
)
from bridge.soap import namespaces as ns
from bridge.soap.dispatch import message_of
from bridge.soap.envelope import Element, Envelope, read_envelope, write_envelope
from bridge.soap.exchange import AnyReply, Exchange, Reply
from bridge.soap.faults import SoapFault, fault_body
from bridge.wsscan.configuration import ScannerNames
from bridge.wsscan.offer import Offer
from bridge.wsscan.service import ScanService
from tests.deferreds import failure_result_of, success_result_of
from tests.fakes.scripted_scanner import ScriptedScanner, utc

MESSAGE_ID = "urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a"
CLIENT = "192.0.2.7"

FORMAT_COLORS: Mapping[Format, frozenset[ColorMode]] = {
    **dict.fromkeys((Format.EXIF, Format.JFIF), frozenset({ColorMode.RGB_24, ColorMode.GRAYSCALE_8})),
    **dict.fromkeys(
        (Format.PNG, Format.TIFF_SINGLE_UNCOMPRESSED, Format.TIFF_MULTI_UNCOMPRESSED), frozenset(ColorMode)
    ),
    **dict.fromkeys((Format.TIFF_SINGLE_G4, Format.TIFF_MULTI_G4), frozenset({ColorMode.BLACK_AND_WHITE_1})),
    **dict.fromkeys(
        (Format.DIB, Format.PDF_A),
        frozenset({ColorMode.RGB_24, ColorMode.GRAYSCALE_8, ColorMode.BLACK_AND_WHITE_1}),
    ),
}
"""A table as complete as the product's will be; which encoders there are is not the business of these tests."""

GLASS = SourceCapabilities(
    Resolution(1200, 1200),
    (75, 100, 150, 200, 300, 600, 1200),
    (ColorMode.RGB_24, ColorMode.GRAYSCALE_8, ColorMode.BLACK_AND_WHITE_1),
    Size(100, 100),
    Size(8500, 11700),
)
FEEDER = SourceCapabilities(
    Resolution(600, 600),
    (100, 200, 300, 600),
    (ColorMode.RGB_24, ColorMode.GRAYSCALE_8, ColorMode.BLACK_AND_WHITE_1),
    Size(2000, 2000),
    Size(8500, 14000),
)
FLATBED = Capabilities(tuple(Format), GLASS)
MULTI_FUNCTION = Capabilities(tuple(Format), GLASS, FEEDER, FEEDER, brightness=True, contrast=True)
"""A flatbed, and the same with a two-sided feeder and a light to be set."""

_REQUEST = """<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"
 xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:sca="{scan}">
<soap:Header><wsa:To>http://192.0.2.1:8018/scan</wsa:To><wsa:Action>{action}</wsa:Action>
<wsa:MessageID>{message_id}</wsa:MessageID>
<wsa:ReplyTo><wsa:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:Address></wsa:ReplyTo>
</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>"""


def request(operation: str, body: str, *, scan: str = ns.WSCN, message_id: str = MESSAGE_ID) -> Envelope:
    """A request for `operation` with `body`, in which the prefix sca means the namespace `scan`."""
    action = f"{ns.WSCN}/{operation}"
    return read_envelope(_REQUEST.format(scan=scan, action=action, message_id=message_id, body=body).encode())


def exchange(client: str = CLIENT) -> Exchange:
    """An exchange with the client at `client`."""
    return Exchange("192.0.2.1", 8018, client, "/scan")


def scan_offer(capabilities: Capabilities = FLATBED, **others: Any) -> Offer:
    """The offer of a scanner that has `capabilities`."""
    return Offer(capabilities, FORMAT_COLORS, **others)


def texts(element: Element, path: str) -> list[str]:
    """The texts of all elements of the scan service at `path` below `element`, such as "JobSummary/JobId"."""
    steps = "/".join(step if step in ("", ".") else f"{{{ns.WSCN}}}{step}" for step in path.split("/"))
    return [found.text or "" for found in element.findall(steps)]


def text(element: Element, path: str) -> str:
    """The text of the only element at `path`."""
    (found,) = texts(element, path)
    return found


def names(element: Element) -> list[str]:
    """The local names of the children of `element`."""
    return [ns.local_name(str(child.tag)) for child in element]


class ScanServiceBench:
    """One scan service; `ask` gives the body of an answer, `fault` the fault that comes instead."""

    def __init__(
        self, capabilities: Capabilities = MULTI_FUNCTION, *, limits: QueueLimits | None = None, **others: Any
    ) -> None:
        self.clock = Clock()
        self.scanner = ScriptedScanner(self.clock, capabilities)
        self.queue = JobQueue(
            self.scanner, self.clock, lambda: utc(self.clock), itertools.count(1).__next__, limits or QueueLimits()
        )
        names_ = others.pop("names", ScannerNames("Scripted (pi)", "made of paper", "attic"))
        self.service = ScanService(self.scanner, self.queue, names_, FORMAT_COLORS, **others)

    def begin(self, envelope: Envelope, client: str = CLIENT) -> Deferred[AnyReply]:
        """Start the operation that `envelope` asks for."""
        assert envelope.action is not None
        operation = self.service.operation(envelope.action)
        assert operation is not None, envelope.action
        return Deferred.fromCoroutine(operation(envelope, exchange(client)))

    def reply(self, operation: str, body: str, *, client: str = CLIENT, **others: Any) -> AnyReply:
        """What the service answers."""
        return success_result_of(self.begin(request(operation, body, **others), client))

    def message(self, operation: str, body: str, *, client: str = CLIENT, **others: Any) -> bytes:
        """The whole message of a plain answer."""
        return success_result_of(self._written(request(operation, body, **others), client))

    def _written(self, envelope: Envelope, client: str) -> Deferred[bytes]:
        def write(reply: AnyReply) -> bytes:
            assert isinstance(reply, Reply)
            return message_of(reply, envelope)

        return self.begin(envelope, client).addCallback(write)

    def ask(self, operation: str, body: str, *, client: str = CLIENT, **others: Any) -> Element:
        """The body of a plain answer, read from its message."""
        answer = read_envelope(self.message(operation, body, client=client, **others))
        assert answer.action == f"{ns.WSCN}/{operation}Response"
        assert answer.body is not None
        return answer.body

    def error(self, operation: str, body: str, *, client: str = CLIENT, **others: Any) -> BridgeError:
        """The error that the operation raises."""
        error = failure_result_of(self.begin(request(operation, body, **others), client))
        assert isinstance(error, BridgeError), repr(error)
        return error

    def fault(self, operation: str, body: str, *, client: str = CLIENT, **others: Any) -> SoapFault:
        """The fault that comes instead of an answer, its message checked."""
        fault = self.service.fault(failure_result_of(self._written(request(operation, body, **others), client)))
        assert isinstance(fault, SoapFault)
        write_envelope(fault.action, fault_body(fault), relates_to=MESSAGE_ID)
        return fault

    def create(self, ticket: str, *, client: str = CLIENT) -> tuple[int, str]:
        """JobId and JobToken of a new job for `ticket`."""
        body = f"<sca:CreateScanJobRequest>{ticket}</sca:CreateScanJobRequest>"
        answer = self.ask("CreateScanJob", body, client=client)
        return int(text(answer, "JobId")), text(answer, "JobToken")

    def subcode(self, operation: str, body: str, **others: Any) -> str:
        """The local name of the fault's subcode."""
        return ns.local_name(self.fault(operation, body, **others).subcode or "")


def detail(fault: SoapFault) -> str:
    """The local name of the element in the fault's detail."""
    assert fault.detail is not None
    return etree.QName(fault.detail).localname
