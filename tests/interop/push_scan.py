"""A PC that waits for the scanner's button, as Windows does: it subscribes with its destinations, hears of the press
at an address of its own, and comes for the page with what it was told.

Over real sockets on loopback, against the daemon as a process. `tests/tools/push_scan_demo.py` makes
docs/push-scan.md of it.
"""

from __future__ import annotations

import http.client
import queue
import threading
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from bridge.soap import namespaces as ns
from tests.clients import scan_action, windows
from tests.fakes.event_bench import DIALECT
from tests.fakes.tickets import WINDOWS_10
from tests.interop.daemon import HANG_S
from tests.schema_check import check_message, check_multipart

PC = "ATTIC"
DESTINATIONS = {
    f"Scan to {PC}": "Scan",
    f"Scan for Print to {PC}": "ScanToPrint",
    f"Scan for E-mail to {PC}": "ScanToEmail",
    f"Scan for Fax to {PC}": "ScanToFax",
    f"Scan for OCR to {PC}": "ScanToOCR",
}
"""The five that Windows registers, each with its ClientContext (windows-client.md 1.3)."""

NS = {"wsa": ns.WSA, "wse": ns.WSE, "wscn": ns.WSCN}


@dataclass(frozen=True)
class Page:
    """What came of a press: the announced pixels and the file."""

    pixels: tuple[int, int]
    data: bytes


