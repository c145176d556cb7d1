"""SECURITY.md names constants and tests that are there, and the numbers that hold."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from bridge.discovery import guard, multicast
from bridge.dpws import notifier, subscriptions
from bridge.http import limits
from bridge.jobs import buffer
from bridge.soap import parser

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [row for row in PAGE.splitlines() if row.startswith("| ") and row.count("|") == 5 and "`" in row]


@pytest.mark.parametrize("row", ROWS)
def test_constants_and_tests_of_a_promise_are_there(row: str) -> None:
    """Every name in its third column is something in the bridge, every file in its fourth is a test."""
    _, _, _, constants, tests, _ = row.split("|")
    module = ""
    names = re.findall(r"`([^`]+)`", constants)
    assert names
    for name in names:
        if "." in name:
            module, _, name = name.rpartition(".")
        try:
            holder = import_module(f"bridge.{module}")
        except ModuleNotFoundError:
            holder = import_module(f"bridge.{module.rpartition('.')[0]}")
        pattern = name.replace("*", "")
        assert any(each.startswith(pattern) for each in dir(holder)) or hasattr(holder, module.rpartition(".")[2]), name
    for file in tests.split(","):
        assert list((ROOT / "tests").rglob(file.strip())) or (ROOT / "tests" / file.strip()).exists(), file


def test_the_numbers_are_those_of_the_code() -> None:
    """A limit that is changed is changed here too."""
    for number, where in (
        (limits.MAX_BODY, "request body"),
        (limits.MAX_HEADER_BYTES, "request head"),
        (limits.MAX_HEADERS, "request head"),
        (limits.MAX_CONNECTIONS, "connections"),
        (limits.MAX_CONNECTIONS_PER_CLIENT, "connections"),
        (int(limits.REQUEST_S), "time for a request"),
        (int(limits.IDLE_S), "time for a request"),
        (int(limits.STALL_S), "time for a request"),
        (parser.MAX_DEPTH, "XML"),
        (parser.MAX_ELEMENTS, "XML"),
        (guard.MAX_DATAGRAM_SENT, "datagram in; out"),
        (multicast.MAX_DATAGRAM // 1024, "datagram in; out"),
        (guard.ANSWERS_PER_SOURCE, "answers to Probes"),
        (guard.ANSWERS_IN_ALL, "answers to Probes"),
        (guard.MEMORY_SIZE, "remembered"),
        (subscriptions.MAX_SUBSCRIPTIONS, "subscriptions of"),
        (subscriptions.MAX_SUBSCRIPTIONS_PER_CLIENT, "subscriptions of"),
        (notifier.QUEUE_LIMIT, "events waiting"),
        (buffer.HIGH_WATER >> 20, "bytes of an image"),
    ):
        (row,) = [row for row in ROWS if row.startswith(f"| {where}")]
        assert re.search(rf"\b{number:,}\b", row), (number, row)
