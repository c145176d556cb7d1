"""`scanbridge scan`: from a scanner on the network to a file, the way Windows does it.

Find the scanner, ask what it can do, check the ticket, make the job, fetch its images, tell what became of it. A job
that does not end well is cancelled, so that the scanner is free for others.
"""

from __future__ import annotations

import getpass
import json
import sys
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from bridge.client.choice import pick
from bridge.client.device import Found, find_url
from bridge.client.discover import NOTHING_ANSWERED, sight
from bridge.client.errors import BadAnswer, NoAnswer, ScanFailed, ServiceFault
from bridge.client.http import SoapClient, make_client
from bridge.client.job import Job, Outcome, ScanService
from bridge.client.local import local_scanners
from bridge.client.pages import Page, Pages, check_target
from bridge.client.probe import WINDOW_S, Prober, all_interfaces
from bridge.client.progress import Progress
from bridge.client.run import run
from bridge.client.ticket import Ticket, choose, ticket_element
from bridge.client.wishes import Wishes
from bridge.errors import NothingFound
from bridge.settings import Settings

SETTLE_S = 1.0
"""How long the search goes on after the first scanner has answered, in seconds; others answer within half of it."""

_NO_MORE = ("ClientErrorNoImagesAvailable", "ClientErrorJobIdNotFound")
"""How a feeder's end is told; some devices have forgotten the job by then (wsd-scan.md 15)."""

_ADVICE = {
    "ClientErrorNoImagesAvailable": "the feeder is empty; put paper in and scan again",
    "ClientErrorJobCancelled": "the job was cancelled, at the device or from elsewhere, or was given up",
    "ServerErrorNotAcceptingJobs": "the scanner is busy and takes no more jobs; try again in a moment",
    "ClientErrorFormatNotSupported": "the scanner does not deliver this format; try another --format",
}

_WHY = {
    "Terminating": "the device gave the job up",
    "Aborted": "the device gave the job up",
    "Canceled": "the job was cancelled, at the device or from elsewhere",
}
"""What the end of a job means for whoever waited for its image."""

_REASONS = {
    "ScannerStopped": "the scanner failed in the middle of the image",
    "ImageTransferError": "the network failed in the middle of the image",
    "JobCanceledAtDevice": "the job was cancelled at the scanner",
    "JobTimedOut": "the device waited too long for this computer",
    "JobCompletedWithErrors": "the feeder had no more paper in the middle of the image",
}
"""The same, more exactly, by the job's reason (wsd-scan.md 11.1)."""


def scan(
    wishes: Wishes, settings: Settings, *, url: str | None, device: str | None, as_json: bool = False
) -> int:
    """Scan into a file and say what came of it; the result is the exit status.

    Raises BridgeError, also when a person stops it; the job is cancelled then.
    """
    if wishes.output is not None:
        check_target(wishes.output.resolve())
    progress = Progress(sys.stderr, time.monotonic)
    local = [] if url is not None else local_scanners(settings)

    async def work(reactor: Any) -> int:
        client = make_client(reactor)
        search = Search(client, reactor, progress)
        found = await search.find(url, device, local)
        target = wishes.output or Path(f"scan-{datetime.now():%Y%m%d-%H%M%S}")
        tell = (lambda _line: None) if as_json else print
        session = Session(ScanService(client, found.service), target, progress, tell)
        status = await session.run(wishes)
        if as_json:
            print(json.dumps({"scanner": found.name, **session.outcome}, indent=2))
        return status

    try:
        return run(work)
    except ServiceFault as fault:
        if fault.subcode in _ADVICE:
            raise ScanFailed(f"{_ADVICE[fault.subcode]} ({fault.subcode})") from fault
        raise
    except KeyboardInterrupt as stop:
        raise ScanFailed("stopped before the scan was complete; the job is cancelled") from stop
    finally:
        progress.clear()


class Search:
    """Looks for the one scanner to scan with; `reactor` needs clock and UDP."""

    def __init__(self, client: SoapClient, reactor: Any, progress: Progress) -> None:
        self._client = client
        self._reactor = reactor
        self._progress = progress

    async def find(self, url: str | None, device: str | None, local: list[Found]) -> Found:
        """The scanner at `url`, else the one called `device` (None: the only one), this machine's before others.

        Raises NothingFound, NoAnswer, BadAnswer, and UsageError when more than one is meant.
        """
        if url is not None:
            return pick(await find_url(self._client, url), device, NOTHING_ANSWERED)
        try:
            here = pick(local, device, "")
            await ScanService(self._client, here.service).describe()
            return here
        except (NothingFound, NoAnswer, BadAnswer, ServiceFault):
            pass  # no bridge here, another scanner is meant, or the bridge is in another network namespace
        self._progress.waiting("looking for scanners")
        matches = await Prober(self._reactor, all_interfaces()).search(WINDOW_S, None if device else SETTLE_S)
        sightings = await sight(self._client, matches)
        return pick([one.found for one in sightings if one.found is not None], device, NOTHING_ANSWERED)


