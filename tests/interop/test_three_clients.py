"""Three clients on one scanner, ten jobs each, over real sockets: daemon and worker processes, SANE's test backend.

What each client does with a job, and at which byte of an image it cancels or goes away, is random but seeded. Whether
a cancel comes before the end of a page is not: the answer to CancelJob says which it was, and all else must agree.
"""

from __future__ import annotations

import io
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from lxml import etree
from PIL import Image

from tests.clients import scan_action, windows
from tests.conversations.chronicle import job_words
from tests.conversations.scene import NAMES, feeder, retrieve_body, text, ticket
from tests.interop.daemon import HANG_S, Daemon, running
from tests.schema_check import check_message, check_multipart

pytestmark = pytest.mark.interop

SEED = 20260101
JOBS = 10

SMALL = (1500, 1000)
LARGE = (8000, 10000)
"""Width and height of a scan in 1/1000 inch."""


@dataclass
class Ended:
    """What a client knows of a job that it is done with: how it must stand in the history, one way or the other."""

    id: str
    name: str
    ends: frozenset[str]


class Refused(Exception):
    """The service answered with this fault."""


class Client:
    """One client; `address` is where its connections come from."""

    def __init__(self, url: str, number: int) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._to = (parts.hostname, parts.port)
        self._path = parts.path
        self._from = (f"127.0.0.{10 + number}", 0)
        self._random = random.Random(SEED + number)
        self.name = f"client {number}"
        self.pages = 0

    def work(self) -> list[Ended]:
        """Order JOBS jobs one after the other, and do something with each."""
        deeds = [self.take_page, self.take_page, self.take_page, self.take_sheets, self.cancel_at_once]
        deeds += [self.cancel_without_waiting, self.cancel_in_mid_page, self.cancel_in_mid_page]
        deeds += [self.go_away, self.go_away]
        assert len(deeds) == JOBS
        self._random.shuffle(deeds)
        return [self._do(index, deed) for index, deed in enumerate(deeds)]

    def _do(self, index: int, deed: Callable[[str], Ended]) -> Ended:
        return deed(f"{self.name}, job {index}")

    # -- what becomes of a job -------------------------------------------------------------------

    def take_page(self, name: str) -> Ended:
        """Fetch one page from the glass."""
        job = self.order(name, region(SMALL))
        self.fetch(job)
        return Ended(job["id"], name, frozenset({"Completed None 1"}))

    def take_sheets(self, name: str) -> Ended:
        """Fetch two sheets from the feeder; a third is refused."""
        job = self.order(name, feeder(2) + region(SMALL))
        self.fetch(job)
        self.fetch(job)
        with pytest.raises(Refused, match="ClientErrorNoImagesAvailable"):
            self.fetch(job)
        return Ended(job["id"], name, frozenset({"Completed None 2"}))

    def cancel_at_once(self, name: str) -> Ended:
        """Cancel before asking for anything."""
        job = self.order(name, region(SMALL))
        assert self.cancel(job)
        with pytest.raises(Refused, match="ClientErrorJobCancelled"):
            self.fetch(job)
        return Ended(job["id"], name, frozenset({"Canceled None 0"}))

    def cancel_without_waiting(self, name: str) -> Ended:
        """Ask for an image and cancel behind it; either may arrive first."""
        job = self.order(name, region(LARGE))
        connection = self.send("RetrieveImage", retrieve_body(job["id"], job["token"]))
        if not self.cancel(job):
            self.whole(connection.getresponse(), job)
            return Ended(job["id"], name, frozenset({"Completed None 1"}))
        with pytest.raises((Refused, HTTPException, ConnectionError)):
            self.whole(connection.getresponse(), job)
        return Ended(job["id"], name, frozenset({"Canceled None 0", "Canceled None 1"}))

    def cancel_in_mid_page(self, name: str) -> Ended:
        """Cancel after some bytes: then the image is broken off, unless its end was on its way already."""
        job = self.order(name, region(LARGE))
        response = self.send("RetrieveImage", retrieve_body(job["id"], job["token"])).getresponse()
        begun = response.read(self._random.randrange(1, 40000))
        if not self.cancel(job):
            self.whole(response, job, begun)
            return Ended(job["id"], name, frozenset({"Completed None 1"}))
        with pytest.raises((HTTPException, ConnectionError)):
            response.read()
        return Ended(job["id"], name, frozenset({"Canceled None 0", "Canceled None 1"}))

    def go_away(self, name: str) -> Ended:
        """Hang up after some bytes; what is on its way may be enough for the service to call it delivered."""
        job = self.order(name, region(LARGE))
        connection = self.send("RetrieveImage", retrieve_body(job["id"], job["token"]))
        response = connection.getresponse()
        response.read(self._random.randrange(1, 40000))
        response.close()
        connection.close()
        lost = {"Aborted ImageTransferError 0", "Aborted ImageTransferError 1"}
        return Ended(job["id"], name, frozenset({*lost, "Completed None 1"}))

    # -- requests --------------------------------------------------------------------------------

    def order(self, name: str, parameters: str) -> dict[str, str]:
        """A new job: its id, its token, and the size that its image will have."""
        wanted = ticket(name, self.name, parameters)
        answer = self.ask("CreateScanJob", f"<{{scan}}:CreateScanJobRequest>{wanted}</{{scan}}:CreateScanJobRequest>")
        return {
            "id": text(answer, "wscn:JobId"),
            "token": text(answer, "wscn:JobToken"),
            "width": text(answer, ".//wscn:PixelsPerLine"),
            "height": text(answer, ".//wscn:NumberOfLines"),
        }

    def fetch(self, job: dict[str, str]) -> None:
        """Fetch the job's next image, which must be whole. Raises Refused."""
        connection = self.send("RetrieveImage", retrieve_body(job["id"], job["token"]))
        self.whole(connection.getresponse(), job)
        connection.close()

    def cancel(self, job: dict[str, str]) -> bool:
        """Whether the job was cancelled; False when it was over already."""
        number = f"<{{scan}}:JobId>{job['id']}</{{scan}}:JobId>"
        try:
            self.ask("CancelJob", f"<{{scan}}:CancelJobRequest>{number}</{{scan}}:CancelJobRequest>")
        except Refused as refused:
            if str(refused) != "ClientErrorJobIdNotFound":
                raise
            return False
        return True

    def whole(self, response: HTTPResponse, job: dict[str, str], begun: bytes = b"") -> None:
        """Read on to the end of an image that is as large as was promised. Raises Refused."""
        body = begun + response.read()
        content_type = response.getheader("Content-Type") or ""
        if not content_type.startswith("multipart/related"):
            raise Refused(fault_of(body))
        _, file = check_multipart(content_type, body)
        with Image.open(io.BytesIO(file)) as image:
            image.load()
            assert (image.format, image.mode, image.size) == ("JPEG", "L", (int(job["width"]), int(job["height"])))
        self.pages += 1

    def ask(self, operation: str, body: str) -> Any:
        """The body of the answer. Raises Refused."""
        connection = self.send(operation, body)
        answer = connection.getresponse().read()
        connection.close()
        element = check_message(answer)[-1][0]
        if etree.QName(element).localname == "Fault":
            raise Refused(fault_of(answer))
        return element

    def send(self, operation: str, body: str) -> HTTPConnection:
        """A connection on which the request is sent."""
        connection = HTTPConnection(*self._to, timeout=HANG_S, source_address=self._from)
        request = windows(scan_action(operation), body)
        connection.request("POST", self._path, request, {"Content-Type": "application/soap+xml"})
        return connection