class WaitingPc:
    """A PC at `host`, for the scan service at `url`. A context: it listens as long as that lasts."""

    def __init__(self, url: str, host: str = "127.0.0.1") -> None:
        self.url = url
        self.tokens: dict[str, str] = {}
        self._heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        heard = self._heard

        class Sink(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                heard.put((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((host, 0), Sink)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._sink = f"http://{host}:{self._server.server_address[1]}/4d5c9a1e"
        self._subscriptions: list[str] = []

    def __enter__(self) -> WaitingPc:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # -- the steps, in their order ---------------------------------------------------------------

    def subscribe(self) -> None:
        """Ask to be told of presses, for each destination, and of the scanner's state, one Subscribe for each."""
        answer = self._subscribe("ScanAvailableEvent", _destinations())
        for response in answer.iterfind(".//wscn:DestinationResponse", NS):
            context = response.findtext("wscn:ClientContext", "", NS)
            self.tokens[context] = response.findtext("wscn:DestinationToken", "", NS)
        self._subscribe("ScannerStatusSummaryEvent", "")

    def press(self) -> tuple[str, str]:
        """Wait for the press: the ClientContext and ScanIdentifier of its event."""
        event = self.next_event("ScanAvailableEvent")
        return event.findtext(".//wscn:ClientContext", "", NS), event.findtext(".//wscn:ScanIdentifier", "", NS)

    def next_event(self, name: str) -> etree._Element:
        """The next event, which must be `name` and be addressed to this PC."""
        path, message = self._heard.get(timeout=HANG_S)
        envelope = check_message(message)
        assert f"http://{urlsplit(self._sink).netloc}{path}" == self._sink == envelope.findtext(".//wsa:To", "", NS)
        assert envelope.findtext(".//wsa:Action", "", NS) == scan_action(name)
        assert envelope.findtext(".//wse:Identifier", "", NS) == f"urn:uuid:{PC.lower()}-{name}"
        return envelope

    def next_message(self) -> etree._Element:
        """The next message of whatever kind."""
        return check_message(self._heard.get(timeout=HANG_S)[1])

    def no_more_events(self) -> bool:
        """Whether nothing has come that was not asked for."""
        return self._heard.empty()

    def fetch(self, context: str, identifier: str) -> Page:
        """Look at the scanner, validate the ticket, order the job that follows a press, and get its image."""
        self._ask(
            "GetScannerElements",
            "<{scan}:GetScannerElementsRequest><{scan}:RequestedElements><{scan}:Name>{scan}:ScannerStatus</{scan}:Name>"
            "</{scan}:RequestedElements></{scan}:GetScannerElementsRequest>",
        )
        request = f"<{{scan}}:ValidateScanTicketRequest>{WINDOWS_10}</{{scan}}:ValidateScanTicketRequest>"
        self._ask("ValidateScanTicket", request)
        created = self._ask("CreateScanJob", order(identifier, self.tokens[context]))
        job, token = (created.findtext(f".//wscn:{name}", "", NS) for name in ("JobId", "JobToken"))
        announced = tuple(
            int(created.findtext(f".//wscn:MediaFrontImageInfo/wscn:{name}", "", NS))
            for name in ("PixelsPerLine", "NumberOfLines")
        )
        content_type, body = self._post(
            "RetrieveImage",
            f"<{{scan}}:RetrieveImageRequest><{{scan}}:JobId>{job}</{{scan}}:JobId><{{scan}}:JobToken>{token}"
            "</{scan}:JobToken><{scan}:DocumentDescription><{scan}:DocumentName>Scanned image file for the WSD Scan "
            "Driver</{scan}:DocumentName></{scan}:DocumentDescription></{scan}:RetrieveImageRequest>",
        )[1:]
        _, data = check_multipart(content_type, body)
        return Page((announced[0], announced[1]), data)

    def refused(self, identifier: str, token: str) -> str:
        """The subcode of the fault that an order with these gets."""
        status, _, body = self._post("CreateScanJob", order(identifier, token))
        assert status == 400
        value = check_message(body).findtext(f".//{{{ns.SOAP}}}Subcode/{{{ns.SOAP}}}Value", "")
        return str(value).partition(":")[2]

    def unsubscribe(self) -> None:
        """Hear of nothing any more."""
        for identifier in self._subscriptions:
            header = f"<wse:Identifier>{identifier}</wse:Identifier>"
            self._ask(f"{ns.WSE}/Unsubscribe", "<wse:Unsubscribe/>", header)

    # -- inside ----------------------------------------------------------------------------------

    def _subscribe(self, event: str, more: str) -> etree._Element:
        to = (
            f"<wsa:Address>{self._sink}</wsa:Address><wsa:ReferenceParameters>"
            f"<wse:Identifier>urn:uuid:{PC.lower()}-{event}</wse:Identifier></wsa:ReferenceParameters>"
        )
        answer = self._ask(
            f"{ns.WSE}/Subscribe",
            f'<wse:Subscribe><wse:EndTo>{to}</wse:EndTo><wse:Delivery Mode="{ns.WSE}/DeliveryModes/Push">'
            f"<wse:NotifyTo>{to}</wse:NotifyTo></wse:Delivery><wse:Expires>PT1H</wse:Expires>"
            f'<wse:Filter Dialect="{DIALECT}">{scan_action(event)}</wse:Filter>{more}</wse:Subscribe>',
        )
        self._subscriptions.append(answer.findtext(".//wse:Identifier", "", NS))
        return answer

    def _ask(self, operation: str, body: str, extra: str = "") -> etree._Element:
        status, _, answer = self._post(operation, body, extra)
        assert status == 200, answer
        return check_message(answer)

    def _post(self, operation: str, body: str, extra: str = "") -> tuple[int, str, bytes]:
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=HANG_S)
        try:
            action = operation if ":" in operation else scan_action(operation)
            message = windows(action, body, message_id=f"urn:uuid:{uuid.uuid4()}", to=self.url, extra=extra)
            connection.request("POST", place.path, message, {"Content-Type": "application/soap+xml"})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type") or "", answer.read()
        finally:
            connection.close()


def order(identifier: str, token: str) -> str:
    """CreateScanJob for a press."""
    return (
        f"<{{scan}}:CreateScanJobRequest><{{scan}}:ScanIdentifier>{identifier}</{{scan}}:ScanIdentifier>"
        f"<{{scan}}:DestinationToken>{token}</{{scan}}:DestinationToken>{WINDOWS_10}</{{scan}}:CreateScanJobRequest>"
    )


def _destinations() -> str:
    inside = "".join(
        f"<{{scan}}:ScanDestination><{{scan}}:ClientDisplayName>{name}</{{scan}}:ClientDisplayName>"
        f"<{{scan}}:ClientContext>{context}</{{scan}}:ClientContext></{{scan}}:ScanDestination>"
        for name, context in DESTINATIONS.items()
    )
    return f"<{{scan}}:ScanDestinations>{inside}</{{scan}}:ScanDestinations>"
