"""The job queue: states, order, time-outs and ends of jobs, with a scripted scanner and a clock moved by hand."""

from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError

from bridge.errors import (
    InvalidJobToken,
    JobCancelled,
    JobNotFound,
    NoImagesAvailable,
    NotAcceptingJobs,
    NotPossibleNow,
    ScannerError,
    TemporaryError,
)
from bridge.jobs.queue import CONDITION_MEMORY_S
from bridge.jobs.retrieval import CANCEL_GRACE_S, QUEUE_PATIENCE_S, START_PATIENCE_S
from bridge.scanner.model import Format, InputSource
from tests.deferreds import failure_result_of, no_result, success_result_of
from tests.fakes.scripted_scanner import order
from tests.unit.jobs.story import Consumer, Story

ADF = InputSource.ADF


@pytest.mark.conformance(214, 203, 218, 219, 220, 227, 281, 282, 283)
def test_a_page_from_the_glass_goes_through_every_state_once() -> None:
    """A glass job is Pending, Started, Processing with its reasons, and Completed when its answer is fully sent."""
    story = Story()
    job = story.queue.create(order(images=0))
    assert story.state(job) == "Pending None 0"
    asked = story.ask(job)
    session = story.scanner.session
    no_result(asked)
    session.page(b"bytes")
    retrieval = success_result_of(asked)
    consumer = Consumer()
    success_result_of(retrieval.deliver(consumer))
    assert [status.id for status in story.queue.active] == [job.id]
    retrieval.delivered()
    assert consumer.data == b"bytes"
    assert story.events == [
        "1 Started None 0",
        "1 Processing JobScanning 0",
        "1 Processing JobScanning 1",
        "1 Processing JobTransferring 1",
        "1 Completed None 1",
        "1 ended",
    ]
    assert story.queue.active == []
    assert [status.id for status in story.queue.history] == [job.id]
    assert session.closed is not None
    assert job.documents == ("document 1",)


@pytest.mark.conformance(215, 281)
def test_the_reason_tells_scanning_from_sending() -> None:
    """JobScanning lasts until bytes move, JobScanningAndTransferring while both go on, then JobTransferring."""
    story = Story()
    job = story.queue.create(order())
    asked = story.ask(job)
    sink = story.scanner.session.sink
    assert sink is not None
    sink.image_started()
    assert story.state(job) == "Processing JobScanning 0"
    retrieval = success_result_of(asked)
    retrieval.deliver(Consumer())
    assert story.state(job) == "Processing JobScanning 0"
    sink.image_data(b"x")
    assert story.state(job) == "Processing JobScanningAndTransferring 0"
    sink.page_scanned()
    assert story.state(job) == "Processing JobTransferring 1"


@pytest.mark.conformance(200, 199)
def test_a_feeder_job_delivers_until_the_feeder_is_empty() -> None:
    """With ImagesToTransfer 0 each request brings one image; the empty feeder ends the job as Completed."""
    story = Story()
    job = story.queue.create(order(ADF, images=0))
    for page in range(3):
        asked = story.ask(job)
        story.scanner.session.page(b"page %d" % page)
        assert story.take(asked).data == b"page %d" % page
        assert story.state(job) == f"Processing None {page + 1}"
    asked = story.ask(job)
    story.scanner.session.fail("no-documents")
    failure_result_of(asked, NoImagesAvailable)
    assert story.state(job) == "Completed None 3"
    assert len(story.scanner.sessions) == 1
    with pytest.raises(NoImagesAvailable):
        story.ask(job)


@pytest.mark.conformance(201)
def test_a_feeder_job_stops_at_the_count_that_was_ordered() -> None:
    """ImagesToTransfer N completes the job with the Nth image, without asking the scanner for another."""
    story = Story()
    job = story.queue.create(order(ADF, images=2))
    for _ in range(2):
        asked = story.ask(job)
        story.scanner.session.page()
        story.take(asked)
    assert story.state(job) == "Completed None 2"
    assert story.scanner.session.started == 2


