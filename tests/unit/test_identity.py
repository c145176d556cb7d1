"""What Windows recognises a scanner by, and what of it survives a power cut."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import identity as module
from bridge.errors import StateError
from bridge.identity import JOB_ID_BLOCK, MAX_INSTANCE_ID, MAX_JOB_ID, Enrolled, Identity
from bridge.machine import machine_seed
from bridge.scanner.model import Device
from bridge.state import FILE_NAME

LIDE = Device("genesys:libusb:001:004", "Canon", "LiDE 210", usb_id="04a9:190a", serial="", port="1-1.2")
EPSON = Device("epson2:libusb:001:005", "Epson", "V39", usb_id="04b8:013d", serial="JP7X000123", port="1-1.3")
VIRTUAL = Device("test:0", "Noname", "frontend-tester", kind="virtual device")
NOW = 1_700_000_000.0


def load(directory: Path, now: float = NOW, seed: str = "board:1000abcd") -> Identity:
    return Identity.load(directory, seed=seed, now=lambda: now)


def stored(directory: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((directory / FILE_NAME).read_bytes())
    return content


# InstanceId


def test_the_instance_id_is_the_time_of_the_first_start(tmp_path: Path) -> None:
    """Without a past the clock gives the InstanceId, in seconds since 1970."""
    assert load(tmp_path).instance_id == int(NOW)


@pytest.mark.conformance(54)
@pytest.mark.parametrize("now", [NOW + 60, NOW, NOW - 86400, 0.0, -5.0])
def test_the_instance_id_grows_whatever_the_clock_says(tmp_path: Path, now: float) -> None:
    """A machine without a clock may wake in the past; clients would ignore an InstanceId from there."""
    first = load(tmp_path).instance_id
    assert load(tmp_path, now).instance_id > first


@pytest.mark.conformance(54)
def test_the_instance_id_is_on_the_disk_before_anybody_has_it(tmp_path: Path) -> None:
    """Power may fail after the first message, so what it carries must be stored already."""
    identity = load(tmp_path)
    assert stored(tmp_path)["instance_id"] == identity.instance_id
    identity.renew_instance_id()
    assert stored(tmp_path)["instance_id"] == identity.instance_id


def test_renewing_raises_the_instance_id(tmp_path: Path) -> None:
    """Several changes in one second still give growing values."""
    identity = load(tmp_path)
    before = identity.instance_id
    assert identity.renew_instance_id() == identity.instance_id == before + 1


def test_the_instance_id_stays_an_unsigned_int(tmp_path: Path) -> None:
    """A clock in the far future must not push it out of what the wire can carry."""
    assert load(tmp_path, 1e12).instance_id == MAX_INSTANCE_ID
    assert load(tmp_path).instance_id == MAX_INSTANCE_ID


# UUID


@pytest.mark.conformance(51)
@pytest.mark.parametrize("device", [LIDE, EPSON, VIRTUAL])
def test_the_uuid_survives_a_restart(tmp_path: Path, device: Device) -> None:
    """The same scanner on the same machine is the same device to Windows."""
    assert load(tmp_path).enrol(device) == load(tmp_path).enrol(device)


@pytest.mark.conformance(51)
@pytest.mark.parametrize("device", [LIDE, EPSON, VIRTUAL])
def test_the_uuid_survives_a_reinstallation(tmp_path: Path, device: Device) -> None:
    """With its state lost the machine still computes the same UUID."""
    assert load(tmp_path / "a").enrol(device).uuid == load(tmp_path / "b").enrol(device).uuid


def test_the_uuid_does_not_depend_on_the_bus_address(tmp_path: Path) -> None:
    """A replug changes the address behind libusb, and nothing else."""
    replugged = replace(LIDE, name="genesys:libusb:003:017")
    identity = load(tmp_path)
    assert identity.enrol(replugged).uuid == identity.enrol(LIDE).uuid


def test_a_serial_number_follows_the_scanner_to_another_port(tmp_path: Path) -> None:
    """A scanner that tells a serial number is the same one wherever it is plugged in."""
    identity = load(tmp_path)
    assert identity.enrol(replace(EPSON, port="2-1")).uuid == identity.enrol(EPSON).uuid


@pytest.mark.conformance(53)
def test_equal_scanners_without_serial_are_told_apart_by_port(tmp_path: Path) -> None:
    """Two of a kind are two devices."""
    identity = load(tmp_path)
    assert identity.enrol(replace(LIDE, port="1-1.4")).uuid != identity.enrol(LIDE).uuid


@pytest.mark.conformance(53)
@pytest.mark.parametrize("serial", ["0000000000", "123456789", " ", "FFFF"])
def test_a_serial_number_nobody_filled_in_is_none(tmp_path: Path, serial: str) -> None:
    """What a maker left blank tells no two scanners apart."""
    identity = load(tmp_path)
    first = identity.enrol(replace(LIDE, serial=serial))
    assert identity.enrol(replace(LIDE, serial=serial, port="1-1.4")).uuid != first.uuid
    assert first.serial == ""


@pytest.mark.conformance(53)
def test_scanners_with_the_same_serial_number_at_once_are_told_apart(tmp_path: Path) -> None:
    """The one there first keeps its UUID, the other one gets that of its port."""
    identity = load(tmp_path)
    first = identity.enrol(EPSON)
    second = identity.enrol(replace(EPSON, port="2-1"), taken={first.uuid})
    assert second.uuid != first.uuid


@pytest.mark.conformance(51, 53)
def test_scanners_with_the_same_serial_number_keep_their_uuids_in_any_order(tmp_path: Path) -> None:
    """Once they were seen together, a restart that lists them the other way round changes nothing."""
    identity = load(tmp_path)
    first = identity.enrol(EPSON)
    second = identity.enrol(replace(EPSON, port="2-1"), taken={first.uuid})
    restarted = load(tmp_path)
    assert restarted.enrol(replace(EPSON, port="2-1")) == second
    assert restarted.enrol(EPSON, taken={second.uuid}) == first


def test_a_scanner_enrolled_again_beside_itself_is_still_the_same(tmp_path: Path) -> None:
    """A listing that names a scanner that is known already is no clash."""
    identity = load(tmp_path)
    first = identity.enrol(EPSON)
    assert identity.enrol(EPSON, taken={first.uuid}) == first


@pytest.mark.conformance(53)
def test_virtual_scanners_have_an_identity_each(tmp_path: Path) -> None:
    """The index tells them apart."""
    identity = load(tmp_path)
    assert identity.enrol(VIRTUAL).uuid != identity.enrol(replace(VIRTUAL, name="test:1")).uuid


@pytest.mark.conformance(53)
def test_two_machines_give_different_uuids(tmp_path: Path) -> None:
    """The same model on another machine is another device."""
    here, there = load(tmp_path / "a", seed="board:1"), load(tmp_path / "b", seed="board:2")
    assert here.enrol(VIRTUAL).uuid != there.enrol(VIRTUAL).uuid


def test_a_machine_without_a_seed_keeps_the_one_made_for_it(tmp_path: Path) -> None:
    """Where nothing tells machines apart, a random seed in the state does."""
    first = load(tmp_path / "a", seed="").enrol(LIDE)
    assert load(tmp_path / "a", seed="").enrol(LIDE) == first
    assert load(tmp_path / "b", seed="").enrol(LIDE) != first


def test_a_generation_gives_new_uuids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that changes what Windows has cached must look like a new device."""
    before = load(tmp_path).enrol(LIDE).uuid
    monkeypatch.setattr(module, "GENERATION", module.GENERATION + 1)
    assert load(tmp_path).enrol(LIDE).uuid != before


