"""Two machines on one cable, made of network namespaces: real sockets, nothing leaves this machine.

Each has one interface `lan0`: the first 10.99.0.1 and fd99::1, the second 10.99.0.2 and fd99::2, both a link-local
IPv6 address as well. Needs root.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from bridge.discovery import netif

INTERFACE = "lan0"
_CLONE_NEWNET = 0x40000000
_HANG_S = 60
_LOOK_S = 0.02
_COUNT = itertools.count()
_LIBC = ctypes.CDLL(None, use_errno=True)


def available() -> bool:
    """Whether namespaces can be made here."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


class Host:
    """One machine. What is started on it is ended with it."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.ipv4 = f"10.99.0.{number}"
        self.ipv6 = f"fd99::{number}"
        self.link_local = f"fe80::99:{number}"
        self._processes: list[subprocess.Popen[str]] = []

    def ip(self, command: str) -> None:
        """Run `ip` with the words of `command` on this machine."""
        subprocess.run(["ip", "-n", self.name, *command.split()], check=True)

    def until_unplugged(self) -> None:
        """Return when the kernel has noticed that the cable leads nowhere, which it does up to a second late."""
        hang = time.monotonic() + _HANG_S
        while self._is_running():
            assert time.monotonic() < hang, f"{INTERFACE} of {self.name} is still running"
            time.sleep(_LOOK_S)

    def _is_running(self) -> bool:
        with self.inside():
            return bool(netif.Kernel().flags(INTERFACE) & netif.IFF_RUNNING)

    def start(self, *command: str, **options: object) -> subprocess.Popen[str]:
        """Start a program on this machine."""
        process: subprocess.Popen[str] = subprocess.Popen(
            ["ip", "netns", "exec", self.name, *command],
            text=True,
            **options,  # type: ignore[call-overload]
        )
        self._processes.append(process)
        return process

    @contextmanager
    def inside(self) -> Iterator[None]:
        """The calling thread is on this machine; sockets made meanwhile stay there."""
        with open("/proc/thread-self/ns/net") as here, open(f"/run/netns/{self.name}") as there:
            _set_namespace(there.fileno())
            try:
                yield
            finally:
                _set_namespace(here.fileno())

    def socket(self, family: socket.AddressFamily, kind: socket.SocketKind = socket.SOCK_DGRAM) -> socket.socket:
        """A new socket on this machine."""
        with self.inside():
            return socket.socket(family, kind)

    def index(self, interface: str = INTERFACE) -> int:
        """The number of an interface of this machine."""
        with self.inside():
            return socket.if_nametoindex(interface)

    def close(self) -> None:
        """End what was started, by its process id."""
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Cable:
    """Two hosts joined by a cable, as a context; both are gone afterwards, whatever happened."""

    def __init__(self) -> None:
        unique = f"sb{os.getpid()}n{next(_COUNT)}"
        self.first = Host(f"{unique}a", 1)
        self.second = Host(f"{unique}b", 2)

    def __enter__(self) -> Cable:
        assert available(), "network namespaces need root and the program ip (package iproute2): run ./test as root"
        try:
            self._lay()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for host in (self.first, self.second):
            host.close()
        for host in (self.first, self.second):
            if os.path.exists(f"/run/netns/{host.name}"):
                subprocess.run(["ip", "netns", "del", host.name], check=False)

    def _lay(self) -> None:
        for host in (self.first, self.second):
            subprocess.run(["ip", "netns", "add", host.name], check=True)
            host.ip("link set lo up")
        peer = f"peer name {INTERFACE} netns {self.second.name}"
        self.first.ip(f"link add name {INTERFACE} type veth {peer}")
        for host in (self.first, self.second):
            # Addresses of our own choice: no waiting for duplicate address detection, nothing derived from a MAC.
            host.ip(f"link set {INTERFACE} addrgenmode none")
            host.ip(f"link set {INTERFACE} up")
            host.ip(f"addr add {host.ipv4}/24 dev {INTERFACE}")
            host.ip(f"addr add {host.link_local}/64 dev {INTERFACE} nodad")
            host.ip(f"addr add {host.ipv6}/64 dev {INTERFACE} nodad")


def _set_namespace(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
