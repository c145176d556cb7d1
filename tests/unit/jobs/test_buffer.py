"""The bounded buffer between the scanner's pipe and the client's socket."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.jobs.buffer import HIGH_WATER, LOW_WATER, ImageBuffer
from tests.deferreds import failure_result_of, no_result, success_result_of
from tests.unit.jobs.story import Consumer

CHUNK = 65536


class Writer:
    """A scanner's side that writes only while it is not paused."""

    def __init__(self) -> None:
        self.paused = False
        self.buffer = ImageBuffer(self._pause, self._resume)
        self.written = 0

    def _pause(self) -> None:
        assert not self.paused
        self.paused = True

    def _resume(self) -> None:
        assert self.paused
        self.paused = False

    def write_while_it_may(self, most: int) -> None:
        for _ in range(most):
            if self.paused:
                return
            self.buffer.write(b"x" * CHUNK)
            self.written += CHUNK


def test_a_client_that_reads_nothing_holds_a_bounded_amount() -> None:
    """Beyond HIGH_WATER bytes the scanner's side is paused, so that at most one chunk more is held."""
    writer = Writer()
    writer.buffer.deliver(Consumer()).addErrback(lambda _: None)
    writer.buffer.pauseProducing()
    writer.write_while_it_may(1000)
    assert writer.paused
    assert HIGH_WATER <= writer.buffer.held < HIGH_WATER + CHUNK


def test_the_scanner_goes_on_when_the_client_has_caught_up() -> None:
    """The scanner's side is resumed when no more than LOW_WATER is left, not before."""
    writer = Writer()
    consumer = Consumer()
    writer.buffer.deliver(consumer)
    writer.buffer.pauseProducing()
    writer.write_while_it_may(1000)

    def stop_early(data: bytes) -> None:
        if writer.buffer.held <= LOW_WATER + CHUNK:
            writer.buffer.pauseProducing()

    consumer.write = stop_early  # type: ignore[method-assign]
    writer.buffer.resumeProducing()
    assert writer.paused
    assert writer.buffer.held > LOW_WATER
    consumer.write = lambda data: None  # type: ignore[method-assign]
    writer.buffer.resumeProducing()
    assert not writer.paused
    assert writer.buffer.held == 0


def test_a_failure_throws_the_rest_away() -> None:
    """After a failure nothing more reaches the client, and its delivery fails with the same error."""
    writer = Writer()
    consumer = Consumer()
    done = writer.buffer.deliver(consumer)
    writer.buffer.pauseProducing()
    writer.buffer.write(b"lost")
    error = RuntimeError("gone")
    writer.buffer.fail(error)
    writer.buffer.fail(RuntimeError("later"))
    assert failure_result_of(done) is error
    writer.buffer.write(b"late")
    writer.buffer.resumeProducing()
    assert consumer.data == b""
    assert consumer.producer is None


def test_a_failure_before_delivery_is_told_at_delivery() -> None:
    """A delivery that begins after the failure fails at once."""
    writer = Writer()
    error = RuntimeError("gone")
    writer.buffer.fail(error)
    assert failure_result_of(writer.buffer.deliver(Consumer())) is error


def test_what_is_thrown_away_is_never_taken_for_delivered() -> None:
    """A file whose end has come and whose rest is discarded does not end well, although nothing is left to push."""
    writer = Writer()
    consumer = Consumer()
    done = writer.buffer.deliver(consumer)
    writer.buffer.write(b"taken")
    writer.buffer.pauseProducing()
    writer.buffer.write(b"discarded")
    writer.buffer.finish()
    writer.buffer.discard()
    writer.buffer.resumeProducing()
    no_result(done)
    error = RuntimeError("cancelled")
    writer.buffer.fail(error)
    assert failure_result_of(done) is error
    assert consumer.data == b"taken"


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=50), st.sampled_from(["pause", "resume"])), max_size=60))
def test_every_byte_arrives_once_and_in_order(steps: list[bytes | str]) -> None:
    """Whatever pauses come between, the client gets exactly what was written, and then the end."""
    buffer = ImageBuffer(lambda: None, lambda: None)
    consumer = Consumer()
    done = buffer.deliver(consumer)
    for step in steps:
        if step == "pause":
            buffer.pauseProducing()
        elif step == "resume":
            buffer.resumeProducing()
        else:
            assert isinstance(step, bytes)
            buffer.write(step)
    no_result(done)
    buffer.finish()
    buffer.resumeProducing()
    success_result_of(done)
    assert consumer.data == b"".join(step for step in steps if isinstance(step, bytes))
