"""All checks in their order, their report, and the exit status."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bridge import config
from bridge.client.run import run
from bridge.doctor import devices, machine, network, rehearsal
from bridge.doctor.bundle import write_bundle
from bridge.doctor.finding import Finding, broken, exit_status, ok
from bridge.doctor.patient import Patient
from bridge.errors import BridgeError, ConfigError, ScannerError
from bridge.scanner.configuration import config_directory
from bridge.scanner.model import Device
from bridge.scanner.spawning import Spawner
from bridge.settings import Settings
from bridge.system import asking
from bridge.system.places import sockets_to_ask

Check = Callable[[Patient], Iterator[Finding]]

BEFORE: tuple[Check, ...] = (
    machine.running,
    machine.clock,
    machine.state,
    network.interfaces,
    network.ports,
    network.firewall,
    devices.libraries,
    devices.backends,
    devices.quirks,
    devices.rights,
)
"""Checks that only look."""

AFTER: tuple[Check, ...] = (network.clients, machine.problems)
"""What is told last, because it is about the past."""


def doctor(files: Path | None, *, as_json: bool, scan: bool, bundle: Path | None) -> int:
    """Examine, print the findings, and write `bundle`; the result is the exit status.

    `files` is the settings file of --config. Raises BridgeError when the bundle cannot be written.
    """
    findings: list[Finding] = []

    def tell(found: Finding) -> None:
        findings.append(found)
        if not as_json:
            print("\n".join(found.lines()), flush=True)

    settings = _settings(files, tell)
    patient = Patient(settings)
    try:
        patient.status = asking.ask_first(sockets_to_ask(settings, os.environ), {"command": "status"})
    except BridgeError as error:
        patient.trouble = str(error)
    for check in BEFORE:
        _tell_all(check, patient, tell)
    run(lambda reactor: _live(reactor, patient, tell, scan=scan))
    for check in AFTER:
        _tell_all(check, patient, tell)
    status = exit_status(findings)
    if as_json:
        print(json.dumps({"status": status, "findings": [each.as_dict() for each in findings]}, indent=2))
    else:
        print(_summary(findings))
    if bundle is not None:
        write_bundle(bundle, findings, patient)
        if not as_json:
            print(f"saved {bundle}; it has names and addresses of your network: look into it before you send it")
    return status


def _settings(files: Path | None, tell: Callable[[Finding], None]) -> Settings:
    try:
        settings = config.load() if files is None else config.load([files.absolute()], required=True)
    except ConfigError as error:
        for line in str(error).splitlines():
            tell(broken("settings", line, "correct the file; until then the bridge does not start"))
        return Settings()
    read = [str(path) for path in settings.files if path.exists()]
    tell(ok("settings", f"{', '.join(read) or 'there are none'}: no mistake"))
    return settings


def _tell_all(check: Check, patient: Patient, tell: Callable[[Finding], None]) -> None:
    """One check; that it could not be done is a finding too, and the next one goes on."""
    try:
        for found in check(patient):
            tell(found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        tell(broken("doctor", f"the check {check.__name__} failed: {error!r}", "please report this, with the bundle"))


async def _live(reactor: Any, patient: Patient, tell: Callable[[Finding], None], *, scan: bool) -> None:
    """The checks that take part: SANE's list, a search, a scan."""
    if patient.settings.scanner.virtual != "always":
        for found in devices.listed(await _list(reactor, patient), patient):
            tell(found)
    for found in devices.served(patient):
        tell(found)
    if patient.status is None:
        return
    matches = await rehearsal.search(reactor, patient)
    for found in rehearsal.answered(matches, patient):
        tell(found)
    for found in await rehearsal.twins(reactor, matches, patient):
        tell(found)
    if scan:
        for found in [*rehearsal.unexamined(patient), *await rehearsal.scan(reactor, matches, patient)]:
            tell(found)


async def _list(reactor: Any, patient: Patient) -> tuple[Device, ...] | str:
    spawner = Spawner(reactor, patient.settings.scanner.sane_config_dir or config_directory("usb"))
    try:
        return await spawner.devices()
    except ScannerError as error:
        return str(error)


def _summary(findings: list[Finding]) -> str:
    count = {level: sum(one.level.value == level for one in findings) for level in ("broken", "warning")}
    if not any(count.values()):
        return "\nAll is well here. If Windows shows no scanner, look at the PC: is its network private, and no VPN on?"
    return f"\n{count['broken']} broken, {count['warning']} warnings; begin with the first one that is broken."
