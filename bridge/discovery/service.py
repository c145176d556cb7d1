"""Discovery as a service: sockets that follow the interfaces, scanners that come and go, Hello and Bye."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import Random, SystemRandom
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from bridge.discovery.guard import MAX_DATAGRAM_SENT
from bridge.discovery.multicast import Address, DatagramPort, Link, LinkKey, link_keys, open_socket
from bridge.discovery.netif import Interface
from bridge.discovery.responder import Responder
from bridge.discovery.scheduler import APP_MAX_DELAY_S, MULTICAST_TRANSMISSIONS, Outgoing, Scheduler
from bridge.discovery.statistics import Statistics
from bridge.discovery.target import Target, TargetDevice

RETRY_S = 5.0
"""Until a socket that could not be opened, or a look that failed, is tried again."""

log = Logger()


class DiscoveryService(Service):
    """Shows the devices of `target` on every interface that `list_interfaces` gives, as long as it runs.

    Whoever knows that the interfaces have changed calls `renew` (`changes.NetworkChanges`, checklist 93).

    `http_port` is where the device URLs are served. `reactor` is an IReactorTime and IReactorFDSet;
    `open_port` makes a socket's port and is there for tests. `trace` hears each message once for each link, `seen` the
    clients that ask and get answers (`Statistics.observer`), `stranger` the addresses that are no neighbours'.
    """

    name = "discovery"

    def __init__(
        self,
        reactor: Any,
        target: Target,
        http_port: int,
        list_interfaces: Callable[[], Sequence[Interface]],
        *,
        random: Random | None = None,
        open_port: Callable[[LinkKey, Link], Any] | None = None,
        trace: Callable[[str, bytes], None] = lambda way, message: None,
        seen: Callable[[str, str], None] = lambda client, what: None,
        stranger: Callable[[str], None] = lambda host: None,
    ) -> None:
        self.target = target
        self.statistics = Statistics(observer=seen)
        self._stranger = stranger
        self._reactor = reactor
        self._http_port = http_port
        self._list_interfaces = list_interfaces
        self._random = random or SystemRandom()
        self._open_port = open_port or self._adopt
        self._trace = trace
        self._responder = Responder(reactor, self._random, target, http_port, self.statistics, trace)
        self._links: dict[LinkKey, tuple[Link, Scheduler]] = {}
        self._broken: set[LinkKey] = set()
        self._again: IDelayedCall | None = None

    @property
    def interfaces(self) -> list[Interface]:
        """The interfaces that discovery works on at the moment."""
        return list(dict.fromkeys(key.interface for key in self._links))

    @property
    def broken(self) -> list[str]:
        """Interfaces with their family on which no socket could be opened."""
        return sorted(str(key) for key in self._broken)

    def startService(self) -> None:
        """Open the sockets and say Hello for every device within half a second (checklist 42 to 44)."""
        super().startService()  # type: ignore[no-untyped-call]
        self.renew()

    def stopService(self) -> Deferred[None]:
        """Say Bye for every device; fires when that is sent and the sockets are closed, after about a second."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._stop_again()
        self._broken.clear()
        for device in self.target.devices:
            self._say_bye(device)
        links, self._links = self._links, {}
        closing = [scheduler.drained().addCallback(partial(self._close, link)) for link, scheduler in links.values()]
        return DeferredList(closing, consumeErrors=True).addCallback(lambda _: None)

    def add(self, device: TargetDevice) -> None:
        """Answer for `device` from now on, and say Hello."""
        self.target.put(device)
        self._say_hello(device, list(self._links))

    def update(self, device: TargetDevice, instance_id: int | None = None) -> None:
        """Announce what has changed about a device: a Hello without a Bye before it (discovery-and-metadata.md 4.5).

        A greater `instance_id` makes clients look at it as after a power cycle, which Windows needs to notice new
        capabilities; it counts for all devices. Raises ValueError for one that is not greater.
        """
        if instance_id is not None:
            self.target.sequence.restart(instance_id)
        self.add(device)

    def remove(self, uuid: str) -> None:
        """Say Bye for the device with this UUID and answer for it no more. Nothing happens for one not known."""
        device = self.target.device(uuid)
        if device is not None:
            self.target.drop(uuid)
            self._say_bye(device)

    def renew(self) -> None:
        """Look at the interfaces now: drop sockets whose interface or addresses are gone, say Hello on new ones.

        Sockets of interfaces that have not changed go on undisturbed. Nothing happens while the service is stopped.
        """
        if not self.running:
            return
        self._stop_again()
        try:
            self._follow(list(dict.fromkeys(link_keys(self._list_interfaces()))))
        except Exception:
            # An error of today must not end the looking for good.
            log.failure("the interfaces could not be looked at")
            self._try_again()
            return
        if self._broken:
            self._try_again()

    def _follow(self, wanted: Sequence[LinkKey]) -> None:
        for key in [key for key in self._links if key not in wanted]:
            link, scheduler = self._links.pop(key)
            scheduler.stop()
            self._close(link)
            log.info("scanners are no longer shown on {link}", link=key)
        self._broken.intersection_update(wanted)
        opened = [key for key in wanted if key not in self._links and self._open(key)]
        for device in self.target.devices:
            self._say_hello(device, opened)

    def _try_again(self) -> None:
        self._again = self._reactor.callLater(RETRY_S, self.renew)

    def _stop_again(self) -> None:
        if self._again is not None and self._again.active():
            self._again.cancel()

    def _open(self, key: LinkKey) -> bool:
        scheduler = Scheduler(self._reactor, self._random)
        link = Link(key, partial(self._heard, scheduler), self._refused, self._stranger)
        try:
            self._open_port(key, link)
        except OSError as error:
            if key not in self._broken:
                self._broken.add(key)
                log.error(
                    "discovery does not work on {link}: {error}. Windows will not find scanners there. If another"
                    " program holds UDP port 3702 without sharing it, stop that program; it is tried again every"
                    " {seconds} s",
                    link=key,
                    error=str(error),
                    seconds=RETRY_S,
                )
            return False
        self._broken.discard(key)
        self._links[key] = (link, scheduler)
        log.info("scanners are shown on {link}", link=key)
        return True

    def _adopt(self, key: LinkKey, link: Link) -> Any:
        with open_socket(key) as opened:
            return DatagramPort.adopt(self._reactor, opened, link)

    def _close(self, link: Link, _: object = None) -> Any:
        return link.transport.stopListening() if link.transport is not None else None

    def _heard(self, scheduler: Scheduler, link: Link, data: bytes, source: Address) -> None:
        if self.running:  # after Bye the devices are gone, whatever is asked
            self._responder.heard(link, scheduler, data, source)

    def _say_hello(self, device: TargetDevice, keys: Iterable[LinkKey]) -> None:
        # The same message everywhere where it can be: where it names an address, each interface needs its own.
        shared: list[Outgoing] = []
        for key in keys:
            link, scheduler = self._links[key]
            scheduler.cancel(_announcement(device))
            write = partial(self._write_hello, device.uuid, key, shared)
            send = partial(self._send, link, key.group, "Hello")
            scheduler.schedule(_announcement(device), write, send, max_delay=APP_MAX_DELAY_S)

    def _write_hello(self, uuid: str, key: LinkKey, shared: list[Outgoing]) -> Outgoing | None:
        device = self.target.device(uuid)
        host = key.interface.hello_address(key.family)
        if device is None or host is None:
            return None
        if shared:
            outgoing = shared[0]
        else:
            data = self.target.hello(device, device.xaddr(host, self._http_port))
            assert len(data) <= MAX_DATAGRAM_SENT
            outgoing = Outgoing(data, MULTICAST_TRANSMISSIONS)
            if not self.target.hello_xaddrs:
                shared.append(outgoing)
        self._trace(f"all <- {key}", outgoing.data)
        return outgoing

    def _say_bye(self, device: TargetDevice) -> None:
        shared: list[Outgoing] = []

        def write(key: LinkKey) -> Outgoing:
            if not shared:
                shared.append(Outgoing(self.target.bye(device), MULTICAST_TRANSMISSIONS))
            self._trace(f"all <- {key}", shared[0].data)
            return shared[0]

        for key, (link, scheduler) in self._links.items():
            scheduler.cancel(device.uuid)
            scheduler.cancel(_announcement(device))
            scheduler.schedule(_announcement(device), partial(write, key), partial(self._send, link, key.group, "Bye"))

    def _send(self, link: Link, destination: Address, message: str, data: bytes) -> None:
        if link.send(data, destination):
            self.statistics.sent[message] += 1
        else:
            self._refused("not sent")

    def _refused(self, reason: str) -> None:
        self.statistics.dropped[reason] += 1


def _announcement(device: TargetDevice) -> str:
    """The owner of a device's Hello or Bye in the scheduler, of which only the latest is still true."""
    return f"announcement of {device.uuid}"
