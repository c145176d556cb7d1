"""The two pictures of GetActiveJobs on the standard's page, taken of real jobs on a real scanner."""

from __future__ import annotations

import http.client
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree

from tests.chaos.fixtures import Chaos
from tests.chaos.order import Fault, Order
from tests.clients import scan_action, windows
from tests.conversations.scene import NAMES, feeder, retrieve_body, summaries, text, ticket
from tests.interop.daemon import HANG_S, Daemon, running
from tests.schema_check import check_message

pytestmark = pytest.mark.interop


def answer(url: str, operation: str, body: str) -> bytes:
    """The body of the HTTP answer to a scan operation."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=HANG_S)
    try:
        message = windows(scan_action(operation), body, to=url)
        connection.request("POST", place.path, message, {"Content-Type": "application/soap+xml"})
        return connection.getresponse().read()
    finally:
        connection.close()


def active(url: str) -> list[tuple[str, ...]]:
    """GetActiveJobs: JobId, state, reason and ScansCompleted of each JobSummary, which stands in the one ActiveJobs."""
    envelope = check_message(answer(url, "GetActiveJobs", "<{scan}:GetActiveJobsRequest/>"))
    (listed,) = envelope.findall("soap:Body/wscn:GetActiveJobsResponse/wscn:ActiveJobs", NAMES)
    return summaries(listed)


def create(url: str, parameters: str) -> tuple[str, str]:
    """JobId and JobToken of a new job."""
    body = f"<{{scan}}:CreateScanJobRequest>{ticket(parameters=parameters)}</{{scan}}:CreateScanJobRequest>"
    created: etree._Element = check_message(answer(url, "CreateScanJob", body))
    return text(created, ".//wscn:JobId"), text(created, ".//wscn:JobToken")


COARSE = (
    "<{scan}:MediaSides><{scan}:MediaFront><{scan}:Resolution><{scan}:Width>75</{scan}:Width></{scan}:Resolution>"
    "</{scan}:MediaFront></{scan}:MediaSides>"
)


@pytest.mark.conformance(210, 212, 214, 215, 222)
def test_no_job_and_two_jobs(tmp_path: Path, chaos: Chaos) -> None:
    """With no job ActiveJobs is empty; in a feeder's third page one job is Processing with two scans, one Pending."""
    chaos.order(Order(sheets=4, faults=[Fault("start", "hold", page=3)]))
    settings = {"scanner": {"virtual": "never", "sane_config_dir": chaos.config}}
    with running(Daemon(tmp_path, settings)) as daemon:
        url = daemon.url
        assert active(url) == []
        batch, waiting = create(url, feeder(3) + COARSE), create(url, COARSE)
        for _ in range(2):
            assert b"RetrieveImageResponse" in answer(url, "RetrieveImage", retrieve_body(*batch))
        third: list[bytes] = []
        fetching = threading.Thread(
            target=lambda: third.append(answer(url, "RetrieveImage", retrieve_body(*batch))), daemon=True
        )
        fetching.start()
        daemon.wait_for(lambda scanner: scanner["active_jobs"][0]["reasons"] == ["JobScanning"])
        assert active(url) == [(batch[0], "Processing", "JobScanning", "2"), (waiting[0], "Pending", "None", "0")]
        chaos.order(Order(sheets=4))
        fetching.join(HANG_S)
        assert b"RetrieveImageResponse" in third[0]
        assert b"RetrieveImageResponse" in answer(url, "RetrieveImage", retrieve_body(*waiting))
        assert active(url) == []