class Session:
    """One scan with the service `service` into `target`; `tell` prints a line.

    `outcome` is what came of it, for programs, when `run` has ended well.
    """

    def __init__(self, service: ScanService, target: Path, progress: Progress, tell: Callable[[str], None]) -> None:
        self._service = service
        self._target = target
        self._progress = progress
        self._tell = tell
        self.outcome: dict[str, object] = {}

    async def run(self, wishes: Wishes) -> int:
        """Scan; 0 when there is a whole image of everything that came. Raises BridgeError."""
        self._progress.waiting("asking the scanner")
        description = await self._service.describe()
        ticket = choose(wishes, description.capabilities)
        target = self._target if wishes.output is not None else self._target.with_suffix(ticket.format.suffix)
        pages = Pages(target.resolve(), ticket.format)
        element = ticket_element(ticket, f"Scan to {target.name}", _user())
        refused = await self._service.validate(element)
        if refused:
            raise ScanFailed("the scanner does not take this ticket: " + "; ".join(refused))
        self._progress.waiting("waiting for the scanner")
        job = await self._service.create(element)
        try:
            await self._fetch(job, ticket, pages)
        except BaseException as error:
            pages.drop()
            pages.finish()
            self._progress.clear()
            for path in pages.saved:
                self._tell(f"saved {path}, whole")
            # Before the cancel: after it the job is cancelled, and nobody can tell what had been.
            ended = await self._outcome(job) if isinstance(error, (NoAnswer, BadAnswer)) else None
            await self._give_up(job)
            if isinstance(error, ServiceFault):
                raise await self._explained(error) from error
            if ended is not None and ended.state in _WHY:
                raise await self._accounted(ended, error) from error
            raise
        pages.finish()
        self._progress.clear()
        return await self._summary(job, pages)

    async def _fetch(self, job: Job, ticket: Ticket, pages: Pages) -> None:
        """All images of `job`. Raises ServiceFault when there is not even one."""
        while not ticket.images or pages.count < ticket.images:
            page = pages.begin()
            number = pages.count + 1
            if pages.count:
                self._progress.waiting("waiting for the next page")
            try:
                jpeg = ticket.format.media_type == "image/jpeg"
                await self._service.retrieve(job, f"page {number}", partial(self._receiver, job, number, page, jpeg))
            except ServiceFault as fault:
                if pages.count and ticket.source.is_feeder and fault.subcode in _NO_MORE:
                    pages.drop()
                    return
                raise
            pages.keep(page)
            if ticket.format.multi_page:
                return

    def _receiver(self, job: Job, number: int, page: Page, jpeg: bool, length: int) -> Callable[[bytes], None]:
        """What takes the bytes of `page`; `length` of them are announced, 0 when nobody knows."""
        self._progress.page(number, length or job.bytes_per_line * job.height, jpeg=jpeg)

        def received(data: bytes) -> None:
            page.write(data)
            self._progress.received(data)

        return received

    async def _summary(self, job: Job, pages: Pages) -> int:
        for path in pages.saved:
            self._tell(f"saved {path}")
        try:
            outcome = await self._service.outcome(job.id)
        except (ServiceFault, NoAnswer, BadAnswer) as error:
            outcome = Outcome("unknown", (str(error),), pages.count)
        images = max(outcome.scans_completed, pages.count)
        self.outcome = {
            "files": [str(path) for path in pages.saved],
            "job": job.id,
            "state": outcome.state,
            "reasons": list(outcome.reasons),
            "images": images,
            "bytes": pages.size,
            "width": job.width,
            "height": job.height,
        }
        why = ", ".join(reason for reason in outcome.reasons if reason != "None")
        self._tell(
            f"job {job.id}: {outcome.state}{f' ({why})' if why else ''}, "
            f"{images} image{'' if images == 1 else 's'}, {pages.size} bytes, {job.width} x {job.height} pixels"
        )
        return 1 if outcome.state in ("Aborted", "Canceled") else 0

    async def _give_up(self, job: Job) -> None:
        """Cancel `job`, as far as the device still listens."""
        try:
            await self._service.cancel(job.id)
        except (ServiceFault, NoAnswer, BadAnswer):
            pass  # the job is over already, or the device is gone: nothing more can be done

    async def _outcome(self, job: Job) -> Outcome | None:
        """What the device says of `job`, None when it says nothing."""
        try:
            return await self._service.outcome(job.id)
        except (ServiceFault, NoAnswer, BadAnswer):
            return None

    async def _accounted(self, ended: Outcome, error: BaseException) -> ScanFailed:
        """Why an image came to nothing in its middle, where HTTP has no word for it: the job and the scanner know."""
        try:
            reasons = (await self._service.describe()).reasons
        except (ServiceFault, NoAnswer, BadAnswer):
            reasons = ()
        known = [_REASONS[reason] for reason in ended.reasons if reason in _REASONS]
        scanner = f"; the scanner reports {', '.join(reasons)}" if reasons else ""
        words = f"{ended.state}, {', '.join(ended.reasons) or 'None'}"
        return ScanFailed(f"{', '.join(known) or _WHY[ended.state]} (job {words}){scanner}: {error}")

    async def _explained(self, fault: ServiceFault) -> Exception:
        """`fault` with what the scanner itself says is wrong: a fault does not tell a jam from an open cover."""
        try:
            description = await self._service.describe()
        except (ServiceFault, NoAnswer, BadAnswer):
            return fault
        if fault.subcode in _ADVICE or not description.reasons:
            return fault
        return ScanFailed(f"the scanner reports {', '.join(description.reasons)}: {fault}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""  # a container's user without a name
