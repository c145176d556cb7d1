"""The whole product behind one URL tree, with everything real but the worker processes, the sockets and the time.

    scene = Scene(tmp_path)
    answer = scene.ask("GetActiveJobs", "<{scan}:GetActiveJobsRequest/>")    # Windows asks; the answer's body element
    job = scene.create(ticket)                                              # a Job as its client sees it
    answer = scene.retrieve(job)                                            # an answer that grows
    scene.worker.page(b"...")                                               # what the worker process does

Every message is checked against our schemas by the harness.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree
from twisted.internet.defer import Deferred

from bridge.discovery.sequence import AppSequence
from bridge.discovery.target import Target
from bridge.dpws.notifier import Poster
from bridge.dpws.sinks import Sink, SinkRules
from bridge.finder import Found
from bridge.http.resources import Tree
from bridge.http.trace import WireTrace
from bridge.identity import Identity
from bridge.scanner import protocol
from bridge.scanner.model import Capabilities, Device
from bridge.scanner.spawning import Spawner
from bridge.served_scanner import ServedScanner, Surroundings
from bridge.settings import Jobs, Push, Settings
from bridge.soap import namespaces as ns
from tests import envelope_watch
from tests.clients import scan_action, windows
from tests.fakes.process_reactor import FakeProcess, ProcessReactor
from tests.fakes.scripted_scanner import FLATBED_AND_FEEDER
from tests.harness import PEER, Wire, WireClock
from tests.http_answers import Answer

NAMES = {"soap": ns.SOAP, "wsa": ns.WSA, "wscn": ns.WSCN, "wse": ns.WSE}


class SceneReactor(ProcessReactor, WireClock):
    """Time, sockets and processes, all moved by the test."""


class Sinks:
    """Takes events instead of the network: `posted` are the URLs and messages in their order."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, bytes]] = []

    def post(self, sink: Sink, message: bytes) -> Deferred[None]:
        envelope_watch.check(message)
        self.posted.append((sink.url, message))
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done


@dataclass(frozen=True)
class ClientJob:
    """What a client knows of its job; `answer` is the CreateScanJobResponse."""

    id: str
    token: str
    answer: etree._Element


class Fault(Exception):
    """The service said a fault: its subcode's local name, its code's, the HTTP status, and the detail."""

    def __init__(self, answer: Answer, fault: etree._Element) -> None:
        subcode = fault.findtext("soap:Code/soap:Subcode/soap:Value", "", NAMES)
        super().__init__(subcode.rpartition(":")[2])
        self.code = fault.findtext("soap:Code/soap:Value", "", NAMES).rpartition(":")[2]
        self.status = answer.status
        self.reason = fault.findtext("soap:Reason/soap:Text", "", NAMES)
        self.detail = fault.find("soap:Detail", NAMES)