@pytest.mark.conformance(202, 217)
def test_a_multi_page_file_counts_its_pages_and_completes_the_job() -> None:
    """One request brings the whole file; ScansCompleted grows with each page of it."""
    story = Story()
    job = story.queue.create(order(ADF, images=0, kind=Format.PDF_A))
    asked = story.ask(job)
    sink = story.scanner.session.sink
    assert sink is not None
    sink.image_started()
    sink.image_data(b"one")
    sink.page_scanned()
    assert story.state(job) == "Processing JobScanning 1"
    sink.page_scanned()
    sink.image_done()
    assert story.take(asked).data == b"one"
    assert story.state(job) == "Completed None 2"


@pytest.mark.conformance(217)
def test_a_file_that_was_cut_short_ends_its_job_with_errors() -> None:
    """The client gets the pages so far, the jam is shown while it does, and the job tells that something is missing."""
    story = Story()
    job = story.queue.create(order(ADF, images=0, kind=Format.PDF_A))
    asked = story.ask(job)
    sink = story.scanner.session.sink
    assert sink is not None
    sink.image_started()
    sink.image_data(b"one")
    sink.page_scanned()
    sink.image_cut_short(ScannerError("jammed", "Paper is jammed."))
    sink.image_done()
    assert [condition.name.value for condition in story.scanner.status.conditions] == ["MediaJam"]
    assert story.state(job) == "Processing JobTransferring 1"
    assert story.take(asked).data == b"one"
    assert story.state(job) == "Completed JobCompletedWithErrors 1"
    assert story.scanner.status.state.value == "Stopped"


def test_a_feeder_that_is_empty_from_the_start_ends_the_job_with_errors() -> None:
    """An empty feeder before any image is NoImagesAvailable, and the job is Aborted."""
    story = Story()
    job = story.queue.create(order(ADF, images=0))
    asked = story.ask(job)
    story.scanner.session.fail("no-documents")
    failure_result_of(asked, NoImagesAvailable)
    assert story.state(job) == "Aborted JobCompletedWithErrors 0"


@pytest.mark.conformance(197)
def test_strangers_get_nothing() -> None:
    """An unknown number is JobNotFound and a wrong token InvalidJobToken, and neither disturbs the job."""
    story = Story()
    job = story.queue.create(order())
    with pytest.raises(JobNotFound):
        story.queue.retrieve(4711, job.token, "d")
    with pytest.raises(InvalidJobToken):
        story.queue.retrieve(job.id, job.token[:-1], "d")
    with pytest.raises(InvalidJobToken):
        story.queue.retrieve(job.id, "ü", "d")
    assert story.state(job) == "Pending None 0"


@pytest.mark.conformance(208)
def test_a_second_request_for_one_image_is_refused() -> None:
    """While an image is being delivered, another RetrieveImage of the same job is not possible now."""
    story = Story()
    job = story.queue.create(order())
    story.ask(job)
    with pytest.raises(NotPossibleNow):
        story.ask(job)


@pytest.mark.conformance(241, 222)
def test_the_second_client_waits_for_the_scanner() -> None:
    """One job drives the scanner; another client's request is held, its job Pending, until the first job is over."""
    story = Story()
    first = story.queue.create(order())
    second = story.queue.create(order(owner="192.0.2.2"))
    asked_first = story.ask(first)
    asked_second = story.ask(second)
    assert [(status.id, status.state.value) for status in story.queue.active] == [(1, "Processing"), (2, "Pending")]
    assert len(story.scanner.sessions) == 1
    story.scanner.session.page()
    story.take(asked_first)
    assert story.state(first) == "Completed None 1"
    assert story.state(second) == "Processing JobScanning 0"
    story.scanner.session.page(b"second")
    assert story.take(asked_second).data == b"second"


def test_the_scanner_goes_to_those_who_come_for_it() -> None:
    """Jobs get the scanner in the order of their first requests; one whose client stays away holds nobody up."""
    story = Story()
    absent, third, second, first = (story.queue.create(order()) for _ in range(4))
    asked = [story.ask(job) for job in (first, second, third)]
    served = []
    for waiting in asked:
        story.scanner.session.page()
        story.take(waiting)
        served.append(story.queue.history[0].id)
    assert served == [first.id, second.id, third.id]
    assert story.state(absent) == "Pending None 0"


