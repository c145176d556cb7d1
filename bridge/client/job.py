"""The operations of a scan service as this client uses them (wsd-scan.md 9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.client.address import Address
from bridge.client.description import Description, description_request, read_description, read_number
from bridge.client.errors import BadAnswer, ServiceFault
from bridge.client.http import ANSWER_TIMEOUT_S, SoapClient, is_multipart, media_type, read_answer
from bridge.client.image import ImageBody
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Element, text_of
from bridge.soap.mtom_reader import MultipartError, MultipartReader
from bridge.soap.namespaces import tag
from bridge.system.escape import safe

IMAGE_START_TIMEOUT_S = 180.0
"""How long a device may take from RetrieveImage to the first byte of its answer: lamps warm up, sheets are pulled."""

CANCEL_TIMEOUT_S = 5.0
"""How long a device may take to answer CancelJob, when a person is waiting to leave."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job that the device has made; `width`, `height` (pixels) and `bytes_per_line` are its promise, 0: unknown."""

    id: str
    token: str
    width: int
    height: int
    bytes_per_line: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the device says of a job."""

    state: str
    reasons: tuple[str, ...]
    scans_completed: int


class ScanService:
    """The scan service at `address`. Every method raises ServiceFault, NoAnswer and BadAnswer."""

    def __init__(self, client: SoapClient, address: Address) -> None:
        self._client = client
        self.address = address

    async def describe(self) -> Description:
        """What the scanner is and can do."""
        return read_description(await self._call("GetScannerElements", description_request()))

    async def validate(self, ticket: Element) -> list[str]:
        """What the device would change in `ticket`, as sentences; empty when it takes it as it is."""
        answer = await self._call("ValidateScanTicket", WSCN_E.ValidateScanTicketRequest(ticket))
        if _text(answer, "ValidTicket") in ("true", "1"):
            return []
        corrected = answer.find(f".//{tag(ns.WSCN, 'ValidScanTicket')}")
        return _changes(ticket, corrected) or ["it does not say why"]

    async def create(self, ticket: Element) -> Job:
        """A new job for `ticket`."""
        answer = await self._call("CreateScanJob", WSCN_E.CreateScanJobRequest(ticket))
        job_id = _text(answer, "JobId")
        if not read_number(job_id):
            raise BadAnswer("the answer to CreateScanJob has no JobId")
        return Job(
            id=job_id,
            token=answer.findtext(f".//{tag(ns.WSCN, 'JobToken')}") or "",
            width=read_number(_text(answer, "PixelsPerLine")),
            height=read_number(_text(answer, "NumberOfLines")),
            bytes_per_line=read_number(_text(answer, "BytesPerLine")),
        )

    async def retrieve(self, job: Job, name: str, begin: Callable[[int], Callable[[bytes], None]]) -> None:
        """The next image of `job`, called `name` at the client.

        `begin` is told the expected bytes (0: unknown) and gives what takes the bytes. Done when the image is whole.
        """
        request = WSCN_E.RetrieveImageRequest(
            WSCN_E.JobId(job.id),
            WSCN_E.JobToken(job.token),
            WSCN_E.DocumentDescription(WSCN_E.DocumentName(name)),
        )
        action = f"{ns.WSCN}/RetrieveImage"
        response = await self._client.open(self.address, action, request, to="", timeout=IMAGE_START_TIMEOUT_S)
        if not is_multipart(response):
            await read_answer(response, str(self.address))
            raise BadAnswer("the answer to RetrieveImage has no image")
        length = response.length if isinstance(response.length, int) else 0
        try:
            body = ImageBody(MultipartReader(media_type(response)), begin, length, self._client.clock)
        except MultipartError as error:
            raise BadAnswer(f"the answer to RetrieveImage cannot be read: {error}") from error
        response.deliverBody(body)
        await body.done

    async def cancel(self, job_id: str) -> None:
        """Cancel the job `job_id`."""
        request = WSCN_E.CancelJobRequest(WSCN_E.JobId(job_id))
        await self._call("CancelJob", request, timeout=CANCEL_TIMEOUT_S)

    async def outcome(self, job_id: str) -> Outcome:
        """What became of the job `job_id`; a device that has forgotten it is asked for its history."""
        try:
            names = WSCN_E.RequestedElements(WSCN_E.Name("wscn:JobStatus"))
            answer = await self._call("GetJobElements", WSCN_E.GetJobElementsRequest(WSCN_E.JobId(job_id), names))
            status = answer.find(f".//{tag(ns.WSCN, 'JobStatus')}")
        except ServiceFault:
            history = await self._call("GetJobHistory", WSCN_E.GetJobHistoryRequest())
            summaries = history.iterfind(f".//{tag(ns.WSCN, 'JobSummary')}")
            status = next((one for one in summaries if _text(one, "JobId") == job_id), None)
        if status is None:
            raise BadAnswer(f"the device says nothing of job {job_id}")
        reasons = status.iterfind(f".//{tag(ns.WSCN, 'JobStateReason')}")
        return Outcome(
            state=safe(_text(status, "JobState")),
            reasons=tuple(safe(text_of(reason)) for reason in reasons),
            scans_completed=read_number(_text(status, "ScansCompleted")),
        )

    async def _call(self, operation: str, body: Element, timeout: float = ANSWER_TIMEOUT_S) -> Element:
        action = f"{ns.WSCN}/{operation}"
        answer = (await self._client.call(self.address, action, body, timeout=timeout)).body
        if answer is None or answer.tag != tag(ns.WSCN, f"{operation}Response"):
            raise BadAnswer(f"the answer to {operation} is something else")
        return answer


def _changes(ticket: Element, corrected: Element | None) -> list[str]:
    """The leaves in which `corrected` differs from `ticket`, as sentences."""
    if corrected is None:
        return []
    wanted = ticket.find(tag(ns.WSCN, "DocumentParameters"))
    given = corrected.find(tag(ns.WSCN, "DocumentParameters"))
    if wanted is None or given is None:
        return []
    changes = []
    for leaf in wanted.iter():
        if len(leaf):
            continue
        path = wanted.getroottree().getelementpath(leaf).split("DocumentParameters/", 1)[-1]
        other = given.find(path)
        if other is not None and text_of(other) != text_of(leaf):
            changes.append(safe(f"{path.replace(f'{{{ns.WSCN}}}', '')} {text_of(leaf)} would be {text_of(other)}"))
    return changes


def _text(element: Element, name: str) -> str:
    return text_of(element.find(f".//{tag(ns.WSCN, name)}"))
