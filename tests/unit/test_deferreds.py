"""The questions that tests ask Deferreds give the true answer."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from tests.deferreds import failure_result_of, no_result, success_result_of


async def three() -> int:
    """A coroutine that succeeds."""
    return 3


async def broken() -> int:
    """A coroutine that fails."""
    raise KeyError


def test_success_is_told() -> None:
    """A result is returned, of a Deferred and of a coroutine."""
    assert success_result_of(succeed(2)) == 2
    assert success_result_of(three()) == 3


def test_failure_is_told() -> None:
    """An error is returned when it is of an expected type."""
    assert isinstance(failure_result_of(fail(KeyError()), KeyError), KeyError)
    assert isinstance(failure_result_of(broken()), KeyError)


def test_other_outcomes_fail_the_test() -> None:
    """Success in place of failure, failure in place of success, another error, and no result are told apart."""
    with pytest.raises(KeyError):
        success_result_of(broken())
    with pytest.raises(AssertionError, match="no result"):
        success_result_of(Deferred())
    with pytest.raises(AssertionError, match="succeeded with 2"):
        failure_result_of(succeed(2))
    with pytest.raises(AssertionError, match="KeyError"):
        failure_result_of(broken(), ValueError)
    with pytest.raises(AssertionError, match="no result"):
        failure_result_of(Deferred())


def test_waiting_is_told_and_changes_nothing() -> None:
    """A Deferred that waits goes on waiting for the same result."""
    deferred: Deferred[int] = Deferred()
    no_result(deferred)
    deferred.callback(5)
    with pytest.raises(AssertionError, match="has a result: 5"):
        no_result(deferred)
    assert success_result_of(deferred) == 5
