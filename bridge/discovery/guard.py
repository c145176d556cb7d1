"""What keeps discovery from answering twice, too often or too much (design "Discovery rate").

A datagram's source can be forged, so nothing here grows with the number of sources that are heard of.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable

from twisted.internet.interfaces import IReactorTime

MEMORY_S = 300
"""For how long a MessageID is remembered."""

MEMORY_SIZE = 1000
"""How many MessageIDs are remembered."""

MAX_DATAGRAM_SENT = 1400
"""Octets of the largest datagram we send (checklist 85); only a client's endless MessageID could make a larger one."""

ANSWERS_PER_SOURCE = 20
"""Answers in a second to one address for one scanner, repeats not counted."""

ANSWERS_IN_ALL = 50
"""Answers in a second to everybody, repeats not counted (design chapter 6)."""

AMPLIFICATION = 5
"""Most bytes that go out for one byte that came in, for each scanner, repeats counted."""

_WINDOW_S = 1.0


class RecentMessages:
    """The messages that were answered lately, so that a repetition is answered once (checklist 86)."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._times: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._times)

    def __contains__(self, key: Hashable) -> bool:
        self._forget()
        return key in self._times

    def add(self, key: Hashable) -> None:
        """Remember `key` from now on; the oldest is forgotten where there are too many."""
        self._times[key] = self._clock.seconds()
        self._times.move_to_end(key)
        self._forget()

    def _forget(self) -> None:
        oldest = self._clock.seconds() - MEMORY_S
        while self._times and (len(self._times) > MEMORY_SIZE or next(iter(self._times.values())) <= oldest):
            self._times.popitem(last=False)


class AnswerRate:
    """How many answers went where in the last second.

    The limit for all bounds the memory: there are never more entries than answers in a second.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._answers: deque[tuple[float, str, str]] = deque()

    def spent(self) -> bool:
        """Whether nobody gets an answer at the moment."""
        self._forget()
        return len(self._answers) >= ANSWERS_IN_ALL

    def take(self, source: str, scanner: str) -> bool:
        """Count one answer to the address `source` for the scanner with this UUID; False when that is one too many."""
        if self.spent():
            return False
        same = sum(1 for _, address, uuid in self._answers if (address, uuid) == (source, scanner))
        if same >= ANSWERS_PER_SOURCE:
            return False
        self._answers.append((self._clock.seconds(), source, scanner))
        return True

    def _forget(self) -> None:
        oldest = self._clock.seconds() - _WINDOW_S
        while self._answers and self._answers[0][0] <= oldest:
            self._answers.popleft()


def transmissions(asked: int, answer: int, wanted: int) -> int:
    """How often an answer of `answer` bytes may be sent to a question of `asked` bytes, `wanted` times at most.

    0 is: not at all. Repeats are given up first, since they only mend a lost datagram.
    """
    return min(wanted, asked * AMPLIFICATION // answer)
