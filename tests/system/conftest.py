"""Tests of the installed package on real machines: debian/ci makes them and runs these, ./test does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.namespaces import Cable
from tests.interop.scanimage import Scanimage, static_client
from tests.system.container import Container
from tests.system.machine import PACKAGES, Machine, packages, roots

if not roots():
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session", params=roots(), ids=lambda root: root.name.rpartition("-")[0])
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A clean machine on which the package was installed, as a person does it."""
    console = tmp_path_factory.mktemp("machine") / "console"
    with Cable() as cable, Container(request.param, packages(), cable, console) as machine:
        machine.run("sh", "-c", f"apt-get -q -y install {PACKAGES}/scanbridge_*_all.deb")
        yield machine


@pytest.fixture
def client(machine: Machine, tmp_path: Path) -> Scanimage:
    """sane-airscan on the computer at the other end of the cable, told the URL of the scanner."""
    return static_client(tmp_path, machine.url, machine.client.start)
