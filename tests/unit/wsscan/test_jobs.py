"""CancelJob, GetJobElements, GetActiveJobs, GetJobHistory: what is known of jobs."""

from __future__ import annotations

import pytest

from bridge.jobs.queue import QueueLimits
from bridge.jobs.states import JobState
from bridge.soap import namespaces as ns
from bridge.soap.envelope import Element, qname, read_envelope
from bridge.soap.parser import MAX_MESSAGE
from tests.deferreds import success_result_of
from tests.fakes.scan_service import CLIENT, ScanServiceBench, detail, names, text, texts
from tests.fakes.tickets import MINIMAL, WINDOWS_10, sane_airscan
from tests.unit.jobs.story import Consumer

STRANGER = "192.0.2.99"


def cancel(job_id: object) -> str:
    """The body of a CancelJob."""
    return f"<sca:CancelJobRequest><sca:JobId>{job_id}</sca:JobId></sca:CancelJobRequest>"


def elements(job_id: object, *wanted: str, root: str = "GetJobElementsRequest") -> str:
    """The body of a GetJobElements."""
    listed = "".join(f"<sca:Name>{name}</sca:Name>" for name in wanted)
    return (
        f"<sca:{root}><sca:JobId>{job_id}</sca:JobId>"
        f"<sca:RequestedElements>{listed}</sca:RequestedElements></sca:{root}>"
    )


def active(bench: ScanServiceBench) -> Element:
    """ActiveJobs."""
    return bench.ask("GetActiveJobs", "<sca:GetActiveJobsRequest/>")[0]


def history(bench: ScanServiceBench) -> Element:
    """JobHistory."""
    return bench.ask("GetJobHistory", "<sca:GetJobHistoryRequest/>")[0]


def deliver(bench: ScanServiceBench, job_id: int, token: str, name: str) -> None:
    """Scan one image of a job and give it to its client."""
    asked = bench.queue.retrieve(job_id, token, name)
    bench.scanner.session.page()
    image = success_result_of(asked)
    success_result_of(image.deliver(Consumer()))
    image.delivered()


# -- CancelJob ---------------------------------------------------------------------------------------


@pytest.mark.conformance(228, 231)
def test_the_client_cancels_its_job() -> None:
    """The client that ordered a job cancels it; the answer is an empty element."""
    bench = ScanServiceBench()
    job_id, _token = bench.create(MINIMAL)
    answer = bench.ask("CancelJob", cancel(job_id))
    assert ns.local_name(str(answer.tag)) == "CancelJobResponse"
    assert len(answer) == 0
    assert not answer.text
    assert bench.queue.job(job_id).state is JobState.CANCELED


@pytest.mark.parametrize("client", ["127.0.0.1", "::1"])
def test_this_machine_cancels_every_job(client: str) -> None:
    """Whoever sits at the bridge may cancel."""
    bench = ScanServiceBench()
    job_id, _token = bench.create(MINIMAL)
    bench.ask("CancelJob", cancel(job_id), client=client)
    assert bench.queue.job(job_id).state is JobState.CANCELED


@pytest.mark.conformance(230, 294, 295, 296)
@pytest.mark.parametrize(
    ("job_id", "subcode"),
    [
        (99, "ClientErrorJobIdNotFound"),
        (0, "ClientErrorJobIdNotFound"),
        (2**31, "ClientErrorJobIdNotFound"),
        ("one", "InvalidArgs"),
        ("", "InvalidArgs"),
    ],
)
def test_jobs_that_cannot_be_cancelled(job_id: object, subcode: str) -> None:
    """A job that does not exist is not found; what is no number is an invalid argument; both name JobId."""
    fault = ScanServiceBench().fault("CancelJob", cancel(job_id))
    assert fault.subcode == f"{{{ns.WSCN}}}{subcode}"
    assert detail(fault) == "JobId"