def test_the_next_job_waits_until_the_scanner_is_given_back() -> None:
    """A completed job's successor is started only when the scanner's session is closed."""
    story = Story()
    story.scanner.closes_at_once = False
    first, second = story.queue.create(order()), story.queue.create(order())
    asked = story.ask(first)
    story.ask(second)
    story.scanner.session.page()
    story.take(asked)
    assert story.state(first) == "Completed None 1"
    assert story.state(second) == "Pending None 0"
    closed = story.scanner.session.closed
    assert closed is not None
    closed.callback(None)
    assert story.state(second) == "Processing JobScanning 0"


@pytest.mark.conformance(184, 185)
def test_a_full_queue_takes_no_job_and_leaves_no_trace() -> None:
    """Beyond the limit of waiting jobs an order is NotAcceptingJobs and appears in no list."""
    story = Story(waiting=2)
    for _ in range(3):
        story.queue.create(order())
    with pytest.raises(NotAcceptingJobs):
        story.queue.create(order())
    assert len(story.queue.active) == 3
    story.queue.cancel(1, None)
    assert story.queue.create(order()).id == 4


@pytest.mark.conformance(183, 185)
def test_a_feeder_that_is_known_to_be_empty() -> None:
    """Where a sensor tells, an order for an empty feeder is refused at once and leaves no job; the glass works."""
    story = Story()
    story.scanner.feeder_empty = True
    with pytest.raises(NoImagesAvailable):
        story.queue.create(order(ADF))
    assert story.queue.active == []
    assert story.queue.create(order()).id == 1


def test_a_queue_without_places_takes_one_job_at_a_time() -> None:
    """With a limit of 0 an idle scanner takes a job and a busy one does not."""
    story = Story(waiting=0)
    story.queue.create(order())
    with pytest.raises(NotAcceptingJobs):
        story.queue.create(order())


@pytest.mark.conformance(228, 198)
def test_cancelling_a_waiting_job() -> None:
    """A Pending job that is cancelled passes Terminating and is Canceled; its held request hears JobCancelled."""
    story = Story()
    first, second = story.queue.create(order()), story.queue.create(order())
    story.ask(first)
    held = story.ask(second)
    story.queue.cancel(second.id, "192.0.2.1")
    story.clock.advance(CANCEL_GRACE_S)
    failure_result_of(held, JobCancelled)
    assert story.events[-3:] == ["2 Terminating None 0", "2 Canceled None 0", "2 ended"]
    with pytest.raises(JobCancelled):
        story.ask(second)
    assert story.state(first) == "Processing JobScanning 0"


@pytest.mark.conformance(229)
def test_cancelling_a_scanning_job_stops_the_scanner() -> None:
    """A scanning job is Terminating until the scanner is given back, then Canceled; its stream is broken off."""
    story = Story()
    story.scanner.closes_at_once = False
    job = story.queue.create(order())
    asked = story.ask(job)
    session = story.scanner.session
    assert session.sink is not None
    session.sink.image_started()
    consumer, asked_sink = Consumer(), session.sink
    delivery = success_result_of(asked).deliver(consumer)
    story.queue.cancel(job.id, "192.0.2.1")
    assert story.state(job) == "Terminating None 0"
    asked_sink.image_data(b"too late")
    assert consumer.data == b""
    no_result(delivery)
    story.clock.advance(CANCEL_GRACE_S)
    failure_result_of(delivery, JobCancelled)
    story.queue.cancel(job.id, "192.0.2.1")
    assert session.closed is not None
    session.closed.callback(None)
    assert story.state(job) == "Canceled None 0"
    with pytest.raises(JobNotFound):
        story.queue.cancel(job.id, "192.0.2.1")


@pytest.mark.conformance(230, 232)
def test_only_the_owner_and_this_machine_cancel() -> None:
    """A stranger's cancel is JobNotFound; the owner, loopback and the device may; the device is named as reason."""
    story = Story()
    jobs = [story.queue.create(order()) for _ in range(3)]
    with pytest.raises(JobNotFound):
        story.queue.cancel(jobs[0].id, "192.0.2.99")
    with pytest.raises(JobNotFound):
        story.queue.cancel(jobs[0].id, "no address")
    story.queue.cancel(jobs[0].id, "::1")
    story.queue.cancel(jobs[1].id, "192.0.2.1")
    story.queue.cancel(jobs[2].id, None)
    reasons = {status.id: status.reasons[0].value for status in story.queue.history}
    assert reasons == {1: "None", 2: "None", 3: "JobCanceledAtDevice"}


