"""Who we are to Windows, and what of it survives a power cut.

UUIDs are computed, not stored: the machine's seed and the scanner's USB identity give the same one after replug,
reboot and reinstall (design "Identity and names"). Stored are only counters that must never go back and texts that
must never change: InstanceId, metadata versions, job numbers, vendor and model.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from bridge.dpws.pnpx import hardware_id
from bridge.errors import StateError
from bridge.fieldtext import field_text
from bridge.machine import tells_apart
from bridge.scanner.model import Device
from bridge.state import StateFile

GENERATION = 1
"""Enters every UUID; raised only by a release that changes ids or hosted services, which Windows reads only once."""

MAX_INSTANCE_ID = 0xFFFFFFFF
MAX_JOB_ID = 0x7FFFFFFF
JOB_ID_BLOCK = 100
"""Job numbers reserved by one write to the disk; at most so many are skipped by a restart."""

MAX_SCANNERS = 256
"""Scanners remembered; the one enrolled first is forgotten beyond."""

MAX_KEY = 1024
"""Longest USB identity in UTF-16 units that enters a UUID; it comes from the scanner and may be anything."""

_PROJECT = uuid.UUID("7a9d1c52-6f0e-5f5b-9a53-1d6e0c8b7f21")
_BUS_ADDRESS = re.compile(r"libusb:\d+:\d+")
_UNKNOWN = "Unknown"

log = Logger()


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A scanner as the network knows it.

    `uuid` is lower case with hyphens; `vendor` and `model` are the texts of first sight, fit for metadata; `serial` is
    the scanner's own where it tells it apart from others, else empty.
    """

    uuid: str
    vendor: str
    model: str
    hardware_id: str
    serial: str = ""

    @property
    def title(self) -> str:
        """Vendor and model as a person says them."""
        return Device(name="", vendor=self.vendor, model=self.model).title