@pytest.mark.conformance(230)
def test_another_clients_job_is_not_found() -> None:
    """A stranger is told that there is no such job, and the job goes on."""
    bench = ScanServiceBench()
    job_id, _token = bench.create(MINIMAL)
    assert bench.subcode("CancelJob", cancel(job_id), client=STRANGER) == "ClientErrorJobIdNotFound"
    assert bench.queue.job(job_id).state is JobState.PENDING


# -- GetJobElements ----------------------------------------------------------------------------------


@pytest.mark.conformance(233, 238)
def test_all_parts_of_a_job() -> None:
    """A job tells its status, the ticket as it was sent, and the final parameters with the names of its documents."""
    bench = ScanServiceBench()
    sent = WINDOWS_10.replace('"true">RGB24', '"false">RGB48')
    job_id, _token = bench.create(sent)
    answer = bench.ask("GetJobElements", elements(job_id, "sca:JobStatus", "sca:ScanTicket", "sca:Documents"))
    status, ticket, documents = (data[0] for data in answer[0])
    assert [data.get("Name") for data in answer[0]] == ["wscn:JobStatus", "wscn:ScanTicket", "wscn:Documents"]
    assert names(status) == ["JobId", "JobState", "JobStateReasons", "ScansCompleted", "JobCreatedTime"]
    assert text(status, "JobState") == "Pending"
    color = "MediaSides/MediaFront/ColorProcessing"
    assert text(ticket, f"DocumentParameters/{color}") == "RGB48"
    assert text(documents, f"DocumentFinalParameters/{color}") == "RGB24"
    assert names(documents) == ["DocumentFinalParameters", "Document"]
    honored = [e for e in ticket.iter() if e.get(f"{{{ns.WSCN}}}MustHonor")]
    assert len(honored) == sent.count('MustHonor="true"')


@pytest.mark.conformance(234)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("JobStatus", "JobStatus"),
        ("ScanTicket", "ScanTicket"),
        ("Document", "Documents"),
        ("Documents", "Documents"),
        ("sca:Document", "Documents"),
    ],
)
def test_names_of_parts(name: str, content: str) -> None:
    """Names may have no prefix, and Document is another word for Documents; the content is always Documents."""
    bench = ScanServiceBench()
    job_id, _token = bench.create(MINIMAL)
    (data,) = bench.ask("GetJobElements", elements(job_id, name))[0]
    assert names(data) == [content]
    assert qname(data, data.get("Name") or "") == f"{{{ns.WSCN}}}{name.removeprefix('sca:')}"


@pytest.mark.conformance(117)
def test_an_unknown_part() -> None:
    """A part that a job does not have comes back empty and not valid."""
    bench = ScanServiceBench()
    job_id, _token = bench.create(MINIMAL)
    (data,) = bench.ask("GetJobElements", elements(job_id, "sca:ScannerStatus"))[0]
    assert data.get("Valid") == "false"
    assert len(data) == 0


@pytest.mark.conformance(235)
def test_the_body_may_lack_its_suffix() -> None:
    """A body called GetJobElements is answered like one called GetJobElementsRequest."""
    bench = ScanServiceBench()
    job_id, _token = bench.create(MINIMAL)
    answer = bench.ask("GetJobElements", elements(job_id, "sca:JobStatus", root="GetJobElements"))
    assert ns.local_name(str(answer.tag)) == "GetJobElementsResponse"
    assert bench.subcode("GetJobElements", "<sca:CancelJobRequest/>") == "InvalidArgs"


@pytest.mark.conformance(236, 294, 295, 296)
@pytest.mark.parametrize(
    ("content", "subcode", "argument"),
    [
        (elements(7, "sca:JobStatus"), "ClientErrorJobIdNotFound", "JobId"),
        (elements(-7, "sca:JobStatus"), "ClientErrorJobIdNotFound", "JobId"),
        (elements("seven", "sca:JobStatus"), "InvalidArgs", "JobId"),
        (elements(7), "InvalidArgs", "Name"),
        ("<sca:GetJobElementsRequest><sca:JobId>7</sca:JobId></sca:GetJobElementsRequest>", "InvalidArgs", None),
        ("<sca:GetJobElementsRequest/>", "InvalidArgs", "JobId"),
    ],
)
def test_what_cannot_be_told(content: str, subcode: str, argument: str | None) -> None:
    """An unknown job is told back in the detail; a malformed request comes before it."""
    fault = ScanServiceBench().fault("GetJobElements", content)
    assert fault.subcode == f"{{{ns.WSCN}}}{subcode}"
    assert detail(fault) == (argument or "RequestedElements")


