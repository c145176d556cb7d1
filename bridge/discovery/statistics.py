"""What discovery has seen and done, for the status page and for `doctor`."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_CLIENTS = 64
"""Clients remembered; the one not heard of for longest is forgotten. Sources can be forged."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The last query of a client: `at` is in seconds of the reactor's clock, `action` is Probe or Resolve."""

    at: float
    action: str
    interface: str


@dataclass
class Statistics:
    """Counters since the start. `queries` and `answered` count by Probe and Resolve, `dropped` by reason.

    `answered` counts queries with at least one answer, `sent` datagrams with their repeats, by action. `observer` is
    told the address of each client with Probe, Resolve or answered.
    """

    queries: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    clients: OrderedDict[str, Seen] = field(default_factory=OrderedDict)
    observer: Callable[[str, str], None] = lambda client, what: None

    def saw(self, client: str, seen: Seen) -> None:
        """Count a query of `client`, an address literal."""
        self.queries[seen.action] += 1
        self.clients[client] = seen
        self.clients.move_to_end(client)
        while len(self.clients) > MAX_CLIENTS:
            self.clients.popitem(last=False)
        self.observer(client, seen.action)

    def did_answer(self, client: str, action: str) -> None:
        """Count that a query of `client` gets an answer."""
        self.answered[action] += 1
        self.observer(client, "answered")