@pytest.mark.conformance(229, 232)
def test_cancelling_while_the_scanner_opens() -> None:
    """A job that is cancelled while its scanner is being opened ends when the opening does."""
    story = Story()
    story.scanner.opens_at_once = False
    job = story.queue.create(order())
    asked = story.ask(job)
    assert story.state(job) == "Started None 0"
    story.queue.cancel(job.id, None)
    assert story.scanner.openings[-1].called
    story.clock.advance(CANCEL_GRACE_S)
    failure_result_of(asked, JobCancelled)
    assert story.state(job) == "Canceled JobCanceledAtDevice 0"
    assert story.scanner.status.state.value == "Idle"


@pytest.mark.conformance(224)
def test_nobody_comes_for_the_image() -> None:
    """A job without RetrieveImage for its time-out is Aborted with JobTimedOut."""
    story = Story(retrieve_timeout_s=60)
    job = story.queue.create(order())
    story.clock.advance(59.9)
    assert story.state(job) == "Pending None 0"
    story.clock.advance(0.1)
    assert story.state(job) == "Aborted JobTimedOut 0"
    with pytest.raises(JobCancelled):
        story.ask(job)


@pytest.mark.conformance(225, 226)
def test_the_time_out_runs_between_images_only() -> None:
    """The clock of a batch starts when an answer is fully sent, and stands while a request is being answered."""
    story = Story(retrieve_timeout_s=60)
    job = story.queue.create(order(ADF, images=0))
    asked = story.ask(job)
    story.clock.advance(1000)
    assert story.state(job) == "Processing JobScanning 0"
    story.scanner.session.page()
    story.take(asked)
    story.clock.advance(59)
    story.ask(job)
    story.clock.advance(100)
    assert story.state(job) == "Processing JobScanning 1"
    story.scanner.session.page()
    retrieval = story.queue._retrievals[job.id]
    success_result_of(retrieval.deliver(Consumer()))
    retrieval.delivered()
    story.clock.advance(60)
    assert story.state(job) == "Aborted JobTimedOut 2"
    assert story.scanner.session.closed is not None


@pytest.mark.conformance(206)
def test_the_client_goes_away_while_it_is_served() -> None:
    """A connection that breaks during the transfer aborts the job with ImageTransferError and frees the scanner."""
    story = Story()
    job = story.queue.create(order())
    asked = story.ask(job)
    session = story.scanner.session
    assert session.sink is not None
    session.sink.image_started()
    retrieval = success_result_of(asked)
    delivery = retrieval.deliver(Consumer())
    retrieval.abandon()
    failure_result_of(delivery, JobCancelled)
    assert story.state(job) == "Aborted ImageTransferError 0"
    assert session.closed is not None


def test_the_client_goes_away_while_the_scanner_starts() -> None:
    """A request that is dropped before its first byte aborts a job that had the scanner."""
    story = Story()
    job = story.queue.create(order())
    asked = story.ask(job)
    asked.cancel()
    failure_result_of(asked, CancelledError)
    assert story.state(job) == "Aborted ImageTransferError 0"


def test_the_client_goes_away_while_it_waits() -> None:
    """A request that is dropped in the waiting line leaves its job Pending, with a new time-out, for another try."""
    story = Story(retrieve_timeout_s=60)
    first, second = story.queue.create(order()), story.queue.create(order())
    story.ask(first)
    held = story.ask(second)
    held.cancel()
    failure_result_of(held, CancelledError)
    assert story.state(second) == "Pending None 0"
    again = story.ask(second)
    story.scanner.session.page()
    no_result(again)
    story.queue.cancel(first.id, None)
    story.scanner.session.page(b"after all")
    assert story.take(again).data == b"after all"


