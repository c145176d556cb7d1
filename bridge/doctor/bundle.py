"""One archive for a bug report: what the doctor found, settings, status, log; secrets and images left out."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path

from bridge import __version__
from bridge.doctor.finding import Finding
from bridge.doctor.patient import Patient
from bridge.errors import StateError

MAX_PART = 4 * 1024 * 1024
"""Most bytes of one part; of a longer one the end is kept."""

_COMMANDS: dict[str, Sequence[str]] = {
    "journal.txt": ("journalctl", "-u", "scanbridge", "-n", "3000", "-o", "short-iso", "--no-pager"),
    "service.txt": ("systemctl", "status", "scanbridge", "--no-pager", "-l"),
    "addresses.txt": ("ip", "address"),
    "routes.txt": ("ip", "route", "show", "table", "all"),
    "multicast.txt": ("ip", "maddress"),
    "usb.txt": ("lsusb",),
    "packages.txt": ("dpkg-query", "-W", "scanbridge", "libsane*", "python3-twisted", "python3-sane", "sane-airscan"),
    "system.txt": ("uname", "-a"),
}

_SECRET_KEY = re.compile(r"^(\s*[\w.-]*(?:psk|pass|secret|token|key)[\w.-]*\s*=).*$", re.IGNORECASE | re.MULTILINE)
_SECRET_ELEMENT = re.compile(
    r"(<(?:[\w-]+:)?(JobToken|DestinationToken|ScanIdentifier|Identifier|ClientContext)\b[^>]*>)[^<]*(<)"
)
"""Elements whose text gives a right, in messages that log.wire wrote down."""


def without_secrets(text: str) -> str:
    """`text` with passphrases, keys and tokens replaced."""
    return _SECRET_ELEMENT.sub(r"\1(left out)\3", _SECRET_KEY.sub(r"\1 (left out)", text))


def write_bundle(path: Path, findings: Sequence[Finding], patient: Patient) -> None:
    """Write the archive (tar, gzip) for its owner's eyes only. Raises StateError when it cannot be written."""
    parts = {
        "doctor.txt": "\n".join(line for one in findings for line in one.lines()),
        "doctor.json": json.dumps([one.as_dict() for one in findings], indent=2),
        "status.json": json.dumps(patient.status, indent=2),
        "version.txt": __version__,
        **{f"settings/{file.name}": _read(file) for file in patient.settings.files if file.is_file()},
        "os-release.txt": _read(Path("/etc/os-release")),
        **{name: _output(command) for name, command in _COMMANDS.items()},
    }
    try:
        path.touch(mode=0o600)
        with tarfile.open(path, "w:gz") as archive:
            for name, text in parts.items():
                data = without_secrets(text).encode("utf-8", "replace")[-MAX_PART:]
                entry = tarfile.TarInfo(f"scanbridge-report/{name}")
                entry.size, entry.mode, entry.mtime = len(data), 0o600, int(time.time())
                archive.addfile(entry, io.BytesIO(data))
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}; name another place with --bundle") from error


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError as error:
        return f"({error})"


def _output(command: Sequence[str]) -> str:
    if shutil.which(command[0]) is None:
        return f"({command[0]} is not installed)"
    try:
        ended = subprocess.run(command, capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"({error})"
    return (ended.stdout + ended.stderr).decode("utf-8", "replace")
