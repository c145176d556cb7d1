"""Checks of the scanner: drivers, rights on the USB device, and whether it answers."""

from __future__ import annotations

import ctypes.util
import grp
import os
import pwd
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from bridge.doctor.finding import Finding, broken, ok, warning
from bridge.doctor.patient import SERVICE_USER, Patient
from bridge.scanner.configuration import config_directory
from bridge.scanner.model import Device
from bridge.scanner.quirk_files import load, quirk_directories

MULTIARCH = ("/usr/lib/*/sane", "/usr/lib/sane")
"""Where Debian keeps SANE's drivers."""

UDEV_DATA = Path("run/udev/data")
"""What udev knows of each device; c189:N is a USB device by its minor number."""


def libraries(patient: Patient) -> Iterator[Finding]:
    """Whether SANE itself is there."""
    if ctypes.util.find_library("sane") is None:
        yield broken("drivers", "the library libsane is missing", "apt install libsane1 python3-sane")
    if ctypes.util.find_library("turbojpeg") is None:
        yield warning("drivers", "libturbojpeg is missing: JPEG is made more slowly", "apt install libturbojpeg0")


def backends(patient: Patient) -> Iterator[Finding]:
    """Whether the drivers that the configuration names are installed."""
    chosen = patient.settings.scanner.sane_config_dir
    folders = [Path(part) for part in (chosen or config_directory("usb")).split(":") if part]
    if chosen and not any(folder.is_dir() for folder in folders):
        yield broken("drivers", f"the folder {chosen} of scanner.sane_config_dir does not exist", "correct the setting")
        return
    named = _named(folders)
    if not named:
        yield broken(
            "drivers", f"no driver is named in {chosen}", "put a dll.conf with its name there, or clear the setting"
        )
        return
    installed = _installed(patient.environ.get("LD_LIBRARY_PATH", ""))
    missing = [name for name in named if name not in installed]
    if chosen and missing:
        yield broken(
            "drivers",
            f"the configuration names {', '.join(missing)}, and there is no such driver on this machine",
            f"install the driver (libsane-{missing[0]}.so.1), or correct {chosen}/dll.conf",
        )
    elif len(missing) == len(named):
        yield broken("drivers", "none of SANE's drivers is installed", "apt install libsane1")
    else:
        yield ok("drivers", f"{len(named) - len(missing)} drivers of SANE are installed")


def quirks(patient: Patient) -> Iterator[Finding]:
    """Whether the quirks files can be read, and which scanners they are for."""
    chosen = patient.settings.scanner.quirks_directory
    if chosen and not Path(chosen).is_dir():
        missing = f"the folder {chosen} of scanner.quirks_directory does not exist"
        yield warning("quirks", missing, "correct the setting")
    known = load(quirk_directories(chosen))
    for problem in known.problems:
        yield warning("quirks", f"left out: {problem}", "correct the file; scanbridge-quirks(5) has every key")
    for scanner in patient.scanners:
        for source in scanner.get("quirks") or []:
            yield ok("quirks", f"{scanner.get('name')}: {source}")


def _named(folders: Sequence[Path]) -> list[str]:
    """The drivers of the first dll.conf and of all dll.d beside it."""
    for folder in folders:
        if not (folder / "dll.conf").is_file():
            continue
        files = [folder / "dll.conf", *sorted((folder / "dll.d").glob("*"))]
        lines = [line for file in files for line in file.read_text("utf-8", "replace").splitlines()]
        words = [line.split("#")[0].strip() for line in lines]
        return list(dict.fromkeys(word for word in words if word))
    return []


def _installed(library_path: str) -> set[str]:
    places = [path for pattern in MULTIARCH for path in Path("/").glob(pattern[1:])]
    places += [Path(part) for part in library_path.split(":") if part]
    files = [file.name for place in places for file in place.glob("libsane-*.so*")]
    return {name.split(".")[0].removeprefix("libsane-") for name in files}


def rights(patient: Patient) -> Iterator[Finding]:
    """Whether the bridge's user may open each USB device that udev takes for a scanner."""
    user = SERVICE_USER if patient.is_service else pwd.getpwuid(os.geteuid()).pw_name
    found = 0
    for node in scanner_nodes(patient.root):
        found += 1
        try:
            about = node.stat()
        except OSError:
            continue
        if may_open(about, user):
            yield ok("usb", f"{user} may open the scanner at {node}")
        else:
            group = _group(about.st_gid)
            yield broken(
                "usb",
                f"{user} may not open the scanner at {node} (mode {stat.S_IMODE(about.st_mode):o}, group {group})",
                f"adduser {user} scanner, then restart; and plug it in again, so that udev's rules count",
            )
    if not found and patient.settings.scanner.virtual == "never":
        yield warning(
            "usb",
            "udev knows no scanner on USB",
            "plug it in and switch it on; lsusb must list it. A model that SANE does not know stays unknown",
        )


def scanner_nodes(root: Path) -> list[Path]:
    """The device files of USB scanners, by udev's own notes."""
    nodes = []
    for note in sorted((root / UDEV_DATA).glob("c189:*")):
        try:
            lines = note.read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        if "E:libsane_matched=yes" in lines:
            minor = int(note.name.partition(":")[2])
            # Documentation/admin-guide/devices.txt: 128 devices on each bus.
            nodes.append(root / f"dev/bus/usb/{minor // 128 + 1:03}/{minor % 128 + 1:03}")
    return nodes


def may_open(about: os.stat_result, user: str) -> bool:
    """Whether `user` may read and write a file with these rights."""
    entry = pwd.getpwnam(user)
    if entry.pw_uid == 0:
        return True
    mode = about.st_mode
    if about.st_uid == entry.pw_uid:
        return mode & 0o600 == 0o600
    if about.st_gid in os.getgrouplist(user, entry.pw_gid):
        return mode & 0o060 == 0o060
    return mode & 0o006 == 0o006


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def served(patient: Patient) -> Iterator[Finding]:
    """What the running bridge says of its scanners."""
    if patient.status is None:
        return
    if not patient.scanners:
        yield broken(
            "scanner",
            "the bridge serves no scanner: none is plugged in, or none answers",
            "plug it in and switch it on; the lines about drivers and usb say what else may be missing",
        )
    for one in patient.scanners:
        name, state = one.get("name"), one.get("state")
        if state == "Stopped":
            reasons = ", ".join(reason for reason in one.get("reasons") or [] if reason != "None")
            yield broken(
                "scanner",
                f"{name} is stopped: {reasons}",
                "the newest line of the log below says why; mend that, and scan again",
            )
        elif one.get("virtual"):
            yield warning(
                "scanner",
                f"{name} is the virtual scanner, whose pages are test pictures",
                'plug in a scanner that SANE knows; scanner.virtual = "never" keeps the virtual one away',
            )
        else:
            yield ok("scanner", f"{name} is served, {state}")


def listed(found: Sequence[Device] | str, patient: Patient) -> Iterator[Finding]:
    """What SANE itself finds now, in a process of its own; a text is why it could not look."""
    if isinstance(found, str):
        yield broken(
            "scanner", f"SANE cannot look for scanners: {found}", "the driver is at fault; scanimage -L shows more"
        )
    elif not found:
        level = broken if patient.settings.scanner.virtual == "never" else warning
        yield level(
            "scanner",
            "SANE finds no scanner on this machine",
            "check cable and power; lsusb must list it. See https://sane-project.org/sane-supported-devices.html for "
            "which models it knows",
        )
    else:
        for device in found:
            yield ok("scanner", f"SANE finds {device.title} ({device.name})")
