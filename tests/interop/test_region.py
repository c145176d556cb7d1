"""A region that is asked for in a ticket, which sane-airscan never does: it fetches the whole bed and clips itself."""

from __future__ import annotations

import http.client
import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree
from PIL import Image

from tests.clients import scan_action, windows
from tests.fakes.tickets import ticket_xml
from tests.interop.comparison import assert_same_page, page_of
from tests.interop.daemon import HANG_S, Daemon, running
from tests.interop.scanimage import virtual_scanner
from tests.schema_check import check_message, check_multipart

pytestmark = pytest.mark.interop

NS = {"scan": "http://schemas.microsoft.com/windows/2006/08/wdp/scan"}
INCH_MM = 25.4


@pytest.fixture
def talkative_daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A bridge whose virtual scanner tells in the log what is set; 4 is the level at which SANE's backend does so."""
    with running(Daemon(tmp_path, environment={"SANE_DEBUG_TEST": "4"})) as daemon:
        yield daemon


def post(url: str, operation: str, body: str) -> tuple[str, bytes]:
    """The Content-Type and body of the answer to a request in the words of Windows."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=HANG_S)
    try:
        message = windows(scan_action(operation), body, to=url)
        connection.request("POST", place.path, message, {"Content-Type": "application/soap+xml"})
        answer = connection.getresponse()
        data = answer.read()
        assert answer.status == 200, data
        return answer.getheader("Content-Type") or "", data
    finally:
        connection.close()


def ticket(left: int, top: int, width: int, height: int, color: str, resolution: int) -> str:
    """A ticket for a region in 1/1000 inch."""
    must = 'sca:MustHonor="true"'
    return ticket_xml(
        f"<sca:Format {must}>jfif</sca:Format><sca:ImagesToTransfer>1</sca:ImagesToTransfer>"
        f"<sca:InputSource {must}>Platen</sca:InputSource><sca:MediaSides><sca:MediaFront><sca:ScanRegion>"
        f"<sca:ScanRegionXOffset {must}>{left}</sca:ScanRegionXOffset>"
        f"<sca:ScanRegionYOffset {must}>{top}</sca:ScanRegionYOffset>"
        f"<sca:ScanRegionWidth {must}>{width}</sca:ScanRegionWidth>"
        f"<sca:ScanRegionHeight {must}>{height}</sca:ScanRegionHeight></sca:ScanRegion>"
        f"<sca:ColorProcessing {must}>{color}</sca:ColorProcessing><sca:Resolution {must}>"
        f"<sca:Width>{resolution}</sca:Width><sca:Height>{resolution}</sca:Height></sca:Resolution>"
        f"</sca:MediaFront></sca:MediaSides>"
    )


def texts(envelope: etree._Element, path: str) -> list[str]:
    """The texts at a path of scan elements."""
    return [found.text or "" for found in envelope.findall(path, NS)]


@pytest.mark.parametrize(("color", "mode"), [("RGB24", "Color"), ("Grayscale8", "Gray")])
@pytest.mark.conformance(173, 190, 194, 195)
def test_a_region_in_the_ticket_is_what_the_scanner_reads(
    talkative_daemon: Daemon, tmp_path: Path, color: str, mode: str
) -> None:
    """The image is the region's announced pixels, and the scanner was set to exactly that place.

    The virtual scanner draws its picture from the corner of whatever is scanned, so the place itself is taken from
    what the scanner says it was set to, in whole millimetres.
    """
    resolution, left, top, width, height = 200, 2000, 3000, 4000, 3000
    url = talkative_daemon.url
    wanted = ticket(left, top, width, height, color, resolution)
    request = f"<sca:CreateScanJobRequest>{wanted}</sca:CreateScanJobRequest>"
    created = check_message(post(url, "CreateScanJob", request)[1])
    (job_id,), (token,) = texts(created, ".//scan:JobId"), texts(created, ".//scan:JobToken")
    announced = texts(created, ".//scan:MediaFrontImageInfo/scan:PixelsPerLine") + texts(
        created, ".//scan:MediaFrontImageInfo/scan:NumberOfLines"
    )
    content_type, body = post(
        url,
        "RetrieveImage",
        f"<sca:RetrieveImageRequest><sca:JobId>{job_id}</sca:JobId><sca:JobToken>{token}</sca:JobToken>"
        "<sca:DocumentDescription><sca:DocumentName>region</sca:DocumentName></sca:DocumentDescription>"
        "</sca:RetrieveImageRequest>",
    )
    _, data = check_multipart(content_type, body)
    with Image.open(io.BytesIO(data)) as image:
        page = page_of(image)
    pixels = (width * resolution // 1000, height * resolution // 1000)
    assert announced == [str(side) for side in pixels]
    # A little more than the region, because the scanner rounds down what is no whole number of its units.
    area = [f"{side / 1000 * INCH_MM + 1:.2f}" for side in (width, height)]
    options = ("--mode", mode, "--resolution", str(resolution), "-l", "0", "-t", "0", "-x", area[0], "-y", area[1])
    assert_same_page(page, virtual_scanner(tmp_path).page(*options)[: pixels[1], : pixels[0]])
    corners = {"tl-x": left, "tl-y": top, "br-x": left + width, "br-y": top + height}
    for option, place in corners.items():
        settings = re.findall(rf"set option \d+ \({option}\) to (\d+) mm", talkative_daemon.log)
        assert abs(int(settings[-1]) - place / 1000 * INCH_MM) <= 1, (option, settings)
