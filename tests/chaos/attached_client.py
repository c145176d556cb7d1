"""A client of the real daemon, over real sockets, that tells what it meets in the words of docs/failures.md.

    client = AttachedClient(daemon.url)
    job = client.order(images=2)
    fetching = client.fetch(job)            # goes on in a thread
    fetching.until_begun()
    fetching.outcome()                      # "the image", "a broken image", "headers and no image", or a fault's name
    client.job(job), client.scanner()       # how both stand, as GetJobElements and GetScannerElements tell
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from tests.clients import scan_action, windows
from tests.conversations.scene import NAMES, retrieve_body, text, ticket
from tests.interop.daemon import HANG_S
from tests.schema_check import check_message, check_multipart

BROKEN = "a broken image"
NO_IMAGE = "headers and no image"
WHOLE = "the image"

_BEGINNING = b"II*\0"
"""Of a TIFF: uncompressed rows go out as they are read, so that a page has begun where it should have."""


@dataclass(frozen=True)
class ClientJob:
    """What a client knows of its job."""

    id: str
    token: str


class Fetching:
    """One RetrieveImage under way; `file` is the image once it is whole."""

    def __init__(self, connection: HTTPConnection) -> None:
        self.file = b""
        self._connection = connection
        self._said = ""
        self._seen = b""
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether the answer has come to its end, one way or the other."""
        return not self._thread.is_alive()

    def until_begun(self) -> None:
        """Return when the image has begun to come."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._has_begun or self.over, HANG_S), "no image begins"
        assert self._has_begun, self._said

    def outcome(self) -> str:
        """What the client has met, when it is over."""
        self._thread.join(HANG_S)
        assert self.over, "the answer does not end"
        return self._said

    @property
    def _has_begun(self) -> bool:
        return _BEGINNING in self._seen

    def _run(self) -> None:
        try:
            self._said = self._read()
        except (HTTPException, OSError, ValueError):
            self._said = BROKEN if self._has_begun else NO_IMAGE
        finally:
            self._connection.close()
            with self._changed:
                self._changed.notify_all()

    def _read(self) -> str:
        response = self._connection.getresponse()
        content_type = response.getheader("Content-Type") or ""
        while piece := response.read1(65536):
            with self._changed:
                self._seen += piece
                self._changed.notify_all()
        if not content_type.startswith("multipart/related"):
            return fault_of(self._seen)
        if not self._seen.endswith(b"--\r\n"):
            raise HTTPException("the last boundary is missing")
        _, self.file = check_multipart(content_type, self._seen)
        return WHOLE


class AttachedClient:
    """One client of the service at `url`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._to = (parts.hostname, parts.port)
        self._path = parts.path

    def order(self, images: int = 1, source: str = "ADF", format_: str = "tiff-single-uncompressed") -> ClientJob:
        """A new job for 8 by 4 inches in colour at 150 dpi."""
        wanted = ticket("letters", "ada", _parameters(images, source, format_))
        answer = self.ask("CreateScanJob", f"<{{scan}}:CreateScanJobRequest>{wanted}</{{scan}}:CreateScanJobRequest>")
        return ClientJob(text(answer, "wscn:JobId"), text(answer, "wscn:JobToken"))

    def fetch(self, job: ClientJob) -> Fetching:
        """Come for the job's next image."""
        return Fetching(self._send("RetrieveImage", retrieve_body(job.id, job.token)))

    def cancel(self, job: ClientJob) -> None:
        """Cancel it."""
        number = f"<{{scan}}:JobId>{job.id}</{{scan}}:JobId>"
        self.ask("CancelJob", f"<{{scan}}:CancelJobRequest>{number}</{{scan}}:CancelJobRequest>")

    def job(self, job: ClientJob) -> str:
        """Its state, with its reason where there is one."""
        answer = self.ask(
            "GetJobElements",
            f"<{{scan}}:GetJobElementsRequest><{{scan}}:JobId>{job.id}</{{scan}}:JobId><{{scan}}:RequestedElements>"
            "<{scan}:Name>{scan}:JobStatus</{scan}:Name></{scan}:RequestedElements></{scan}:GetJobElementsRequest>",
        )
        status = answer.find(".//wscn:JobStatus", NAMES)
        return _words(text(status, "wscn:JobState"), status.iterfind(".//wscn:JobStateReason", NAMES))

    def scanner(self) -> str:
        """Its state, with its reasons where there are any."""
        status = self._scanner_status()
        return _words(text(status, "wscn:ScannerState"), status.iterfind(".//wscn:ScannerStateReason", NAMES))

    def conditions(self) -> str:
        """Its active conditions, as `Name (Component, Severity)`."""
        found = self._scanner_status().iterfind("wscn:ActiveConditions/wscn:DeviceCondition", NAMES)
        return ", ".join(
            f"{text(each, 'wscn:Name')} ({text(each, 'wscn:Component')}, {text(each, 'wscn:Severity')})"
            for each in found
        )

    def ask(self, operation: str, body: str) -> Any:
        """The body of the answer. Raises Refused for a fault."""
        connection = self._send(operation, body)
        answer = connection.getresponse().read()
        connection.close()
        element = check_message(answer)[-1][0]
        if etree.QName(element).localname == "Fault":
            raise Refused(fault_of(answer))
        return element

    def _scanner_status(self) -> Any:
        answer = self.ask(
            "GetScannerElements",
            "<{scan}:GetScannerElementsRequest><{scan}:RequestedElements><{scan}:Name>{scan}:ScannerStatus</{scan}:Name>"
            "</{scan}:RequestedElements></{scan}:GetScannerElementsRequest>",
        )
        return answer.find(".//wscn:ScannerStatus", NAMES)

    def _send(self, operation: str, body: str) -> HTTPConnection:
        connection = HTTPConnection(*self._to, timeout=HANG_S)
        request = windows(scan_action(operation), body)
        connection.request("POST", self._path, request, {"Content-Type": "application/soap+xml"})
        return connection


class Refused(Exception):
    """The service answered with this fault."""


def fault_of(answer: bytes) -> str:
    """The subcode of a fault, without prefix."""
    return text(check_message(answer), ".//soap:Subcode/soap:Value").rpartition(":")[2]


def _parameters(images: int, source: str, format_: str) -> str:
    """DocumentParameters, in the schema's order."""
    return (
        f"<{{scan}}:Format>{format_}</{{scan}}:Format><{{scan}}:ImagesToTransfer>{images}</{{scan}}:ImagesToTransfer>"
        f"<{{scan}}:InputSource>{source}</{{scan}}:InputSource><{{scan}}:MediaSides><{{scan}}:MediaFront>"
        "<{scan}:ScanRegion><{scan}:ScanRegionXOffset>0</{scan}:ScanRegionXOffset>"
        "<{scan}:ScanRegionYOffset>0</{scan}:ScanRegionYOffset><{scan}:ScanRegionWidth>8000</{scan}:ScanRegionWidth>"
        "<{scan}:ScanRegionHeight>4000</{scan}:ScanRegionHeight></{scan}:ScanRegion>"
        "<{scan}:ColorProcessing>RGB24</{scan}:ColorProcessing><{scan}:Resolution><{scan}:Width>150</{scan}:Width>"
        "<{scan}:Height>150</{scan}:Height></{scan}:Resolution></{scan}:MediaFront></{scan}:MediaSides>"
    )


def _words(state: str, reasons: Any) -> str:
    told = [reason.text for reason in reasons if reason.text != "None"]
    return f"{state}, {', '.join(told)}" if told else state