class Worker:
    """The worker process of the scanner, played."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    @property
    def process(self) -> FakeProcess:
        return self._scene.reactor.process

    def say(self, *events: protocol.Event) -> None:
        self.process.say(*events)
        self._scene.wire.pump()

    def open(self) -> None:
        """Become ready if need be, and open the device."""
        if not self.process.heard:
            self.say(protocol.Ready())
        self.say(protocol.Opened("as asked"))

    def begin(self, data: bytes = b"") -> None:
        """Deliver the first line, and perhaps some bytes."""
        self.say(protocol.ImageStarted())
        self.send(data)

    def send(self, data: bytes) -> None:
        if data:
            self.process.image(data)
            self._scene.wire.pump()

    def end(self, size: int) -> None:
        """End an image of `size` bytes."""
        self.say(protocol.PageScanned(100), protocol.ImageDone(size))

    def page(self, data: bytes = b"page") -> None:
        """Deliver a whole image."""
        self.begin(data)
        self.end(len(data))

    def fail(self, status: protocol.Status) -> None:
        self.say(protocol.Failed(status, f"played {status.value}"))

    def die(self) -> None:
        self.process.exit(None, 11)
        self._scene.wire.pump()


class Scene:
    """One scanner, served; `poster` takes its events in the place of `sinks`."""

    def __init__(
        self,
        directory: Path,
        capabilities: Capabilities = FLATBED_AND_FEEDER,
        jobs: Jobs | None = None,
        poster: Poster | None = None,
        push: Push | None = None,
    ) -> None:
        self.reactor = SceneReactor()
        self.sinks = Sinks()
        spawner = Spawner(self.reactor, "/nowhere")
        identity = Identity.load(directory, seed="a machine", now=lambda: 1_000_000.0)
        device = Device("test:0", "Noname", "frontend-tester")
        self.served = ServedScanner(
            Found(device, spawner),
            identity.enrol(device),
            capabilities,
            Surroundings(
                Settings(jobs=jobs or Jobs(), push=push or Push()),
                identity,
                Target(AppSequence(identity.instance_id)),
                "here",
                WireTrace(),
                SinkRules(lambda address: address.startswith("192.0.2."), lambda: ["192.0.2.7"]),
                poster or self.sinks,
            ),
        )
        self.tree = Tree()
        self.wire = Wire(self.tree, clock=self.reactor)
        self.served.start(self.tree)
        self.path = self.served.metadata.service_path
        self.worker = Worker(self)

    # -- a client --------------------------------------------------------------------------------

    def post(self, operation: str, body: str, peer: str = PEER, extra: str = "", path: str = "") -> Answer:
        """The answer to a request, as Windows words it; it may grow."""
        action = operation if ":" in operation else scan_action(operation)
        return self.wire.post(path or self.path, windows(action, body, extra=extra), peer=peer)

    def ask(self, operation: str, body: str, peer: str = PEER, extra: str = "", path: str = "") -> Any:
        """The body element of the answer. Raises Fault."""
        answer = self.post(operation, body, peer, extra, path)
        assert answer.complete, f"{operation} is not answered yet"
        return body_of(answer)

    def create(self, ticket: str, peer: str = PEER, before: str = "") -> ClientJob:
        """Order a job; `ticket` is the ScanTicket's XML, `before` what stands before it. Raises Fault."""
        body = f"<{{scan}}:CreateScanJobRequest>{before}{ticket}</{{scan}}:CreateScanJobRequest>"
        answer = self.ask("CreateScanJob", body, peer)
        return ClientJob(text(answer, "wscn:JobId"), text(answer, "wscn:JobToken"), answer)

    def retrieve(self, job: ClientJob, peer: str = PEER, document: str = "page") -> Answer:
        """Come for an image."""
        return self.post("RetrieveImage", retrieve_body(job.id, job.token, document), peer)

    def cancel(self, job: ClientJob, peer: str = PEER) -> Any:
        """Cancel a job. Raises Fault."""
        number = f"<{{scan}}:JobId>{job.id}</{{scan}}:JobId>"
        return self.ask("CancelJob", f"<{{scan}}:CancelJobRequest>{number}</{{scan}}:CancelJobRequest>", peer)

    def active(self) -> list[tuple[str, ...]]:
        """GetActiveJobs: each JobSummary's texts."""
        return summaries(self.ask("GetActiveJobs", "<{scan}:GetActiveJobsRequest/>"))

    def history(self) -> list[tuple[str, ...]]:
        """GetJobHistory: each JobSummary's texts."""
        return summaries(self.ask("GetJobHistory", "<{scan}:GetJobHistoryRequest/>"))

    def scanner_status(self) -> Any:
        """The ScannerStatus element."""
        answer = self.ask(
            "GetScannerElements",
            "<{scan}:GetScannerElementsRequest><{scan}:RequestedElements><{scan}:Name>{scan}:ScannerStatus</{scan}:Name>"
            "</{scan}:RequestedElements></{scan}:GetScannerElementsRequest>",
        )
        return answer.find(".//wscn:ScannerStatus", NAMES)

    def scan_page(self, job: ClientJob, data: bytes = b"page", peer: str = PEER) -> Answer:
        """Come for an image that the worker delivers at once."""
        answer = self.retrieve(job, peer)
        if not any(isinstance(command, protocol.StartImage) for command in self.worker.process.heard):
            self.worker.open()
        self.worker.page(data)
        return answer


def retrieve_body(job: str, token: str, document: str = "page") -> str:
    """The body of RetrieveImage."""
    return (
        f"<{{scan}}:RetrieveImageRequest><{{scan}}:JobId>{job}</{{scan}}:JobId><{{scan}}:JobToken>{token}</{{scan}}:JobToken>"
        f"<{{scan}}:DocumentDescription><{{scan}}:DocumentName>{document}</{{scan}}:DocumentName>"
        "</{scan}:DocumentDescription></{scan}:RetrieveImageRequest>"
    )


def ticket(name: str = "letters", user: str = "ada", parameters: str = "") -> str:
    """A ScanTicket; `parameters` is the XML inside DocumentParameters."""
    inside = f"<{{scan}}:DocumentParameters>{parameters}</{{scan}}:DocumentParameters>" if parameters else ""
    return (
        f"<{{scan}}:ScanTicket><{{scan}}:JobDescription><{{scan}}:JobName>{name}</{{scan}}:JobName>"
        f"<{{scan}}:JobOriginatingUserName>{user}</{{scan}}:JobOriginatingUserName></{{scan}}:JobDescription>"
        f"{inside}</{{scan}}:ScanTicket>"
    )


def feeder(images: int = 0) -> str:
    """DocumentParameters for a feeder job of `images` images."""
    return (
        f"<{{scan}}:ImagesToTransfer>{images}</{{scan}}:ImagesToTransfer><{{scan}}:InputSource>ADF</{{scan}}:InputSource>"
    )


def body_of(answer: Answer) -> Any:
    """The body element of a complete plain answer. Raises Fault for one."""
    envelope = etree.fromstring(answer.body)
    body = envelope.find("soap:Body/*", NAMES)
    if body is not None and body.tag == f"{{{ns.SOAP}}}Fault":
        raise Fault(answer, body)
    return body


def text(element: Any, path: str) -> str:
    """The text at `path`."""
    found = element.findtext(path, None, NAMES)
    assert found is not None, path
    return found


def summaries(body: Any) -> list[tuple[str, ...]]:
    """JobId, state, reason and count of each JobSummary."""
    return [
        (
            text(each, "wscn:JobId"),
            text(each, "wscn:JobState"),
            text(each, "wscn:JobStateReasons/wscn:JobStateReason"),
            text(each, "wscn:ScansCompleted"),
        )
        for each in body.iterfind(".//wscn:JobSummary", NAMES)
    ]
