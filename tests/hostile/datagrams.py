"""Datagrams with any source, through raw sockets, and what comes back for them as the cable carries it."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

from tests.fakes import wsd_client
from tests.interop.namespaces import INTERFACE, Host

PORT = 3702
_ETH_P_IP = 0x0800
_UDP = 17


class Forger:
    """Sends UDP datagrams to port 3702 of `target` with sources of its choice; a socket of `host`."""

    def __init__(self, host: Host, target: str) -> None:
        self._target = target
        with host.inside():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            index = socket.if_nametoindex(INTERFACE)
            device = struct.pack("=4x4xi", index)
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, device)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, INTERFACE.encode() + b"\0")
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)

    def send(self, source: str, data: bytes, port: int = 40000, to: str = "") -> None:
        """One datagram of at most one frame from `source` and `port`."""
        target = to or self._target
        length = 8 + len(data)
        header = struct.pack(
            "!BBHHHBBH4s4s",
            *(0x45, 0, 20 + length, 0, 0, 1, _UDP, 0),
            *(socket.inet_aton(source), socket.inet_aton(target)),
        )
        # A checksum of zero is none; the kernel fills in that of the IP header.
        self._socket.sendto(header + struct.pack("!HHHH", port, PORT, length, 0) + data, (target, 0))

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class Tap:
    """Counts the UDP payload that a machine's port 3702 sends on the cable, as a context at the other end.

    What goes to the group (Hello, Bye) is left out: nobody asked for it.
    """

    def __init__(self, host: Host, sender: str) -> None:
        self.datagrams = 0
        self.octets = 0
        self._sender = socket.inet_aton(sender)
        with host.inside():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP))
            self._socket.bind((INTERFACE, _ETH_P_IP))
        self._socket.settimeout(0.1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Tap:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                packet = self._socket.recv(65536)
            except TimeoutError:
                continue
            head = 4 * (packet[0] & 15)
            if packet[9] != _UDP or packet[12:16] != self._sender or packet[16] >> 4 == 14:
                continue
            port, _, length = struct.unpack_from("!HHH", packet, head)
            if port == PORT:
                self.datagrams += 1
                self.octets += length - 8


def storm(send: Callable[[int], None], rate: float, seconds: float) -> int:
    """Call `send` with 0, 1, 2 ... so many times a second for so long; how often it was called.

    A burst is made up for where the machine was busy elsewhere.
    """
    begun = time.monotonic()
    count = 0
    while (now := time.monotonic()) - begun < seconds:
        due = int((now - begun) * rate) + 1
        while count < due and time.monotonic() - begun < seconds:
            send(count)
            count += 1
        time.sleep(0.002)
    return count


def rubbish(seed: int = 1) -> Iterator[bytes]:
    """Datagrams of every length from 0 to 8,193 bytes in an order of its own, without end; each the start of a Probe,
    or no XML at all."""
    chance = random.Random(seed)
    while True:
        lengths = list(range(8194))
        chance.shuffle(lengths)
        for length in lengths:
            probe = wsd_client.probe() if length % 2 else b""
            yield (probe + chance.randbytes(max(0, length - len(probe))))[:length]
