"""What keeps discovery from answering twice, too often or too much."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from bridge.discovery.guard import (
    ANSWERS_IN_ALL,
    ANSWERS_PER_SOURCE,
    MEMORY_S,
    MEMORY_SIZE,
    AnswerRate,
    RecentMessages,
    transmissions,
)


@pytest.mark.conformance(86)
def test_a_message_is_remembered_for_its_time() -> None:
    """Five minutes, and not for ever."""
    clock = Clock()
    recent = RecentMessages(clock)
    recent.add("a")
    clock.advance(MEMORY_S - 1)
    assert "a" in recent
    clock.advance(1)
    assert "a" not in recent


def test_the_memory_of_messages_is_bounded() -> None:
    """A flood of MessageIDs pushes out the oldest."""
    recent = RecentMessages(Clock())
    for number in range(MEMORY_SIZE + 1):
        recent.add(number)
    assert len(recent) == MEMORY_SIZE
    assert 0 not in recent
    assert MEMORY_SIZE in recent


def test_a_message_seen_again_is_remembered_anew() -> None:
    """Its time counts from the last occasion."""
    clock = Clock()
    recent = RecentMessages(clock)
    recent.add("a")
    recent.add("b")
    clock.advance(MEMORY_S - 1)
    recent.add("a")
    clock.advance(1)
    assert "a" in recent
    assert "b" not in recent


def test_one_source_gets_so_many_answers_in_a_second() -> None:
    """Twenty for a scanner in any second, not one more."""
    clock = Clock()
    rate = AnswerRate(clock)
    assert [rate.take("192.0.2.9", "a") for _ in range(ANSWERS_PER_SOURCE + 1)] == [True] * ANSWERS_PER_SOURCE + [False]
    clock.advance(0.99)
    assert not rate.take("192.0.2.9", "a")
    clock.advance(0.01)
    assert rate.take("192.0.2.9", "a")


def test_sources_and_scanners_count_apart() -> None:
    """One client's eagerness is not another's loss, nor one scanner's another's."""
    rate = AnswerRate(Clock())
    for _ in range(ANSWERS_PER_SOURCE):
        rate.take("192.0.2.9", "a")
    assert rate.take("192.0.2.9", "b")
    assert rate.take("192.0.2.8", "a")


def test_everybody_together_gets_so_many_answers_in_a_second() -> None:
    """Forged sources cannot make more of us than fifty a second, nor grow a table."""
    clock = Clock()
    rate = AnswerRate(clock)
    taken = [rate.take(f"192.0.2.{number}", "a") for number in range(250)]
    assert sum(taken) == ANSWERS_IN_ALL
    assert rate.spent()
    assert len(rate._answers) == ANSWERS_IN_ALL
    clock.advance(1)
    assert not rate.spent()
    assert len(rate._answers) == 0


@pytest.mark.parametrize(
    ("asked", "answer", "times"),
    [(600, 1300, 2), (520, 1300, 2), (519, 1300, 1), (260, 1300, 1), (259, 1300, 0), (8192, 1300, 2)],
)
def test_no_more_goes_out_than_five_times_what_came_in(asked: int, answer: int, times: int) -> None:
    """The repeat is given up first, then the answer."""
    assert transmissions(asked, answer, 2) == times
