"""A scan as a client does it, with nothing between the clock and the socket."""

from __future__ import annotations

import http.client
import re
import time
import uuid
from dataclasses import dataclass
from typing import Any

_FIRST_BYTE = re.compile(rb"xop\+xml.*Content-ID: <[^>]+>\r\n\r\n.*Content-ID: <[^>]+>\r\n\r\n\r\n\w+\r\n.", re.DOTALL)
"""The answer up to the first byte of the image: two heads of parts, the end of a chunk, the size of the next."""

_LAST_CHUNK = b"\r\n0\r\n\r\n"

SCN = "http://schemas.microsoft.com/windows/2006/08/wdp/scan"
THOUSANDTHS_PER_MM = 1000 / 25.4

_ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"
 xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:sca="{scn}"><soap:Header>
<wsa:To>{to}</wsa:To><wsa:Action>{scn}/{operation}</wsa:Action><wsa:MessageID>urn:uuid:{message}</wsa:MessageID>
</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>"""

_TICKET = """<sca:CreateScanJobRequest><sca:ScanTicket><sca:JobDescription><sca:JobName>benchmark</sca:JobName>
<sca:JobOriginatingUserName>benchmark</sca:JobOriginatingUserName></sca:JobDescription><sca:DocumentParameters>
<sca:Format>{format}</sca:Format><sca:CompressionQualityFactor>{quality}</sca:CompressionQualityFactor>
<sca:ImagesToTransfer>{images}</sca:ImagesToTransfer><sca:InputSource>{source}</sca:InputSource>
<sca:MediaSides><sca:MediaFront><sca:ScanRegion><sca:ScanRegionXOffset>0</sca:ScanRegionXOffset>
<sca:ScanRegionYOffset>0</sca:ScanRegionYOffset><sca:ScanRegionWidth>{width}</sca:ScanRegionWidth>
<sca:ScanRegionHeight>{height}</sca:ScanRegionHeight></sca:ScanRegion><sca:ColorProcessing>{color}</sca:ColorProcessing>
<sca:Resolution><sca:Width>{dpi}</sca:Width><sca:Height>{dpi}</sca:Height></sca:Resolution></sca:MediaFront>
</sca:MediaSides></sca:DocumentParameters></sca:ScanTicket></sca:CreateScanJobRequest>"""

_RETRIEVE = """<sca:RetrieveImageRequest><sca:JobId>{job}</sca:JobId><sca:JobToken>{token}</sca:JobToken>
<sca:DocumentDescription><sca:DocumentName>benchmark</sca:DocumentName></sca:DocumentDescription>
</sca:RetrieveImageRequest>"""


@dataclass(frozen=True, slots=True)
class Page:
    """What is scanned: A4 unless said otherwise."""

    dpi: int
    format: str = "jfif"
    color: str = "RGB24"
    quality: int = 75
    source: str = "Platen"
    images: int = 1
    width_mm: float = 210
    height_mm: float = 297


@dataclass(frozen=True, slots=True)
class Timing:
    """One RetrieveImage: seconds to the first byte of the image and to the end, its bytes, and this client's work."""

    first_byte_s: float
    whole_s: float
    size: int
    client_s: float


class Client:
    """One keep-alive connection to the scan service at `path` on `port` of this machine, and one for each image."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._connection = self._connect()
        self._path = path

    def create(self, page: Page) -> tuple[str, str]:
        """A new job: its number and its token."""
        body = _TICKET.format(
            format=page.format,
            quality=page.quality,
            images=page.images,
            source=page.source,
            width=round(page.width_mm * THOUSANDTHS_PER_MM),
            height=round(page.height_mm * THOUSANDTHS_PER_MM),
            color=page.color,
            dpi=page.dpi,
        )
        answer = self._ask("CreateScanJob", body).read().decode()
        job, token = re.search(r"<wscn:JobId>(\d+)<", answer), re.search(r"<wscn:JobToken>([^<]+)<", answer)
        if job is None or token is None:
            raise SystemExit(f"no job was made: {answer}")
        return job[1], token[1]

    def retrieve(self, job: str, token: str) -> Timing | None:
        """Fetch one image and throw it away; None when the feeder is empty."""
        connection = self._connect()
        connection.connect()
        worked = time.thread_time()
        begun = time.perf_counter()
        answer = self._ask("RetrieveImage", _RETRIEVE.format(job=job, token=token), connection)
        if answer.status != 200:
            answer.read()
            connection.close()
            return None
        # The chunks are not taken apart: that would measure this client.
        stream: Any = answer.fp
        buffer = bytearray(1 << 20)
        head = b""
        while not _FIRST_BYTE.search(head) and (count := stream.readinto1(buffer)):
            head += buffer[:count]
        first = time.perf_counter() - begun
        size, tail = len(head), head[-len(_LAST_CHUNK) :]
        while not tail.endswith(_LAST_CHUNK) and (count := stream.readinto1(buffer)):
            size += count
            tail = (tail + bytes(buffer[max(0, count - len(_LAST_CHUNK)) : count]))[-len(_LAST_CHUNK) :]
        whole, worked = time.perf_counter() - begun, time.thread_time() - worked
        connection.close()
        if tail != _LAST_CHUNK:
            raise SystemExit("the image was broken off")
        return Timing(first, whole, size, worked)

    def page(self, page: Page) -> Timing:
        """A job of one image, thrown away."""
        timing = self.retrieve(*self.create(page))
        if timing is None:
            raise SystemExit(f"{page} came to nothing")
        return timing

    def call(self, operation: str, body: str) -> float:
        """Seconds that one small request takes on the kept connection; raises SystemExit when it is refused."""
        begun = time.perf_counter()
        answer = self._ask(operation, body)
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"{operation} was answered with {answer.status}")
        return time.perf_counter() - begun

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=300)

    def _ask(
        self, operation: str, body: str, connection: http.client.HTTPConnection | None = None
    ) -> http.client.HTTPResponse:
        connection = connection or self._connection
        message = _ENVELOPE.format(
            scn=SCN, to=f"http://127.0.0.1{self._path}", operation=operation, message=uuid.uuid4(), body=body
        )
        headers = {"Content-Type": "application/soap+xml", "User-Agent": "WSDAPI"}
        connection.request("POST", self._path, message.encode(), headers)
        return connection.getresponse()