def test_headers_go_out_when_the_scanner_takes_long() -> None:
    """After the start patience the answer begins without image data, and a later failure breaks the stream."""
    story = Story()
    job = story.queue.create(order())
    asked = story.ask(job)
    story.clock.advance(START_PATIENCE_S - 0.1)
    no_result(asked)
    story.clock.advance(0.1)
    delivery = success_result_of(asked).deliver(Consumer())
    no_result(delivery)
    story.scanner.session.fail("jammed")
    failure_result_of(delivery, NotPossibleNow)
    assert story.state(job) == "Aborted ScannerStopped 0"


def test_headers_go_out_when_the_queue_takes_long() -> None:
    """A held request is answered with headers after the queue patience, and its image follows when its turn comes."""
    story = Story()
    first, second = story.queue.create(order()), story.queue.create(order())
    asked = story.ask(first)
    held = story.ask(second)
    story.clock.advance(QUEUE_PATIENCE_S)
    consumer = Consumer()
    retrieval = success_result_of(held)
    delivery = retrieval.deliver(consumer)
    assert story.state(second) == "Pending None 0"
    story.scanner.session.page()
    story.take(asked)
    story.scanner.session.page(b"late")
    success_result_of(delivery)
    retrieval.delivered()
    assert consumer.data == b"late"
    assert story.state(second) == "Completed None 1"


@pytest.mark.parametrize(("status", "reason"), [("jammed", "MediaJam"), ("cover-open", "CoverOpen")])
@pytest.mark.conformance(244, 245, 247, 248)
def test_what_a_person_can_mend_keeps_the_job(status: str, reason: str) -> None:
    """A jam or open cover before data is a fault; the job waits as ScannerStopped and goes on when it is mended."""
    story = Story()
    job = story.queue.create(order(ADF, images=1))
    asked = story.ask(job)
    story.scanner.session.fail(status)
    failure_result_of(asked, NotPossibleNow)
    assert story.state(job) == "Processing ScannerStopped 0"
    assert story.scanner.status.state.value == "Stopped"
    assert [word.value for word in story.scanner.status.reasons] == [reason]
    asked = story.ask(job)
    story.scanner.session.page()
    story.take(asked)
    assert story.state(job) == "Completed None 1"
    assert story.scanner.status.state.value == "Idle"
    (cleared,) = story.scanner.status.history
    assert (cleared.name.value, cleared.cleared is not None) == (reason, True)


def test_what_nobody_mends_times_out() -> None:
    """A job that waits for a person is given up after its time-out, and the condition is forgotten later."""
    story = Story(retrieve_timeout_s=60)
    job = story.queue.create(order(ADF))
    asked = story.ask(job)
    story.scanner.session.fail("jammed")
    failure_result_of(asked, NotPossibleNow)
    story.clock.advance(59)
    assert story.scanner.status.state.value == "Stopped"
    story.clock.advance(1)
    assert story.state(job) == "Aborted JobTimedOut 0"
    story.clock.advance(CONDITION_MEMORY_S)
    assert story.scanner.status.state.value == "Idle"


@pytest.mark.parametrize("status", ["io-error", "died", "stalled", "gone", "protocol", "no-memory", "a new word"])
def test_a_failed_worker_ends_its_one_job(status: str) -> None:
    """What no person can mend aborts the job with ScannerStopped, tells the client to try again, serves the next."""
    story = Story()
    job, following = story.queue.create(order()), story.queue.create(order())
    asked = story.ask(job)
    held = story.ask(following)
    story.scanner.session.fail(status)
    failure_result_of(asked, TemporaryError)
    assert story.state(job) == "Aborted ScannerStopped 0"
    story.scanner.session.page()
    story.take(held)
    assert story.state(following) == "Completed None 1"
    assert story.scanner.status.state.value == "Idle"


def test_a_scanner_that_another_program_uses() -> None:
    """An opening that is refused as busy is a passing fault, and the same job may try again."""
    story = Story()
    story.scanner.opens_at_once = False
    job = story.queue.create(order())
    asked = story.ask(job)
    story.scanner.refuse("device-busy")
    failure_result_of(asked, TemporaryError)
    assert story.state(job) == "Processing ScannerStopped 0"
    again = story.ask(job)
    story.scanner.let_open()
    story.scanner.session.page()
    story.take(again)
    assert story.state(job) == "Completed None 1"