def test_the_uuid_is_pinned(tmp_path: Path) -> None:
    """A change of how UUIDs are computed would make every scanner in the field a new one."""
    assert load(tmp_path).enrol(LIDE).uuid == "49424b64-f4e3-5065-99b2-2c1bd8447e9b"
    assert load(tmp_path).enrol(EPSON).uuid == "4d9c749d-15f6-5ca9-a1d8-3e182986d6ba"
    assert load(tmp_path).enrol(VIRTUAL).uuid == "e200c2cc-2778-5add-bf03-c453d14b9033"


def test_the_uuid_is_written_as_the_wire_wants_it(tmp_path: Path) -> None:
    """Lower case with hyphens."""
    text = load(tmp_path).enrol(EPSON).uuid
    assert text == str(uuid.UUID(text))


def test_hostile_texts_of_a_scanner_do_no_harm(tmp_path: Path) -> None:
    """A descriptor may hold anything; it is cleaned, and what is empty gets a word, since the fields are required."""
    odd = Device("x:1", "\x00\udcff", "M\x07" * 300, usb_id="dead:beef", serial="\udcfe\n" * 5, port="\udc80")
    identity = load(tmp_path)
    enrolled = identity.enrol(odd)
    assert enrolled.vendor == "Unknown"
    assert len(enrolled.model) <= 255
    assert load(tmp_path).enrol(odd) == enrolled


