"""Every format through the whole bridge: announced, fetched over HTTP, decoded by others, compared with the scanner.

Then the formats that sane-airscan takes, each from a bridge that offers nothing else.
"""

from __future__ import annotations

import http.client
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from lxml import etree
from PIL import Image

from bridge.imaging.formats import FORMAT_COLORS
from bridge.scanner.model import ColorMode, Format, Region
from tests.clients import scan_action, windows
from tests.conversations.scene import retrieve_body
from tests.fakes.tickets import ticket_xml
from tests.interop import single_format
from tests.interop.comparison import assert_same_page
from tests.interop.conftest import Originals
from tests.interop.daemon import HANG_S, Daemon, here, running
from tests.interop.scanimage import static_client
from tests.schema_check import check_message, check_multipart
from tests.unit.scanner.direct import assert_same_pages, directly, request_for

pytestmark = pytest.mark.interop

SCN = "{http://schemas.microsoft.com/windows/2006/08/wdp/scan}"
REGION = Region(250, 500, 1501, 2203)
COMBINATIONS = [(name, color) for name in FORMAT_COLORS for color in sorted(FORMAT_COLORS[name], key=lambda c: c.value)]

PARAMETERS = (
    "<sca:Format>{format}</sca:Format><sca:CompressionQualityFactor>100</sca:CompressionQualityFactor>"
    "<sca:ImagesToTransfer>{images}</sca:ImagesToTransfer><sca:InputSource>{source}</sca:InputSource>"
    "<sca:MediaSides><sca:MediaFront><sca:ScanRegion><sca:ScanRegionXOffset>{x}</sca:ScanRegionXOffset>"
    "<sca:ScanRegionYOffset>{y}</sca:ScanRegionYOffset><sca:ScanRegionWidth>{width}</sca:ScanRegionWidth>"
    "<sca:ScanRegionHeight>{height}</sca:ScanRegionHeight></sca:ScanRegion>"
    "<sca:ColorProcessing>{color}</sca:ColorProcessing><sca:Resolution><sca:Width>{dpi}</sca:Width>"
    "<sca:Height>{dpi}</sca:Height></sca:Resolution></sca:MediaFront></sca:MediaSides>"
)


def parameters(
    name: Format, color: ColorMode, dpi: int, region: Region, source: str = "Platen", images: int = 1
) -> str:
    """What a ticket asks for."""
    return PARAMETERS.format(
        format=name.value,
        color=color.value,
        dpi=dpi,
        source=source,
        images=images,
        x=region.x,
        y=region.y,
        width=region.width,
        height=region.height,
    )


@dataclass(frozen=True)
class Announced:
    """A job, and what was said of its image."""

    job: str
    token: str
    pixels: tuple[int, int]
    bytes_per_line: int


class Service:
    """The scan service at `url`, asked over a socket."""

    def __init__(self, url: str) -> None:
        self._url = url

    def create(self, wanted: str) -> Announced:
        """A job for a ticket with these parameters."""
        status, _, body = self._post("CreateScanJob", _order(wanted))
        assert status == 200, body
        answer = check_message(body)

        def said(name: str) -> str:
            found = answer.findtext(f".//{SCN}{name}")
            assert found is not None
            return str(found)

        size = int(said("PixelsPerLine")), int(said("NumberOfLines"))
        return Announced(said("JobId"), said("JobToken"), size, int(said("BytesPerLine")))

    def refusal(self, wanted: str) -> etree._Element:
        """The fault that a ticket with these parameters gets."""
        status, _, body = self._post("CreateScanJob", _order(wanted))
        assert status == 400
        return check_message(body)

    def fetch(self, job: Announced) -> tuple[str, bytes]:
        """Media type and bytes of the image."""
        status, content_type, body = self._post("RetrieveImage", retrieve_body(job.job, job.token))
        assert status == 200, body
        head = body.split(b"\r\n\r\n")[1].rsplit(b"\r\n--", 1)[-1]
        media = next(line for line in head.decode("latin-1").split("\r\n") if line.startswith("Content-Type:"))
        return media.partition(": ")[2], check_multipart(content_type, body)[1]

    def _post(self, operation: str, body: str) -> tuple[int, str, bytes]:
        place = urlsplit(self._url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=HANG_S)
        try:
            message = windows(scan_action(operation), body, to=self._url)
            connection.request("POST", place.path, message, {"Content-Type": "application/soap+xml"})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type") or "", answer.read()
        finally:
            connection.close()


def _order(wanted: str) -> str:
    return f"<{{scan}}:CreateScanJobRequest>{ticket_xml(wanted)}</{{scan}}:CreateScanJobRequest>"


# -- every format, over HTTP ---------------------------------------------------------------------


@pytest.mark.conformance(194, 195, 209)
@pytest.mark.parametrize(("name", "color"), COMBINATIONS, ids=lambda value: value.value)
def test_what_was_announced_is_what_comes(bridge_daemon: Daemon, name: Format, color: ColorMode) -> None:
    """The file is of the type and has exactly the pixels that were announced, and they are the bare scanner's."""
    service = Service(bridge_daemon.url)
    job = service.create(parameters(name, color, 150, REGION))
    asked = request_for(name, color, 150, REGION)
    assert job.pixels == (asked.width, asked.height)
    media, file = service.fetch(job)
    assert media == name.media_type
    assert_same_pages(asked, file, directly("test:0", asked))


