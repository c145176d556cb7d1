"""Tests on a virtual machine: debian/ci-vm makes it and runs these, nothing else does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.machine import PACKAGES, packages
from tests.system.vm.machine import VirtualMachine, computer, disk

if disk() is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMachine]:
    """A machine with Debian's kernel on which the package was installed, as a person does it."""
    chosen = disk()
    assert chosen is not None
    folder = tmp_path_factory.mktemp("vm")
    with computer() as client, VirtualMachine(chosen, packages(), client, folder) as machine:
        machine.run("sh", "-c", f"apt-get -q -y install {PACKAGES}/scanbridge_*_all.deb")
        yield machine
