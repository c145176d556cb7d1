"""The watch over envelopes: nobody writes one that is not checked, and no violation gets lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lxml.builder import ElementMaker

import bridge.soap.envelope
from bridge.soap.envelope import write_envelope
from bridge.soap.namespaces import WSCN
from tests import envelope_watch
from tests.envelope_watch import InvalidEnvelope, take_violations

ROOT = Path(__file__).parents[2]
ACTION = f"{WSCN}/CancelJobResponse"
WRONG = ElementMaker(namespace=WSCN, nsmap={"wscn": WSCN}).CancelJobResponse("not empty")

SWALLOWS = """
import pytest
from lxml import etree
from bridge.soap.envelope import write_envelope
from bridge.soap.namespaces import WSCN

def test_product_code_catches_everything():
    body = etree.Element(f"{{{WSCN}}}Nonsense")
    try:
        write_envelope(f"{WSCN}/CancelJobResponse", body, relates_to="urn:uuid:1")
    except Exception:
        pass

def test_nothing_wrong_here():
    body = etree.Element(f"{{{WSCN}}}CancelJobResponse")
    write_envelope(f"{WSCN}/CancelJobResponse", body, relates_to="urn:uuid:5b7e4ba6-6f0b-4a43-9b7e-2c5ad94f0c11")
"""

LATE = """
import bridge.soap.addressing
from tests import envelope_watch
envelope_watch.install()
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the project with this interpreter."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_an_invalid_envelope_fails_where_it_is_written() -> None:
    """An envelope that our schemas do not allow is an error at once, and is remembered."""
    with pytest.raises(InvalidEnvelope):
        write_envelope(ACTION, WRONG, relates_to="urn:uuid:5b7e4ba6-6f0b-4a43-9b7e-2c5ad94f0c11")
    (violation,) = take_violations()
    assert "not empty" in violation


def test_every_module_writes_through_the_watch() -> None:
    """Whoever took `write_envelope` from its module has the watched one."""
    original = bridge.soap.envelope.write_envelope.unchecked  # type: ignore[attr-defined]
    bare = [
        name
        for name, module in list(sys.modules.items())
        if name.startswith("bridge") and any(value is original for value in vars(module).values())
    ]
    assert bare == []
    assert write_envelope is not original


def test_installing_twice_watches_once() -> None:
    """`install` may be called by whoever needs it."""
    before = bridge.soap.envelope.write_envelope
    envelope_watch.install()
    assert bridge.soap.envelope.write_envelope is before


def test_installing_too_late_is_refused() -> None:
    """A module that took the bare function first is named, and nothing runs."""
    ended = run("-c", LATE)
    assert ended.returncode != 0
    assert "bridge.soap.addressing" in ended.stderr


def test_a_violation_fails_the_test_whatever_product_code_does(tmp_path: Path) -> None:
    """An exception that product code catches still fails the test it happened in, and only that."""
    (tmp_path / "test_swallows.py").write_text(SWALLOWS)
    (tmp_path / "conftest.py").write_text("from tests.conftest import _only_valid_envelopes\n")
    arguments = ("-m", "pytest", "-q", "-c", "setup.cfg", "--rootdir", str(ROOT))
    ended = run(*arguments, str(tmp_path / "test_swallows.py"))
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "2 passed, 1 error" in ended.stdout
    assert "ERROR" in ended.stdout
    assert "test_product_code_catches_everything" in ended.stdout


def test_the_watched_command_line_runs_the_bridge(tmp_path: Path) -> None:
    """`tests.checked_bridge` is the bridge's command line, with the watch in place before anything else."""
    log = tmp_path / "violations"
    ended = run("-m", "tests.checked_bridge", "--version", SCANBRIDGE_SCHEMA_LOG=str(log))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip()
    assert not log.exists()
    assert run("-m", "tests.checked_bridge", "--version", SCANBRIDGE_SCHEMA_LOG="").returncode == 2


def test_violations_of_a_process_go_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon under test leaves what it did wrong in a file, at once."""
    log = tmp_path / "violations"
    monkeypatch.setattr(envelope_watch, "LOG_FILE", str(log))
    with pytest.raises(InvalidEnvelope):
        write_envelope(ACTION, WRONG, relates_to="urn:uuid:5b7e4ba6-6f0b-4a43-9b7e-2c5ad94f0c11")
    assert take_violations()[0] in log.read_text()