@pytest.mark.conformance(236, 295)
@pytest.mark.parametrize("number", ["7", "-7", "99999999999"])
def test_the_number_of_an_unknown_job_is_told_back(number: str) -> None:
    """The detail is wscn:JobId with what was asked for."""
    fault = ScanServiceBench().fault("GetJobElements", elements(number, "sca:JobStatus"))
    assert fault.detail is not None
    assert (fault.detail.tag, fault.detail.text) == (f"{{{ns.WSCN}}}JobId", number)


@pytest.mark.conformance(237)
def test_jobs_in_the_history_are_told_too() -> None:
    """A job that is over can still be asked, with the names that its client gave its images."""
    bench = ScanServiceBench()
    job_id, token = bench.create(WINDOWS_10)
    deliver(bench, job_id, token, "  Scanned image ")
    answer = bench.ask("GetJobElements", elements(job_id, "sca:JobStatus", "sca:Documents"))
    status, documents = (data[0] for data in answer[0])
    assert text(status, "JobState") == "Completed"
    assert names(status)[-1] == "JobCompletedTime"
    assert texts(documents, "Document/DocumentDescription/DocumentName") == ["  Scanned image "]


def test_a_document_before_the_first_image_has_the_jobs_name() -> None:
    """Before the first image there is one document, named like the job."""
    bench = ScanServiceBench()
    job_id, _token = bench.create(MINIMAL)
    answer = bench.ask("GetJobElements", elements(job_id, "sca:Documents"))
    assert texts(answer, "JobElements/ElementData/Documents/Document/DocumentDescription/DocumentName") == ["letters"]


@pytest.mark.conformance(38)
def test_many_documents_are_cut_to_the_newest() -> None:
    """More documents than a message holds are cut: the newest stay, and the message is not too large."""
    bench = ScanServiceBench()
    job_id, token = bench.create(sane_airscan("ADF"))
    sent = [f"{number:03}" + "&" * 200 for number in range(60)]
    for name in sent:
        deliver(bench, job_id, token, name)
    message = bench.message("GetJobElements", elements(job_id, "sca:Documents"))
    assert MAX_MESSAGE - 4096 < len(message) <= MAX_MESSAGE
    answer = read_envelope(message).body
    assert answer is not None
    listed = texts(answer, "JobElements/ElementData/Documents/Document/DocumentDescription/DocumentName")
    assert listed == sent[-len(listed) :]
    assert len(listed) < len(sent)


# -- lists -------------------------------------------------------------------------------------------


@pytest.mark.conformance(210, 211)
def test_no_jobs() -> None:
    """Without jobs both lists are there and empty."""
    bench = ScanServiceBench()
    for found, name in ((active(bench), "ActiveJobs"), (history(bench), "JobHistory")):
        assert ns.local_name(str(found.tag)) == name
        assert len(found) == 0


@pytest.mark.conformance(212, 213, 214, 221, 222)
def test_active_jobs() -> None:
    """Several jobs are listed ascending by number, with the ticket's names to the character and at least one reason."""
    bench = ScanServiceBench()
    bench.create(MINIMAL.replace("letters", "  a &lt;b&gt; ").replace("ada", "é&#10;"))
    bench.create(WINDOWS_10, client=STRANGER)
    found = active(bench)
    assert names(found) == ["JobSummary", "JobSummary"]
    assert texts(found, "JobSummary/JobId") == ["1", "2"]
    assert names(found[0]) == [
        "JobId",
        "JobName",
        "JobOriginatingUserName",
        "JobState",
        "JobStateReasons",
        "ScansCompleted",
    ]
    assert text(found[0], "JobName") == "  a <b> "
    assert text(found[0], "JobOriginatingUserName") == "é\n"
    assert texts(found, "JobSummary/JobState") == ["Pending", "Pending"]
    assert texts(found, "JobSummary/JobStateReasons/JobStateReason") == ["None", "None"]
    assert texts(found, "JobSummary/ScansCompleted") == ["0", "0"]


