"""Which scanners are served: found, asked what they can do, put on the network, and taken off when they are gone.

    listing process -> Entry -> describe -> ServedScanner, URLs, Hello
    unplugged       -> jobs and subscriptions ended, worker gone, Bye, URLs gone

Everything is done for each scanner by itself: one that does not answer delays no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from bridge.discovery.service import DiscoveryService
from bridge.entry import Entry, place_of
from bridge.errors import NothingFound, Refusal, ScannerError, TemporaryError, UsageError
from bridge.finder import Finder, Found
from bridge.http.resources import Tree
from bridge.identity import MAX_SCANNERS
from bridge.scanner import outcomes
from bridge.scanner.model import Capabilities, Device
from bridge.scanner.protocol import Status
from bridge.scanner.usb import is_plugged
from bridge.served_scanner import ServedScanner, Surroundings

PATIENCE_S = 30.0
"""How long the start waits for scanners to say what they can do: one that hangs must not keep the others from being
served. It is announced when it answers, like one that is plugged in then."""

RETRY_S = (5.0, 15.0, 60.0)
"""Pauses before a scanner that did not answer is asked again; the last one repeats."""

BOOT_S = (2.0, 5.0, 15.0, 30.0)
"""Pauses before it is looked again for a scanner that udev knows and SANE does not list: some take long to boot."""

CALM = 1
"""So often a device may vanish while it is asked what it can do, as one does that gets its firmware then, without a
pause before the next time."""


class Roster:
    """The scanners of this machine.

    `ports` tells where udev knows scanners to be plugged in, `plugged` whether a device is still where it was.
    `changed` is called when another set of scanners is served.
    """

    log = Logger()

    def __init__(
        self,
        finder: Finder,
        around: Surroundings,
        tree: Tree,
        discovery: DiscoveryService,
        clock: IReactorTime,
        changed: Callable[[], None],
        ports: Callable[[], Collection[str]] = frozenset,
        plugged: Callable[[Device], bool] = is_plugged,
    ) -> None:
        self._mode = around.settings.scanner.virtual
        self._finder = finder
        self._around = around
        self._tree = tree
        self._discovery = discovery
        self._clock = clock
        self._changed = changed
        self._ports = ports
        self._plugged = plugged
        self._entries: list[Entry] = []
        self._leaving: dict[str, list[Deferred[None]]] = {}
        self._offered: dict[str, Capabilities] = {}
        self._restless: Counter[str] = Counter()
        self._looking = False
        self._awaited: list[Deferred[None]] = []
        self._look_again: IDelayedCall | None = None
        self._looks_for_booting = 0
        self._stopping = False

    @property
    def scanners(self) -> list[ServedScanner]:
        """Those that are on the network."""
        return [entry.served for entry in self._entries if entry.served is not None]

    def scanner_named(self, name: str | None) -> ServedScanner:
        """The scanner whose name contains `name` or whose UUID it is; the only one when None.

        Raises NothingFound, and UsageError when several could be meant.
        """
        wanted = (name or "").casefold()
        matching = [
            scanner
            for scanner in self.scanners
            if wanted in scanner.scanner.name.casefold() or wanted == scanner.enrolled.uuid
        ]
        if len(matching) == 1:
            return matching[0]
        if not matching:
            raise NothingFound(f"no scanner is called {name!r}" if name else "no scanner is plugged in")
        names = ", ".join(each.scanner.name for each in matching)
        raise UsageError(f"there is more than one scanner; say which with --device: {names}")

    # -- what happens ----------------------------------------------------------------------------

    def start(self) -> Deferred[None]:
        """Look for scanners. Fires when each has answered once, or PATIENCE_S after they were found; never fails."""
        started: Deferred[None] = Deferred()

        def looked(_nothing: None) -> None:
            patience = self._clock.callLater(PATIENCE_S, started.callback, None)
            DeferredList([entry.asked for entry in self._entries]).addCallback(asked, patience)

        def asked(_all: object, patience: IDelayedCall) -> None:
            if patience.active():
                patience.cancel()
                started.callback(None)

        self.look().addCallback(looked)
        return started

    def usb_changed(self, altered: Iterable[str] = ()) -> None:
        """Something was plugged in or unplugged; at the ports `altered`, something of a device has changed."""
        self._looks_for_booting = 0
        self.look()
        self.ask_anew(altered)

    def unplugged(self, port: str) -> None:
        """The device at `port` is gone at this moment."""
        for entry in [each for each in self._entries if each.found.device.port == port]:
            if entry.question is not None:
                self._restless[port] += 1
            self._leave(entry, _unplugged())

    def ask_anew(self, ports: Iterable[str] | None = None) -> None:
        """Ask scanners that have nothing to do what they can do now: those at `ports`, or all of them."""
        wanted = None if ports is None else set(ports)
        for entry in self._entries:
            served = entry.served
            meant = wanted is None or entry.found.device.port in wanted
            if meant and served is not None and entry.question is None and not served.queue.active:
                self._run(self._ask_anew(entry, served))

    def look(self) -> Deferred[None]:
        """Find out which scanners there are, and serve those. Fires when they are known; never fails.

        One look follows the other; those that were asked for during one are a single one.
        """
        looked: Deferred[None] = Deferred()
        self._awaited.append(looked)
        if not self._looking:
            self._run(self._look_while_awaited())
        return looked

    def stop(self) -> Deferred[None]:
        """End all scanners. Fires when no process of theirs is left."""
        self._stopping = True
        if self._look_again is not None and self._look_again.active():
            self._look_again.cancel()
        for entry in self._entries:
            entry.leave()
        ending = [self._left(uuid) for uuid in self._leaving]
        ending += [scanner.stop(self._tree) for scanner in self.scanners]
        return DeferredList(ending, consumeErrors=True).addCallback(lambda _all: None)

    # -- looking ---------------------------------------------------------------------------------

    async def _look_while_awaited(self) -> None:
        self._looking = True
        while self._awaited:
            awaited, self._awaited = self._awaited, []
            try:
                await self._look()
            except Exception:
                self.log.failure("looking for scanners failed")
            for looked in awaited:
                looked.callback(None)
        self._looking = False

    async def _look(self) -> None:
        if self._stopping:
            return
        real, complete = await self._real()
        if self._stopping:
            return
        listed = {place_of(found.device) for found in real}
        for entry in self._entries[:]:
            if entry.found.virtual or entry.place in listed:
                continue
            # A driver may not list what is in use: as long as it is plugged in, it is there.
            if not self._plugged(entry.found.device) or (complete and not entry.found.device.port):
                self._leave(entry, _unplugged())
        self._enter(real)
        await self._look_for_virtual()
        self._wait_for_booting(complete)

    async def _real(self) -> tuple[list[Found], bool]:
        """The scanners that are plugged in, and whether that is all that can be said."""
        if self._mode == "always":
            return [], True
        try:
            found = await self._finder.real()
        except ScannerError as error:
            self.log.error("{error}", error=str(error))
            return [], False
        # What was unplugged during the search is listed all the same.
        return [each for each in found if self._plugged(each.device)], True

    async def _look_for_virtual(self) -> None:
        """Serve the virtual scanner where it is wanted, and not where it is not."""
        served = [entry for entry in self._entries if entry.found.virtual]
        real = len(self._entries) > len(served)
        wanted = self._mode == "always" or (self._mode == "auto" and not real)
        if not wanted:
            for entry in served:
                self._leave(entry, _gives_way())
        elif not served:
            if self._mode == "auto":
                self.log.info("no scanner is plugged in: SANE's virtual scanner is served instead")
            self._enter(await self._finder.virtual())

    def _wait_for_booting(self, complete: bool) -> None:
        """Look again, a few times, where there should be a scanner that was not listed."""
        if self._stopping or self._mode == "always":
            return
        if self._look_again is not None and self._look_again.active():
            self._look_again.cancel()
        there = {entry.found.device.port for entry in self._entries if not entry.found.virtual}
        # A driver that does not tell where its scanner is plugged in may have the one that seems to be missing.
        missing = set() if "" in there else set(self._ports()) - there
        if complete and not missing:
            return
        if self._looks_for_booting < len(BOOT_S):
            pause = BOOT_S[self._looks_for_booting]
            self._looks_for_booting += 1
            self._look_again = self._clock.callLater(pause, self.look)
        elif missing:
            ports = ", ".join(sorted(missing))
            self.log.warn(
                "at USB port {ports} there is a scanner that none of SANE's drivers shows: it is not switched on, "
                "needs firmware, or SANE does not know it; scanbridge doctor says more",
                ports=ports,
            )

    def _enter(self, found: Iterable[Found]) -> None:
        known = {entry.place for entry in self._entries}
        for each in found:
            if not self._stopping and place_of(each.device) not in known:
                entry = Entry(each)
                self._entries.append(entry)
                restless = self._restless[each.device.port] - CALM
                if restless > 0:
                    entry.asked.callback(None)
                    self._ask_later(entry, restless - 1)
                else:
                    self._run(self._ask(entry))

    # -- one scanner -----------------------------------------------------------------------------

    async def _ask(self, entry: Entry) -> None:
        """Ask what it can do and put it on the network; one that does not answer is asked again later."""
        device = entry.found.device
        try:
            capabilities = await entry.describe()
        except CancelledError:
            pass
        except ScannerError as error:
            if self._is_there(entry):
                pause = self._ask_later(entry, entry.attempts)
                self.log.warn(
                    "{title} does not answer: {error}. It is asked again in {pause:g} s; "
                    "meanwhile check its power and whether another program uses it",
                    title=device.title,
                    error=str(error),
                    pause=pause,
                )
        else:
            await self._serve(entry, capabilities)
        finally:
            if not entry.asked.called:
                entry.asked.callback(None)

    def _ask_later(self, entry: Entry, attempt: int) -> float:
        entry.attempts = attempt + 1
        pause = RETRY_S[min(attempt, len(RETRY_S) - 1)]
        entry.again = self._clock.callLater(pause, lambda: self._run(self._ask(entry)))
        return pause

    async def _serve(self, entry: Entry, capabilities: Capabilities) -> None:
        identity = self._around.identity
        while True:
            if not self._is_there(entry):
                return
            taken = {scanner.enrolled.uuid for scanner in self.scanners}
            enrolled = identity.enrol(entry.found.device, taken)
            if enrolled.uuid not in self._leaving:
                break
            # It was plugged in again while its former self is still being taken off.
            await self._left(enrolled.uuid)
        if enrolled.uuid in taken:
            self.log.info("{title} is served already, by another driver", title=enrolled.title)
            return
        self._restless.pop(entry.found.device.port, None)
        entry.served = served = ServedScanner(entry.found, enrolled, capabilities, self._around)
        served.start(self._tree)
        if self._offered.get(enrolled.uuid, capabilities) == capabilities:
            self._discovery.add(served.target_device)
        else:
            self._discovery.update(served.target_device, identity.renew_instance_id())
        self._remember(enrolled.uuid, capabilities)
        self.log.info("{name} is served at {path}", name=served.scanner.name, path=served.metadata.device_path)
        self._changed()

    async def _ask_anew(self, entry: Entry, served: ServedScanner) -> None:
        served.spare_buttons(True)
        try:
            capabilities = await entry.describe()
        except CancelledError:
            return
        except ScannerError as error:
            self.log.info("{name} does not say what it can do now: {error}", name=served.scanner.name, error=str(error))
            return
        finally:
            if self._is_there(entry):
                served.spare_buttons(False)
        if self._is_there(entry) and served.adopt(capabilities):
            self._remember(served.enrolled.uuid, capabilities)
            self.log.info("{name} offers something else than before", name=served.scanner.name)
            self._discovery.update(served.target_device, self._around.identity.renew_instance_id())

    def _remember(self, uuid: str, capabilities: Capabilities) -> None:
        self._offered[uuid] = capabilities
        while len(self._offered) > MAX_SCANNERS:
            del self._offered[next(iter(self._offered))]

    def _leave(self, entry: Entry, why: Refusal) -> None:
        """Take a scanner off: its jobs end with `why`, its URLs go, and Bye is said."""
        self._entries.remove(entry)
        entry.leave()
        served = entry.served
        if served is None:
            return
        uuid = served.enrolled.uuid
        self.log.info("{name} is gone: {why}", name=served.scanner.name, why=str(why))
        self._leaving[uuid] = []
        served.stop(self._tree, why).addBoth(lambda _ended: self._forget(uuid))
        self._changed()

    def _forget(self, uuid: str) -> None:
        self._discovery.remove(uuid)
        for waiting in self._leaving.pop(uuid):
            waiting.callback(None)

    def _left(self, uuid: str) -> Deferred[None]:
        """Fires when the scanner that is leaving has left."""
        waiting: Deferred[None] = Deferred()
        self._leaving[uuid].append(waiting)
        return waiting

    def _is_there(self, entry: Entry) -> bool:
        return entry in self._entries and not self._stopping

    def _run(self, work: Any) -> None:
        Deferred.fromCoroutine(work).addErrback(lambda failure: self.log.failure("serving a scanner failed", failure))


def _unplugged() -> Refusal:
    """What becomes of the jobs of a scanner that was unplugged or switched off."""
    return outcomes.refusal_for(ScannerError(Status.GONE, "unplugged"))


def _gives_way() -> Refusal:
    return TemporaryError("a real scanner has taken the place of the virtual one; choose that and scan again")
