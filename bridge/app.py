"""The service tree and all wiring of the daemon, readable from top to bottom.

    settings -> log, identity -> site on the HTTP port, discovery on 3702, control socket
    scanners that come and go by USB -> roster -> for each: worker, queue, scan service, Hello and Bye
"""

# Twisted's web classes have no types, and ours inherit that.
# mypy: allow-untyped-calls
from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import CannotListenError
from twisted.logger import Logger, globalLogPublisher
from twisted.python.failure import Failure

from bridge import __version__, config
from bridge.discovery import netif
from bridge.discovery.changes import NetworkChanges
from bridge.discovery.endpoints import StableDiscoveryEndpoint
from bridge.discovery.sequence import AppSequence
from bridge.discovery.service import DiscoveryService
from bridge.discovery.statistics import Statistics
from bridge.discovery.target import Target
from bridge.dpws.post import HttpPoster
from bridge.dpws.sinks import SinkRules
from bridge.errors import BridgeError, NothingFound, StateError
from bridge.finder import Finder
from bridge.http.resources import SoapResource, Tree
from bridge.http.site import Site
from bridge.http.trace import WireTrace
from bridge.identity import Identity
from bridge.machine import machine_seed
from bridge.neighbourhood import Neighbourhood
from bridge.roster import Roster
from bridge.scanner.hotplug import Hotplug
from bridge.served_scanner import ServedScanner, Surroundings, utc_now
from bridge.settings import Settings
from bridge.soap.dispatch import FaultStatus
from bridge.system import journal, sdnotify, self_check, watchdog
from bridge.system.control import ControlServer
from bridge.system.places import control_socket, state_directory
from bridge.system.problems import RecentProblems
from bridge.visitors import Visitors
from bridge.web.site import Pages
from bridge.web.status import status_of
from bridge.welcome import welcome


