"""What became of a Deferred or a coroutine, asked without a running reactor.

Like the methods of the same names in twisted.trial, for plain pytest functions. A failure that nobody took is
raised here, so that none is lost when a Deferred is collected.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


def success_result_of(awaitable: Deferred[T] | Coroutine[Any, Any, T]) -> T:
    """The result that `awaitable` has already. Raises its error, or AssertionError while it waits."""
    outcome = _outcome(_started(awaitable))
    assert outcome, "the Deferred has no result yet"
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
    return outcome[0]


def failure_result_of(
    awaitable: Deferred[Any] | Coroutine[Any, Any, Any], *expected: type[BaseException]
) -> BaseException:
    """The exception that `awaitable` has failed with; of one of the types `expected`, when any are given."""
    outcome = _outcome(_started(awaitable))
    assert outcome, "the Deferred has no result yet"
    assert isinstance(outcome[0], Failure), f"the Deferred succeeded with {outcome[0]!r}"
    error: BaseException = outcome[0].value
    if expected and not isinstance(error, expected):
        raise AssertionError(f"failed with {error!r}, not with one of {expected}") from error
    return error


def no_result(deferred: Deferred[Any]) -> None:
    """Assert that `deferred` still waits; whatever it brings later stays in it."""
    outcome: list[Any] = []

    def look(result: Any) -> Any:
        outcome.append(result)
        return result

    deferred.addBoth(look)
    assert not outcome, f"the Deferred has a result: {outcome[0]!r}"


def _started(awaitable: Deferred[T] | Coroutine[Any, Any, T]) -> Deferred[T]:
    return awaitable if isinstance(awaitable, Deferred) else Deferred.fromCoroutine(awaitable)


def _outcome(deferred: Deferred[Any]) -> list[Any]:
    """A list of the one result there is, or empty; the Deferred keeps None instead."""
    outcome: list[Any] = []
    deferred.addBoth(outcome.append)
    return outcome
