"""The seven events of the scan service: their bodies, and when they are sent (eventing.md 8, wsd-scan.md 11.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from lxml import etree

from bridge.jobs.job import Job, JobObserver
from bridge.jobs.states import JobState, JobStatus
from bridge.scanner.model import InputSource
from bridge.scanner.status import Condition, ScannerStatus, StatusObserver
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Element
from bridge.wsscan.condition import device_condition, status_summary
from bridge.wsscan.summaries import job_end_state, job_status, utc

EVENT_NAMES = (
    "ScanAvailableEvent",
    "ScannerElementsChangeEvent",
    "ScannerStatusSummaryEvent",
    "ScannerStatusConditionEvent",
    "ScannerStatusConditionClearedEvent",
    "JobStatusEvent",
    "JobEndStateEvent",
)

EVENT_ACTIONS = tuple(f"{ns.WSCN}/{name}" for name in EVENT_NAMES)
"""The actions of all events (wsd-scan.md 2)."""

CHANGING_SECTIONS = ("ScannerDescription", "ScannerConfiguration", "DefaultScanTicket")
"""What ScannerElementsChangeEvent can carry, in its order."""


class Publish(Protocol):
    """Sends an event to every subscriber that wants it."""

    def __call__(self, action: str, body: Element, topic: str | None = None) -> None:
        """`topic` names what a later event of the same topic makes superfluous, should a subscriber be too slow."""


def scan_available_event(context: str, identifier: str, source: InputSource) -> Element:
    """ScanAvailableEvent for one destination (checklist 277, 278)."""
    element: Element = WSCN_E(
        "ScanAvailableEvent",
        WSCN_E("ClientContext", context),
        WSCN_E("ScanIdentifier", identifier),
        WSCN_E("InputSource", source.value),
    )
    return element


def elements_change_event(sections: Mapping[str, Element]) -> Element:
    """ScannerElementsChangeEvent with the complete `sections`, which are named by CHANGING_SECTIONS (checklist 288)."""
    changed = [sections[name] for name in CHANGING_SECTIONS if name in sections]
    element: Element = WSCN_E("ScannerElementsChangeEvent", WSCN_E("ElementChanges", *changed))
    return element


def status_summary_event(status: ScannerStatus) -> Element:
    """ScannerStatusSummaryEvent with the state as it is now (checklist 285)."""
    element: Element = WSCN_E("ScannerStatusSummaryEvent", WSCN_E("StatusSummary", *status_summary(status)))
    return element


def condition_event(condition: Condition) -> Element:
    """ScannerStatusConditionEvent (checklist 286)."""
    element: Element = WSCN_E("ScannerStatusConditionEvent", device_condition(condition))
    return element


def condition_cleared_event(condition: Condition) -> Element:
    """ScannerStatusConditionClearedEvent of a condition that is over (checklist 287)."""
    element: Element = WSCN_E(
        "ScannerStatusConditionClearedEvent",
        WSCN_E(
            "DeviceConditionCleared",
            WSCN_E("ConditionId", str(condition.id)),
            WSCN_E("ConditionClearTime", utc(condition.cleared or condition.time)),
        ),
    )
    return element


def job_status_event(status: JobStatus) -> Element:
    """JobStatusEvent (checklist 281)."""
    element: Element = WSCN_E("JobStatusEvent", job_status(status))
    return element


def job_end_state_event(status: JobStatus) -> Element:
    """JobEndStateEvent of a job that is over (checklist 283, 284)."""
    element: Element = WSCN_E("JobEndStateEvent", job_end_state(status))
    return element


class ScanEvents(JobObserver, StatusObserver):
    """Turns what jobs and scanner report into events for everybody."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    def job_changed(self, status: JobStatus) -> None:
        """A JobStatusEvent for every change; only those between the first and the last may be thinned out."""
        decisive = status.state.terminal or status.state is JobState.STARTED
        self._send(job_status_event(status), None if decisive else f"job {status.id}")

    def job_ended(self, job: Job) -> None:
        """The one JobEndStateEvent of a job."""
        self._send(job_end_state_event(job.status))

    def summary_changed(self, status: ScannerStatus) -> None:
        """State or reasons have changed."""
        self._send(status_summary_event(status))

    def condition_added(self, condition: Condition) -> None:
        """Something is the matter."""
        self._send(condition_event(condition))

    def condition_cleared(self, condition: Condition) -> None:
        """It is over."""
        self._send(condition_cleared_event(condition))

    def _send(self, body: Element, topic: str | None = None) -> None:
        self._publish(f"{ns.WSCN}/{ns.local_name(str(body.tag))}", body, topic)


class ElementChanges:
    """Compares the scanner's sections with what they were, and tells of those that have changed.

    `sections` builds each section by its name; names that no event carries are passed over.
    """

    def __init__(self, publish: Publish, sections: Mapping[str, Callable[[], Element]]) -> None:
        self._publish = publish
        self._sections = {name: sections[name] for name in CHANGING_SECTIONS if name in sections}
        self._known = {name: etree.tostring(build()) for name, build in self._sections.items()}

    def check(self) -> bool:
        """Send ScannerElementsChangeEvent if anything has changed since the last look; whether it has."""
        changed: dict[str, Element] = {}
        for name, build in self._sections.items():
            element = build()
            written = etree.tostring(element)
            if written != self._known[name]:
                self._known[name] = written
                changed[name] = element
        if changed:
            self._publish(f"{ns.WSCN}/ScannerElementsChangeEvent", elements_change_event(changed))
        return bool(changed)
