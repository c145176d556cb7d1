"""The eight operations of the scan service (wsd-scan.md 9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lxml import etree

from bridge.interfaces import Scanner
from bridge.jobs.order import JobOrder
from bridge.jobs.states import JobStatus
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Element, Envelope
from bridge.soap.exchange import AnyReply, Exchange, Operation, Reply, StreamedReply
from bridge.soap.namespaces import tag
from bridge.wsscan.agreement import Agreement
from bridge.wsscan.arguments import body_of, child, exact, read_job_id, required
from bridge.wsscan.condition import scanner_status
from bridge.wsscan.configuration import ScannerNames, scanner_configuration, scanner_description
from bridge.wsscan.default_ticket import default_ticket
from bridge.wsscan.documents import documents, final_parameters, image_information
from bridge.wsscan.elements import element_data, elements_body, requested_names
from bridge.wsscan.fitting import reply_within_limits
from bridge.wsscan.kept import KeptElement
from bridge.wsscan.negotiate import negotiate
from bridge.wsscan.offer import Offer
from bridge.wsscan.parameters import word
from bridge.wsscan.push import PushRegistry
from bridge.wsscan.summaries import job_status, job_summary
from bridge.wsscan.ticket import ScanTicket, read_ticket, write_ticket

if TYPE_CHECKING:
    from bridge.jobs.job import Job
    from bridge.jobs.queue import JobQueue


class Operations:
    """The operations on one scanner; each takes a request and gives the answer, or raises an error of bridge.errors.

    `offer` is asked anew for every request, because capabilities may change while the daemon runs.
    """

    def __init__(
        self,
        scanner: Scanner,
        queue: JobQueue,
        names: ScannerNames,
        offer: Callable[[], Offer],
        push: PushRegistry,
    ) -> None:
        self._scanner = scanner
        self._queue = queue
        self.names = names
        self._offer = offer
        self._push = push
        self._description = KeptElement(scanner_description)
        self._configuration = KeptElement(scanner_configuration)
        self._default_ticket = KeptElement(_default_ticket)

    def table(self) -> dict[str, Operation]:
        """The operations by their request actions (wsd-scan.md 2)."""
        return {
            _action("ValidateScanTicket"): self.validate_scan_ticket,
            _action("CreateScanJob"): self.create_scan_job,
            _action("RetrieveImage"): self.retrieve_image,
            _action("CancelJob"): self.cancel_job,
            _action("GetScannerElements"): self.get_scanner_elements,
            _action("GetJobElements"): self.get_job_elements,
            _action("GetActiveJobs"): self.get_active_jobs,
            _action("GetJobHistory"): self.get_job_history,
        }

    def sections(self) -> dict[str, Callable[[], Element]]:
        """What GetScannerElements can be asked for, by name; events of changed elements are made of the same."""
        return {
            "ScannerDescription": lambda: self._description.of(self.names),
            "ScannerConfiguration": lambda: self._configuration.of(self._offer()),
            "ScannerStatus": lambda: scanner_status(self._scanner.status),
            "DefaultScanTicket": lambda: self._default_ticket.of(self._offer()),
        }

    # -- the scanner -----------------------------------------------------------------------------

    async def get_scanner_elements(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        """Describe the scanner, part by part (wsd-scan.md 9.1). Raises InvalidArgument."""
        names = requested_names(body_of(envelope, "GetScannerElementsRequest"))

        def build(_count: int) -> Element:
            data = element_data(names, self.sections())
            return elements_body("GetScannerElementsResponse", "ScannerElements", data)

        return reply_within_limits(_response("GetScannerElements"), build, 0, envelope)

    # -- tickets and jobs ------------------------------------------------------------------------

    async def validate_scan_ticket(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        """Say what would become of a ticket (wsd-scan.md 9.2); no job comes of it (checklist 170).

        Raises InvalidArgument, FormatNotSupported, ConflictingParameters.
        """
        body = body_of(envelope, "ValidateScanTicketRequest")
        agreement = self._negotiate(read_ticket(required(body, "ScanTicket")))
        info = WSCN_E(
            "ValidationInfo", WSCN_E("ValidTicket", word(agreement.valid)), image_information(agreement.image)
        )
        if not agreement.valid:
            info.append(write_ticket(agreement.corrected, "ValidScanTicket"))
        return Reply(_response("ValidateScanTicket"), WSCN_E("ValidateScanTicketResponse", info))

    async def create_scan_job(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        """Take a ticket and make a job of it (wsd-scan.md 9.3).

        Raises InvalidArgument, InvalidScanIdentifier, InvalidDestinationToken, FormatNotSupported,
        ConflictingParameters, NotAcceptingJobs, NoImagesAvailable; none of them leaves a job behind (checklist 185).
        """
        body = body_of(envelope, "CreateScanJobRequest")
        ticket = read_ticket(required(body, "ScanTicket"))
        identifier = _given(body, "ScanIdentifier")
        self._push.check(identifier, _given(body, "DestinationToken"))
        order, agreement = self._ordered(ticket, exchange.peer_host)
        job = self._queue.create(order)
        if identifier is not None:
            self._push.used(identifier)
        answer = WSCN_E(
            "CreateScanJobResponse",
            WSCN_E("JobId", str(job.id)),
            WSCN_E("JobToken", job.token),
            image_information(agreement.image),
            final_parameters(agreement.final),
        )
        return Reply(_response("CreateScanJob"), answer)

    def order(self, ticket: ScanTicket, owner: str) -> JobOrder:
        """The order that `ticket` of the client `owner` makes, as CreateScanJob takes it.

        Raises FormatNotSupported, ConflictingParameters, InvalidArgument, TemporaryError.
        """
        return self._ordered(ticket, owner)[0]

    async def retrieve_image(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        """Scan and deliver the next file of a job (wsd-scan.md 9.4, checklist 207).

        Raises InvalidArgument, JobNotFound, InvalidJobToken, JobCancelled, NoImagesAvailable, NotPossibleNow and
        TemporaryError, all of them before anything of the answer is sent (checklist 205).
        """
        body = body_of(envelope, "RetrieveImageRequest")
        job_id = read_job_id(body)
        token = _token(required(body, "JobToken"))
        name = _document_name(body)
        job = self._queue.job(job_id)
        image = await self._queue.retrieve(job_id, token, job.status.name if name is None else name)
        content_id = f"image-{job.id}-{len(job.documents) + 1}@scanbridge"
        include = etree.Element(tag(ns.XOP, "Include"), nsmap={"xop": ns.XOP})
        include.set("href", f"cid:{content_id}")
        return StreamedReply(
            action=_response("RetrieveImage"),
            body=WSCN_E("RetrieveImageResponse", WSCN_E("ScanData", include)),
            image=image,
            media_type=job.order.request.format.media_type,
            content_id=content_id,
        )

    async def cancel_job(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        """Cancel a job of this client (wsd-scan.md 9.5). Raises InvalidArgument, JobNotFound."""
        self._queue.cancel(read_job_id(body_of(envelope, "CancelJobRequest")), exchange.peer_host)
        return Reply(_response("CancelJob"), WSCN_E("CancelJobResponse"))

    # -- what is known of jobs -------------------------------------------------------------------

    async def get_job_elements(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        """Describe one job, part by part (wsd-scan.md 9.6). Raises InvalidArgument, JobNotFound.

        Some clients leave the Request off the body's name (checklist 235).
        """
        body = body_of(envelope, "GetJobElementsRequest", "GetJobElements")
        job_id = read_job_id(body)
        names = requested_names(body)
        job = self._queue.job(job_id)

        def build(count: int) -> Element:
            data = element_data(names, _job_sections(job, count))
            return elements_body("GetJobElementsResponse", "JobElements", data)

        return reply_within_limits(_response("GetJobElements"), build, len(job.documents), envelope)

    async def get_active_jobs(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        """List the jobs that are not over, ascending by JobId (wsd-scan.md 9.7, checklist 210, 222)."""
        body_of(envelope, "GetActiveJobsRequest")
        jobs = self._queue.active

        def build(count: int) -> Element:
            return _job_list("GetActiveJobsResponse", "ActiveJobs", jobs[len(jobs) - count :])

        return reply_within_limits(_response("GetActiveJobs"), build, len(jobs), envelope)

    async def get_job_history(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        """List the jobs that are over, newest first (wsd-scan.md 9.7, checklist 211)."""
        body_of(envelope, "GetJobHistoryRequest")
        jobs = self._queue.history

        def build(count: int) -> Element:
            return _job_list("GetJobHistoryResponse", "JobHistory", jobs[:count])

        return reply_within_limits(_response("GetJobHistory"), build, len(jobs), envelope)

    def _ordered(self, ticket: ScanTicket, owner: str) -> tuple[JobOrder, Agreement]:
        agreement = self._negotiate(ticket)
        if agreement.refusals:
            raise agreement.refusals[0]
        order = JobOrder(
            name=ticket.name,
            user=ticket.user,
            information=ticket.information or "",
            request=agreement.request,
            images=agreement.images,
            owner=owner,
            altered=agreement.altered,
            ticket=ticket,
            final=agreement,
        )
        return order, agreement

    def _negotiate(self, ticket: ScanTicket) -> Agreement:
        return negotiate(ticket, self._offer(), self._scanner.loaded_source)


def _action(operation: str) -> str:
    return f"{ns.WSCN}/{operation}"


def _response(operation: str) -> str:
    """The action of an answer (checklist 9)."""
    return f"{ns.WSCN}/{operation}Response"


def _given(body: Element, name: str) -> str | None:
    """A string that may be left out; an empty one is left out too."""
    element = child(body, name)
    return None if element is None else _token(element) or None


def _token(element: Element) -> str:
    """A token that we gave out. Ours hold no white space, and a Home Assistant project pads values with newlines."""
    return exact(element).strip()


def _document_name(body: Element) -> str | None:
    """DocumentName; a request without it is taken, although the schema wants it (wsd-scan.md 9.4)."""
    description = child(body, "DocumentDescription")
    name = None if description is None else child(description, "DocumentName")
    return None if name is None else exact(name)


def _job_sections(job: Job, count: int) -> dict[str, Callable[[], Element]]:
    """What GetJobElements can be asked for; Document is another word for Documents (checklist 234).

    `count` is how many of the latest documents are told.
    """
    ticket, agreement = job.order.ticket, job.order.final
    assert isinstance(ticket, ScanTicket)
    assert isinstance(agreement, Agreement)
    names = job.documents[len(job.documents) - count :]

    def listed() -> Element:
        return documents(agreement.final, names, job.order.name)

    return {
        "JobStatus": lambda: job_status(job.status),
        "ScanTicket": lambda: write_ticket(ticket),
        "Documents": listed,
        "Document": listed,
    }


def _job_list(name: str, container: str, jobs: Sequence[JobStatus]) -> Element:
    body: Element = WSCN_E(name, WSCN_E(container, *(job_summary(status) for status in jobs)))
    return body


def _default_ticket(offer: Offer) -> Element:
    return write_ticket(default_ticket(offer), "DefaultScanTicket")