class Bridge:
    """The running daemon.

    `reactor` is Twisted's; `start` and `stop` are its life. Raises StateError from `start` when the state directory,
    the HTTP port or the control socket cannot be had.
    """

    log = Logger()

    def __init__(self, settings: Settings, reactor: Any, log_levels: journal.LogLevels) -> None:
        self.settings = settings
        self.ready = False
        self._stopping = False
        self.http_port = 0
        self.since: datetime = utc_now()
        self.visitors = Visitors(utc_now)
        self.problems = RecentProblems()
        self._reactor = reactor
        self._log_levels = log_levels
        self._identity = Identity.load(state_directory(settings, os.environ), seed=machine_seed(), now=time.time)
        self._target = Target(AppSequence(self._identity.instance_id), hello_xaddrs=settings.interop.hello_xaddrs)
        self._trace = WireTrace(settings.log.wire)
        self._near = Neighbourhood(self._interfaces, settings.network.allow)
        self._surroundings = Surroundings(
            settings,
            self._identity,
            self._target,
            socket.gethostname().partition(".")[0],
            self._trace,
            SinkRules(self._near.is_near, self._near.own_addresses, self._near.interface_of),
            HttpPoster(reactor, trace=self._trace.message),
            self.visitors.asked,
        )
        self._tree = Tree()
        self._site = Site(self._tree, reactor, self._admits)
        self._pages = Pages(self, reactor)
        commands = {
            "status": lambda _request: status_of(self),
            "button": self._button,
            self_check.COMMAND: lambda _request: self_check.alive(each.scanner.worker_pid for each in self.scanners),
        }
        self._control = ControlServer(control_socket(settings, os.environ), commands, reactor)
        self._port: Any = None
        self._discovery: DiscoveryService | None = None
        self._network = NetworkChanges(reactor, self._network_changed)
        self._roster: Roster | None = None
        self._hotplug: Hotplug | None = None

    @property
    def scanners(self) -> list[ServedScanner]:
        """The scanners on the network."""
        return [] if self._roster is None else self._roster.scanners

    @property
    def names(self) -> list[str]:
        """What the scanners are called."""
        return [scanner.scanner.name for scanner in self.scanners]

    @property
    def virtual(self) -> bool:
        """Whether SANE's virtual scanner is served, and not a real one."""
        return any(scanner.virtual for scanner in self.scanners)

    # -- life ------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen, find the scanners, and say Hello for each."""
        globalLogPublisher.addObserver(self.problems)
        self._control.listen(self._reactor)
        self._port = self._listen()
        self.http_port = self._port.getHost().port
        stable = SoapResource(
            StableDiscoveryEndpoint(self._target),
            fault_status=cast(FaultStatus, self.settings.interop.fault_status),
            trace=self._trace,
            visited=self.visitors.asked,
        )
        self._tree.set_directed_discovery(stable)
        self._pages.register(self._tree)
        self._discovery = DiscoveryService(
            self._reactor,
            self._target,
            self.http_port,
            self._interfaces,
            trace=self._trace.message,
            seen=self.visitors.looked,
            stranger=lambda host: self.visitors.turned_away(host, "search"),
        )
        self._roster = roster = Roster(
            Finder(self.settings, self._reactor),
            self._surroundings,
            self._tree,
            self._discovery,
            self._reactor,
            self._tell_status,
            lambda: () if self._hotplug is None else self._hotplug.scanner_ports,
        )
        if self.settings.scanner.virtual != "always":
            # Before the first look, so that nothing is missed that is plugged in during it.
            self._hotplug = Hotplug(self._reactor, roster.usb_changed, roster.unplugged)
            self._hotplug.start()
        await roster.start()
        if not self._stopping:
            # Before the first look, so that nothing is missed that changes during it.
            self._network.start()
            self._discovery.startService()
            self._warn_of_missing_interfaces()
            self.ready = True

    def stop(self) -> Deferred[None]:
        """Say Bye, end jobs and workers, close everything. Fires when no process of ours is left."""
        self.ready = False
        self._stopping = True
        self.log.info("scanbridge stops")
        self._network.stop()
        if self._hotplug is not None:
            self._hotplug.stop()
        self._pages.close()
        globalLogPublisher.removeObserver(self.problems)
        ending: list[Deferred[Any]] = [self._control.close()]
        if self._discovery is not None and self._discovery.running:
            ending.append(self._discovery.stopService())
        if self._roster is not None:
            ending.append(self._roster.stop())
        done: Deferred[None] = Deferred()

        def close_port(_results: object) -> None:
            if self._port is not None:
                self._port.stopListening()
            done.callback(None)

        DeferredList(ending, consumeErrors=True).addCallback(close_port)
        return done

    def reload(self) -> None:
        """Read the settings again; those that can change while jobs run take effect at once."""
        try:
            fresh = config.reload(self.settings)
        except BridgeError as error:
            self.log.error("the settings stay as they are: {error}", error=str(error))
            return
        self._log_levels.set(fresh.log.level)
        self._trace.enabled = fresh.log.wire
        self._near.allow(fresh.network.allow)
        for scanner in self.scanners:
            scanner.watch_buttons(fresh.scanner)
            scanner.move_to(fresh.scanner.location)
        if self._roster is not None:
            self._roster.look()
            self._roster.ask_anew()
        self.log.info(
            "settings read again: log, network.allow, scanner.buttons and scanner.location are in effect, "
            "the others after a restart; scanners are looked for anew"
        )

    # -- scanners --------------------------------------------------------------------------------

    def _tell_status(self) -> None:
        """Another set of scanners is served: `systemctl status` shows it."""
        if self.ready:
            sdnotify.status(sdnotify.serving(self.names, self.http_port))

    def _button(self, request: Mapping[str, Any]) -> dict[str, str]:
        """The control command behind `scanbridge button`."""
        device, destination = request.get("device"), request.get("destination")
        roster = self._roster
        if roster is None:
            raise NothingFound("the bridge is still looking for scanners; try again in a moment")
        told = roster.scanner_named(device if isinstance(device, str) else None).press(
            destination if isinstance(destination, str) else None
        )
        return {"destination": told.name, "client": told.client}

    # -- the network -----------------------------------------------------------------------------

    def _warn_of_missing_interfaces(self) -> None:
        """Say so where nobody can find the scanners; an interface that comes later is used all the same."""
        present = [interface.name for interface in self._interfaces()]
        missing = [name for name in self.settings.network.interfaces if name not in present]
        if missing:
            self.log.warn(
                "network.interfaces names {missing}, not there or not up; this machine has {names}",
                missing=", ".join(missing),
                names=", ".join(name for _index, name in socket.if_nameindex()),
            )
        elif not present:
            self.log.warn("no network is up: until one is, only programs on this machine can scan")

    def _network_changed(self) -> None:
        """Show the scanners where there is a network now; connections to an address that is gone are over."""
        assert self._discovery is not None
        self._discovery.renew()
        self._site.keep_only(netif.own_addresses())

    @property
    def interfaces(self) -> list[tuple[str, list[str]]]:
        """The interfaces that scanners are shown on, each with its addresses."""
        shown = self._discovery.interfaces if self._discovery is not None else []
        return [
            (one.name, [str(own) for own in (*one.ipv4, *one.ipv6, *one.link_local)])
            for one in sorted(shown, key=lambda one: one.index)
        ]

    @property
    def broken_interfaces(self) -> list[str]:
        """Interfaces and families on which discovery cannot be opened."""
        return self._discovery.broken if self._discovery is not None else []

    @property
    def discovery(self) -> Statistics:
        """What discovery has counted."""
        return self._discovery.statistics if self._discovery is not None else Statistics()

    @property
    def connections(self) -> int:
        """Open HTTP connections."""
        return self._site.connections

    def _admits(self, peer: str) -> bool:
        admitted = self._near.admits(peer)
        if not admitted:
            self.visitors.turned_away(peer, "connection")
        return admitted

    def _interfaces(self) -> list[netif.Interface]:
        return netif.interfaces(self.settings.network.interfaces, self.settings.network.ipv6)

    def _listen(self) -> Any:
        """Open the HTTP port, for both families where there are both. Raises StateError."""
        port = self.settings.network.http_port
        places = ["::", "0.0.0.0"] if self.settings.network.ipv6 and socket.has_ipv6 else ["0.0.0.0"]
        for place in places:
            try:
                return self._reactor.listenTCP(port, self._site, interface=place)
            except CannotListenError as error:
                refused = error
        raise StateError(
            f"TCP port {port} cannot be opened: {refused.socketError}. Another program may hold it: stop that one, "
            "or set network.http_port to another number, or to 0 for any free one"
        )