@pytest.mark.parametrize(
    ("name", "color"), [pair for pair in COMBINATIONS if pair[0] in (Format.DIB, Format.TIFF_SINGLE_UNCOMPRESSED)]
)
def test_bytes_per_line_are_those_of_the_file(bridge_daemon: Daemon, name: Format, color: ColorMode) -> None:
    """An uncompressed file has as many bytes a line as was announced: padded in a dib, packed in a TIFF."""
    service = Service(bridge_daemon.url)
    job = service.create(parameters(name, color, 75, REGION))
    _, file = service.fetch(job)
    lines = job.pixels[1]
    rest = len(file) - lines * job.bytes_per_line
    if name is Format.DIB:
        assert rest == int.from_bytes(file[10:14], "little")
    else:
        assert 8 < rest < 512


@pytest.mark.parametrize("quality", [1, 30, 85, 100])
@pytest.mark.parametrize("name", [Format.JFIF, Format.EXIF, Format.PDF_A], ids=lambda name: name.value)
def test_the_compression_is_as_asked(bridge_daemon: Daemon, name: Format, quality: int) -> None:
    """CompressionQualityFactor is the quality of the file: its tables are those that libjpeg has for that number."""
    service = Service(bridge_daemon.url)
    wanted = parameters(name, ColorMode.GRAYSCALE_8, 75, REGION).replace(
        "<sca:CompressionQualityFactor>100<", f"<sca:CompressionQualityFactor>{quality}<"
    )
    _, file = service.fetch(service.create(wanted))
    jpeg = file if name is not Format.PDF_A else file[file.index(b"\xff\xd8\xff") :]
    same = io.BytesIO()
    Image.new("L", (16, 16)).save(same, "JPEG", quality=quality)
    with Image.open(io.BytesIO(jpeg)) as seen, Image.open(same) as right:
        assert seen.quantization == right.quantization


@pytest.mark.conformance(202)
@pytest.mark.parametrize("name", [name for name in FORMAT_COLORS if name.multi_page], ids=lambda name: name.value)
def test_one_file_is_the_whole_job(bridge_daemon: Daemon, name: Format) -> None:
    """A multi-page file has all images that were ordered, and with it the job is completed."""
    service = Service(bridge_daemon.url)
    color = ColorMode.BLACK_AND_WHITE_1
    job = service.create(parameters(name, color, 75, REGION, "ADF", 3))
    _, file = service.fetch(job)
    asked = request_for(name, color, 75, REGION)
    assert_same_pages(asked, file, directly("test:0", asked) * 3)
    scanner = bridge_daemon.wait_for(lambda scanner: not scanner["active_jobs"])
    done = scanner["history"][-1]
    assert (str(done["id"]), done["state"], done["scans_completed"]) == (job.job, "Completed", 3)


def test_a_page_that_may_not_be_kept_is_refused(tmp_path: Path) -> None:
    """With little room for the spool a bitmap is refused as unsupported; a smaller one and other formats are not."""
    settings: dict[str, dict[str, Any]] = {"jobs": {"spool_limit_mb": 1}}
    with running(Daemon(tmp_path, settings)) as daemon:
        service = Service(daemon.url)
        page = Region(0, 0, 8268, 11693)
        fault = service.refusal(parameters(Format.DIB, ColorMode.RGB_24, 150, page))
        assert b"ClientErrorFormatNotSupported" in etree.tostring(fault)
        for name, region in ((Format.DIB, REGION), (Format.PNG, page)):
            asked = request_for(name, ColorMode.RGB_24, 150, region)
            _, file = service.fetch(service.create(parameters(name, ColorMode.RGB_24, 150, region)))
            assert_same_pages(asked, file, directly("test:0", asked))


# -- the formats that sane-airscan takes ---------------------------------------------------------


@contextmanager
def offering(name: Format, directory: Path) -> Iterator[Daemon]:
    """A bridge whose scanner offers one format."""

    def launch(*words: str, **options: Any) -> Any:
        modules = {"tests.checked_bridge": single_format.__name__}
        return here(*(modules.get(word, word) for word in words), **options)

    with running(Daemon(directory, launch=launch, environment={single_format.VARIABLE: name.value})) as daemon:
        yield daemon


@pytest.mark.parametrize(
    ("name", "modes", "exact"),
    [
        (Format.PNG, ("Color", "Gray"), True),
        (Format.JFIF, ("Color", "Gray"), False),
        (Format.EXIF, ("Color", "Gray"), False),
        (Format.DIB, ("Color",), True),
    ],
    ids=lambda value: value.value if isinstance(value, Format) else "",
)
def test_airscan_takes_the_format(
    tmp_path: Path, originals: Originals, name: Format, modes: tuple[str, ...], exact: bool
) -> None:
    """sane-airscan decodes what it gets to the bare scanner's page; it knows no bitmaps with a palette."""
    with offering(name, tmp_path) as daemon:
        client = static_client(tmp_path, daemon.url)
        for mode in modes:
            page = client.page("--mode", mode, "--resolution", "75")
            assert_same_page(page, originals(mode, 75))
            if exact:
                assert np.array_equal(page, originals(mode, 75))


@pytest.mark.parametrize(
    "name", [name for name in Format if name.value.startswith(("tiff", "pdf"))], ids=lambda name: name.value
)
def test_airscan_takes_no_other_format(tmp_path: Path, name: Format) -> None:
    """A scanner that offers nothing but TIFF or PDF is none to sane-airscan, so the test above leaves out no format."""
    with offering(name, tmp_path) as daemon:
        ended = static_client(tmp_path, daemon.url).start("--resolution", "75").end()
    assert ended.status != 0
    assert "open of device airscan:w0:Bridge failed" in ended.messages
