"""The switches of the section [interop], each turned in the whole daemon: what a field trial relies on.

docs/windows-field-trial.md tells people when to turn which.
"""

from __future__ import annotations

import http.client
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree
from PIL import Image

from tests.clients import scan_action, windows
from tests.conversations.scene import retrieve_body
from tests.fakes import wsd_client
from tests.fakes.tickets import MINIMAL, ticket_xml
from tests.interop.daemon import HANG_S, REPOSITORY, Daemon, running, toml
from tests.schema_check import check_message, check_multipart

pytestmark = pytest.mark.interop

NS = {
    "wsdp": "http://schemas.xmlsoap.org/ws/2006/02/devprof",
    "scan": "http://schemas.microsoft.com/windows/2006/08/wdp/scan",
}
STABLE_PATH = "/StableWSDiscoveryEndpoint/schemas-xmlsoap-org_ws_2005_04_discovery"
DIB = (
    "<sca:Format>dib</sca:Format><sca:MediaSides><sca:MediaFront><sca:ColorProcessing>Grayscale8</sca:ColorProcessing>"
    "<sca:Resolution><sca:Width>75</sca:Width><sca:Height>75</sca:Height></sca:Resolution>"
    "</sca:MediaFront></sca:MediaSides>"
)
FILE_HEADER_BYTES = 14
PICTURE_HEADER_BYTES = 40
TURNED = {
    "fault_status": "500",
    "dib_file_header": False,
    "hello_xaddrs": False,
    "host_section": True,
    "strict_timeouts": False,
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with every switch as it is by default."""
    with running(Daemon(tmp_path_factory.mktemp("plain"), {"log": {"wire": True}})) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with every switch turned, and a job that may wait for five seconds only."""
    settings = {"log": {"wire": True}, "jobs": {"retrieve_timeout_s": 5}, "interop": TURNED}
    with running(Daemon(tmp_path_factory.mktemp("turned"), settings)) as daemon:
        yield daemon


def fetch(url: str, message: bytes) -> tuple[int, str, bytes]:
    """Status, Content-Type and body of an answer."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=HANG_S)
    try:
        connection.request("POST", place.path, message, {"Content-Type": "application/soap+xml"})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type") or "", answer.read()
    finally:
        connection.close()


def post(url: str, message: bytes) -> tuple[int, etree._Element]:
    """Status and checked envelope of an answer."""
    status, _, body = fetch(url, message)
    return status, check_message(body)


def statuses(daemon: Daemon) -> set[int]:
    """The HTTP statuses of a refusal at each place that takes messages."""
    urls = daemon.scanner()["urls"]
    place = urlsplit(urls["service"])
    stable = f"http://{place.netloc}{STABLE_PATH}"
    return {post(url, windows(scan_action("Dance"), to=url))[0] for url in (urls["service"], urls["device"], stable)}


def refused_status(directory: Path, fault_status: str) -> set[int]:
    """The statuses of refusals of a daemon with this setting."""
    with running(Daemon(directory, {"interop": {"fault_status": fault_status}})) as daemon:
        return statuses(daemon)


def test_fault_status_decides_how_a_refusal_comes(plain: Daemon, turned: Daemon, tmp_path: Path) -> None:
    """A client's mistake is 400 by default, and 500 or 200 when that is set, at every URL."""
    assert statuses(plain) == {400}
    assert statuses(turned) == {500}
    assert refused_status(tmp_path, "200") == {200}


def hello(daemon: Daemon) -> etree._Element:
    """The Hello that the daemon said at its start, from its log."""
    after = daemon.log.partition("all <- lo (IPv4)")[2]
    start = after.index("<soap:Envelope")
    end = after.index("</soap:Envelope>") + len("</soap:Envelope>")
    envelope = etree.fromstring("".join(line.strip() for line in after[start:end].splitlines()))
    (said,) = envelope.iter(f"{{{wsd_client.WSD}}}Hello")
    return said


def test_hello_xaddrs_decides_whether_hello_has_the_address(plain: Daemon, turned: Daemon) -> None:
    """By default Hello names the device's URL; turned off it names none, and a client has to resolve."""
    xaddrs = f"{{{wsd_client.WSD}}}XAddrs"
    assert hello(plain).findtext(xaddrs) == plain.scanner()["urls"]["device"]
    assert hello(turned).find(xaddrs) is None


def test_host_section_decides_whether_the_host_is_described(plain: Daemon, turned: Daemon) -> None:
    """By default the metadata describe the hosted service alone; turned on, the host beside it."""
    for daemon, expected in ((plain, ["Hosted"]), (turned, ["Host", "Hosted"])):
        scanner = daemon.scanner()
        status, metadata = post(scanner["urls"]["device"], wsd_client.get(f"urn:uuid:{scanner['uuid']}"))
        assert status == 200
        (relationship,) = metadata.iterfind(".//wsdp:Relationship", NS)
        assert [etree.QName(child).localname for child in relationship] == expected


def test_strict_timeouts_refuses_a_short_retrieve_timeout(tmp_path: Path) -> None:
    """By default a retrieve_timeout_s below 60 stops the start, and the message names key, reason and switch."""
    config = tmp_path / "scanbridge.toml"
    config.write_text(toml({"jobs": {"retrieve_timeout_s": 59}}), encoding="utf-8")
    command = [sys.executable, "-m", "bridge", "--config", str(config), "serve"]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=HANG_S, check=False)
    assert ended.returncode == 2
    for word in (str(config), "jobs.retrieve_timeout_s = 59", "60", "interop.strict_timeouts = false"):
        assert word in ended.stderr


def test_without_strict_timeouts_a_job_may_wait_for_less(turned: Daemon) -> None:
    """Turned off, a job that nobody comes for is over after the time that is set."""
    url = turned.url
    body = f"<{{scan}}:CreateScanJobRequest>{MINIMAL}</{{scan}}:CreateScanJobRequest>"
    status, created = post(url, windows(scan_action("CreateScanJob"), body, to=url))
    assert status == 200
    number = created.findtext(".//scan:JobId", None, NS)
    scanner = turned.wait_for(lambda scanner: not scanner["active_jobs"])
    job = scanner["history"][-1]
    assert (str(job["id"]), job["state"], job["reasons"]) == (number, "Aborted", ["JobTimedOut"])


def bitmap(daemon: Daemon) -> bytes:
    """A dib image of the whole bed in gray, as the daemon delivers it."""
    url = daemon.url
    order = f"<{{scan}}:CreateScanJobRequest>{ticket_xml(DIB)}</{{scan}}:CreateScanJobRequest>"
    _, created = post(url, windows(scan_action("CreateScanJob"), order, to=url))
    job, token = (created.findtext(f".//scan:{name}", "", NS) for name in ("JobId", "JobToken"))
    content_type, body = fetch(url, windows(scan_action("RetrieveImage"), retrieve_body(job, token), to=url))[1:]
    return check_multipart(content_type, body)[1]


def test_dib_file_header_decides_how_a_bitmap_begins(plain: Daemon, turned: Daemon) -> None:
    """By default a dib is a whole bitmap file; turned off it begins with the header of the picture, and is the same."""
    whole, bare = bitmap(plain), bitmap(turned)
    assert whole[:2] == b"BM"
    assert int.from_bytes(whole[2:6], "little") == len(whole)
    assert whole[FILE_HEADER_BYTES:] == bare
    assert int.from_bytes(bare[:4], "little") == PICTURE_HEADER_BYTES
    with Image.open(io.BytesIO(whole)) as image:
        image.load()
        assert image.format == "BMP"
