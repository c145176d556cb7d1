"""Every command in the documents works: run here for real, or by the tests that are named in KINDS."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.doctor.ward import daemon_on
from tests.documents.commands import ROOT, Command, all_commands, documents
from tests.interop.daemon import HANG_S, REPOSITORY, Daemon, running
from tests.interop.namespaces import Cable
from tests.interop.push_scan import WaitingPc

KINDS = {
    "served": r"(\./run|\./run --config trial\.toml serve 2>trial\.log|scanbridge( --config my\.toml)? serve)",
    "run": r"(\./run|scanbridge)( --config \S+)? (--help|scan|discover|status|button|doctor)\b.*",
    "shell": r"cut -c1-150 trial\.log",
    # On clean machines by tests/system/test_5_documents.py.
    "machine": r"(sudo apt-get install -y \./build/scanbridge_\S+|systemctl|journalctl|systemd-analyze|udevadm)\b.*",
    # What this test is a part of, and what runs this test.
    "project": r"(sudo )?(\./test|\./check|debian/ci|\.ci/run|python3 -m|/usr/bin/python3 docs/|benchmarks/"
    r"|tests/fuzz/|hw/)\S*.*",
}


def kind_of(command: Command) -> str:
    """How a command is tested."""
    fitting = [kind for kind, pattern in KINDS.items() if re.fullmatch(pattern, command.line)]
    assert len(fitting) == 1, f"{command}: give it a kind in KINDS, and with that a test"
    return fitting[0]


def of_kind(kind: str) -> list[Command]:
    """Each line once, with the first document that has it."""
    lines = {command.line: command for command in reversed(all_commands()) if kind_of(command) == kind}
    return list(reversed(lines.values()))


def test_every_command_has_a_test() -> None:
    """A new command in a document fails here until somebody says how it is tested."""
    found = all_commands()
    assert len(found) > 40
    assert {kind_of(command) for command in found} == KINDS.keys()


def test_links_lead_somewhere() -> None:
    """Each link from one document to another, and each picture, is there."""
    for document in documents():
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.fixture(scope="module")
def cable() -> Iterator[Cable]:
    with Cable() as cable:
        yield cable


@pytest.fixture(scope="module")
def daemon(cable: Cable, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A bridge on its own machine, at the port that the documents name, with a PC that listens."""
    folder = tmp_path_factory.mktemp("bridge")
    daemon = daemon_on(cable.first, folder, {"network": {"http_port": 8018}})
    with running(daemon), cable.first.inside(), WaitingPc(daemon.url) as pc:
        pc.subscribe()
        yield daemon
        pc.unsubscribe()


def words_of(command: Command, daemon: Daemon) -> list[str]:
    """What is run for a line of a document: this program, with the settings of the bridge that is there."""
    line = re.sub(r"^(\./run|scanbridge)( --config \S+)?", "", command.line)
    line = line.replace("http://192.168.1.20:8018/", "http://10.99.0.1:8018/").replace("--device lide", "--device test")
    return [sys.executable, "-m", "bridge", "--config", str(daemon.config), *shlex.split(line)]


@pytest.mark.parametrize("command", of_kind("run"), ids=str)
def test_a_command_of_ours(command: Command, daemon: Daemon, cable: Cable, tmp_path: Path) -> None:
    """It ends well and writes the file that it names; `doctor` may warn that the scanner is the virtual one."""
    process = cable.first.start(
        *words_of(command, daemon),
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, error = process.communicate(timeout=HANG_S)
    assert process.returncode in ((0, 1) if " doctor" in command.line else (0,)), (out, error)
    named = re.search(r"(?:-o|--bundle) (\S+?)(\.\S+)", command.line)
    if named is not None:
        assert [path for path in tmp_path.iterdir() if path.name.startswith(named[1]) and path.stat().st_size > 500]


@pytest.fixture
def short_home() -> Iterator[Path]:
    """A home for the control socket: its path has room for 107 bytes, and folders of pytest may have long names."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize("command", of_kind("served"), ids=str)
def test_a_bridge_is_started(command: Command, cable: Cable, tmp_path: Path, short_home: Path) -> None:
    """The line itself, as the shell takes it, on a machine of its own: it says that it is ready, and ends well."""
    program = f'#!/bin/sh\n[ $# -gt 0 ] || set -- serve\nexec {sys.executable} -m bridge "$@"\n'
    for name in ("run", "scanbridge"):
        (tmp_path / name).write_text(program)
        (tmp_path / name).chmod(0o755)
    for name in ("trial.toml", "my.toml"):
        (tmp_path / name).write_text("[log]\nwire = true\n")
    log = tmp_path / "trial.log"
    redirected = command.line if "2>" in command.line else f"{command.line} 2>{log.name}"
    process = cable.second.start(
        *("sh", "-c", f"exec {redirected}"),
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": f"{tmp_path}:/usr/sbin:/usr/bin:/bin", "HOME": str(short_home)},
        stdout=subprocess.DEVNULL,
    )
    hang = time.monotonic() + HANG_S
    while not (log.exists() and "\nready http_port=8018 scanners=1\n" in log.read_text()):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < hang, log.read_text()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(HANG_S) == 0, log.read_text()


@pytest.mark.parametrize("command", of_kind("shell"), ids=str)
def test_a_command_of_the_shell(command: Command, tmp_path: Path) -> None:
    """It works on a log."""
    (tmp_path / "trial.log").write_text("2026-01-02 03:04:05 scanbridge starts\n")
    subprocess.run(["sh", "-ec", command.line], cwd=tmp_path, check=True, timeout=HANG_S)


@pytest.mark.parametrize("command", of_kind("project"), ids=str)
def test_a_command_of_the_project(command: Command) -> None:
    """The program is there, and so is whatever file of ours it is told to work on."""
    words = [word for word in shlex.split(command.line) if word != "sudo"]
    if words[0] == "python3":
        words = [f"{words[words.index('-m') + 1].replace('.', '/')}.py"]
    for word in words:
        if "/" in word and not word.startswith(("/usr", "/tmp")):
            assert (ROOT / word).exists(), word


def test_the_package_brings_documents_that_there_are() -> None:
    """Each document that the package installs is in the checkout."""
    named = (ROOT / "debian/scanbridge.docs").read_text(encoding="utf-8").split()
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []
