"""One scanner on the network: its identity, metadata, worker, queue and service, wired together."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from bridge.discovery.endpoints import DeviceEndpoint, ServiceUrlEndpoint
from bridge.discovery.target import Target, TargetDevice
from bridge.dpws.expiry import TermRules
from bridge.dpws.metadata import Metadata
from bridge.dpws.notifier import Poster
from bridge.dpws.sinks import SinkRules
from bridge.dpws.subscriptions import EventSource
from bridge.errors import Refusal
from bridge.finder import Found
from bridge.http.resources import SoapResource, Tree, Visited
from bridge.http.trace import WireTrace
from bridge.identity import Enrolled, Identity
from bridge.imaging.formats import FORMAT_COLORS, fits
from bridge.jobs.job import Job
from bridge.jobs.queue import JobQueue, QueueLimits
from bridge.jobs.tally import Tally
from bridge.scanner.buttons import ButtonWatch
from bridge.scanner.model import Capabilities, ColorMode, Format, InputSource
from bridge.scanner.status import ScannerStatus, StateReason
from bridge.scanner.supervisor import SupervisedScanner
from bridge.settings import Scanner as ScannerSettings
from bridge.settings import Settings
from bridge.soap.dispatch import FaultStatus
from bridge.wsscan.configuration import ScannerNames
from bridge.wsscan.destinations import Destination, Destinations
from bridge.wsscan.events import EVENT_ACTIONS, ElementChanges, ScanEvents
from bridge.wsscan.press import Presses
from bridge.wsscan.purpose import assigned_purposes, known_purposes, purpose_of_button
from bridge.wsscan.service import ScanService
from bridge.wsscan.trial import trial_ticket


def utc_now() -> datetime:
    """The time that every scanner's status and every job tells."""
    return datetime.now(UTC)


