"""The events of the scan service: their bodies, when they are sent and in which order."""

from __future__ import annotations

import dataclasses
from itertools import count

import pytest
from lxml import etree

from bridge.jobs.job import Job
from bridge.jobs.queue import JobQueue, QueueLimits
from bridge.jobs.states import JobReason, JobState, JobStatus
from bridge.scanner.model import Format, InputSource
from bridge.scanner.status import Component, ConditionName, Severity, StateReason
from bridge.soap import namespaces as ns
from bridge.soap.envelope import Element, write_envelope
from bridge.wsscan.events import (
    EVENT_ACTIONS,
    ElementChanges,
    ScanEvents,
    condition_cleared_event,
    condition_event,
    elements_change_event,
    job_end_state_event,
    job_status_event,
    scan_available_event,
    status_summary_event,
)
from tests.deferreds import success_result_of
from tests.fakes.event_bench import SINK, EventBench, delivery, filter_of
from tests.fakes.event_bench import action as action_of
from tests.fakes.scan_service import MULTI_FUNCTION, ScanServiceBench, names, text, texts
from tests.fakes.scripted_scanner import START, ScriptedScanner, order, utc
from tests.schema.tables import SCAN_EVENTS
from tests.unit.jobs.story import Consumer

NOW = "2026-01-02T03:04:05.000Z"

RUNNING = JobStatus(7, "letters", "ada", JobState.PROCESSING, (JobReason.JOB_SCANNING,), 2, START)
ENDED = dataclasses.replace(RUNNING, state=JobState.COMPLETED, reasons=(JobReason.NONE,), completed=START)


class Published:
    """Takes events as an event source does; every body must be valid in an envelope."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Element, str | None]] = []

    def __call__(self, action: str, body: Element, topic: str | None = None) -> None:
        sent(action, body)
        self.events.append((action, body, topic))

    @property
    def names(self) -> list[str]:
        return [action.rpartition("/")[2] for action, _, _ in self.events]

    def bodies(self, name: str) -> list[Element]:
        return [body for action, body, _ in self.events if action == action_of(name)]


def sent(action: str, body: Element) -> Element:
    """The body as it arrives: written, checked, read again."""
    written = etree.fromstring(write_envelope(action, etree.fromstring(etree.tostring(body)), to=SINK))
    arrived: Element = written[-1][0]
    return arrived


def arrived(body: Element) -> Element:
    """The body of an event after its way through an envelope whose action is that of its name."""
    return sent(f"{ns.WSCN}/{ns.local_name(str(body.tag))}", body)


# -- bodies --------------------------------------------------------------------------------------


def test_the_events_are_those_of_the_standard() -> None:
    """There are seven events, each with its action in the scan service's namespace."""
    assert [action.rpartition("/") for action in EVENT_ACTIONS] == [(ns.WSCN, "/", name) for name in SCAN_EVENTS]


@pytest.mark.conformance(277, 278)
@pytest.mark.parametrize("source", InputSource)
def test_scan_available_has_context_identifier_and_source(source: InputSource) -> None:
    """ClientContext, then ScanIdentifier, then InputSource."""
    body = arrived(scan_available_event("Scan", "42", source))
    assert [(ns.local_name(str(child.tag)), child.text) for child in body] == [
        ("ClientContext", "Scan"),
        ("ScanIdentifier", "42"),
        ("InputSource", source.value),
    ]


@pytest.mark.conformance(281)
def test_job_status_has_its_children_in_order() -> None:
    """JobStatusEvent holds one JobStatus; JobCompletedTime is there once the job is over."""
    status = arrived(job_status_event(RUNNING))[0]
    assert names(status) == ["JobId", "JobState", "JobStateReasons", "ScansCompleted", "JobCreatedTime"]
    assert text(status, "JobStateReasons/JobStateReason") == "JobScanning"
    over = arrived(job_status_event(ENDED))[0]
    assert names(over) == [*names(status), "JobCompletedTime"]
    assert text(over, "JobCompletedTime") == NOW