def region(size: tuple[int, int]) -> str:
    """DocumentParameters for a gray scan of that size at 200 dpi."""
    width, height = size
    return (
        "<{scan}:MediaSides><{scan}:MediaFront><{scan}:ScanRegion>"
        "<{scan}:ScanRegionXOffset>0</{scan}:ScanRegionXOffset><{scan}:ScanRegionYOffset>0</{scan}:ScanRegionYOffset>"
        f"<{{scan}}:ScanRegionWidth>{width}</{{scan}}:ScanRegionWidth>"
        f"<{{scan}}:ScanRegionHeight>{height}</{{scan}}:ScanRegionHeight></{{scan}}:ScanRegion>"
        "<{scan}:ColorProcessing>Grayscale8</{scan}:ColorProcessing><{scan}:Resolution><{scan}:Width>200</{scan}:Width>"
        "<{scan}:Height>200</{scan}:Height></{scan}:Resolution></{scan}:MediaFront></{scan}:MediaSides>"
    )


def fault_of(answer: bytes) -> str:
    """The subcode of a fault, without prefix."""
    return text(check_message(answer), ".//soap:Subcode/soap:Value").rpartition(":")[2]


@pytest.mark.conformance(177, 178, 194, 195, 198, 199, 201, 206, 219, 220, 222, 228, 229, 230, 241)
def test_thirty_jobs_of_three_clients_are_all_accounted_for(tmp_path: Path) -> None:
    """Whatever three clients do at once, every job ends as it must and is remembered, and every whole page is whole."""
    with running(Daemon(tmp_path)) as daemon:
        clients = [Client(daemon.url, number) for number in range(3)]
        with ThreadPoolExecutor(len(clients)) as pool:
            ended = [one for done in pool.map(Client.work, clients) for one in done]
        scanner = daemon.wait_for(lambda scanner: not scanner["active_jobs"] and scanner["state"] == "Idle")
        listed = clients[0].ask("GetJobHistory", "<{scan}:GetJobHistoryRequest/>").findall(".//wscn:JobSummary", NAMES)
        assert Counter(text(each, "wscn:JobName") for each in listed) == Counter(one.name for one in ended)
        history = {text(each, "wscn:JobId"): each for each in listed}
        assert len(history) == 3 * JOBS
        for one in ended:
            assert text(history[one.id], "wscn:JobName") == one.name
            assert job_words(history[one.id]).partition(" ")[2] in one.ends, one
        assert min(client.pages for client in clients) >= 5
        assert scanner["worker"]["restarts"] == 0
        assert scanner["reasons"] == ["None"]
        pages = clients[0].pages
        clients[0].take_page("one more")
        assert clients[0].pages == pages + 1
