"""docs/windows-field-trial.md tells the truth: every line of the log that it promises is one that the bridge writes.

A PC of our own, on the other machine of a cable, goes through the sheet's stages; then each promised line must be in
the daemon's log.
"""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bridge.settings import Interop
from bridge.soap import namespaces as ns
from tests.clients import scan_action, windows
from tests.fakes import wsd_client
from tests.fakes.event_bench import delivery, filter_of
from tests.fakes.tickets import ticket_xml
from tests.interop.daemon import HANG_S, REPOSITORY, Daemon
from tests.interop.discovery_client import Client
from tests.interop.namespaces import INTERFACE, Cable
from tests.interop.push_scan import WaitingPc
from tests.schema_check import check_message

pytestmark = pytest.mark.interop

SHEET = (REPOSITORY / "docs" / "windows-field-trial.md").read_text(encoding="utf-8")
SETTINGS = {
    "network": {"interfaces": []},
    "log": {"wire": True},
    "jobs": {"retrieve_timeout_s": 5},
    "interop": {"strict_timeouts": False},
}
DEAD = "a PC behind a firewall"
STACK = 10
"""Pages in the virtual scanner's feeder."""


def promised() -> list[str]:
    """The lines in the sheet's blocks of log."""
    return [line for block in re.findall(r"```log\n(.*?)```", SHEET, re.DOTALL) for line in block.splitlines()]


def pattern(line: str, pc: str, uuid: str) -> str:
    """What a promised line looks like in the log of a run with this PC and scanner; numbers may be others."""
    stands_for = {"192.168.1.20": re.escape(pc), "eth0": INTERFACE, "UUID": uuid, "…": ".*"}
    parts = re.split(r"(192\.168\.1\.20|eth0|UUID|…)", line)
    return "".join(stands_for.get(part) or re.sub(r"\b\d+\b", r"\\d+", re.escape(part)) for part in parts)