# Frozen texts


def test_names_are_frozen_at_first_sight(tmp_path: Path) -> None:
    """A libsane that words vendor or model differently must not look like a changed device."""
    first = load(tmp_path).enrol(LIDE)
    assert load(tmp_path).enrol(replace(LIDE, vendor="CANON", model="CanoScan LiDE 210")) == first


def test_the_title_does_not_repeat_the_vendor() -> None:
    """A model that begins with its vendor is complete."""
    assert Enrolled("", "Canon", "Canon MG 5200", "").title == "Canon MG 5200"
    assert Enrolled("", "Canon", "LiDE 210", "").title == "Canon LiDE 210"


def test_the_memory_of_scanners_is_bounded(tmp_path: Path) -> None:
    """A device that pretends to be many does not fill the disk."""
    identity = load(tmp_path)
    for number in range(module.MAX_SCANNERS + 10):
        enrolled = identity.enrol(replace(LIDE, port=f"1-{number}"))
        identity.metadata_version(enrolled.uuid, "digest")
    assert len(stored(tmp_path)["names"]) == module.MAX_SCANNERS  # type: ignore[arg-type]
    assert len(stored(tmp_path)["metadata"]) == module.MAX_SCANNERS  # type: ignore[arg-type]


# MetadataVersion


def test_metadata_versions_start_at_one(tmp_path: Path) -> None:
    """The first version of a device is 1."""
    assert load(tmp_path).metadata_version("a", "digest") == 1


@pytest.mark.conformance(110)
def test_the_metadata_version_grows_with_every_change(tmp_path: Path) -> None:
    """Also a change back is a change."""
    identity = load(tmp_path)
    versions = [identity.metadata_version("a", digest) for digest in ("x", "y", "x")]
    assert versions == [1, 2, 3]


@pytest.mark.conformance(111)
def test_the_metadata_version_survives_a_restart(tmp_path: Path) -> None:
    """The same metadata has the same version before and after; a change while switched off counts."""
    load(tmp_path).metadata_version("a", "x")
    assert load(tmp_path).metadata_version("a", "x") == 1
    assert load(tmp_path).metadata_version("a", "y") == 2


def test_metadata_versions_of_two_scanners_are_their_own(tmp_path: Path) -> None:
    """One scanner's change is not the other's."""
    identity = load(tmp_path)
    identity.metadata_version("a", "x")
    identity.metadata_version("a", "y")
    assert identity.metadata_version("b", "x") == 1


# Job numbers


def test_job_numbers_count_from_one(tmp_path: Path) -> None:
    """Numbers rise by one while the daemon runs."""
    identity = load(tmp_path)
    assert [identity.reserve_job_id() for _ in range(250)] == list(range(1, 251))


def test_job_numbers_are_not_reused_after_a_restart(tmp_path: Path) -> None:
    """Whenever power fails, a number given out is not given out again."""
    given: set[int] = set()
    for _ in range(5):
        identity = load(tmp_path)
        fresh = {identity.reserve_job_id() for _ in range(JOB_ID_BLOCK + 7)}
        assert not given & fresh
        given |= fresh


def test_job_numbers_cost_one_write_a_block(tmp_path: Path) -> None:
    """An SD card must not pay for every job."""
    identity = load(tmp_path)
    versions = set()
    for _ in range(JOB_ID_BLOCK):
        identity.reserve_job_id()
        versions.add(os.stat(tmp_path / FILE_NAME).st_ino)
    assert len(versions) == 1


