"""Scans over the network from the installed service, and what the journal says of them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.interop.comparison import assert_same_page
from tests.interop.scanimage import Scanimage, bed_mm, virtual_scanner
from tests.system.machine import SETTINGS, UNIT, Machine


def test_a_page_arrives(machine: Machine, client: Scanimage, tmp_path: Path) -> None:
    """sane-airscan on another computer gets the page that SANE's virtual scanner has."""
    bed = ("-l", "0", "-t", "0", "-x", bed_mm(), "-y", bed_mm())
    original = virtual_scanner(tmp_path).page("--mode", "Color", "--resolution", "75", *bed)

    page = client.page("--mode", "Color", "--resolution", "75")

    assert_same_page(page, original)


def test_a_job_is_one_line_of_the_journal(machine: Machine, client: Scanimage) -> None:
    """A job that went well has one entry, at the priority "info", with all there is to know; its number finds it."""
    client.page("--mode", "Gray", "--resolution", "75")
    job = machine.scanner()["history"][-1]

    told = machine.run("journalctl", "--unit=scanbridge", "--output=json", "--no-pager", f"JOB_ID={job['id']}")

    # systemd numbers its own jobs in a field of the same name.
    (entry,) = (entry for entry in map(json.loads, told.splitlines()) if entry["_PID"] != "1")
    assert entry["MESSAGE"].startswith(f"job {job['id']} Completed: 1 image, ")
    assert f" from {machine.client.ipv4}, " in entry["MESSAGE"]
    assert (entry["PRIORITY"], entry["CLIENT"]) == ("6", machine.client.ipv4)
    assert entry["LOGGER"].startswith("bridge.jobs.")


def test_the_steps_of_a_job_are_told_on_demand(machine: Machine, client: Scanimage) -> None:
    """With the level "debug", a job is followed from its beginning to its end."""
    machine.write(SETTINGS, '[log]\nlevel = "debug"\n')
    machine.run("systemctl", "reload", UNIT)
    client.page("--mode", "Gray", "--resolution", "75")
    job = machine.scanner()["history"][-1]

    found = machine.journal("SYSLOG_IDENTIFIER=scanbridge", f"JOB_ID={job['id']}")

    assert found[0]["MESSAGE"].startswith(f"debug: job {job['id']} accepted: ")
    assert found[0]["PRIORITY"] == "7"
    assert found[-1]["MESSAGE"].startswith(f"job {job['id']} Completed: ")
    machine.write(SETTINGS, "")
    machine.run("systemctl", "reload", UNIT)


def test_a_scanner_can_be_found_in_the_journal(machine: Machine) -> None:
    """Entries about a scanner are found by its name."""
    name = machine.scanner()["name"]

    found = machine.messages(f"SCANNER={name}")

    assert any(text.startswith(f"{name} is served at /") for text in found)


def test_the_wire_fits_into_the_journal(machine: Machine, client: Scanimage) -> None:
    """With the wire in the log, the largest messages arrive in the journal whole, each with its action's client."""
    machine.write(SETTINGS, "[log]\nwire = true\n")
    machine.run("systemctl", "reload", UNIT)
    client.page("--mode", "Gray", "--resolution", "75")

    texts = machine.messages(f"CLIENT={machine.client.ipv4}", "LOGGER=bridge.http.trace")

    assert max(len(text) for text in texts) > 4096
    assert all(text.count("Envelope") in (0, 2) for text in texts)
    machine.write(SETTINGS, "")
    machine.run("systemctl", "reload", UNIT)
