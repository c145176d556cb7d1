"""What scanners do in the middle of a page: a real USB stack, a real driver, the installed service, a client's scan."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop.discovery_client import Client
from tests.interop.scanimage import Scan, Scanimage, static_client
from tests.system.vm.machine import VirtualMachine
from tests.system.vm.plug import MODEL, Plug

PAGE = ("--mode", "Gray", "--resolution", "150")
"""A page of 37 blocks."""

SETTINGS = '[scanner]\nvirtual = "never"\nread_timeout_s = 12\n'
"""So long the bridge waits for a scanner in the middle of a page; the driver alone would wait for 30 s."""


@pytest.fixture(scope="module", autouse=True)
def settings(machine: VirtualMachine) -> Iterator[None]:
    """Real scanners alone, and little patience."""
    machine.configure(SETTINGS)
    yield
    machine.configure("")


def served(machine: VirtualMachine) -> list[str]:
    """The UUIDs of the scanners that are served."""
    return [scanner["uuid"] for scanner in machine.status()["scanners"]]


def begun(machine: VirtualMachine, client: Scanimage) -> tuple[Scan, int]:
    """A scan of which some has gone out already, and the number of its job."""
    scan = client.start(*PAGE)

    def is_under_way() -> bool:
        return any("JobScanningAndTransferring" in job["reasons"] for job in machine.scanner()["active_jobs"])

    machine.until(is_under_way)
    (job,) = machine.scanner()["active_jobs"]
    return scan, int(job["id"])


def told_of(machine: VirtualMachine, number: int) -> str:
    """The line of the log about a job that is over."""
    found: list[str] = []

    def is_over() -> bool:
        texts = machine.messages("SYSLOG_IDENTIFIER=scanbridge", "PRIORITY=6", f"JOB_ID={number}")
        found[:] = [text for text in texts if text.startswith(f"job {number} ")]
        return bool(found)

    machine.until(is_over)
    return found[0]


def last_job(machine: VirtualMachine) -> dict[str, Any]:
    """The newest job that is over, once no other is under way."""
    machine.until(lambda: not machine.scanner()["active_jobs"])
    job = machine.scanner()["history"][-1]
    assert isinstance(job, dict)
    return job


def test_plugged_in_and_out_while_the_service_runs(machine: VirtualMachine) -> None:
    """Computers on the network hear Hello when the scanner is plugged in and Bye when it is pulled out."""
    pid = machine.show("MainPID")
    assert served(machine) == []
    group = Client(machine.client, socket.AF_INET).join()

    with Plug(machine):
        hello = group.next(lambda heard: heard.action == "Hello", patience=machine.hang_s)
        machine.until(lambda: len(served(machine)) == 1)
        (uuid,) = served(machine)
        assert machine.scanner()["name"].startswith(MODEL)

    bye = group.next(lambda heard: heard.action == "Bye", patience=machine.hang_s)
    machine.until(lambda: served(machine) == [])
    assert {message.text("wsa:EndpointReference/wsa:Address") for message in (hello, bye)} == {f"urn:uuid:{uuid}"}
    assert machine.show("MainPID") == pid


def test_unplugged_in_the_middle_of_a_page(machine: VirtualMachine, tmp_path: Path) -> None:
    """The client hears that its page is not whole, the job is Aborted; plugged in again it is the same scanner."""
    with Plug(machine, "--block-seconds", "2") as plug:
        machine.until(lambda: len(served(machine)) == 1)
        before, url = served(machine), machine.url
        client = static_client(tmp_path, url, machine.client.start)
        scan, number = begun(machine, client)

        plug.pull()

        assert scan.end().status != 0
        assert told_of(machine, number).startswith(f"job {number} Aborted ")
        machine.until(lambda: served(machine) == [])

    with Plug(machine):
        machine.until(lambda: served(machine) == before)
        assert machine.url == url
        assert client.page(*PAGE).size


@pytest.mark.parametrize("fault", ["jam", "cover", "silence"])
def test_a_fault_in_the_middle_of_a_page(machine: VirtualMachine, tmp_path: Path, fault: str) -> None:
    """The client hears that its page is not whole, the job is Aborted; the same daemon scans the next page."""
    pid = machine.show("MainPID")
    with Plug(machine, "--block-seconds", "0.1", "--at-block", "9", fault):
        machine.until(lambda: len(served(machine)) == 1)
        client = static_client(tmp_path, machine.url, machine.client.start)

        assert client.start(*PAGE).end().status != 0

        job = last_job(machine)
        assert job["state"] == "Aborted"
        scanner = machine.scanner()
        print(f"{fault}: {told_of(machine, job['id'])}; then {scanner['state']} {scanner['reasons']}")
        assert client.page(*PAGE).size
        assert last_job(machine)["state"] == "Completed"
        assert machine.scanner()["state"] == "Idle"
    assert machine.show("MainPID") == pid
    machine.until(lambda: served(machine) == [])
