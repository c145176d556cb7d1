"""Which statements of the standard are proven, and by which tests: the marks, their check, and the table of a run.

    ./test -m conformance                                   runs the tests that prove statements
    ./test --conformance-table=docs/conformance.md          writes what this run proved, and nothing else

A test proves a statement when it has the number in `@pytest.mark.conformance(...)` and passes: all of its cases, with
their setup and teardown. Skipped, deselected and failed tests prove nothing. The statements themselves are in
`conformance_statements.toml`. `tests/conftest.py` loads this module as a plugin of pytest. The option needs its "=":
pytest takes a file after a space, when it is there, for the place of the tests and does not look for our option.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

STATEMENTS = Path(__file__).with_name("conformance_statements.toml")
CONDITIONS = ("notes", "not-applicable")
"""The tables of that file that hold no statements."""

INTRODUCTION = """\
# Conformance

What Scanbridge promises on the wire, and the tests that prove it. The numbers are those that tests name in
`@pytest.mark.conformance(...)`; MUST, SHOULD and MAY are our own promises, stricter than the standards in places.

This page is written by a run of the tests and lists only tests that passed in it, so do not edit it:

    ./test --conformance-table=docs/conformance.md

The tests of messages are honest by more than their own assertions: every envelope that our code writes in any test is
checked against schemas of our own writing in `tests/schema/`, and one that is wrong fails the test.
"""


@dataclass(frozen=True)
class Statement:
    """One statement: `note` says on what condition it holds, `excuse` why it means nothing here."""

    number: int
    area: str
    strength: str
    text: str
    note: str = ""
    excuse: str = ""


@cache
def statements() -> dict[int, Statement]:
    """All statements by their numbers."""
    tables = tomllib.loads(STATEMENTS.read_text(encoding="utf-8"))
    notes, excuses = (tables.pop(name, {}) for name in CONDITIONS)
    found = {
        int(number): Statement(int(number), area, strength, text, notes.get(number, ""), excuses.get(number, ""))
        for area, table in tables.items()
        for number, (strength, text) in table.items()
    }
    strangers = sorted({int(number) for number in (*notes, *excuses)} - found.keys())
    if strangers:
        raise ValueError(f"{STATEMENTS.name} says something about numbers without a statement: {strangers}")
    return found


def cited(item: pytest.Item) -> set[int]:
    """The numbers that a test cites. Raises UsageError for a mark that cites none, or something else."""
    numbers: set[int] = set()
    for mark in item.iter_markers("conformance"):
        if not mark.args or mark.kwargs:
            raise pytest.UsageError(f"{item.nodeid}: conformance(...) needs the numbers of statements")
        for number in mark.args:
            statement = statements().get(number)
            if statement is None:
                raise pytest.UsageError(f"{item.nodeid}: there is no statement {number!r}")
            if statement.excuse:
                raise pytest.UsageError(
                    f"{item.nodeid}: statement {number} is listed as not applicable ({statement.excuse}); "
                    f"take it from that list in {STATEMENTS.name}, or from the test"
                )
            numbers.add(number)
    return numbers


def function_of(nodeid: str) -> str:
    """The test function of a case, from the folder of the tests on."""
    return nodeid.partition("[")[0].removeprefix("tests/")


@dataclass(eq=False)
class Ledger:
    """What a run has seen: every case with its numbers, and those that passed from setup to teardown."""

    numbers: dict[str, set[int]] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)
    spoilt: set[str] = field(default_factory=set)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Read the marks of all cases, also of those that are deselected after us."""
        for item in items:
            self.numbers[item.nodeid] = cited(item)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One of the three phases of a case is over."""
        if not report.passed or hasattr(report, "wasxfail"):
            self.spoilt.add(report.nodeid)
        elif report.when == "call":
            self.passed.add(report.nodeid)

    def proofs(self) -> dict[int, list[str]]:
        """For each number the functions of which every case that cites it passed, sorted."""
        good, bad = set(), set()
        for nodeid, numbers in self.numbers.items():
            sound = nodeid in self.passed - self.spoilt
            (good if sound else bad).update((number, function_of(nodeid)) for number in numbers)
        proven: dict[int, list[str]] = {}
        for number, function in sorted(good - bad):
            proven.setdefault(number, []).append(function)
        return proven


def rows(proofs: dict[int, list[str]], of: Iterable[Statement]) -> Iterator[str]:
    """The lines of one area's table."""
    yield "| No. | | Statement | Proven by |"
    yield "|---|---|---|---|"
    for statement in of:
        tests = "<br>".join(f"`{function}`" for function in proofs.get(statement.number, ()))
        if statement.excuse:
            tests = f"not applicable: {statement.excuse}"
        elif not tests:
            tests = "**not proven**"
        elif statement.note:
            tests = f"{statement.note}:<br>{tests}"
        yield f"| {statement.number} | {statement.strength} | {statement.text} | {tests} |"


def table(proofs: dict[int, list[str]]) -> str:
    """The page with all statements."""
    known = statements().values()
    excused = [statement.number for statement in known if statement.excuse]
    missing = [statement.number for statement in known if statement.number not in {*proofs, *excused}]
    functions = {function for tests in proofs.values() for function in tests}
    summary = f"{len(known)} statements: {len(proofs)} proven by {len(functions)} tests"
    for numbers, what in ((excused, "not applicable"), (missing, "not proven")):
        summary += f", {len(numbers)} {what}" + (f" ({', '.join(map(str, numbers))})" if numbers else "")
    lines = [INTRODUCTION, f"{summary}."]
    for area in dict.fromkeys(statement.area for statement in known):
        lines += ["", f"## {area}", "", *rows(proofs, [each for each in known if each.area == area])]
    return "\n".join(lines) + "\n"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Pytest asks for our option."""
    parser.addoption(
        "--conformance-table", metavar="FILE", type=Path, help="write the statements that this run proved to FILE"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Pytest is ready: the ledger hears of tests from now on."""
    config.pluginmanager.register(Ledger(), "conformance-ledger")


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """The run is over: write the table that was asked for, and say so."""
    file: Path | None = config.getoption("conformance_table")
    if file is not None:
        ledger: Ledger = config.pluginmanager.getplugin("conformance-ledger")
        proofs = ledger.proofs()
        file.write_text(table(proofs), encoding="utf-8")
        terminalreporter.write_line(f"{file}: {len(proofs)} of {len(statements())} statements are proven by this run")
