"""A bounded buffer of encoded bytes between the scanner's pipe and a client's socket.

It evens out a radio link, so that the scan head seldom stops, and never holds more than `HIGH_WATER` bytes and one
chunk: beyond that the scanner's side is paused until the client has taken enough.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IPushProducer
from zope.interface import implementer

HIGH_WATER = 4 * 1024 * 1024
"""Bytes held when the scanner's side is paused."""

LOW_WATER = 1024 * 1024
"""Bytes held when it is resumed."""


@implementer(IPushProducer)
class ImageBuffer:
    """Takes bytes by `write`, `finish` and `fail`, gives them to the one consumer of `deliver`.

    `pause` and `resume` halt and restart whoever writes; `moved` is told when bytes first go to the consumer.
    """

    def __init__(
        self, pause: Callable[[], None], resume: Callable[[], None], moved: Callable[[], None] = lambda: None
    ) -> None:
        self._pause = pause
        self._resume = resume
        self._moved = moved
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._writer_paused = False
        self._reader_paused = False
        self._complete = False
        self._discarding = False
        self._failure: Exception | None = None
        self._consumer: IConsumer | None = None
        self._done: Deferred[None] | None = None

    @property
    def held(self) -> int:
        """Bytes that wait for the consumer."""
        return self._held

    def write(self, data: bytes) -> None:
        """The next bytes; dropped when nobody wants them any more."""
        if self._complete or self._discarding or self._failure is not None or not data:
            return
        self._chunks.append(data)
        self._held += len(data)
        self._push()
        if self._held >= HIGH_WATER and not self._writer_paused:
            self._writer_paused = True
            self._pause()

    def finish(self) -> None:
        """There are no more bytes."""
        if self._discarding:
            return
        self._complete = True
        self._push()

    def discard(self) -> None:
        """Throw away what is held and what comes; `fail` must follow. Harmless when all is delivered."""
        self._discarding = True
        # What is thrown away was not delivered: without it the file is not complete any more.
        self._complete = False
        self._chunks.clear()
        self._held = 0

    def fail(self, error: Exception) -> None:
        """The bytes are worth nothing; what is held is thrown away and `deliver` fails with `error`."""
        if self._failure is not None:
            return
        self._failure = error
        self._chunks.clear()
        self._held = 0
        self._settle()

    def deliver(self, consumer: IConsumer) -> Deferred[None]:
        """Push everything to `consumer`. Fires after the last byte; fails when the writer failed. Called once."""
        assert self._consumer is None, "the bytes of an image are delivered once"
        self._consumer = consumer
        self._done = Deferred()
        done = self._done
        consumer.registerProducer(self, True)
        self._push()
        return done

    def pauseProducing(self) -> None:
        """The consumer has enough for now."""
        self._reader_paused = True

    def resumeProducing(self) -> None:
        """The consumer takes bytes again."""
        self._reader_paused = False
        self._push()

    def stopProducing(self) -> None:
        """The consumer has gone; whoever watches the connection hears of it and fails the buffer."""
        self._reader_paused = True

    def _push(self) -> None:
        """Hand over what the consumer takes, and wake the writer when there is room again."""
        while self._chunks and self._consumer is not None and not self._reader_paused:
            chunk = self._chunks.popleft()
            self._held -= len(chunk)
            self._consumer.write(chunk)
            self._moved()
        if self._writer_paused and self._held <= LOW_WATER:
            self._writer_paused = False
            self._resume()
        self._settle()

    def _settle(self) -> None:
        """Fire the Deferred of `deliver` when there is nothing left to do."""
        if self._done is None or not (self._failure is not None or (self._complete and not self._chunks)):
            return
        done, self._done = self._done, None
        assert self._consumer is not None
        self._consumer.unregisterProducer()
        if self._failure is not None:
            done.errback(self._failure)
        else:
            done.callback(None)