class Trial:
    """The PC that goes through the stages; everything it opens is on its own machine."""

    def __init__(self, cable: Cable, daemon: Daemon) -> None:
        self.cable = cable
        self.daemon = daemon
        scanner = daemon.scanner()
        self.uuid: str = scanner["uuid"]
        root = f"http://{cable.first.ipv4}:{daemon.status()['http_port']}"
        self.device, self.service = f"{root}/{self.uuid}", f"{root}/{self.uuid}/scan"

    def post(self, url: str, message: bytes, take: int | None = None) -> bytes:
        """The answer's body, or the first `take` bytes of it, after which the PC goes away."""
        place = urlsplit(url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=HANG_S)
        with self.cable.second.inside():
            connection.connect()
        try:
            connection.request("POST", place.path, message, {"Content-Type": "application/soap+xml"})
            return connection.getresponse().read(take)
        finally:
            connection.close()

    def ask(self, operation: str, body: str, take: int | None = None) -> bytes:
        """A scan operation."""
        return self.post(self.service, windows(scan_action(operation), body, to=self.service), take)

    def order(self, parameters: str) -> tuple[str, str]:
        """JobId and JobToken of a new job."""
        body = f"<{{scan}}:CreateScanJobRequest>{ticket_xml(parameters)}</{{scan}}:CreateScanJobRequest>"
        created = check_message(self.ask("CreateScanJob", body))
        scan = f".//{{{ns.WSCN}}}"
        return created.findtext(f"{scan}JobId", ""), created.findtext(f"{scan}JobToken", "")

    def retrieve(self, job: tuple[str, str], take: int | None = None) -> bytes:
        """The answer for the next image of a job."""
        number, token = (f"<{{scan}}:{name}>{text}</{{scan}}:{name}>" for name, text in zip(NAMES, job, strict=True))
        name = "<sca:DocumentDescription><sca:DocumentName>a</sca:DocumentName></sca:DocumentDescription>"
        body = f"<{{scan}}:RetrieveImageRequest>{number}{token}{name}</{{scan}}:RetrieveImageRequest>"
        return self.ask("RetrieveImage", body, take)

    def wait_for_end(self, job: tuple[str, str]) -> None:
        """Until the job is in the history."""
        self.daemon.wait_for(lambda scanner: int(job[0]) in [over["id"] for over in scanner["history"]])

    # -- the sheet's stages ----------------------------------------------------------------------

    def be_found(self) -> None:
        """Stages 1 and 2."""
        client = Client(self.cable.second, socket.AF_INET)
        client.ask(wsd_client.probe())
        client.next(lambda heard: heard.action == "ProbeMatches")
        client.ask(wsd_client.resolve(f"urn:uuid:{self.uuid}"))
        client.next(lambda heard: heard.action == "ResolveMatches")
        self.post(self.device, wsd_client.get(f"urn:uuid:{self.uuid}"))

    def meet_a_firewall(self) -> None:
        """Subscribe with an address where nobody listens, and press the button for it."""
        destination = (
            f"<{{scan}}:ScanDestinations><{{scan}}:ScanDestination><{{scan}}:ClientDisplayName>{DEAD}"
            "</{scan}:ClientDisplayName><{scan}:ClientContext>Scan</{scan}:ClientContext></{scan}:ScanDestination>"
            "</{scan}:ScanDestinations>"
        )
        event = filter_of(scan_action("ScanAvailableEvent"))
        body = delivery(f"http://{self.cable.second.ipv4}:5357/dead") + event + destination
        subscribe = windows(f"{ns.WSE}/Subscribe", f"<wse:Subscribe>{body}</wse:Subscribe>", to=self.service)
        self.post(self.service, subscribe)
        self.daemon.command("button", "--destination", DEAD)

    def press(self) -> None:
        """Stages 3 to 5 and 8: subscribe, then scan what a press of the button announces."""
        with self.cable.second.inside(), WaitingPc(self.service, self.cable.second.ipv4) as pc:
            pc.subscribe()
            self.daemon.command("button", "--destination", "Scan to ATTIC")
            pc.fetch(*pc.press())

    def be_late(self) -> None:
        """Stage 5: order and never come, then come and go away in mid-page."""
        self.wait_for_end(self.order(""))
        left = self.order(RESOLUTION.format(600))
        self.retrieve(left, take=5000)
        self.wait_for_end(left)

    def empty_the_feeder(self) -> None:
        """Stage 6."""
        job = self.order("<sca:InputSource>ADF</sca:InputSource>" + RESOLUTION.format(75))
        for _ in range(STACK):
            assert b"RetrieveImageResponse" in self.retrieve(job)
        assert b"ClientErrorNoImagesAvailable" in self.retrieve(job)

    def cancel(self) -> None:
        """Stage 7."""
        job = self.order("")
        self.ask("CancelJob", f"<sca:CancelJobRequest><sca:JobId>{job[0]}</sca:JobId></sca:CancelJobRequest>")


NAMES = ("JobId", "JobToken")
RESOLUTION = (
    "<sca:MediaSides><sca:MediaFront><sca:Resolution><sca:Width>{0}</sca:Width><sca:Height>{0}</sca:Height>"
    "</sca:Resolution></sca:MediaFront></sca:MediaSides>"
)


@pytest.fixture
def cable() -> Iterator[Cable]:
    with Cable() as cable:
        yield cable


def test_the_sheet_promises_what_the_log_says(cable: Cable, tmp_path: Path) -> None:
    """After a PC has gone through all stages, each line of log in the sheet is in the log."""
    daemon = Daemon(tmp_path, SETTINGS, launch=cable.first.start)
    daemon.start()
    try:
        trial = Trial(cable, daemon)
        trial.meet_a_firewall()
        trial.be_found()
        trial.press()
        trial.be_late()
        trial.empty_the_feeder()
        trial.cancel()
        daemon.wait_for(lambda _scanner: "which is dropped" in daemon.log)
    finally:
        daemon.stop()
    said = [line[20:] if re.match(r"\d{4}-", line) else line for line in daemon.log.splitlines()]
    wanted = promised()
    assert len(wanted) > 30
    patterns = {line: pattern(line, cable.second.ipv4, trial.uuid) for line in wanted}
    assert [line for line in wanted if not any(re.fullmatch(patterns[line], each) for each in said)] == []


def test_the_sheet_names_every_switch() -> None:
    """A person in a trial finds each switch of [interop] in the sheet, and no other."""
    named = set(re.findall(r"`([a-z_]+) = (?:true|false|\"[0-9]+\")`", SHEET))
    assert named == {field.name for field in fields(Interop)}
