"""Three clients on one scanner, ten jobs each, some of them cancelled at seeded moments: every job is accounted for.

    three threads, each its own connections  -- HTTP on loopback -->  the daemon  -->  SANE's test backend
"""

from __future__ import annotations

import http.client
import io
import random
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree
from PIL import Image

from tests.clients import scan_action, windows
from tests.interop.daemon import HANG_S, Daemon, running
from tests.schema_check import check_message, check_multipart

pytestmark = pytest.mark.interop

NS = {"scan": "http://schemas.microsoft.com/windows/2006/08/wdp/scan"}
CLIENTS, JOBS = 3, 10
SEED = 20260102

TICKET = (
    "<{scan}:ScanTicket><{scan}:JobDescription><{scan}:JobName>%s</{scan}:JobName><{scan}:JobOriginatingUserName>crowd"
    "</{scan}:JobOriginatingUserName></{scan}:JobDescription><{scan}:DocumentParameters><{scan}:Format>jfif</{scan}:Format>"
    "<{scan}:ImagesToTransfer>1</{scan}:ImagesToTransfer><{scan}:MediaSides><{scan}:MediaFront><{scan}:Resolution>"
    "<{scan}:Width>%d</{scan}:Width></{scan}:Resolution></{scan}:MediaFront></{scan}:MediaSides>"
    "</{scan}:DocumentParameters></{scan}:ScanTicket>"
)


@dataclass(frozen=True)
class Outcome:
    """One job as its client knows it: `state` is how it must end."""

    job_id: str
    name: str
    state: str
    images: str


class Client:
    """One program that scans."""

    def __init__(self, number: int, url: str) -> None:
        self._number = number
        self._url = url
        self._random = random.Random(SEED + number)

    def run(self) -> list[Outcome]:
        """Ten jobs, one after the other."""
        return [self._job(f"client {self._number} job {count}") for count in range(JOBS)]

    def _job(self, name: str) -> Outcome:
        how = self._random.choice(["whole", "whole", "whole", "before", "middle"])
        # A page that is cancelled in the middle must not fit into the buffers on its way.
        body = TICKET % (name, 1200 if how == "middle" else 100)
        answer = self._ask("CreateScanJob", f"<{{scan}}:CreateScanJobRequest>{body}</{{scan}}:CreateScanJobRequest>")
        job_id, token = (answer.findtext(f".//scan:{word}", "", NS) for word in ("JobId", "JobToken"))
        size = tuple(int(answer.findtext(f".//scan:{word}", "", NS)) for word in ("PixelsPerLine", "NumberOfLines"))
        if how == "before":
            self._cancel(job_id)
            return Outcome(job_id, name, "Canceled", "0")
        connection = self._post(
            "RetrieveImage",
            f"<{{scan}}:RetrieveImageRequest><{{scan}}:JobId>{job_id}</{{scan}}:JobId><{{scan}}:JobToken>{token}"
            f"</{{scan}}:JobToken><{{scan}}:DocumentDescription><{{scan}}:DocumentName>{name}</{{scan}}:DocumentName>"
            "</{scan}:DocumentDescription></{scan}:RetrieveImageRequest>",
        )
        page = connection.getresponse()
        assert page.status == 200, page.read()
        if how == "middle":
            page.read(self._random.randrange(1, 200_000))
            self._cancel(job_id)
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                page.read()
            connection.close()
            return Outcome(job_id, name, "Canceled", "")
        _, data = check_multipart(page.getheader("Content-Type") or "", page.read())
        connection.close()
        image = Image.open(io.BytesIO(data))
        image.load()
        assert image.size == size
        return Outcome(job_id, name, "Completed", "1")

    def _cancel(self, job_id: str) -> None:
        body = f"<{{scan}}:CancelJobRequest><{{scan}}:JobId>{job_id}</{{scan}}:JobId></{{scan}}:CancelJobRequest>"
        self._ask("CancelJob", body)

    def _ask(self, operation: str, body: str) -> etree._Element:
        connection = self._post(operation, body)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        assert answer.status == 200, data
        return check_message(data)

    def _post(self, operation: str, body: str) -> http.client.HTTPConnection:
        place = urlsplit(self._url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=HANG_S)
        message = windows(scan_action(operation), body, to=self._url)
        connection.request("POST", place.path, message, {"Content-Type": "application/soap+xml"})
        return connection


@pytest.mark.conformance(213, 219, 220, 223, 241)
def test_thirty_jobs_are_all_accounted_for(tmp_path: Path) -> None:
    """Each job is in the history once, with the end its client saw; whole pages are whole; the bridge is idle after."""
    with running(Daemon(tmp_path)) as daemon:
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [Client(number, daemon.url) for number in range(CLIENTS)]
            outcomes = [outcome for told in pool.map(Client.run, clients) for outcome in told]
        scanner = daemon.wait_for(lambda scanner: not scanner["active_jobs"] and scanner["state"] == "Idle")
        history = Client(CLIENTS, daemon.url)._ask("GetJobHistory", "<{scan}:GetJobHistoryRequest/>")
        told = {
            summary.findtext("scan:JobId", "", NS): tuple(
                summary.findtext(f"scan:{word}", "", NS) for word in ("JobName", "JobState", "ScansCompleted")
            )
            for summary in history.iterfind(".//scan:JobSummary", NS)
        }
        assert len(outcomes) == len(told) == CLIENTS * JOBS
        for outcome in outcomes:
            name, state, images = told[outcome.job_id]
            assert (name, state) == (outcome.name, outcome.state)
            # A page that is cancelled late may have been digitised whole before its bytes were all taken.
            assert images == outcome.images or (not outcome.images and re.fullmatch("[01]", images))
        ends = [outcome.state for outcome in outcomes]
        assert min(ends.count("Completed"), ends.count("Canceled")) >= 5
        assert scanner["worker"]["restarts"] == 0
