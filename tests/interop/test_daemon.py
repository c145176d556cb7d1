"""The watch over the daemon notices what it is there for, and the daemon it watches is the real one."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.interop.daemon import Daemon, complaints, running, survivors, toml

pytestmark = pytest.mark.interop

GOOD = "2026-01-02 03:04:05 scanbridge 1.0 starts\nready http_port=8018 scanners=1\n"


def test_a_good_run_has_no_complaints() -> None:
    """Exit status 0, an ordinary log, valid envelopes and nothing left behind are what is expected."""
    assert complaints(0, GOOD, "", []) == []


@pytest.mark.parametrize(
    "line",
    [
        "2026-01-02 03:04:05   Traceback (most recent call last):\n",
        "2026-01-02 03:04:05 critical: Unhandled error in Deferred:\n",
        "2026-01-02 03:04:05 error: looking for scanners failed\n",
        "Unhandled Error\n",
    ],
)
def test_an_error_in_the_log_is_a_complaint(line: str) -> None:
    """An error that reached the log fails the run, whatever else went well."""
    assert complaints(0, GOOD + line, "", []) == ["The daemon logged an error that nobody handled."]


def test_all_other_trouble_is_a_complaint() -> None:
    """Each of an exit status, a hang, an invalid envelope and a process left behind fails the run, and is named."""
    assert "exit status 70" in complaints(70, GOOD, "", [])[0]
    assert "did not end" in complaints(None, GOOD, "", [])[0]
    assert "no such element" in complaints(0, GOOD, "no such element", [])[0]
    assert "4711 (worker)" in complaints(0, GOOD, "", ["4711 (worker)"])[0]


def test_a_process_is_known_by_its_mark_even_without_its_parent() -> None:
    """A process that has left its parent's session is found by its environment, and no other process is."""
    mark = f"SCANBRIDGE_TEST_MARK_{os.getpid()}=here"
    name, _, value = mark.partition("=")
    process = subprocess.Popen(
        ["cat"],
        env={**os.environ, name: value},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        # Only what answers has been executed, and has its environment.
        process.stdin.write(b"here\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"here\n"
        assert [pid for pid, _ in survivors(mark)] == [process.pid]
    finally:
        process.communicate()
    assert survivors(mark) == []


def test_the_daemon_and_its_worker_carry_the_mark(bridge_daemon: Daemon) -> None:
    """The daemon's worker would be found if it outlived the daemon."""

    def marked() -> list[int]:
        return [pid for pid, _ in survivors(bridge_daemon.mark)]

    # A process that is just being started has no environment to read yet.
    bridge_daemon.wait_for(lambda scanner: scanner["worker"]["pid"] in marked())
    assert len(marked()) == 2


def test_an_invalid_envelope_fails_the_run(tmp_path: Path) -> None:
    """A violation that the schema check has written down is reported when the daemon is stopped."""
    daemon = Daemon(tmp_path)
    with pytest.raises(AssertionError, match="the body is empty"), running(daemon):
        daemon.violations.write_text("the body is empty", encoding="utf-8")


def test_settings_lie_over_each_other() -> None:
    """A later layer replaces single keys of a section, and the file is TOML."""
    first = {"network": {"http_port": 0, "interfaces": ["lo"]}}
    second = {"network": {"interfaces": []}, "log": {"wire": True}}
    text = toml(first, second)
    assert tomllib.loads(text) == {"network": {"http_port": 0, "interfaces": []}, "log": {"wire": True}}
