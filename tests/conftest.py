"""What holds for every test: each envelope that our code writes is valid, and who may run beside whom.

Pytest imports this module before any test module, hence before anything of the bridge.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import envelope_watch

envelope_watch.install()

# Where CI is set, a run tells of the change under test and not of luck; elsewhere each run looks at something new.
# Nowhere does an example fail because the machine is busy.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile(
    "repeatable", hypothesis.settings.get_profile("patient"), derandomize=True, print_blob=True
)
hypothesis.settings.load_profile("repeatable" if os.environ.get("CI") else "patient")

_HERE = Path(__file__).parent
_WITHIN_A_PROCESS = ("conversations", "unit")
"""Tests that share nothing but the processors with other tests."""

pytest_plugins = ["tests.conformance", "tests.chaos.fixtures"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave tests that use the machine as a whole to one process, one after another, where there are several.

    First, because xdist looks at the marks in the same step.
    """
    for item in items:
        if item.path.relative_to(_HERE).parts[0] not in _WITHIN_A_PROCESS:
            item.add_marker(pytest.mark.xdist_group("machine"))


@pytest.fixture(autouse=True)
def _only_valid_envelopes() -> Iterator[None]:
    """Fail the test in which our code wrote an envelope that our schemas do not allow."""
    envelope_watch.take_violations()
    yield
    violations = envelope_watch.take_violations()
    if violations:
        pytest.fail("our code wrote invalid envelopes:\n\n" + "\n\n".join(violations), pytrace=False)


def pytest_sessionfinish() -> None:
    """End the reactor's threads: nothing shuts the reactor down in a test, and Python waits for threads at its end."""
    from twisted.internet import reactor

    pool = getattr(reactor, "threadpool", None)
    if pool is not None:
        pool.stop()
