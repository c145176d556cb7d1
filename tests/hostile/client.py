"""A client that measures: one connection that is kept, requests by hand, pages compared by their sum."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse

from tests.clients import scan_action, windows
from tests.interop.namespaces import Host

SOAP = {"Content-Type": "application/soap+xml"}
ELEMENTS = "".join(
    f"<{{scan}}:Name>{{scan}}:{name}</{{scan}}:Name>"
    for name in ("ScannerDescription", "ScannerConfiguration", "ScannerStatus", "DefaultScanTicket")
)
QUESTIONS = {
    "GetScannerElements": f"<{{scan}}:GetScannerElementsRequest><{{scan}}:RequestedElements>{ELEMENTS}"
    "</{scan}:RequestedElements></{scan}:GetScannerElementsRequest>",
    "GetActiveJobs": "<{scan}:GetActiveJobsRequest/>",
    "GetJobHistory": "<{scan}:GetJobHistoryRequest/>",
}
_TICKET = (
    "<{{scan}}:{operation}Request><{{scan}}:ScanTicket><{{scan}}:JobDescription><{{scan}}:JobName>load</{{scan}}:JobName>"
    "<{{scan}}:JobOriginatingUserName>load</{{scan}}:JobOriginatingUserName></{{scan}}:JobDescription>"
    "<{{scan}}:DocumentParameters><{{scan}}:Format>{kind}</{{scan}}:Format><{{scan}}:InputSource>Platen</{{scan}}:InputSource>"
    "<{{scan}}:MediaSides><{{scan}}:MediaFront><{{scan}}:ScanRegion><{{scan}}:ScanRegionWidth>{width}</{{scan}}:ScanRegionWidth>"
    "<{{scan}}:ScanRegionHeight>{height}</{{scan}}:ScanRegionHeight></{{scan}}:ScanRegion>"
    "<{{scan}}:ColorProcessing>RGB24</{{scan}}:ColorProcessing><{{scan}}:Resolution><{{scan}}:Width>{dpi}</{{scan}}:Width>"
    "<{{scan}}:Height>{dpi}</{{scan}}:Height></{{scan}}:Resolution></{{scan}}:MediaFront></{{scan}}:MediaSides>"
    "</{{scan}}:DocumentParameters></{{scan}}:ScanTicket></{{scan}}:{operation}Request>"
)


@dataclass(frozen=True)
class Page:
    """What is scanned: a region in 1/1000 inch, as a file of `kind`."""

    width: int = 2000
    height: int = 2000
    dpi: int = 100
    kind: str = "jfif"


SMALL = Page()
LARGE = Page(8000, 10000, 300, "tiff-single-uncompressed")
"""More bytes than all buffers together hold."""


def ticket(operation: str, page: Page = SMALL) -> str:
    """A ticket as `windows` takes it."""
    values = {"width": page.width, "height": page.height, "dpi": page.dpi, "kind": page.kind}
    return _TICKET.format(operation=operation, **values)


def retrieve(job: str, token: str) -> str:
    """A request for the image of a job."""
    return (
        f"<{{scan}}:RetrieveImageRequest><{{scan}}:JobId>{job}</{{scan}}:JobId><{{scan}}:JobToken>{token}"
        "</{scan}:JobToken><{scan}:DocumentDescription><{scan}:DocumentName>x</{scan}:DocumentName>"
        "</{scan}:DocumentDescription></{scan}:RetrieveImageRequest>"
    )


class Refused(Exception):
    """The service answered with this fault."""


class Client:
    """One client of the service at `port` and `path` of `server`; `address` is where it comes from.

    `host` is the machine that it is on, None for this one.
    """

    def __init__(self, server: str, port: int, path: str, host: Host | None = None, address: str = "") -> None:
        self.server, self.port, self.path = server, port, path
        self.address = address
        self._host = host
        self._connection: HTTPConnection | None = None

    def connect(self) -> HTTPConnection:
        """A new connection."""
        source = (self.address, 0) if self.address else None
        connection = HTTPConnection(self.server, self.port, timeout=120, source_address=source)
        with self._host.inside() if self._host is not None else nullcontext():
            connection.connect()
        connection.auto_open = 0  # it would be opened anew on another machine
        return connection

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> HTTPResponse:
        """The head of the answer, on the connection that is kept."""
        for last in (False, True):
            connection = self._connection = self._connection or self.connect()
            try:
                connection.request(method, path, body, headers or {})
                return connection.getresponse()
            except (HTTPException, ConnectionError):
                # The service closes a kept connection after its time.
                self.close()
                if last:
                    raise
        raise AssertionError

    def ask(self, operation: str, body: str) -> bytes:
        """The whole answer. Raises Refused."""
        action = operation if ":" in operation else scan_action(operation)
        response = self.send("POST", self.path, windows(action, body), SOAP)
        data = response.read()
        if response.status != 200:
            found = re.search(rb"<soap:Subcode>\s*<soap:Value>[^<:]*:?([^<]+)<", data)
            raise Refused(found[1].decode() if found else f"HTTP {response.status}")
        return data

    def page(self, page: Page = SMALL) -> str:
        """Scan a page; the sum of its bytes. Raises Refused, HTTPException for an image that is not whole."""
        return hashlib.sha256(self.image(*self.order(page))).hexdigest()

    def order(self, page: Page = SMALL) -> tuple[str, str]:
        """A new job: its number and its token. Raises Refused."""
        answer = self.ask("CreateScanJob", ticket("CreateScanJob", page)).decode()
        job, token = (re.search(rf"<wscn:{name}>([^<]+)<", answer) for name in ("JobId", "JobToken"))
        assert job is not None
        assert token is not None
        return job[1], token[1]

    def image(self, job: str, token: str) -> bytes:
        """The image of a job."""
        data = self.ask("RetrieveImage", retrieve(job, token))
        begin = data.index(b"\r\n\r\n", data.index(b"image/")) + 4
        return data[begin : data.rindex(b"\r\n--")]

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Bystander:
    """Asks for the scanner's elements over and over, as a context, and keeps how long each answer took."""

    def __init__(self, client: Client, pause_s: float = 0.02) -> None:
        self.asked: list[tuple[float, float]] = []
        """When each question was sent and how many seconds its answer took; inf for none."""
        self._client = client
        self._pause_s = pause_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Bystander:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._client.close()

    def _work(self) -> None:
        while not self._over.wait(self._pause_s):
            begun = time.monotonic()
            try:
                self._client.ask("GetScannerElements", QUESTIONS["GetScannerElements"])
                took = time.monotonic() - begun
            except (Refused, HTTPException, OSError):
                took = float("inf")
            self.asked.append((begun, took))

    def between(self, begin: float, end: float) -> list[float]:
        """How long the answers took to questions of that time."""
        return [took for at, took in self.asked if begin <= at < end]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of `values` do not exceed; nan for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