@pytest.mark.conformance(215)
def test_a_scanning_job() -> None:
    """A job that scans is Processing because of JobScanning, and others may wait beside it."""
    bench = ScanServiceBench()
    job_id, token = bench.create(WINDOWS_10)
    bench.create(MINIMAL)
    bench.queue.retrieve(job_id, token, "image")
    found = active(bench)
    assert texts(found, "JobSummary/JobState") == ["Processing", "Pending"]
    assert texts(found, "JobSummary/JobStateReasons/JobStateReason") == ["JobScanning", "None"]


@pytest.mark.conformance(219, 220)
def test_history_is_newest_first() -> None:
    """Jobs that are over are in the history only, the newest first, with their final state and count."""
    bench = ScanServiceBench()
    done, token = bench.create(WINDOWS_10)
    deliver(bench, done, token, "image")
    cancelled, _token = bench.create(MINIMAL)
    bench.ask("CancelJob", cancel(cancelled))
    found = history(bench)
    assert texts(found, "JobSummary/JobId") == ["2", "1"]
    assert texts(found, "JobSummary/JobState") == ["Canceled", "Completed"]
    assert texts(found, "JobSummary/ScansCompleted") == ["0", "1"]
    assert len(active(bench)) == 0


def test_everybody_sees_all_jobs() -> None:
    """The lists are the same for every client, as on any multi-function device."""
    bench = ScanServiceBench()
    bench.create(MINIMAL)
    seen = [
        texts(bench.ask("GetActiveJobs", "<sca:GetActiveJobsRequest/>", client=client)[0], "JobSummary/JobId")
        for client in (CLIENT, STRANGER)
    ]
    assert seen == [["1"], ["1"]]


@pytest.mark.conformance(38)
def test_long_lists_are_cut_to_the_newest() -> None:
    """More jobs than a message holds are cut: the newest stay, in their order, and the message is not too large."""
    bench = ScanServiceBench(limits=QueueLimits(waiting=100, history=100))
    long = MINIMAL.replace("letters", "&amp;" * 255).replace("ada", "é" * 255)
    for _ in range(40):
        bench.create(long)
    message = bench.message("GetActiveJobs", "<sca:GetActiveJobsRequest/>")
    assert MAX_MESSAGE - 4096 < len(message) <= MAX_MESSAGE
    shown = texts(active(bench), "JobSummary/JobId")
    assert shown == [str(number) for number in range(41 - len(shown), 41)]
    assert len(shown) < 40
    for number in range(1, 41):
        bench.ask("CancelJob", cancel(number))
    shown = texts(history(bench), "JobSummary/JobId")
    assert shown == [str(number) for number in range(40, 40 - len(shown), -1)]
    assert 0 < len(shown) < 40


@pytest.mark.conformance(38)
def test_a_long_message_id_makes_less_room() -> None:
    """A message is within its limit also when the longest MessageID has to be repeated."""
    bench = ScanServiceBench(limits=QueueLimits(waiting=100))
    for _ in range(40):
        bench.create(MINIMAL.replace("letters", "&amp;" * 255))
    message_id = "urn:x:" + "&amp;" * 2042
    message = bench.message("GetActiveJobs", "<sca:GetActiveJobsRequest/>", message_id=message_id)
    assert len(message) <= MAX_MESSAGE


def test_foreign_children_of_an_empty_request() -> None:
    """What others put into an empty request is passed over."""
    bench = ScanServiceBench()
    content = '<sca:GetActiveJobsRequest><o:More xmlns:o="urn:o"/></sca:GetActiveJobsRequest>'
    assert len(bench.ask("GetActiveJobs", content)[0]) == 0
