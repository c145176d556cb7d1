"""A program for tests: discovery alone, on the machine it is started on.

It shows one scanner for each UUID given and follows the network as the daemon does. A line on standard input prints
the counters of what was not answered; the end of input stops it, with Bye.
"""

from __future__ import annotations

import argparse
import json
import sys

from twisted.internet import reactor, stdio
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.protocols.basic import LineReceiver

from bridge.discovery.changes import NetworkChanges
from bridge.discovery.netif import interfaces
from bridge.discovery.sequence import AppSequence
from bridge.discovery.service import DiscoveryService
from bridge.discovery.target import Target, TargetDevice


class Commands(LineReceiver):
    """What the test asks for; every line is answered with one."""

    delimiter = b"\n"

    def __init__(self, service: DiscoveryService) -> None:
        self._service = service

    def connectionMade(self) -> None:
        """Tell that the sockets are open."""
        self.sendLine(b"ready")

    def lineReceived(self, line: bytes) -> None:
        """Tell the counters."""
        self.sendLine(json.dumps(self._service.statistics.dropped).encode())

    def connectionLost(self, reason: object = None) -> None:
        """Stop in good order."""
        self._service.stopService().addBoth(lambda _: reactor.stop())


def main() -> None:
    """Serve until the end of input."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--interface", action="append", default=[])
    parser.add_argument("uuid", nargs="+")
    options = parser.parse_args()
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)])
    target = Target(AppSequence(1000))
    for uuid in options.uuid:
        target.put(TargetDevice(uuid, f"/{uuid}", 1))
    service = DiscoveryService(reactor, target, 8018, lambda: interfaces(options.interface, True))
    reactor.callWhenRunning(NetworkChanges(reactor, service.renew).start)
    reactor.callWhenRunning(service.startService)
    reactor.callWhenRunning(lambda: stdio.StandardIO(Commands(service)))
    reactor.run()


if __name__ == "__main__":
    main()
