"""The table of conformance: its statements, the marks that cite them, and the page that a run has written."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conformance import Ledger, Statement, cited, function_of, statements, table

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "conformance.md"
LONGEST = 110
"""A statement is one short line."""

ROW = re.compile(r"\| (\d+) \| (MUST|SHOULD|MAY) \| (.+?) \| (.*) \|")


@cache
def citations() -> frozenset[tuple[int, str]]:
    """Every number in the tests' sources with the function that cites it, through parameters and modules as well."""
    found = set()
    for path in sorted(TESTS.rglob("test_*.py")):
        if path.name == Path(__file__).name:
            continue  # its numbers are examples
        module = ast.parse(path.read_text(encoding="utf-8"))
        file = path.relative_to(TESTS).as_posix()
        everywhere = [
            number
            for node in module.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
            for number in numbers_in(node.value)
        ]
        for node in module.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                own = [number for decorator in node.decorator_list for number in numbers_in(decorator)]
                found.update((number, f"{file}::{node.name}") for number in own + everywhere)
    return frozenset(found)


def numbers_in(expression: ast.expr) -> list[int]:
    """The numbers of all conformance(...) in an expression."""
    return [
        argument.value
        for node in ast.walk(expression)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.conformance")
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, int)
    ]


def page_rows() -> dict[int, tuple[str, str, list[str], str]]:
    """Number: strength, text, functions and the whole last column of the committed page."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        row = ROW.fullmatch(line)
        if row is not None:
            number, strength, text, proof = row.groups()
            found[int(number)] = (strength, text, re.findall(r"`([^`]+\.py::[^`]+)`", proof), proof)
    return found


def case(nodeid: str, *marks: Any) -> Any:
    """A collected test with these marks."""
    return SimpleNamespace(nodeid=nodeid, iter_markers=lambda name: [mark.mark for mark in marks])


def report(nodeid: str, when: str = "call", outcome: str = "passed", **more: str) -> Any:
    """What pytest tells of one phase of a test."""
    return SimpleNamespace(nodeid=nodeid, when=when, passed=outcome == "passed", **more)


def proofs(cases: list[Any], *reports: Any) -> dict[int, list[str]]:
    """What a run of these cases with these reports has proven."""
    ledger = Ledger()
    ledger.pytest_collection_modifyitems(cases)
    for one in reports:
        ledger.pytest_runtest_logreport(one)
    return ledger.proofs()


# -- statements and marks ------------------------------------------------------------------------


def test_there_is_one_statement_for_each_number() -> None:
    """298 statements in their order, each short, of its own and no copy of another."""
    known = statements()
    assert list(known) == list(range(1, 299))
    assert {statement.strength for statement in known.values()} == {"MUST", "SHOULD", "MAY"}
    assert [each.number for each in known.values() if len(each.text) > LONGEST or "|" in each.text] == []


def test_every_number_that_is_cited_is_a_statement() -> None:
    """A number without a statement, and one that is said to mean nothing here, is cited by nobody."""
    meaningful = {number for number, statement in statements().items() if not statement.excuse}
    assert {number for number, _ in citations()} <= meaningful


def test_a_mark_gives_its_numbers() -> None:
    """The numbers of all marks of a test count together."""
    marks = pytest.mark.conformance(1, 2), pytest.mark.conformance(2, 3)
    assert cited(case("a.py::b", *marks)) == {1, 2, 3}
    assert cited(case("a.py::b")) == set()


@pytest.mark.parametrize(
    ("mark", "why"),
    [
        (pytest.mark.conformance(299), "no statement 299"),
        (pytest.mark.conformance("1"), "no statement '1'"),
        (pytest.mark.conformance(), "needs the numbers"),
    ],
)
def test_a_wrong_mark_stops_the_run(mark: Any, why: str) -> None:
    """A mark without a number or with an unknown one is refused."""
    with pytest.raises(pytest.UsageError, match=why):
        cited(case("a.py::b", mark))


@pytest.fixture
def excused(monkeypatch: pytest.MonkeyPatch) -> Statement:
    """A statement that means nothing here, as long as the test runs."""
    excused = replace(statements()[209], excuse="there are no images")
    changed = {**statements(), 209: excused}
    monkeypatch.setattr("tests.conformance.statements", lambda: changed)
    return excused


def test_a_mark_for_what_does_not_apply_stops_the_run(excused: Statement) -> None:
    """A mark for a statement that means nothing here is refused with the reason."""
    with pytest.raises(pytest.UsageError, match=r"not applicable.*there are no images"):
        cited(case("a.py::b", pytest.mark.conformance(excused.number)))


# -- what a run proves ---------------------------------------------------------------------------


def test_a_test_that_passes_proves_its_numbers() -> None:
    """Each number has the functions that prove it, sorted, each once however many cases it has."""
    one, other = pytest.mark.conformance(7), pytest.mark.conformance(7, 8)
    cases = [case("tests/z.py::b[1]", one), case("tests/z.py::b[2]", one), case("tests/a.py::c", other)]
    assert proofs(cases, *(report(each.nodeid) for each in cases)) == {7: ["a.py::c", "z.py::b"], 8: ["a.py::c"]}


@pytest.mark.parametrize(
    "reports",
    [
        [],
        [report("t.py::a", outcome="failed")],
        [report("t.py::a", outcome="skipped")],
        [report("t.py::a", "setup", "skipped")],
        [report("t.py::a"), report("t.py::a", "teardown", "failed")],
        [report("t.py::a", wasxfail="")],
        [report("t.py::b")],
    ],
    ids=["not run", "failed", "skipped", "skipped before", "failed after", "passed against expectation", "another"],
)
def test_nothing_else_proves_anything(reports: list[Any]) -> None:
    """What did not run, did not pass, or failed in its end, where invalid envelopes are told, proves nothing."""
    assert proofs([case("t.py::a", pytest.mark.conformance(1))], *reports) == {}


def test_one_case_that_fails_takes_the_number_from_its_function() -> None:
    """A number is proven by all cases that cite it, or not at all; numbers of single cases stand for themselves."""
    cases = [
        case("t.py::a[1]", pytest.mark.conformance(1)),
        case("t.py::a[2]", pytest.mark.conformance(1, 2)),
        case("t.py::a[3]", pytest.mark.conformance(3)),
    ]
    reports = report("t.py::a[1]"), report("t.py::a[2]", outcome="failed"), report("t.py::a[3]")
    assert proofs(cases, *reports) == {3: ["t.py::a"]}


def test_the_page_tells_proven_from_the_rest(excused: Statement) -> None:
    """Proven, proven on a condition, not applicable and not proven are told apart, and counted in the first line."""
    page = table({1: ["unit/a.py::b", "unit/c.py::d"], 46: ["unit/a.py::b"]})
    assert "\n298 statements: 2 proven by 2 tests, 1 not applicable (209), 295 not proven (2, 3, 4," in page
    lines = page.splitlines()
    assert f"| 1 | MUST | {statements()[1].text} | `unit/a.py::b`<br>`unit/c.py::d` |" in lines
    assert f"| 46 | SHOULD | {statements()[46].text} | {statements()[46].note}:<br>`unit/a.py::b` |" in lines
    assert f"| 209 | SHOULD | {excused.text} | not applicable: there are no images |" in lines
    assert f"| 298 | MUST | {statements()[298].text} | **not proven** |" in lines


@pytest.mark.parametrize(
    ("nodeid", "function"),
    [("tests/unit/a.py::b", "unit/a.py::b"), ("tests/a.py::b[x::y-tests/]", "a.py::b"), ("a.py::b[[]", "a.py::b")],
)
def test_cases_are_known_by_their_function(nodeid: str, function: str) -> None:
    """The page names functions, without their parameters."""
    assert function_of(nodeid) == function


# -- the page in docs/ ---------------------------------------------------------------------------


def test_the_committed_page_has_every_statement_as_it_is() -> None:
    """The page was written from the statements of today."""
    rows = page_rows()
    assert list(rows) == list(statements())
    for number, (strength, text, _, _) in rows.items():
        assert (strength, text) == (statements()[number].strength, statements()[number].text)


def test_the_committed_page_names_tests_that_prove_it() -> None:
    """Every test on the page exists and cites the number beside which it stands; no test is named for nothing."""
    named = {(number, function) for number, (_, _, functions, _) in page_rows().items() for function in functions}
    assert named
    assert named - citations() == set()


def test_the_committed_page_claims_nothing_without_a_test() -> None:
    """A statement has tests, or says that it is not applicable or not proven, as its first line counts."""
    proven, excused, missing = [], [], []
    for number, (_, _, functions, proof) in page_rows().items():
        if functions:
            proven.append(number)
        elif proof == f"not applicable: {statements()[number].excuse}":
            excused.append(number)
        else:
            assert proof == "**not proven**", number
            missing.append(number)
    (summary,) = re.findall(r"^298 statements: .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert summary.startswith(f"298 statements: {len(proven)} proven by ")
    assert f", {len(excused)} not applicable" in summary
    assert f", {len(missing)} not proven" in summary
