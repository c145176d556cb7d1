"""Every fault at every moment: what the client, its job and the scanner show, how soon, and that the next job scans.

`matrix.py` plays it with the real daemon; docs/failures.md is what was seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.attached_client import BROKEN, NO_IMAGE, WHOLE
from tests.chaos.matrix import (
    BARELY_BEGUN,
    CANCELLING,
    CASES,
    GIVING_BACK,
    IDLE,
    MOMENTS,
    Benches,
    Case,
    Moment,
    Observation,
)
from tests.tools.failures import PAGE, introduction, matrix_part


class Matrix:
    """What is seen, a moment at a time, when a test first asks for it."""

    def __init__(self, benches: Benches) -> None:
        self._benches = benches
        self._seen: dict[Case, Observation] = {}

    def at(self, moment: Moment) -> dict[Case, Observation]:
        """Everything of `moment`."""
        cases = [case for case in CASES if case.moment is moment]
        if cases[0] not in self._seen:
            self._seen.update(self._benches.observe(cases))
        return {case: self._seen[case] for case in cases}


@pytest.fixture(scope="module")
def matrix(chaos_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    """Daemons that are kept from test to test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LD_LIBRARY_PATH", str(chaos_library.parent))
        with Benches(tmp_path_factory.mktemp("matrix")) as benches:
            yield Matrix(benches)


def expected(case: Case) -> tuple[str, str, str]:
    """What the client meets, the job and the scanner afterwards, as they must be."""
    if case.moment is IDLE:
        return "no job", "no job", "Idle"
    if case.moment is CANCELLING:
        return BROKEN, "Canceled", "Idle"
    if case.moment is GIVING_BACK:
        return WHOLE, "Completed", "Idle"
    begun = case.moment.line > 0
    aborted = "Aborted, ScannerStopped"
    if case.misbehaviour.action == "torn":
        # Half a line is left out: a page without a line is none, a page that ends early is filled up.
        return (WHOLE, "Completed", "Idle") if begun else (BARELY_BEGUN, aborted, "Idle")
    attention = case.misbehaviour.waits or case.misbehaviour.action == "status"
    scanner = "Stopped, AttentionRequired" if attention else "Idle"
    if begun:
        return BROKEN, aborted, scanner
    return NO_IMAGE if case.misbehaviour.waits else "ServerErrorTemporaryError", aborted, scanner


def named(case: Case) -> str:
    """A case in the list of tests."""
    return f"{case.moment.name}-{case.misbehaviour.name}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_what_follows(case: Case, matrix: Matrix) -> None:
    """The job ends with the documented state and reason, the scanner shows it, and no condition is made up."""
    told = matrix.at(case.moment)[case]
    assert (told.client, told.job, told.scanner) == expected(case)
    assert told.conditions == ""


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_next_job_gives_a_good_page(case: Case, matrix: Matrix) -> None:
    """A fresh worker serves the next job within the documented deadline, and nothing is wrong with the scanner then."""
    told = matrix.at(case.moment)[case]
    assert (told.page, told.afterwards) == ("a good page", "Idle")
    if case.limit_s:
        # The clock is pushed in steps, while it also goes by itself.
        assert case.limit_s - told.took_s - case.step_s <= told.pushed_s <= case.limit_s + 2 * case.step_s
    else:
        assert told.pushed_s == 0


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name)
def test_the_page_says_what_is_seen(moment: Moment, matrix: Matrix) -> None:
    """docs/failures.md is what `python3 -m tests.tools.failures` writes."""
    text = PAGE.read_text(encoding="utf-8")
    assert matrix_part(moment, matrix.at(moment)) in text
    assert text.startswith(introduction())
