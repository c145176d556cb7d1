"""A client of WS-Discovery with a real socket on one of the machines of `namespaces`."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from tests.fakes import wsd_client
from tests.interop.namespaces import INTERFACE, Host
from tests.schema_check import check_datagram

NS = {"wsa": wsd_client.WSA, "wsd": wsd_client.WSD}
PORT = 3702
PATIENCE_S = 20.0
"""A test gives up after this; whatever is expected comes within two seconds."""

QUIET_S = 1.5
"""A test that expects silence listens this long: every answer and its repeat are out within a second."""

_IP_RECVTTL = 12  # Linux; Python names it from 3.14 on


@dataclass(frozen=True)
class Heard:
    """A datagram that arrived, with the TTL or hop limit it arrived with."""

    data: bytes
    source: tuple[str, int]
    hops: int

    @property
    def envelope(self) -> etree._Element:
        """The message, checked."""
        return check_datagram(self.data)

    def text(self, name: str) -> str:
        """The text of the first element with this prefixed name."""
        text: str = self.envelope.findtext(f".//{name}", "", NS)
        return text

    @property
    def action(self) -> str:
        """The last part of the action."""
        return self.text("wsa:Action").rpartition("/")[2]


class Client:
    """A socket of a machine that asks and listens."""

    def __init__(self, host: Host, family: socket.AddressFamily, interface: str = INTERFACE) -> None:
        self.family = family
        self.index = host.index(interface)
        self.socket = host.socket(family)
        if family == socket.AF_INET:
            device = struct.pack("=4x4xi", self.index)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, device)
            self.socket.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        else:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, self.index)
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)

    def join(self) -> Client:
        """Hear the group, as another WSD daemon would: with SO_REUSEADDR alone."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("", PORT))
        if self.family == socket.AF_INET:
            membership = socket.inet_aton("239.255.255.250") + struct.pack("=4xi", self.index)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        else:
            membership = socket.inet_pton(socket.AF_INET6, "ff02::c") + struct.pack("=i", self.index)
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
        return self

    def ask(self, data: bytes) -> None:
        """Multicast."""
        group = "239.255.255.250" if self.family == socket.AF_INET else "ff02::c"
        self.send(data, group)

    def send(self, data: bytes, host: str) -> None:
        """Send to port 3702 of an address."""
        scope = (0, self.index) if host.startswith(("ff02:", "fe80:")) else ()
        self.socket.sendto(data, (host, PORT, *scope))

    def next(self, wanted: Callable[[Heard], bool] = lambda _: True, patience: float = PATIENCE_S) -> Heard:
        """The next datagram that is `wanted`; raises TimeoutError when none comes."""
        until = time.monotonic() + patience
        while True:
            self.socket.settimeout(max(0.001, until - time.monotonic()))
            data, ancillary, _, source = self.socket.recvmsg(65536, 256)
            heard = Heard(data, (source[0].partition("%")[0], source[1]), struct.unpack("=i", ancillary[0][2])[0])
            if wanted(heard):
                return heard

    def silence(self) -> bool:
        """Whether nothing comes."""
        try:
            self.next(patience=QUIET_S)
        except TimeoutError:
            return True
        return False

    def find(self) -> Heard:
        """The first answer of any device, asked until one is there: a program needs to start."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            self.ask(wsd_client.probe())
            try:
                return self.next(patience=1.0)
            except TimeoutError:
                continue
        raise TimeoutError("nobody answered")

    def drain(self) -> None:
        """Forget what has arrived until nothing more comes."""
        while not self.silence():
            pass