@pytest.mark.conformance(176)
def test_job_numbers_begin_again_after_the_last(tmp_path: Path) -> None:
    """A job id is an int of 1 to 2147483647; behind the last comes 1, also when power fails there."""
    (tmp_path / FILE_NAME).write_text(json.dumps({"job_id_limit": MAX_JOB_ID - 1}))
    identity = load(tmp_path)
    assert [identity.reserve_job_id() for _ in range(2)] == [2147483646, 2147483647]
    assert load(tmp_path).reserve_job_id() == 1
    assert identity.reserve_job_id() == 1


# Trouble with the state


@pytest.mark.parametrize(
    "content",
    [
        {"instance_id": "x", "job_id_limit": -4, "names": [], "metadata": {"a": ["d"]}, "first_ports": 7, "seed": 1},
        {"instance_id": True, "job_id_limit": 2**40, "names": {"a": ["", ""], "b": 1}, "metadata": {"a": ["d", 0]}},
        {"instance_id": -1, "job_id_limit": 1.5, "names": None, "metadata": {"a": ["d", 2**33], "b": [1, 1]}},
    ],
)
def test_wrong_entries_count_as_missing(tmp_path: Path, content: dict[str, object]) -> None:
    """A state file that somebody edited starts the daemon all the same."""
    (tmp_path / FILE_NAME).write_text(json.dumps(content))
    identity = load(tmp_path)
    assert identity.instance_id == int(NOW)
    assert identity.reserve_job_id() == 1
    assert identity.metadata_version("a", "d") == 1
    assert identity.enrol(LIDE).model == "LiDE 210"


def test_a_damaged_state_file_keeps_the_uuids(tmp_path: Path) -> None:
    """What is computed cannot be lost."""
    first = load(tmp_path).enrol(LIDE)
    (tmp_path / FILE_NAME).write_bytes(b"\x00" * 512)
    assert load(tmp_path).enrol(LIDE) == first


def test_a_state_directory_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    """Without a place for the InstanceId Windows would ignore us after the next start, so it is said at once."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError):
        load(tmp_path / "file")


def test_a_disk_that_fills_up_stops_no_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While running, numbers are given out even when they cannot be stored."""
    identity = load(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert identity.reserve_job_id() == 1
    assert identity.metadata_version("a", "x") == 1


# The machine's seed


def put(root: Path, path: str, content: bytes) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content)


MACHINE_ID = b"0123456789abcdef0123456789abcdef\n"


def test_the_boards_serial_number_is_the_seed(tmp_path: Path) -> None:
    """Two boards with one image differ in their serial number, not in machine-id."""
    put(tmp_path, "proc/device-tree/serial-number", b"10000000ABCD1234\x00")
    put(tmp_path, "etc/machine-id", MACHINE_ID)
    assert machine_seed(tmp_path) == "board:10000000abcd1234"


def test_the_seed_is_in_cpuinfo_on_older_kernels(tmp_path: Path) -> None:
    """A kernel without device tree tells the same number there, so an upgrade changes nothing."""
    put(tmp_path, "proc/cpuinfo", b"processor\t: 0\nHardware\t: BCM2835\nSerial\t\t: 10000000abcd1234\n")
    assert machine_seed(tmp_path) == "board:10000000abcd1234"


@pytest.mark.parametrize("serial", [b"", b"\x00", b"0000000000000000\x00"])
def test_an_empty_serial_number_falls_back_to_machine_id(tmp_path: Path, serial: bytes) -> None:
    """A board that was given no number is told apart by its installation."""
    put(tmp_path, "proc/device-tree/serial-number", serial)
    put(tmp_path, "etc/machine-id", MACHINE_ID)
    assert machine_seed(tmp_path) == "machine-id:0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("content", [b"", b"uninitialized\n", b"0" * 32])
def test_an_unusable_machine_id_is_none(tmp_path: Path, content: bytes) -> None:
    """Then there is no seed, and one is made and kept."""
    put(tmp_path, "etc/machine-id", content)
    assert machine_seed(tmp_path) == ""


def test_nothing_shows_the_machine_id(tmp_path: Path) -> None:
    """machine-id is confidential: neither a UUID nor the state file contains it."""
    put(tmp_path, "etc/machine-id", MACHINE_ID)
    secret = MACHINE_ID.decode().strip()
    enrolled = load(tmp_path / "state", seed=machine_seed(tmp_path)).enrol(VIRTUAL)
    assert secret not in enrolled.uuid.replace("-", "")
    assert secret not in (tmp_path / "state" / FILE_NAME).read_text()