class Identity:
    """The persisted counters and texts of one state directory. Made by `load`."""

    def __init__(self, file: StateFile, content: dict[str, Any], seed: str, now: Callable[[], float]) -> None:
        self._file = file
        self._now = now
        self._instance_id = _number(content, "instance_id", 0, MAX_INSTANCE_ID)
        self._next_job_id = _number(content, "job_id_limit", 1, MAX_JOB_ID)
        self._job_id_limit = self._next_job_id
        self._names = _names(content)
        self._versions = _versions(content)
        ports = _entries(content, "first_ports")
        self._first_ports = {key: port for key, port in ports.items() if isinstance(port, str)}
        self._ports: dict[str, str] = {}
        self._made_seed = _text(content, "seed") or str(uuid.uuid4())
        self._namespace = uuid.uuid5(_PROJECT, seed or f"made:{self._made_seed}")

    @classmethod
    def load(cls, directory: Path, *, seed: str, now: Callable[[], float]) -> Identity:
        """The identity kept in `directory`, with a new InstanceId that is already on the disk.

        `seed` is what `machine_seed` found; where it is empty one is made and kept. `now` gives seconds since 1970.
        Raises StateError when the directory cannot be made, read or written.
        """
        file = StateFile(directory)
        file.prepare()
        identity = cls(file, file.read(), seed, now)
        identity._raise_instance_id()
        file.write(identity._content())
        return identity

    @property
    def instance_id(self) -> int:
        """The AppSequence InstanceId of this start: greater than any before, whatever the clock says (checklist 54)."""
        return self._instance_id

    def renew_instance_id(self) -> int:
        """A greater InstanceId, as if the device had been switched off and on; returns it."""
        self._raise_instance_id()
        self._save()
        return self._instance_id

    def enrol(self, device: Device, taken: Collection[str] = ()) -> Enrolled:
        """The lasting identity of `device` (checklist 51, 53).

        `taken` are the UUIDs of the other scanners that are plugged in now: where two tell the same serial number, the
        port decides from then on. Vendor and model are frozen at first sight.
        """
        key, serial = self._key(device, taken)
        scanner = self._uuid(key)
        if scanner not in self._names:
            self._names[scanner] = (field_text(device.vendor) or _UNKNOWN, field_text(device.model) or _UNKNOWN)
            _forget_oldest(self._names)
            self._save()
        vendor, model = self._names[scanner]
        return Enrolled(scanner, vendor, model, hardware_id(vendor, model), field_text(serial))

    def metadata_version(self, scanner: str, digest: str) -> int:
        """The MetadataVersion of the scanner with UUID `scanner` whose metadata has this `digest`.

        Starts at 1, grows when the digest changes and only then (checklist 110, 111).
        """
        known, version = self._versions.get(scanner, ("", 0))
        if known != digest:
            version = min(version + 1, MAX_INSTANCE_ID)
            self._versions[scanner] = (digest, version)
            _forget_oldest(self._versions)
            self._save()
        return version

    def reserve_job_id(self) -> int:
        """The next job number, 1 to 2147483647, never one that was given out before a restart; then 1 again."""
        if self._next_job_id >= self._job_id_limit:
            self._job_id_limit = min(self._next_job_id + JOB_ID_BLOCK, MAX_JOB_ID)
            self._save()
        job_id = self._next_job_id
        self._next_job_id += 1
        if job_id >= MAX_JOB_ID:
            self._next_job_id = self._job_id_limit = 1
            self._save()
        return job_id

    def _key(self, device: Device, taken: Collection[str]) -> tuple[str, str]:
        """What tells `device` from every other, and its serial number where that is part of it."""
        if device.name.startswith("test:"):
            return f"virtual:{device.name.removeprefix('test:')}", ""
        if not device.usb_id:
            return f"sane:{_BUS_ADDRESS.sub('libusb', device.name)}:{device.port}", ""
        by_port = f"usb:{device.usb_id.lower()}:port:{device.port}"
        serial = device.serial.strip()
        if not tells_apart(serial):
            return by_port, ""
        by_serial = f"usb:{device.usb_id.lower()}:serial:{serial}"
        first = self._first_ports.get(by_serial)
        last = self._ports.setdefault(by_serial, device.port)
        if first is None and last != device.port and self._uuid(by_serial) in taken:
            log.warn(
                "two scanners {usb_id} tell the same serial number; from now on the USB port tells them apart",
                usb_id=device.usb_id,
            )
            self._first_ports[by_serial] = first = last
            _forget_oldest(self._first_ports)
            self._save()
        if first is not None and first != device.port:
            return by_port, ""
        self._ports[by_serial] = device.port
        return by_serial, serial

    def _uuid(self, key: str) -> str:
        return str(uuid.uuid5(self._namespace, f"{GENERATION}:{field_text(key, MAX_KEY)}"))

    def _raise_instance_id(self) -> None:
        self._instance_id = min(max(int(self._now()), self._instance_id + 1), MAX_INSTANCE_ID)

    def _content(self) -> dict[str, Any]:
        return {
            "instance_id": self._instance_id,
            "job_id_limit": self._job_id_limit,
            "seed": self._made_seed,
            "first_ports": self._first_ports,
            "names": {scanner: list(texts) for scanner, texts in self._names.items()},
            "metadata": {scanner: list(known) for scanner, known in self._versions.items()},
        }

    def _save(self) -> None:
        """Write what changed while running: a full disk must not stop a scan, so a failure is told and no more."""
        try:
            self._file.write(self._content())
        except StateError as error:
            log.error("{error}; until then a restart may repeat job numbers or metadata versions", error=str(error))


def _number(content: dict[str, Any], key: str, least: int, most: int) -> int:
    value = content.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    return least


def _text(content: dict[str, Any], key: str) -> str:
    value = content.get(key)
    return field_text(value) if isinstance(value, str) else ""


def _entries(content: dict[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key)
    return value if isinstance(value, dict) else {}


def _names(content: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The frozen vendor and model texts; an entry that is not whole is forgotten."""
    found = {}
    for scanner, entry in _entries(content, "names").items():
        match entry:
            case [str() as vendor, str() as model] if field_text(vendor) and field_text(model):
                found[scanner] = (field_text(vendor), field_text(model))
            case _:
                log.warn("the state file has a damaged name for scanner {scanner}; it is asked anew", scanner=scanner)
    return found


def _versions(content: dict[str, Any]) -> dict[str, tuple[str, int]]:
    """The digests and versions of metadata; an entry that is not whole is forgotten."""
    found = {}
    for scanner, entry in _entries(content, "metadata").items():
        match entry:
            case [str() as digest, int() as version] if 0 < version <= MAX_INSTANCE_ID:
                found[scanner] = (digest, version)
            case _:
                log.warn("the state file has a damaged version for scanner {scanner}; it starts at 1", scanner=scanner)
    return found


def _forget_oldest(known: dict[str, Any]) -> None:
    while len(known) > MAX_SCANNERS:
        known.pop(next(iter(known)))
