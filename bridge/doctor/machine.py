"""Checks of the machine itself: clock, place for the state, the running bridge, its problems."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bridge.doctor.finding import Finding, broken, ok, warning
from bridge.doctor.patient import Patient
from bridge.system.places import state_directory

NOT_BEFORE = datetime(2024, 1, 1)
"""A clock that says less was never set."""

LITTLE_SPACE = 16 * 1024 * 1024
"""Bytes; the state itself needs a few thousand."""


def clock(patient: Patient) -> Iterator[Finding]:
    """Whether the clock was set: jobs and subscriptions tell times, and Windows compares them with its own."""
    now = datetime.fromtimestamp(time.time())
    if now < NOT_BEFORE:
        yield broken(
            "clock",
            f"this machine thinks that it is {now:%Y-%m-%d %H:%M}",
            "set the time, with network: timedatectl set-ntp true; without: date -s '2026-01-31 12:00'",
        )
    else:
        yield ok("clock", f"{now:%Y-%m-%d %H:%M}")


def state(patient: Patient) -> Iterator[Finding]:
    """Whether what must survive a restart can be written: without it Windows meets a new scanner each time."""
    place = state_directory(patient.settings, patient.environ)
    if patient.is_service and not patient.settings.state.directory:
        place = Path("/var/lib/scanbridge")
    there = next(path for path in (place, *place.parents) if path.exists() or path == path.parent)
    try:
        free = shutil.disk_usage(there).free
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(b"x" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            yield broken(
                "state", f"the disk with {place} is full", "make room on it: journalctl --vacuum-size=50M, apt clean"
            )
        elif error.errno == errno.EROFS:
            yield broken(
                "state", f"{place} is on a disk that is read-only", "mount it writable, or set another state.directory"
            )
        elif patient.is_service and os.geteuid() != 0:
            yield ok("state", f"{place} belongs to the service, which is not for you to look into")
        else:
            yield broken(
                "state",
                f"{place} cannot be written: {error.strerror}",
                "give it to the user that the bridge runs as (chown), or set state.directory to another folder",
            )
        return
    if free < LITTLE_SPACE:
        yield warning("state", f"only {free // 1024} KiB are free where {place} is", "make room on that disk")
    else:
        yield ok("state", f"{place} can be written")


def running(patient: Patient) -> Iterator[Finding]:
    """Whether a bridge runs here, and is ready."""
    status = patient.status
    if status is None:
        if "no permission" in patient.trouble:
            yield broken("bridge", patient.trouble, "run this as root, or join the group scanner and log in anew")
            return
        yield broken(
            "bridge",
            patient.trouble,
            "start it: systemctl start scanbridge, or ./run in a checkout; if it ends at once, see the lines below and "
            "journalctl -u scanbridge",
        )
    elif not status.get("ready"):
        yield warning("bridge", "the bridge is still starting, or is stopping", "wait a minute and ask again")
    else:
        yield ok("bridge", f"Scanbridge {status.get('version')} runs since {status.get('since')}")


def problems(patient: Patient) -> Iterator[Finding]:
    """What the bridge itself complained about."""
    for one in (patient.status or {}).get("problems") or []:
        times = f" ({one['count']} times)" if one.get("count", 1) > 1 else ""
        yield warning("log", f"{one.get('at')}{times}: {one.get('text')}", "the line itself says what to do")
