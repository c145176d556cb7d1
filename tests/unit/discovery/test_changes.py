"""What is made of the kernel's messages about the network. The real ones are in tests/interop/test_network_netns.py."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from bridge.discovery.changes import MAX_MESSAGES, POLL_S, SETTLE_S, NetworkChanges, open_rtnetlink
from tests.harness import WireClock


class Network:
    """A NetworkChanges whose kernel is the other end of a socket pair; `changes` counts what it told."""

    def __init__(self) -> None:
        self.clock = WireClock()
        self.kernel, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.setblocking(False)
        self.changes = 0
        self.watch = NetworkChanges(self.clock, self._changed, lambda: ours)
        self.watch.start()

    def _changed(self) -> None:
        self.changes += 1

    def say(self, count: int = 1) -> None:
        """The kernel sends `count` messages, and the reactor has one turn."""
        for _ in range(count):
            self.kernel.send(b"whatever this says")
        assert self.watch in self.clock.readers
        self.watch.doRead()


@pytest.fixture
def network() -> Iterator[Network]:
    network = Network()
    yield network
    network.watch.stop()
    network.kernel.close()


def test_many_messages_are_one_change(network: Network) -> None:
    """An address that is replaced is several messages within a moment."""
    network.say(3)
    network.clock.advance(SETTLE_S / 2)
    network.say()
    assert network.changes == 0
    network.clock.advance(SETTLE_S / 2)
    network.clock.advance(60)
    assert network.changes == 1


def test_a_network_card_that_flaps_makes_bounded_work(network: Network) -> None:
    """Ten messages in each hundredth of a second for ten seconds: a change after each SETTLE_S and no more."""
    for _ in range(1000):
        network.say(10)
        network.clock.advance(0.01)
    assert network.changes <= 10 / SETTLE_S + 1


def test_a_flood_lets_others_have_their_turn(network: Network) -> None:
    """MAX_MESSAGES are taken at a time; what is left keeps the socket readable."""
    taken: list[int] = []

    class Endless:
        """A socket that always has one more."""

        def recv(self, size: int) -> bytes:
            taken.append(size)
            return b"x"

    ours = network.watch._socket
    network.watch._socket = Endless()  # type: ignore[assignment]
    network.watch.doRead()
    network.watch._socket = ours
    assert len(taken) == MAX_MESSAGES


def test_nothing_is_told_after_the_end(network: Network) -> None:
    """Neither what was waiting nor what comes later."""
    network.say()
    network.watch.stop()
    network.clock.advance(60)
    assert (network.changes, network.clock.readers, network.watch.fileno()) == (0, set(), -1)


def test_without_rtnetlink_the_network_is_looked_at_now_and_then() -> None:
    """Where a sandbox forbids the socket."""

    def refuse() -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    clock = WireClock()
    told: list[None] = []
    watch = NetworkChanges(clock, lambda: told.append(None), refuse)
    watch.start()
    for _ in range(3):
        clock.advance(POLL_S)
    assert len(told) == 3
    watch.stop()
    clock.advance(60)
    assert len(told) == 3


def test_a_socket_that_breaks_is_replaced_by_looking(network: Network) -> None:
    """Twisted gives up a descriptor with an error; changes are noticed all the same."""
    network.watch.connectionLost(Failure(ConnectionLost()))
    assert network.clock.readers == set()
    network.clock.advance(POLL_S)
    network.clock.advance(POLL_S)
    assert network.changes == 2


def test_the_kernel_gives_the_socket_to_everybody() -> None:
    """No right is needed, and nothing is readable as long as nothing changes."""
    with open_rtnetlink() as opened, pytest.raises(BlockingIOError):
        opened.recv(1)
