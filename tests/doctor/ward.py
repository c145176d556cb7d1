"""A machine on which `doctor` is run for real, and what it says there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.daemon import HANG_S, REPOSITORY, Daemon, Settings, toml
from tests.interop.namespaces import INTERFACE, Host

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
"""As a user who may nothing."""


@dataclass(frozen=True)
class Report:
    """What one run said; `status` is its exit status."""

    status: int
    findings: list[dict[str, str]]

    def trouble(self) -> list[str]:
        """Warnings and worse, as "level topic: text"."""
        return [f"{one['level']} {one['topic']}: {one['text']}" for one in self.findings if one["level"] != "ok"]

    def blames(self, topic: str, text: str, level: str = "broken") -> bool:
        """Whether this is found, with a remedy."""
        return any(
            (one["level"], one["topic"]) == (level, topic) and text in one["text"] and one["remedy"]
            for one in self.findings
        )

    def praises(self, topic: str, text: str) -> bool:
        """Whether this is said to be well."""
        return any((one["level"], one["topic"]) == ("ok", topic) and text in one["text"] for one in self.findings)


class Ward:
    """The machine `host` with a settings file in `directory`, over which `settings` are laid."""

    def __init__(self, host: Host, directory: Path, settings: Settings | None = None) -> None:
        self.host = host
        self.directory = directory
        self.config = directory / "doctor.toml"
        own: Settings = {
            "network": {"interfaces": [INTERFACE]},
            "scanner": {"virtual": "always"},
            "state": {"directory": str(directory / "state")},
            "control": {"socket": str(directory / "control.sock")},
        }
        self.config.write_text(toml(own, settings or {}), encoding="utf-8")

    def examine(
        self,
        *words: str,
        before: Sequence[str] = (),
        config: Path | None = None,
        environment: Mapping[str, str] | None = None,
        source: Path = REPOSITORY,
    ) -> Report:
        """Run `scanbridge doctor --json` with `words`; `before` are words before the command."""
        process = self.host.start(
            *before,
            *(sys.executable, "-m", "bridge", "--config", str(config or self.config), "doctor", "--json", *words),
            cwd=source,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, error = process.communicate(timeout=HANG_S)
        assert process.returncode in (0, 1, 2), error
        told: dict[str, Any] = json.loads(out)
        assert told["status"] == process.returncode
        return Report(process.returncode, told["findings"])


def daemon_on(host: Host, directory: Path, settings: Settings | None = None) -> Daemon:
    """A bridge on `host` with the virtual scanner, on the cable."""
    layers = {section: dict(keys) for section, keys in (settings or {}).items()}
    layers["network"] = {"interfaces": [INTERFACE], **layers.get("network", {})}
    return Daemon(directory, layers, launch=host.start)