@pytest.mark.conformance(284)
def test_job_end_state_has_its_children_in_order() -> None:
    """JobEndStateEvent holds JobEndState in schema order with at least one reason, and the ticket's names exactly."""
    ended = dataclasses.replace(ENDED, name="  <b>\r\n\U0001f5a8 ", user="A\\ada & co")
    state = arrived(job_end_state_event(ended))[0]
    assert names(state) == [
        "JobId", "JobCompletedState", "JobCompletedStateReasons", "JobName", "JobOriginatingUserName",
        "ScansCompleted", "JobCompletedTime",
    ]  # fmt: skip
    assert texts(state, "JobCompletedStateReasons/JobStateReason") == ["None"]
    assert text(state, "JobName") == "  <b>\r\n\U0001f5a8 "
    assert text(state, "JobOriginatingUserName") == "A\\ada & co"
    no_reason = dataclasses.replace(ended, reasons=())
    assert texts(arrived(job_end_state_event(no_reason))[0], "JobCompletedStateReasons/JobStateReason") == ["None"]


@pytest.mark.conformance(285, 286, 287)
def test_status_events_have_their_children_in_order() -> None:
    """StatusSummary, DeviceCondition with its Id, and DeviceConditionCleared with the same id."""
    scanner = EventfulScanner()
    status = scanner.status
    condition = status.add(ConditionName.MEDIA_JAM, Component.ADF, Severity.CRITICAL)
    summary = arrived(status_summary_event(status))[0]
    assert ns.local_name(str(summary.tag)) == "StatusSummary"
    assert names(summary) == ["ScannerState", "ScannerStateReasons"]
    assert texts(summary, "ScannerStateReasons/ScannerStateReason") == ["MediaJam"]
    shown = arrived(condition_event(condition))[0]
    assert ns.local_name(str(shown.tag)) == "DeviceCondition"
    assert dict(shown.attrib) == {"Id": str(condition.id)}
    assert [child.text for child in shown] == [NOW, "MediaJam", "ADF", "Critical"]
    assert names(shown) == ["Time", "Name", "Component", "Severity"]
    scanner.clock.advance(90)
    status.clear()
    cleared = arrived(condition_cleared_event(status.history[-1]))[0]
    assert ns.local_name(str(cleared.tag)) == "DeviceConditionCleared"
    assert [(ns.local_name(str(child.tag)), child.text) for child in cleared] == [
        ("ConditionId", str(condition.id)),
        ("ConditionClearTime", "2026-01-02T03:05:35.000Z"),
    ]


# -- what jobs and scanner cause -----------------------------------------------------------------


class EventfulScanner:
    """A queue and a scanner whose changes become events."""

    def __init__(self) -> None:
        self.published = Published()
        events = ScanEvents(self.published)
        self.bench = EventBench()
        self.clock = self.bench.clock
        self.scanner = ScriptedScanner(self.clock)
        self.status = self.scanner.status
        ids = count(1)
        self.queue = JobQueue(self.scanner, self.clock, lambda: utc(self.clock), lambda: next(ids), QueueLimits())
        self.queue.observe(events)
        self.status.observe(events)

    def job_states(self) -> list[str]:
        """State, reason and count of each JobStatusEvent, and the end, in the order of the events."""
        told = []
        for action, body, _ in self.published.events:
            if action == action_of("JobStatusEvent"):
                paths = ("JobStatus/JobState", "JobStatus/JobStateReasons/JobStateReason", "JobStatus/ScansCompleted")
                told.append(" ".join(text(body, path) for path in paths))
            elif action == action_of("JobEndStateEvent"):
                told.append(f"end {text(body, 'JobEndState/JobCompletedState')}")
        return told


@pytest.fixture
def eventful() -> EventfulScanner:
    return EventfulScanner()