def serve(settings: Settings) -> int:
    """Run the daemon in the foreground until it is told to stop; the result is the exit status."""
    from twisted.internet import reactor as twisted_reactor

    reactor: Any = twisted_reactor
    # Twisted counts time-outs by the wall clock, and a board without a battery starts in the past: when the network
    # sets its clock, all of them would be over at once.
    reactor.seconds = time.monotonic
    log_levels = journal.begin(settings.log.level, sys.stderr, os.environ)
    bridge = Bridge(settings, reactor, log_levels)
    watching = watchdog.Watchdog(
        reactor,
        watchdog.allowed_s(os.environ, os.getpid()),
        self_check.SelfCheck(reactor, control_socket(settings, os.environ)),
    )
    outcome = [0]

    def started(_nothing: None) -> None:
        if not bridge.ready:
            # It was told to stop before it was up.
            return
        count = len(bridge.scanners)
        print(welcome(bridge.names, bridge.http_port, virtual=bridge.virtual), flush=True)
        print(f"ready http_port={bridge.http_port} scanners={count}", file=sys.stderr, flush=True)
        sdnotify.ready(sdnotify.serving(bridge.names, bridge.http_port))
        watching.start()
        # What is there now stays. Looking through all of it for garbage, again and again, held up every client for
        # 60 ms (docs/performance.md).
        gc.collect()
        gc.freeze()

    def failed(failure: Failure) -> None:
        outcome[0] = 1
        if failure.check(BridgeError):
            print(f"scanbridge: {failure.value}", file=sys.stderr)
        else:
            bridge.log.failure("the bridge could not start", failure)
        reactor.stop()

    def reload() -> None:
        # A bridge that is not ready yet, or not any more, must not tell systemd that it is.
        if not bridge.ready:
            bridge.reload()
            return
        sdnotify.reloading()
        try:
            bridge.reload()
        finally:
            sdnotify.ready(sdnotify.serving(bridge.names, bridge.http_port))

    def begin() -> None:
        signal.signal(signal.SIGHUP, lambda _number, _frame: reactor.callFromThread(reload))
        sdnotify.status("looking for scanners")
        Deferred.fromCoroutine(bridge.start()).addCallbacks(started, failed)

    bridge.log.info("scanbridge {version} starts", version=__version__)
    reactor.callWhenRunning(begin)
    reactor.addSystemEventTrigger("before", "shutdown", sdnotify.stopping)
    reactor.addSystemEventTrigger("before", "shutdown", watching.stop)
    reactor.addSystemEventTrigger("before", "shutdown", bridge.stop)
    reactor.run()
    return outcome[0]
