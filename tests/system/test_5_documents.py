"""The README from top to bottom on a clean machine, as its reader follows it; then what else the documents say there.

What makes the package (debian/ci) or the image, and what tests or measures the project, is left out: it has made this
machine and runs this test, or takes longer than a reader stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.documents.commands import ROOT, all_commands, commands_of
from tests.interop.namespaces import Cable
from tests.system.container import Container
from tests.system.machine import HANG_S, PACKAGES, Machine, packages, roots

pytestmark = pytest.mark.timeout(10 * HANG_S)

HOME = "/root/scanbridge"
"""Where the reader has the checkout."""

NOT_HERE = re.compile(r"(sudo )?(\./test|\./check|debian/ci|tests/fuzz/|hw/|benchmarks/|python3 -m tests\.)\S*.*")
TERMINAL = (
    *("--quiet", "--collect", "--unit=first-terminal", f"--working-directory={HOME}", "--setenv=HOME=/root"),
    *("--property=StandardOutput=null", "--property=StandardError=file:/root/log"),
)
READY = ("grep", "-q", "^ready http_port=8018 scanners=1", "/root/log")
ENDLESS = re.compile(r"journalctl .* -f$")


@pytest.fixture(scope="module", params=roots(), ids=lambda root: root.name.rpartition("-")[0])
def clean(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with a checkout and the built package, and nothing installed."""
    console = tmp_path_factory.mktemp("clean") / "console"
    with Cable() as cable, Container(request.param, packages(), cable, console) as machine:
        machine.run("cp", "-a", f"{PACKAGES}/source", HOME)
        machine.run("sh", "-c", f"mkdir -p {HOME}/build && cp {PACKAGES}/scanbridge_*_all.deb {HOME}/build/")
        # The reader is root here, and this system has no sudo.
        machine.write("/usr/local/bin/sudo", '#!/bin/sh\nexec "$@"\n')
        machine.run("chmod", "+x", "/usr/local/bin/sudo")
        yield machine


def shell(machine: Machine, line: str) -> None:
    """Run a line of a document in the checkout; it must end well, but the doctor may warn of the virtual scanner."""
    wrapped = f"timeout 2 {line} || [ $? -eq 124 ]" if ENDLESS.fullmatch(line) else line
    path = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    ended = machine.try_run("sh", "-c", f"export PATH={path} HOME=/root; cd {HOME} && {wrapped}")
    allowed = (0, 1) if line.endswith(" doctor") else (0,)
    assert ended.returncode in allowed, f"{line}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}"


def test_the_readme_from_top_to_bottom(clean: Machine) -> None:
    """Each command in its order: try it, scan, look, install it, see it serve."""
    lines = [command.line for command in commands_of(ROOT / "README.md") if not NOT_HERE.fullmatch(command.line)]
    assert lines[0] == "./run"
    assert any(line.startswith("sudo apt-get install") for line in lines)
    for line in lines:
        if line == "./run":
            clean.run("systemd-run", *TERMINAL, f"{HOME}/run")
            # It installs a hundred packages first.
            clean.until(lambda: clean.try_run(*READY).returncode == 0, 5 * HANG_S)
            continue
        if line.startswith("sudo apt-get install"):
            # Ctrl+C in the first terminal, as the README says.
            clean.run("systemctl", "kill", "--signal=INT", "first-terminal")
            clean.until(lambda: clean.try_run("systemctl", "is-active", "--quiet", "first-terminal").returncode != 0)
        shell(clean, line)
        if line.startswith("sudo apt-get install"):
            clean.until(clean.serves)
    jpeg, png = "ffd8", "8950"
    for name, beginning in (("page.jpg", jpeg), ("page.png", png), ("pages-001.jpg", jpeg), ("pages-002.jpg", jpeg)):
        assert clean.run("od", "-An", "-tx1", "-N2", f"{HOME}/{name}").replace(" ", "").strip() == beginning


def test_what_the_other_documents_say_of_the_service(clean: Machine) -> None:
    """Each command for the machine itself, in whatever document."""
    lines = {
        command.line
        for command in all_commands()
        if re.match(r"(systemctl|journalctl|systemd-analyze|udevadm)\b", command.line)
    }
    assert len(lines) > 4
    for line in sorted(lines):
        shell(clean, line)