def scan(eventful: EventfulScanner, job: Job) -> None:
    """Fetch one page of `job`."""
    asked = eventful.queue.retrieve(job.id, job.token, "page")
    eventful.scanner.session.page(b"bytes")
    retrieval = success_result_of(asked)
    success_result_of(retrieval.deliver(Consumer()))
    retrieval.delivered()


@pytest.mark.conformance(281, 282, 283)
def test_a_job_tells_every_change_then_its_end(eventful: EventfulScanner) -> None:
    """The first JobStatusEvent shows Started, each change has one, and JobEndStateEvent is the last."""
    scan(eventful, eventful.queue.create(order(images=0)))
    assert eventful.job_states() == [
        "Started None 0",
        "Processing JobScanning 0",
        "Processing JobScanning 1",
        "Processing JobTransferring 1",
        "Completed None 1",
        "end Completed",
    ]


@pytest.mark.conformance(281, 283)
def test_a_job_that_never_started_tells_its_end(eventful: EventfulScanner) -> None:
    """A job cancelled while it waits still has a terminal JobStatusEvent and one JobEndStateEvent."""
    job = eventful.queue.create(order())
    assert eventful.published.names == []
    eventful.queue.cancel(job.id, job.order.owner)
    assert eventful.job_states()[-2:] == ["Canceled None 0", "end Canceled"]
    assert eventful.published.names.count("JobEndStateEvent") == 1


@pytest.mark.conformance(285)
def test_the_summary_follows_the_scanner(eventful: EventfulScanner) -> None:
    """Processing at the start of a job and Idle at its end are one ScannerStatusSummaryEvent each."""
    scan(eventful, eventful.queue.create(order(images=0)))
    bodies = eventful.published.bodies("ScannerStatusSummaryEvent")
    assert [text(body, "StatusSummary/ScannerState") for body in bodies] == ["Processing", "Idle"]


@pytest.mark.conformance(285, 286, 287)
def test_a_condition_comes_and_goes(eventful: EventfulScanner) -> None:
    """A jam is a condition and a stop, its end is a cleared condition of the same id and an idle scanner."""
    condition = eventful.status.add(ConditionName.MEDIA_JAM, Component.ADF, Severity.CRITICAL)
    assert eventful.published.names == ["ScannerStatusConditionEvent", "ScannerStatusSummaryEvent"]
    eventful.status.clear(ConditionName.MEDIA_JAM)
    assert eventful.published.names[2:] == ["ScannerStatusConditionClearedEvent", "ScannerStatusSummaryEvent"]
    (cleared,) = eventful.published.bodies("ScannerStatusConditionClearedEvent")
    assert text(cleared, "DeviceConditionCleared/ConditionId") == str(condition.id)
    states = [
        text(body, "StatusSummary/ScannerState") for body in eventful.published.bodies("ScannerStatusSummaryEvent")
    ]
    assert states == ["Stopped", "Idle"]


@pytest.mark.conformance(285)
def test_a_change_of_reasons_alone_is_told(eventful: EventfulScanner) -> None:
    """A busy scanner that warms its lamp tells so, and tells when it is done."""
    eventful.status.busy(True)
    eventful.status.working(StateReason.LAMP_WARMING)
    eventful.status.working(StateReason.LAMP_WARMING)
    eventful.status.working(StateReason.NONE)
    reasons = "StatusSummary/ScannerStateReasons/ScannerStateReason"
    bodies = eventful.published.bodies("ScannerStatusSummaryEvent")
    assert [texts(body, reasons) for body in bodies] == [["None"], ["LampWarming"], ["None"]]