@pytest.mark.conformance(246)
def test_an_empty_feeder_is_shown_and_stops_nothing() -> None:
    """InputTrayEmpty appears with component ADF, the scanner's state stays usable, and paper takes it back."""
    story = Story()
    asked = story.ask(story.queue.create(order(ADF, images=0)))
    story.scanner.session.fail("no-documents")
    failure_result_of(asked, NoImagesAvailable)
    (condition,) = story.scanner.status.conditions
    assert (condition.name.value, condition.component.value) == ("InputTrayEmpty", "ADF")
    assert story.scanner.status.state.value == "Idle"
    asked = story.ask(story.queue.create(order(ADF)))
    story.scanner.session.page()
    story.take(asked)
    assert story.scanner.status.conditions == ()


@pytest.mark.conformance(242, 243)
def test_the_scanner_is_processing_while_a_job_has_it() -> None:
    """Pending jobs leave the scanner Idle; one that has it makes it Processing until it is given back."""
    story = Story()
    job = story.queue.create(order())
    assert story.scanner.status.state.value == "Idle"
    asked = story.ask(job)
    assert story.scanner.status.state.value == "Processing"
    story.scanner.session.page()
    story.take(asked)
    assert story.scanner.status.state.value == "Idle"


@pytest.mark.conformance(223)
def test_the_history_is_bounded() -> None:
    """Only the newest finished jobs are remembered; older ones are unknown."""
    story = Story(history=2)
    jobs = [story.queue.create(order()) for _ in range(3)]
    for job in jobs:
        story.queue.cancel(job.id, None)
    assert [status.id for status in story.queue.history] == [3, 2]
    with pytest.raises(JobNotFound):
        story.queue.job(1)


@pytest.mark.conformance(240)
def test_an_altered_ticket_is_told_at_the_end() -> None:
    """A job whose values were changed against its ticket completes with JobCompletedWithWarnings."""
    from dataclasses import replace

    story = Story()
    job = story.queue.create(replace(order(), altered=True))
    asked = story.ask(job)
    story.scanner.session.page()
    story.take(asked)
    assert story.state(job) == "Completed JobCompletedWithWarnings 1"


@pytest.mark.conformance(239)
def test_times_of_a_job() -> None:
    """JobCompletedTime is absent before the end and not earlier than JobCreatedTime afterwards."""
    story = Story()
    job = story.queue.create(order())
    assert job.status.completed is None
    story.clock.advance(5)
    story.queue.cancel(job.id, None)
    assert job.status.completed is not None
    assert (job.status.completed - job.status.created).total_seconds() == 5


def test_the_daemon_stops() -> None:
    """Stopping aborts every job with ScannerStopped, takes no more, and waits for the scanner."""
    story = Story()
    story.scanner.closes_at_once = False
    first, second = story.queue.create(order()), story.queue.create(order())
    asked, held = story.ask(first), story.ask(second)
    stopped = story.queue.stop()
    failure_result_of(asked, JobCancelled)
    failure_result_of(held, JobCancelled)
    no_result(stopped)
    with pytest.raises(NotAcceptingJobs):
        story.queue.create(order())
    closed = story.scanner.session.closed
    assert closed is not None
    closed.callback(None)
    success_result_of(stopped)
    assert [status.state.value for status in story.queue.history] == ["Aborted", "Aborted"]
    assert story.clock.getDelayedCalls() == []


def test_a_daemon_that_stops_begins_nothing() -> None:
    """A job that waits in line does not get the scanner that stopping has freed, not even for a moment."""
    story = Story()
    first, second = story.queue.create(order()), story.queue.create(order())
    asked, held = story.ask(first), story.ask(second)
    success_result_of(story.queue.stop())
    failure_result_of(asked, JobCancelled)
    failure_result_of(held, JobCancelled)
    assert story.events[-5:] == [
        "2 Aborted ScannerStopped 0",
        "2 ended",
        "1 Terminating ScannerStopped 0",
        "1 Aborted ScannerStopped 0",
        "1 ended",
    ]
    assert len(story.scanner.sessions) == 1