def clock_is_synchronised() -> bool:
    """Whether the clock follows the network's time: a board without a battery starts in the past."""
    return Path("/run/systemd/timesync/synchronized").exists()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all scanners of a daemon share; `poster` delivers events, `visited` hears who asked for what."""

    settings: Settings
    identity: Identity
    target: Target
    hostname: str
    trace: WireTrace
    sinks: SinkRules
    poster: Poster
    visited: Visited = lambda client, agent, action, status: None


class ServedScanner:
    """Everything of one scanner, from its identity to its place in the URL tree."""

    log = Logger()

    def __init__(self, found: Found, enrolled: Enrolled, capabilities: Capabilities, around: Surroundings) -> None:
        settings = around.settings
        self.virtual = found.virtual
        self.quirks_from = found.quirks_from
        if found.quirks_from:
            self.log.info("{title}: quirks from {files}", title=enrolled.title, files=", ".join(found.quirks_from))
        self.enrolled = enrolled
        self.metadata = Metadata(
            enrolled, around.hostname, name=settings.scanner.name, host_section=settings.interop.host_section
        )
        self.status = ScannerStatus(utc_now)
        self.buttons = ButtonWatch(
            found.device.name, self.metadata.friendly_name, found.spawner.clock, self._button_pressed
        )
        self.scanner = SupervisedScanner(
            found.device,
            self.metadata.friendly_name,
            capabilities,
            self.status,
            found.spawner.clock,
            lambda: found.spawner.worker(enrolled.title),
            start_timeout_s=settings.scanner.start_timeout_s,
            read_timeout_s=settings.scanner.read_timeout_s,
            buttons=self.buttons,
            quirks=found.quirks,
            spool_limit=settings.jobs.spool_limit_mb * 1_000_000,
        )
        self.watch_buttons(settings.scanner)
        limits = QueueLimits(settings.jobs.retrieve_timeout_s, settings.jobs.queue_limit, settings.jobs.history_limit)
        self.queue = JobQueue(self.scanner, found.spawner.clock, utc_now, around.identity.reserve_job_id, limits)
        self.destinations = Destinations(found.spawner.clock)
        self.events = EventSource(
            EVENT_ACTIONS,
            around.poster,
            found.spawner.clock,
            TermRules(time.time, clock_is_synchronised),
            around.sinks,
            self.destinations,
        )
        self.presses = Presses(self.destinations, self.events.send, found.spawner.clock, settings.push.destination)
        # What the settings say of a button counts more than what is known of the scanner.
        assigned = assigned_purposes(settings.push.buttons, enrolled.title)
        self._assigned = {**known_purposes(found.quirks.buttons), **assigned}
        told = ScanEvents(self.events.publish)
        self.tally = Tally()
        self.queue.observe(told)
        self.queue.observe(self.tally)
        self.status.observe(told)
        device = DeviceEndpoint(self.metadata, around.target)
        self._service = ScanService(
            self.scanner,
            self.queue,
            self._names(settings.scanner.location),
            FORMAT_COLORS,
            fits=partial(
                fits,
                spool_limit=settings.jobs.spool_limit_mb * 1_000_000,
                backs_turned=found.quirks.backs_turned or found.quirks.backs_last,
            ),
            dib_file_header=settings.interop.dib_file_header,
            push=self.presses,
            extensions=[self.events, ServiceUrlEndpoint(device)],
        )
        self._changes = ElementChanges(self.events.publish, self._service.sections())
        fault_status = cast(FaultStatus, settings.interop.fault_status)
        self._device_resource = SoapResource(
            device, fault_status=fault_status, trace=around.trace, visited=around.visited
        )
        self._service_resource = SoapResource(
            self._service, fault_status=fault_status, trace=around.trace, visited=around.visited
        )
        self.target_device = TargetDevice(
            enrolled.uuid,
            self.metadata.device_path,
            around.identity.metadata_version(enrolled.uuid, self.metadata.digest),
        )

    def start(self, tree: Tree) -> None:
        """Answer at its URLs, with a worker that warms up."""
        tree.add_device(self.enrolled.uuid, self._device_resource, self._service_resource)
        self.scanner.start()

    def press(self, destination: str | None) -> Destination:
        """Do as if the scanner's button was pressed; `destination` is a name, None for the usual one.

        Raises UnknownDestination or NoDestination.
        """
        return self.presses.press(destination, self.scanner.loaded_source())

    def order_test(
        self, source: InputSource, color: ColorMode, resolution: int, format_: Format, owner: str
    ) -> Job:
        """Put a scan of one image into the queue, as a client's CreateScanJob would; `owner` is who asked for it.

        Raises what CreateScanJob refuses: TemporaryError, NotAcceptingJobs, NoImagesAvailable, FormatNotSupported.
        """
        return self.queue.create(self._service.order(trial_ticket(source, color, resolution, format_), owner))

    def move_to(self, location: str) -> None:
        """The scanner stands at `location` now: whoever has subscribed is told (checklist 288)."""
        self._service.rename(self._names(location))
        self._changes.check()

    def _names(self, location: str) -> ScannerNames:
        return ScannerNames(self.metadata.friendly_name, info=self.enrolled.title, location=location)

    def watch_buttons(self, settings: ScannerSettings) -> None:
        """Watch the scanner's own buttons from now on, or leave them alone, as `settings` say."""
        self._look_s = 1 / settings.button_poll_hz if settings.buttons else None
        self.buttons.switch(self._look_s)

    def spare_buttons(self, spare: bool) -> None:
        """Whether the buttons are left alone for a while, because they would keep others from opening the scanner."""
        self.buttons.switch(None if spare else self._look_s)

    def _button_pressed(self, button: str) -> None:
        """Somebody stands at the scanner: tell the PC that it is for."""
        purpose = purpose_of_button(button, self._assigned)
        if purpose is None:
            self.log.info("the button {button!r} starts no scan", button=button)
            return
        try:
            self.presses.press(None, self.scanner.loaded_source(), purpose)
        except Refusal as error:
            told = "the button {button!r} was pressed and nobody was told: {error}"
            self.log.warn(told, button=button, error=str(error))

    def adopt(self, capabilities: Capabilities) -> bool:
        """Offer `capabilities` from now on; whether subscribers had to be told of a change (checklist 288)."""
        self.scanner.adopt(capabilities)
        return self._changes.check()

    def stop(self, tree: Tree, why: Refusal | None = None) -> Deferred[None]:
        """End its jobs, its worker and its subscriptions, then leave the URL tree. Fires when no process is left.

        `why` tells clients what has become of the scanner; None: the daemon ends.
        """
        if why is not None:
            self.status.stop(_GONE, StateReason.ATTENTION_REQUIRED)
        # The worker is dismissed at the same time, so that no fresh one is started for a scanner that is leaving.
        ended: Deferred[Any] = DeferredList([self.queue.stop(why), self.scanner.stop()], consumeErrors=True)
        ended.addCallback(lambda _done: self.events.close(reason="stopping" if why is None else str(why)))
        ended.addCallback(lambda _done: tree.remove_device(self.enrolled.uuid))
        return ended


_GONE = "gone"
"""Who stops the status of a scanner that is taken off the network."""