def test_only_the_middle_of_a_job_may_be_thinned_out(eventful: EventfulScanner) -> None:
    """Under overflow Started, the end state and everything that is no JobStatusEvent is kept."""
    eventful.status.add(ConditionName.INPUT_TRAY_EMPTY, Component.ADF, Severity.INFORMATIONAL)
    scan(eventful, eventful.queue.create(order(images=0)))
    by_topic = [
        (action.rpartition("/")[2], topic)
        for action, _, topic in eventful.published.events
        if topic is not None or not action.endswith(("SummaryEvent", "ConditionEvent", "ClearedEvent"))
    ]
    assert by_topic == [
        ("JobStatusEvent", None),
        ("JobStatusEvent", "job 1"),
        ("JobStatusEvent", "job 1"),
        ("JobStatusEvent", "job 1"),
        ("JobStatusEvent", None),
        ("JobEndStateEvent", None),
    ]


@pytest.mark.conformance(289, 283, 272)
def test_subscribers_get_the_events_of_their_filters() -> None:
    """A job of a real queue reaches each subscriber as its filter says, in order, while a dead one holds nothing up."""
    eventful = EventfulScanner()
    bench = eventful.bench
    bench.poster.silent.add(f"{SINK}/dead")
    bench.subscribe(delivery(f"{SINK}/dead"))
    bench.subscribe(delivery(f"{SINK}/ends"), filter_of(action_of("JobEndStateEvent")))
    bench.subscribe(delivery(f"{SINK}/jobs"), filter_of(action_of("JobStatusEvent"), action_of("JobEndStateEvent")))
    eventful.queue.observe(ScanEvents(bench.source.publish))
    scan(eventful, eventful.queue.create(order(images=0)))
    bench.clock.pump([0] * 10)
    posts = bench.poster.take()
    assert [post.event for post in posts if post.url == f"{SINK}/ends"] == ["JobEndStateEvent"]
    jobs = [post.event for post in posts if post.url == f"{SINK}/jobs"]
    assert jobs == ["JobStatusEvent"] * 5 + ["JobEndStateEvent"]
    assert [post.event for post in posts if post.url == f"{SINK}/dead"] == ["JobStatusEvent"]


# -- changes of the scanner ----------------------------------------------------------------------


@pytest.mark.conformance(288)
def test_changed_sections_are_sent_whole_and_alone() -> None:
    """When the formats change, configuration and default ticket come complete, the description does not come."""
    bench = ScanServiceBench(MULTI_FUNCTION)
    published = Published()
    changes = ElementChanges(published, bench.service.sections())
    assert not changes.check()
    bench.scanner.capabilities = dataclasses.replace(MULTI_FUNCTION, formats=(Format.PNG, Format.DIB))
    assert changes.check()
    assert not changes.check()
    (body,) = published.bodies("ScannerElementsChangeEvent")
    (element_changes,) = body
    assert names(element_changes) == ["ScannerConfiguration", "DefaultScanTicket"]
    sections = bench.service.sections()
    for section in element_changes:
        assert etree.tostring(section) == etree.tostring(sections[ns.local_name(str(section.tag))]())


@pytest.mark.conformance(288)
def test_a_feeder_that_is_gone_is_missing_from_its_section() -> None:
    """What is no longer supported is left out of a section that is complete otherwise."""
    bench = ScanServiceBench(MULTI_FUNCTION)
    published = Published()
    changes = ElementChanges(published, bench.service.sections())
    bench.scanner.capabilities = dataclasses.replace(MULTI_FUNCTION, adf_front=None, adf_back=None)
    assert changes.check()
    (body,) = published.bodies("ScannerElementsChangeEvent")
    assert names(body[0]) == ["ScannerConfiguration"]
    assert names(body[0][0]) == ["DeviceSettings", "Platen"]


def test_sections_stand_in_the_order_of_the_schema() -> None:
    """Description, configuration, default ticket, in whatever order they are given; status is never among them."""
    sections = ScanServiceBench(MULTI_FUNCTION).service.sections()
    built = {name: sections[name]() for name in reversed(sections)}
    body = arrived(elements_change_event(built))
    assert names(body[0]) == ["ScannerDescription", "ScannerConfiguration", "DefaultScanTicket"]
