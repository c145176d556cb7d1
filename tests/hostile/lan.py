"""One server and several machines with clients on one switch, made of network namespaces."""

from __future__ import annotations

import itertools
import os
import subprocess
from types import TracebackType

from tests.interop.namespaces import INTERFACE, Host

_COUNT = itertools.count()


class Lan:
    """`server` is 10.99.0.1; `machines` have the addresses that `addresses` tells, several each. A context."""

    def __init__(self, machines: int, clients_on_each: int) -> None:
        unique = f"sb{os.getpid()}l{next(_COUNT)}"
        self.server = Host(f"{unique}s", 1)
        self.machines = [Host(f"{unique}m{number}", 2 + number) for number in range(machines)]
        self._clients = clients_on_each

    def addresses(self, machine: int) -> list[str]:
        """The addresses of the clients on a machine."""
        return [f"10.99.{machine + 1}.{client + 1}" for client in range(self._clients)]

    def __enter__(self) -> Lan:
        try:
            self._lay()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        hosts = [self.server, *self.machines]
        for host in hosts:
            host.close()
        for host in hosts:
            if os.path.exists(f"/run/netns/{host.name}"):
                subprocess.run(["ip", "netns", "del", host.name], check=False)

    def _lay(self) -> None:
        for host in (self.server, *self.machines):
            subprocess.run(["ip", "netns", "add", host.name], check=True)
            host.ip("link set lo up")
        # The server's interface is the switch itself, as on a machine that is a bridge for others.
        self.server.ip(f"link add name {INTERFACE} type bridge")
        self.server.ip(f"addr add {self.server.ipv4}/16 dev {INTERFACE}")
        self.server.ip(f"link set {INTERFACE} up")
        for number, host in enumerate(self.machines):
            port = f"port{number}"
            self.server.ip(f"link add name {port} type veth peer name {INTERFACE} netns {host.name}")
            self.server.ip(f"link set {port} master {INTERFACE}")
            self.server.ip(f"link set {port} up")
            host.ip(f"link set {INTERFACE} up")
            for address in self.addresses(number):
                host.ip(f"addr add {address}/16 dev {INTERFACE}")
